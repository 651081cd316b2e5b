"""Convolutions and transposed convolutions."""

from collections.abc import Sequence

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ops import Convolution, ConvolutionInputGradient, Reshape, Shape
from ..tensor import Tensor
from .arguments import one_for_each
from .images import as_batch, as_given, spatial_rank
from .padding import pad

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
]

Sizes = int | Sequence[int]
Padding = str | int | Sequence[int]


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The cross-correlation of sequences with kernels, plus a bias.

    Args:
        input: shape (N, C, L), or (C, L) for one sequence.
        weight: shape (O, C / groups, K).
        bias: shape (O,).
        stride, padding, dilation, groups: see `conv2d`.

    Returns:
        Shape (N, O, L'), or (O, L').
    """
    return convolve("conv1d", input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The cross-correlation of images with kernels, plus a bias.

    ``y[n, o, i, j] = bias[o] + sum over c, k, l of weight[o, c, k, l] *
    x[n, c, i * stride + k * dilation - padding, j * stride + l * dilation - padding]``

    Args:
        input: shape (N, C, H, W), or (C, H, W) for one image.
        weight: shape (O, C / groups, kernel height, kernel width).
        bias: shape (O,).
        stride: how far the kernel moves; a number, or one for each dimension.
        padding: how many zeros are added at both ends; ``"valid"`` for none, ``"same"`` for
            as many as give an output of the input's size.
        dilation: how far apart the kernel's elements lie on the image.
        groups: into how many parts the channels fall; each part of the output sees its part
            of the input only.

    Returns:
        Shape (N, O, H', W'), or (O, H', W'), with
        ``H' = (H + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1``.

    Raises:
        ShapeError: the shapes do not fit each other, or the kernel is larger than the image.
        DTypeError: input and weight are of different dtypes.
    """
    return convolve("conv2d", input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The cross-correlation of volumes with kernels, plus a bias.

    Args:
        input: shape (N, C, D, H, W), or (C, D, H, W) for one volume.
        weight: shape (O, C / groups, kernel depth, kernel height, kernel width).
        bias: shape (O,).
        stride, padding, dilation, groups: see `conv2d`.

    Returns:
        Shape (N, O, D', H', W'), or (O, D', H', W').
    """
    return convolve("conv3d", input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The transpose of the linear map that `conv1d` is in its input, plus a bias.

    Args:
        input: shape (N, C, L), or (C, L) for one sequence.
        weight: shape (C, O / groups, K).
        bias: shape (O,).
        stride, padding, output_padding, groups, dilation: see `conv_transpose2d`.

    Returns:
        Shape (N, O, L'), or (O, L').
    """
    return convolve_transposed(
        "conv_transpose1d", input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The transpose of the linear map that `conv2d` is in its input, plus a bias.

    Every element of the input puts a copy of the kernel, times itself, onto the output.

    Args:
        input: shape (N, C, H, W), or (C, H, W) for one image.
        weight: shape (C, O / groups, kernel height, kernel width).
        bias: shape (O,).
        stride: how far apart on the output the copies lie.
        padding: how much is cut off at both ends of the output.
        output_padding: how much longer the output is at its end; a convolution with a stride
            takes inputs of several sizes to one, and this says which is meant.
        groups: into how many parts the channels fall.
        dilation: how far apart the kernel's elements lie on the output.

    Returns:
        Shape (N, O, H', W'), or (O, H', W'), with ``H' = (H - 1) * stride - 2 * padding +
        dilation * (kernel - 1) + output_padding + 1``.

    Raises:
        ShapeError: the shapes do not fit each other, or nothing of the output remains.
        DTypeError: input and weight are of different dtypes.
    """
    return convolve_transposed(
        "conv_transpose2d", input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The transpose of the linear map that `conv3d` is in its input, plus a bias.

    Args:
        input: shape (N, C, D, H, W), or (C, D, H, W) for one volume.
        weight: shape (C, O / groups, kernel depth, kernel height, kernel width).
        bias: shape (O,).
        stride, padding, output_padding, groups, dilation: see `conv_transpose2d`.

    Returns:
        Shape (N, O, D', H', W'), or (O, D', H', W').
    """
    return convolve_transposed(
        "conv_transpose3d", input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def convolve(
    name: str,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
) -> Tensor:
    """A convolution over as many dimensions as `name` says; errors speak in that name."""
    rank = spatial_rank(name)
    strides = one_for_each(stride, rank, f"{name}: stride", least=1)
    dilations = one_for_each(dilation, rank, f"{name}: dilation", least=1)
    require_kernel(name, weight, rank)
    require_groups(name, weight.shape[0], groups, "output channels (dimension 0 of the weight)")
    images = as_batch(name, input, weight.shape[1] * groups, rank)
    require_one_dtype(name, input, weight)
    kernel = weight.shape[2:]
    pairs = _padding_pairs(name, padding, kernel, strides, dilations)
    for size, (low, high), length, step in zip(
        images.shape[2:], pairs, kernel, dilations, strict=True
    ):
        if size + low + high < step * (length - 1) + 1:
            raise ShapeError(
                f"{name}: a kernel of size {kernel}{_dilated(dilations)} is larger than the "
                f"image, of shape {input.shape}, with padding {padding!r}; use a smaller "
                f"kernel, more padding, or larger images"
            )
    result = Convolution(strides, pairs, dilations, groups)(images, weight)
    return as_given(_with_bias(name, result, bias), input)


def convolve_transposed(
    name: str,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> Tensor:
    """A transposed convolution over as many dimensions as `name` says."""
    rank = spatial_rank(name)
    strides = one_for_each(stride, rank, f"{name}: stride", least=1)
    dilations = one_for_each(dilation, rank, f"{name}: dilation", least=1)
    paddings = one_for_each(padding, rank, f"{name}: padding", least=0)
    added = one_for_each(output_padding, rank, f"{name}: output_padding", least=0)
    require_kernel(name, weight, rank)
    require_groups(name, weight.shape[0], groups, "input channels (dimension 0 of the weight)")
    images = as_batch(name, input, weight.shape[0], rank)
    require_one_dtype(name, input, weight)
    sizes, pairs, zeros = [], [], []
    for axis in range(rank):
        if added[axis] >= max(strides[axis], dilations[axis]):
            raise ShapeError(
                f"{name}: output_padding {added} must be smaller than the stride {strides} "
                f"or the dilation {dilations}"
            )
        # What the output padding adds is first taken from what the padding would cut off.
        low, high = paddings[axis], max(paddings[axis] - added[axis], 0)
        span = dilations[axis] * (weight.shape[2 + axis] - 1) + 1
        sizes.append((images.shape[2 + axis] - 1) * strides[axis] + span - low - high)
        pairs.append((low, high))
        zeros.append(max(added[axis] - paddings[axis], 0))
    if min(sizes) < 1:
        raise ShapeError(
            f"{name}: the output of an input of shape {input.shape}, a kernel of size "
            f"{weight.shape[2:]} and padding {padding} would have size {tuple(sizes)}; "
            f"use less padding"
        )
    convolution = Convolution(strides, tuple(pairs), dilations, groups)
    result = ConvolutionInputGradient(convolution, tuple(sizes))(images, weight)
    if any(zeros):
        result = pad(result, [width for count in reversed(zeros) for width in (0, count)])
    return as_given(_with_bias(name, result, bias), input)


def require_kernel(name: str, weight: Tensor, rank: int) -> None:
    """Raise where a weight has not two dimensions for channels and `rank` for its kernel."""
    if weight.ndim != rank + 2 or 0 in weight.shape[1:]:
        raise ShapeError(
            f"{name} expects a weight with {rank + 2} dimensions, two for the channels and "
            f"{rank} for the kernel, none of them empty; got shape {weight.shape}"
        )


def require_groups(name: str, channels: int, groups: int, which: str) -> None:
    """Raise where channels cannot be divided into groups."""
    if groups < 1 or channels % groups:
        raise ShapeError(
            f"{name}: {channels} {which} cannot be divided into {groups} groups of equal size"
        )


def require_one_dtype(name: str, input: Tensor, weight: Tensor) -> None:
    """Raise where input and weight differ in dtype."""
    if input.dtype != weight.dtype:
        raise DTypeError(
            f"{name}: the input has dtype {input.dtype}, the weight {weight.dtype}; "
            f"convert the input: x.to(fathom.{weight.dtype})"
        )


def same_padding(kernel: Shape, dilation: Shape) -> tuple[tuple[int, int], ...]:
    """The padding before and after that keeps an image's size; where odd, more after."""
    totals = [step * (size - 1) for size, step in zip(kernel, dilation, strict=True)]
    return tuple([(total // 2, total - total // 2) for total in totals])


def _padding_pairs(
    name: str, padding: Padding, kernel: Shape, stride: Shape, dilation: Shape
) -> tuple[tuple[int, int], ...]:
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding == "same":
        if any(step != 1 for step in stride):
            raise ArgumentError(
                f"{name}: padding='same' needs stride 1, got {stride}; give the padding as a number"
            )
        return same_padding(kernel, dilation)
    if isinstance(padding, str):
        raise ArgumentError(
            f"{name}: padding {padding!r} is unknown; there are 'valid', 'same' and numbers"
        )
    widths = one_for_each(padding, len(kernel), f"{name}: padding", least=0)
    return tuple([(width, width) for width in widths])


def _dilated(dilation: Shape) -> str:
    return f" with dilation {dilation}" if max(dilation) > 1 else ""


def _with_bias(name: str, result: Tensor, bias: Tensor | None) -> Tensor:
    if bias is None:
        return result
    channels = result.shape[1]
    if bias.shape != (channels,):
        raise ShapeError(
            f"{name} expects a bias of shape ({channels},), one for each output channel, "
            f"got shape {bias.shape}"
        )
    return result + Reshape((channels,) + (1,) * (result.ndim - 2))(bias)
