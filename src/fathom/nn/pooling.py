"""Pooling layers."""

from collections.abc import Sequence
from typing import Any, ClassVar

from ..functional import pooling as functions
from ..functional.arguments import one_for_each
from ..tensor import Tensor
from .module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
]

Sizes = int | Sequence[int]


class _MaxPool(Module):
    """The largest element of each window; see `MaxPool2d`."""

    _kind: ClassVar[str]

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return functions.max_pool(
            self._kind,
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest element of each window of sequences (N, C, L) or (C, L); see `MaxPool2d`."""

    _kind = "MaxPool1d"


class MaxPool2d(_MaxPool):
    """The largest element of each window of images (N, C, H, W) or (C, H, W); NaN wins.

    Args:
        kernel_size: the size of the windows; a number, or one for each dimension.
        stride: how far they move; by default their size, so that they do not overlap.
        padding: how far windows reach over both ends; never more than half their size.
        dilation: how far apart the elements of a window lie.
        return_indices: whether the output is a pair: the largest elements, and where in
            each channel's H * W elements they lie.
        ceil_mode: whether a last window that does not fit entirely counts.

    Raises:
        ShapeError: the windows do not fit into the input.
    """

    _kind = "MaxPool2d"


class MaxPool3d(_MaxPool):
    """The largest element of each window of volumes (N, C, D, H, W); see `MaxPool2d`."""

    _kind = "MaxPool3d"


class AvgPool1d(Module):
    """The mean of each window of sequences (N, C, L) or (C, L); see `AvgPool2d`."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = one_for_each(kernel_size, 1, "AvgPool1d: kernel_size", least=1)
        self.stride = (
            self.kernel_size
            if stride is None
            else one_for_each(stride, 1, "AvgPool1d: stride", least=1)
        )
        self.padding = one_for_each(padding, 1, "AvgPool1d: padding", least=0)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return functions.average_pool(
            "AvgPool1d",
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    """The mean of each window; see `AvgPool2d`."""

    _kind: ClassVar[str]

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return functions.average_pool(
            self._kind,
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of each window of images (N, C, H, W) or (C, H, W).

    Args:
        kernel_size: the size of the windows; a number, or one for each dimension.
        stride: how far they move; by default their size, so that they do not overlap.
        padding: how many zeros are added at both ends; never more than half a window.
        ceil_mode: whether a last window that does not fit entirely counts.
        count_include_pad: whether the zeros of the padding count as elements.
        divisor_override: by what sums are divided instead of the number of elements.

    Raises:
        ShapeError: the windows do not fit into the input.
    """

    _kind = "AvgPool2d"


class AvgPool3d(_AvgPool):
    """The mean of each window of volumes (N, C, D, H, W) or (C, D, H, W); see `AvgPool2d`."""

    _kind = "AvgPool3d"


class _LPPool(Module):
    """The p-norm of each window; see `LPPool2d`."""

    _kind: ClassVar[str]

    def __init__(
        self,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        ceil_mode: bool = False,
    ) -> None:
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return functions.power_pool(
            self._kind,
            input,
            float(self.norm_type),
            self.kernel_size,
            self.stride,
            self.ceil_mode,
        )

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norm of each window of sequences (N, C, L) or (C, L); see `LPPool2d`."""

    _kind = "LPPool1d"


class LPPool2d(_LPPool):
    """``(sum of x ** norm_type) ** (1 / norm_type)`` over each window of images.

    Args:
        norm_type: the exponent.
        kernel_size: the size of the windows; a number, or one for each dimension.
        stride: how far they move; by default their size.
        ceil_mode: whether a last window that does not fit entirely counts.
    """

    _kind = "LPPool2d"


class LPPool3d(_LPPool):
    """The p-norm of each window of volumes (N, C, D, H, W) or (C, D, H, W); see `LPPool2d`."""

    _kind = "LPPool3d"


class _AdaptiveAvgPool(Module):
    """The means of a given number of parts; see `AdaptiveAvgPool2d`."""

    _kind: ClassVar[str]

    def __init__(self, output_size: functions.AdaptiveSizes) -> None:
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return functions.adaptive_average_pool(self._kind, input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of `output_size` parts of sequences (N, C, L) or (C, L)."""

    _kind = "AdaptiveAvgPool1d"


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of parts of images, so many that the output has a given size.

    Along a dimension of n elements, part i of m reaches from ``floor(i * n / m)`` up to
    ``ceil((i + 1) * n / m)``.

    Args:
        output_size: H' and W', or one number for both; None keeps the input's size.
    """

    _kind = "AdaptiveAvgPool2d"


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of parts of volumes (N, C, D, H, W); see `AdaptiveAvgPool2d`."""

    _kind = "AdaptiveAvgPool3d"


class _AdaptiveMaxPool(Module):
    """The largest elements of a given number of parts; see `AdaptiveMaxPool2d`."""

    _kind: ClassVar[str]

    def __init__(self, output_size: functions.AdaptiveSizes, return_indices: bool = False) -> None:
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return functions.adaptive_max_pool(self._kind, input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest elements of `output_size` parts of sequences (N, C, L) or (C, L)."""

    _kind = "AdaptiveMaxPool1d"


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest elements of parts of images, so many that the output has a given size.

    Args:
        output_size: see `AdaptiveAvgPool2d`.
        return_indices: whether the output is a pair: the largest elements, and where in
            each channel's H * W elements they lie.
    """

    _kind = "AdaptiveMaxPool2d"


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest elements of parts of volumes (N, C, D, H, W); see `AdaptiveMaxPool2d`."""

    _kind = "AdaptiveMaxPool3d"
