"""Convolutions and transposed convolutions."""

from collections.abc import Sequence

from ...functional.padding import pad
from ...ops import Convolution, ConvolutionInputGradient, Shape
from ...promotion import float64
from ...tensor import Tensor, cast
from ..errors import MalformedModel
from ..operator import operator
from .windowing import windows_of


@operator("Conv")
def conv(
    X: Tensor,
    W: Tensor,
    B: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Tensor:
    """The cross-correlation of images (N, C, *sizes) with kernels (O, C / group, *kernel)."""
    _require_kernel(X, W, kernel_shape)
    windows, _ = windows_of(X.shape[2:], W.shape[2:], strides, pads, dilations, auto_pad)
    if X.shape[1] != W.shape[1] * group or W.shape[0] % group:
        raise MalformedModel(
            f"images of shape {X.shape}, kernels of shape {W.shape} and {group} groups do not fit"
        )
    made = Convolution(windows.stride, windows.padding, windows.dilation, group)(X, W)
    return _with_bias(made, B)


@operator("ConvTranspose")
def conv_transpose(
    X: Tensor,
    W: Tensor,
    B: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    output_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Tensor:
    """The transpose of a convolution with kernels (C, O / group, *kernel)."""
    _require_kernel(X, W, kernel_shape)
    rank = X.ndim - 2
    steps = tuple(strides or (1,) * rank)
    apart = tuple(dilations or (1,) * rank)
    added = tuple(output_padding or (0,) * rank)
    spans = [reach * (length - 1) + 1 for length, reach in zip(W.shape[2:], apart, strict=True)]
    whole = tuple(
        (size - 1) * step + span + more
        for size, step, span, more in zip(X.shape[2:], steps, spans, added, strict=True)
    )
    if auto_pad.startswith("SAME") and output_shape is None:
        output_shape = [size * step for size, step in zip(X.shape[2:], steps, strict=True)]
    if output_shape is not None:
        cuts = _halves(whole, tuple(output_shape[-rank:]), auto_pad == "SAME_UPPER")
    else:
        flat = pads or (0,) * (2 * rank)
        cuts = tuple(zip(flat[:rank], flat[rank:], strict=True))
    # What the output padding adds is first taken from what is cut off at the end.
    pairs = zip(cuts, added, strict=True)
    kept = tuple((max(low, 0), max(high - more, 0)) for (low, high), more in pairs)
    sizes = tuple(
        full - more - low - high for full, more, (low, high) in zip(whole, added, kept, strict=True)
    )
    if min(sizes, default=1) < 1:
        raise MalformedModel(f"nothing is left of images of shape {X.shape}")
    operation = Convolution(steps, kept, apart, group)
    made = ConvolutionInputGradient(operation, sizes)(X, W)
    zeros = [
        (max(-low, 0), max(more - high, 0)) for (low, high), more in zip(cuts, added, strict=True)
    ]
    if any(map(any, zeros)):
        made = pad(made, [width for pair in reversed(zeros) for width in pair])
    return _with_bias(made, B)


def _halves(whole: Shape, wanted: Shape, small_first: bool) -> tuple[tuple[int, int], ...]:
    """What to cut off at both ends to get the wanted sizes."""
    pairs = []
    for size, left in zip(whole, wanted, strict=True):
        half = (size - left) // 2
        rest = size - left - half
        pairs.append((half, rest) if small_first else (rest, half))
    return tuple(pairs)


@operator("ConvInteger")
def conv_integer(
    x: Tensor,
    w: Tensor,
    x_zero_point: Tensor | None = None,
    w_zero_point: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Tensor:
    """A convolution of small integers, less their zero points, as int32."""
    # Sums of products of bytes are exact in float64.
    images, kernels = cast(x, float64), cast(w, float64)
    if x_zero_point is not None:
        images = images - cast(x_zero_point, float64)
    if w_zero_point is not None:
        point = cast(w_zero_point, float64)
        kernels = kernels - (point.reshape((-1,) + (1,) * (w.ndim - 1)) if point.ndim else point)
    made = conv(
        images,
        kernels,
        auto_pad=auto_pad,
        dilations=dilations,
        group=group,
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
    )
    return made.int()


def _require_kernel(X: Tensor, W: Tensor, kernel_shape: Sequence[int] | None) -> None:
    if X.ndim < 3 or W.ndim != X.ndim:
        raise MalformedModel(f"images of shape {X.shape} and kernels of shape {W.shape}")
    if kernel_shape is not None and tuple(kernel_shape) != W.shape[2:]:
        raise MalformedModel(f"kernel_shape {list(kernel_shape)} for kernels of shape {W.shape}")


def _with_bias(made: Tensor, bias: Tensor | None) -> Tensor:
    if bias is None:
        return made
    return made + bias.reshape((-1,) + (1,) * (made.ndim - 2))
