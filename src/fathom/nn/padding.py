"""Layers that add elements around images."""

from collections.abc import Sequence
from typing import ClassVar

from ..functional.arguments import one_for_each
from ..functional.images import spatial_rank
from ..functional.padding import pad
from ..tensor import Tensor
from .module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    """Adds elements at both ends of every spatial dimension.

    Args:
        padding: how many; one number for all ends, or pairs from the last dimension
            backwards: (left, right, top, bottom, …). Negative numbers cut elements off.
    """

    _kind: ClassVar[str]
    _mode: ClassVar[str]

    def __init__(self, padding: int | Sequence[int]) -> None:
        ends = 2 * spatial_rank(self._kind)
        self.padding = one_for_each(padding, ends, f"{self._kind}: padding", least=-(2**62))

    def forward(self, input: Tensor) -> Tensor:
        return pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """Adds elements of one value at both ends of every spatial dimension.

    Args:
        padding: see `ZeroPad2d`.
        value: the value of the elements.
    """

    _mode = "constant"

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Elements of one value around sequences (…, L)."""

    _kind = "ConstantPad1d"


class ConstantPad2d(_ConstantPad):
    """Elements of one value around images (…, H, W)."""

    _kind = "ConstantPad2d"


class ConstantPad3d(_ConstantPad):
    """Elements of one value around volumes (…, D, H, W)."""

    _kind = "ConstantPad3d"


class ZeroPad1d(_Pad):
    """Zeros around sequences (…, L)."""

    _kind, _mode = "ZeroPad1d", "constant"


class ZeroPad2d(_Pad):
    """Zeros around images (…, H, W).

    Args:
        padding: how many; one number for all sides, or (left, right, top, bottom).
            Negative numbers cut elements off.
    """

    _kind, _mode = "ZeroPad2d", "constant"


class ZeroPad3d(_Pad):
    """Zeros around volumes (…, D, H, W)."""

    _kind, _mode = "ZeroPad3d", "constant"


class ReflectionPad1d(_Pad):
    """Sequences mirrored at their ends, which are not repeated."""

    _kind, _mode = "ReflectionPad1d", "reflect"


class ReflectionPad2d(_Pad):
    """Images mirrored at their edges, which are not repeated."""

    _kind, _mode = "ReflectionPad2d", "reflect"


class ReflectionPad3d(_Pad):
    """Volumes mirrored at their faces, which are not repeated."""

    _kind, _mode = "ReflectionPad3d", "reflect"


class ReplicationPad1d(_Pad):
    """Sequences with their end elements repeated."""

    _kind, _mode = "ReplicationPad1d", "replicate"


class ReplicationPad2d(_Pad):
    """Images with their edges repeated."""

    _kind, _mode = "ReplicationPad2d", "replicate"


class ReplicationPad3d(_Pad):
    """Volumes with their faces repeated."""

    _kind, _mode = "ReplicationPad3d", "replicate"


class CircularPad1d(_Pad):
    """Sequences continued with their other end."""

    _kind, _mode = "CircularPad1d", "circular"


class CircularPad2d(_Pad):
    """Images continued with their other side."""

    _kind, _mode = "CircularPad2d", "circular"


class CircularPad3d(_Pad):
    """Volumes continued with their other side."""

    _kind, _mode = "CircularPad3d", "circular"
