"""Convolutional layers."""

from collections.abc import Sequence
from typing import Any, ClassVar

from ..errors import ArgumentError, ShapeError
from ..functional.arguments import one_for_each
from ..functional.convolution import convolve, convolve_transposed, require_groups, same_padding
from ..functional.creation import zeros
from ..functional.images import spatial_rank
from ..functional.padding import pad
from ..tensor import Tensor
from . import init
from .module import Module
from .parameter import Parameter

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
]

Sizes = int | Sequence[int]

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Convolution(Module):
    """What convolutions and transposed convolutions have in common."""

    # The layer's name in errors; its digit is the number of spatial dimensions.
    _kind: ClassVar[str]

    weight: Parameter
    bias: Parameter | None

    def _set_sizes(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        dilation: Sizes,
        groups: int,
    ) -> None:
        kind, rank = self._kind, spatial_rank(self._kind)
        if in_channels < 1 or out_channels < 1:
            raise ShapeError(
                f"{kind} needs channels, got in_channels={in_channels}, out_channels={out_channels}"
            )
        require_groups(kind, in_channels, groups, "input channels")
        require_groups(kind, out_channels, groups, "output channels")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = one_for_each(kernel_size, rank, f"{kind}: kernel_size", least=1)
        self.stride = one_for_each(stride, rank, f"{kind}: stride", least=1)
        self.dilation = one_for_each(dilation, rank, f"{kind}: dilation", least=1)
        self.groups = groups

    def _make_parameters(self, shape: tuple[int, ...], bias: bool, device: Any, dtype: Any) -> None:
        self.weight = Parameter(zeros(shape, device=device, dtype=dtype))
        self.bias = (
            Parameter(zeros(self.out_channels, device=device, dtype=dtype)) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, uniform in ±1/√fan_in."""
        init.uniform_within_fan_in(self.weight, self.bias)

    def _described(self, padding: Any, output_padding: Any, padding_mode: str) -> str:
        """The arguments, those that are not at their defaults after the first four."""
        rank = len(self.kernel_size)
        parts = [
            f"{self.in_channels}, {self.out_channels}",
            f"kernel_size={self.kernel_size}, stride={self.stride}",
        ]
        others = {
            "padding": (padding, (0,) * rank),
            "dilation": (self.dilation, (1,) * rank),
            "output_padding": (output_padding, (0,) * rank),
            "groups": (self.groups, 1),
            "bias": (self.bias is not None, True),
            "padding_mode": (padding_mode, "zeros"),
        }
        parts += [f"{name}={value}" for name, (value, usual) in others.items() if value != usual]
        return ", ".join(parts)


class _Conv(_Convolution):
    """A convolution; see `Conv2d` for the arguments."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: str | Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self._set_sizes(in_channels, out_channels, kernel_size, stride, dilation, groups)
        rank = len(self.kernel_size)
        if padding_mode not in _PADDING_MODES:
            raise ArgumentError(
                f"{self._kind}: padding_mode {padding_mode!r} is unknown; there are "
                f"{', '.join(_PADDING_MODES)}"
            )
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ArgumentError(
                f"{self._kind}: padding {padding!r} is unknown; there are 'valid', 'same' "
                f"and numbers"
            )
        if padding == "same" and any(step != 1 for step in self.stride):
            raise ArgumentError(
                f"{self._kind}: padding='same' needs stride 1, got {self.stride}; "
                f"give the padding as a number"
            )
        self.padding: str | tuple[int, ...] = (
            padding
            if isinstance(padding, str)
            else one_for_each(padding, rank, f"{self._kind}: padding", least=0)
        )
        self.padding_mode = padding_mode
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self._make_parameters(shape, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = pad(input, self._widths(), self.padding_mode)
            padding = "valid"
        return convolve(
            self._kind,
            input,
            self.weight,
            self.bias,
            self.stride,
            padding,
            self.dilation,
            self.groups,
        )

    def _widths(self) -> list[int]:
        """The padding as `pad` takes it: pairs from the last dimension backwards."""
        if self.padding == "same":
            pairs = same_padding(self.kernel_size, self.dilation)
        else:
            numbers = (0,) * len(self.kernel_size) if self.padding == "valid" else self.padding
            pairs = tuple([(int(width), int(width)) for width in numbers])
        return [width for pair in reversed(pairs) for width in pair]

    def extra_repr(self) -> str:
        return self._described(self.padding, (0,) * len(self.kernel_size), self.padding_mode)


class Conv1d(_Conv):
    """The cross-correlation of sequences (N, C, L) with learned kernels; see `Conv2d`."""

    _kind = "Conv1d"


class Conv2d(_Conv):
    """The cross-correlation of images with learned kernels, plus a bias.

    ``y[n, o, i, j] = bias[o] + sum over c, k, l of weight[o, c, k, l] *
    x[n, c, i * stride + k * dilation - padding, j * stride + l * dilation - padding]``

    Weight and bias start uniform in ±1/√fan_in with
    ``fan_in = in_channels / groups * kernel height * kernel width``, as in PyTorch.

    Args:
        in_channels: the number of the input's channels.
        out_channels: the number of the output's channels.
        kernel_size: the size of the kernels; a number, or one for each spatial dimension.
        stride: how far the kernel moves.
        padding: how many elements are added at both ends; ``"valid"`` for none, ``"same"``
            for as many as give an output of the input's size.
        dilation: how far apart the kernel's elements lie on the image.
        groups: into how many parts the channels fall; each part of the output sees its part
            of the input only.
        bias: whether a bias is added.
        padding_mode: what is added: ``"zeros"``, or what ``"reflect"``, ``"replicate"`` and
            ``"circular"`` mean for `pad`.
        device: the CPU.
        dtype: float32 by default.

    Attributes:
        weight: shape (out_channels, in_channels / groups, *kernel_size).
        bias: shape (out_channels,), or None.

    Raises:
        ShapeError: the input, of shape (N, in_channels, H, W) or (in_channels, H, W), has
            other dimensions or channels, or is smaller than the kernel.
    """

    _kind = "Conv2d"


class Conv3d(_Conv):
    """The cross-correlation of volumes (N, C, D, H, W) with learned kernels; see `Conv2d`."""

    _kind = "Conv3d"


class _ConvTranspose(_Convolution):
    """A transposed convolution; see `ConvTranspose2d` for the arguments."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ArgumentError(
                f"{self._kind}: padding_mode {padding_mode!r} is unknown; only 'zeros' cuts off "
                f"what a transposed convolution's padding cuts off"
            )
        self._set_sizes(in_channels, out_channels, kernel_size, stride, dilation, groups)
        rank = len(self.kernel_size)
        self.padding = one_for_each(padding, rank, f"{self._kind}: padding", least=0)
        self.output_padding = one_for_each(
            output_padding, rank, f"{self._kind}: output_padding", least=0
        )
        self.padding_mode = padding_mode
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self._make_parameters(shape, bias, device, dtype)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        added = self.output_padding if output_size is None else self._added(input, output_size)
        return convolve_transposed(
            self._kind,
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            added,
            self.groups,
            self.dilation,
        )

    def _added(self, input: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        """The output padding that gives an output of a certain size."""
        rank = len(self.kernel_size)
        wanted = tuple(output_size)[-rank:]
        smallest = [
            (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1
            for size, stride, padding, dilation, kernel in zip(
                input.shape[-rank:],
                self.stride,
                self.padding,
                self.dilation,
                self.kernel_size,
                strict=True,
            )
        ]
        added = tuple([size - least for size, least in zip(wanted, smallest, strict=True)])
        if any(not 0 <= more < step for more, step in zip(added, self.stride, strict=True)):
            largest = [least + step - 1 for least, step in zip(smallest, self.stride, strict=True)]
            raise ShapeError(
                f"{self._kind}: an input of shape {input.shape} can become of size {smallest} "
                f"to {largest}, not {wanted}"
            )
        return added

    def extra_repr(self) -> str:
        return self._described(self.padding, self.output_padding, self.padding_mode)


class ConvTranspose1d(_ConvTranspose):
    """The transpose of `Conv1d`, from (N, C, L) to longer sequences; see `ConvTranspose2d`."""

    _kind = "ConvTranspose1d"


class ConvTranspose2d(_ConvTranspose):
    """The transpose of `Conv2d`: every element puts a copy of the kernel onto the output.

    Weight and bias start uniform in ±1/√(out_channels / groups * kernel height * kernel
    width), as in PyTorch. A layer is called with the input and, where several output sizes
    are possible, the wanted ``output_size``.

    Args:
        in_channels: the number of the input's channels.
        out_channels: the number of the output's channels.
        kernel_size: the size of the kernels; a number, or one for each spatial dimension.
        stride: how far apart on the output the copies lie.
        padding: how much is cut off at both ends of the output.
        output_padding: how much longer the output is at its end.
        groups: into how many parts the channels fall.
        bias: whether a bias is added.
        dilation: how far apart the kernel's elements lie on the output.
        padding_mode: ``"zeros"``.
        device: the CPU.
        dtype: float32 by default.

    Attributes:
        weight: shape (in_channels, out_channels / groups, *kernel_size).
        bias: shape (out_channels,), or None.

    Raises:
        ShapeError: the input, of shape (N, in_channels, H, W) or (in_channels, H, W), has
            other dimensions or channels.
    """

    _kind = "ConvTranspose2d"


class ConvTranspose3d(_ConvTranspose):
    """The transpose of `Conv3d`, from (N, C, D, H, W) to volumes; see `ConvTranspose2d`."""

    _kind = "ConvTranspose3d"
