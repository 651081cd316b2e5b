"""Pooling: one number for each window, or for each of a given number of parts."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ops import Array, Index, MaxPool, MaxPoolChoice, Shape, SumPool, Windows
from ..tensor import Tensor, constant
from .arguments import one_for_each
from .elementwise import floating
from .images import as_batch, as_given, spatial_rank
from .reduction import mean
from .resampling import resample

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
]

Sizes = int | Sequence[int]
AdaptiveSizes = int | None | Sequence[int | None]


def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of sequences (N, C, L) or (C, L); see `max_pool2d`."""
    return max_pool(
        "max_pool1d",
        input,
        kernel_size,
        stride,
        padding,
        dilation,
        ceil_mode,
        return_indices,
    )


def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window; NaN wins.

    Args:
        input: shape (N, C, H, W) or (C, H, W).
        kernel_size: the size of the windows; a number, or one for each dimension.
        stride: how far they move; by default their size, so that they do not overlap.
        padding: how far windows reach over both ends; never more than half their size.
        dilation: how far apart the elements of a window lie.
        ceil_mode: whether a last window that does not fit entirely counts.
        return_indices: whether the places of the largest elements are returned too, counted
            in row-major order over each channel's H * W elements.

    Returns:
        Shape (N, C, H', W') or (C, H', W'), with
        ``H' = (H + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1``; with
        `return_indices`, that and the int64 indices of the same shape.

    Raises:
        ShapeError: the windows do not fit into the input.
    """
    return max_pool(
        "max_pool2d",
        input,
        kernel_size,
        stride,
        padding,
        dilation,
        ceil_mode,
        return_indices,
    )


def max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of volumes (N, C, D, H, W) or (C, D, H, W)."""
    return max_pool(
        "max_pool3d",
        input,
        kernel_size,
        stride,
        padding,
        dilation,
        ceil_mode,
        return_indices,
    )


def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of sequences (N, C, L) or (C, L); see `avg_pool2d`."""
    return average_pool(
        "avg_pool1d", input, kernel_size, stride, padding, ceil_mode, count_include_pad
    )


def avg_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window.

    Args:
        input: shape (N, C, H, W) or (C, H, W).
        kernel_size: the size of the windows; a number, or one for each dimension.
        stride: how far they move; by default their size, so that they do not overlap.
        padding: how many zeros are added at both ends; never more than half a window.
        ceil_mode: whether a last window that does not fit entirely counts.
        count_include_pad: whether the zeros of the padding count as elements.
        divisor_override: by what sums are divided instead of the number of elements.

    Returns:
        Shape (N, C, H', W') or (C, H', W'), with
        ``H' = (H + 2 * padding - kernel_size) // stride + 1``.

    Raises:
        ShapeError: the windows do not fit into the input.
    """
    return average_pool(
        "avg_pool2d",
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


def avg_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of volumes (N, C, D, H, W) or (C, D, H, W); see `avg_pool2d`."""
    return average_pool(
        "avg_pool3d",
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: int,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """``(sum of x ** norm_type) ** (1 / norm_type)`` over each window of (N, C, L) or (C, L)."""
    return power_pool("lp_pool1d", input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """``(sum of x ** norm_type) ** (1 / norm_type)`` over each window of images.

    Args:
        input: shape (N, C, H, W) or (C, H, W).
        norm_type: the exponent; 1 gives sums, infinity would give the largest elements.
        kernel_size, stride, ceil_mode: see `avg_pool2d`.
    """
    return power_pool("lp_pool2d", input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """``(sum of x ** norm_type) ** (1 / norm_type)`` over each window of volumes."""
    return power_pool("lp_pool3d", input, norm_type, kernel_size, stride, ceil_mode)


def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """The means of `output_size` parts of sequences (N, C, L) or (C, L)."""
    return adaptive_average_pool("adaptive_avg_pool1d", input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: AdaptiveSizes) -> Tensor:
    """The means of parts of images, so many that the output has a given size.

    Along a dimension of n elements, part i of m reaches from ``floor(i * n / m)`` up to
    ``ceil((i + 1) * n / m)``.

    Args:
        input: shape (N, C, H, W) or (C, H, W).
        output_size: H' and W', or one number for both; None keeps the input's size.

    Returns:
        Shape (N, C, H', W') or (C, H', W').
    """
    return adaptive_average_pool("adaptive_avg_pool2d", input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: AdaptiveSizes) -> Tensor:
    """The means of parts of volumes (N, C, D, H, W); see `adaptive_avg_pool2d`."""
    return adaptive_average_pool("adaptive_avg_pool3d", input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest elements of `output_size` parts of sequences (N, C, L) or (C, L)."""
    return adaptive_max_pool("adaptive_max_pool1d", input, output_size, return_indices)


def adaptive_max_pool2d(
    input: Tensor, output_size: AdaptiveSizes, return_indices: bool = False
) -> Any:
    """The largest elements of parts of images, so many that the output has a given size.

    Args:
        input: shape (N, C, H, W) or (C, H, W).
        output_size: see `adaptive_avg_pool2d`, which divides images in the same way.
        return_indices: whether the places of the largest elements are returned too, counted
            in row-major order over each channel's H * W elements.
    """
    return adaptive_max_pool("adaptive_max_pool2d", input, output_size, return_indices)


def adaptive_max_pool3d(
    input: Tensor, output_size: AdaptiveSizes, return_indices: bool = False
) -> Any:
    """The largest elements of parts of volumes (N, C, D, H, W); see `adaptive_max_pool2d`."""
    return adaptive_max_pool("adaptive_max_pool3d", input, output_size, return_indices)


def max_pool(
    name: str,
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    """Max pooling over as many dimensions as `name` says; errors speak in that name."""
    images = as_batch(name, input, None, spatial_rank(name))
    windows = _windows(name, input, kernel_size, stride, padding, dilation, ceil_mode)
    largest = MaxPool(windows)(images)
    if not return_indices:
        return as_given(largest, input)
    chosen = MaxPoolChoice(windows)(images, largest)
    indices = place_in_image(chosen, windows, images.shape[2:])
    return as_given(largest, input), as_given(indices, input)


def average_pool(
    name: str,
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None = None,
) -> Tensor:
    """Average pooling over as many dimensions as `name` says; errors speak in that name."""
    images = floating(as_batch(name, input, None, spatial_rank(name)))
    windows = _windows(name, input, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override == 0:
        raise ShapeError(f"{name}: divisor_override must not be 0")
    sums = window_sums(images, windows)
    sizes = images.shape[2:]
    padded = one_for_each(padding, len(sizes), f"{name}: padding", least=0)
    divisor: Any
    if divisor_override is not None:
        divisor = divisor_override
    else:
        divisor = _elements(windows, sizes, padded if count_include_pad else (0,) * len(sizes))
        divisor = divisor.astype(images.dtype) if divisor.ndim else int(divisor)
    return as_given(sums / divisor, input)


def power_pool(
    name: str,
    input: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None,
    ceil_mode: bool,
) -> Tensor:
    """Pooling by the p-norm over as many dimensions as `name` says."""
    images = floating(as_batch(name, input, None, spatial_rank(name)))
    windows = _windows(name, input, kernel_size, stride, 0, 1, ceil_mode)
    # A window that reaches over the end counts as if what it lacks were its own mean.
    elements = _elements(windows, images.shape[2:], (0,) * len(windows.kernel))
    whole = math.prod(windows.kernel)
    sums = window_sums(images.pow(norm_type), windows) * (whole / elements).astype(images.dtype)
    return as_given(sums.relu().pow(1 / norm_type), input)


def adaptive_average_pool(name: str, input: Tensor, output_size: AdaptiveSizes) -> Tensor:
    """Adaptive average pooling over as many dimensions as `name` says."""
    images = floating(as_batch(name, input, None, spatial_rank(name)))
    sizes = images.shape[2:]
    outputs = _output_sizes(name, input, output_size, sizes)
    axes = range(2, images.ndim)
    if all(output == 1 for output in outputs):
        return as_given(mean(images, tuple(axes), keepdim=True), input)
    if all(size % output == 0 for size, output in zip(sizes, outputs, strict=True)):
        kernel = tuple([size // output for size, output in zip(sizes, outputs, strict=True)])
        return as_given(average_pool(name, images, kernel, None, 0, False, True), input)
    for axis, size, output in zip(axes, sizes, outputs, strict=True):
        if size != output:
            images = resample(images, axis, _averaging(size, output))
    return as_given(images, input)


def adaptive_max_pool(
    name: str, input: Tensor, output_size: AdaptiveSizes, return_indices: bool
) -> Any:
    """Adaptive max pooling over as many dimensions as `name` says."""
    images = as_batch(name, input, None, spatial_rank(name))
    sizes = images.shape[2:]
    outputs = _output_sizes(name, input, output_size, sizes)
    # Parts of unequal lengths become equal by repeating each one's last element.
    positions = [_part_positions(*pair) for pair in zip(sizes, outputs, strict=True)]
    for axis, (position, size) in enumerate(zip(positions, sizes, strict=True), start=2):
        if position.size != size:
            images = Index((axis,))(images, position.reshape(-1))
    kernel = tuple([position.shape[1] for position in positions])
    pooled = max_pool(name, images, kernel, None, 0, 1, False, return_indices)
    if not return_indices:
        return as_given(pooled, input)
    largest, indices = pooled
    if images.shape[2:] != sizes:
        places = np.arange(math.prod(sizes)).reshape(sizes)
        places = places[np.ix_(*[position.reshape(-1) for position in positions])]
        indices = Index((0,))(constant(places.reshape(-1)), indices)
    return as_given(largest, input), as_given(indices, input)


def _windows(
    name: str,
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> Windows:
    """The windows, with just as much padding at the end as the last of them needs."""
    rank = spatial_rank(name)
    kernel = one_for_each(kernel_size, rank, f"{name}: kernel_size", least=1)
    strides = kernel
    if stride is not None and stride != ():
        strides = one_for_each(stride, rank, f"{name}: stride", least=1)
    paddings = one_for_each(padding, rank, f"{name}: padding", least=0)
    dilations = one_for_each(dilation, rank, f"{name}: dilation", least=1)
    sizes = input.shape[-rank:]
    spans = Windows(kernel, strides, ((0, 0),) * rank, dilations).spans
    pairs = []
    for size, low, span, step in zip(sizes, paddings, spans, strides, strict=True):
        if low > span // 2:
            raise ShapeError(
                f"{name}: padding {paddings} is more than half of the kernel size {kernel}, "
                f"so that some windows would see nothing but padding"
            )
        room = size + 2 * low - span
        count = room // step + 1
        if ceil_mode and room % step and count * step < size + low:
            count += 1
        if count < 1 or size == 0:
            raise ShapeError(
                f"{name}: windows of size {kernel} with padding {paddings} and dilation "
                f"{dilations} do not fit into an input of shape {input.shape}: nothing would "
                f"remain; use a smaller kernel_size, or fewer layers that halve the size"
            )
        pairs.append((low, max((count - 1) * step + span - size - low, 0)))
    return Windows(kernel, strides, tuple(pairs), dilations)


def window_sums(images: Tensor, windows: Windows) -> Tensor:
    """The sum of each window."""
    return SumPool(windows)(images)


def _elements(windows: Windows, sizes: Shape, counted_padding: Shape) -> Array:
    """How many elements each window has, with `counted_padding` at both ends.

    Returns:
        One number if all windows have as many, else an array of shape `counts`.
    """
    elements = np.ones((), np.int64)
    counts = windows.counts(sizes)
    for axis, (size, counted) in enumerate(zip(sizes, counted_padding, strict=True)):
        starts = np.arange(counts[axis]) * windows.stride[axis] - windows.padding[axis][0]
        stops = np.minimum(starts + windows.kernel[axis], size + counted)
        elements = np.multiply.outer(elements, stops - np.maximum(starts, -counted))
    whole = math.prod(windows.kernel)
    return np.asarray(whole) if (elements == whole).all() else elements


def place_in_image(chosen: Tensor, windows: Windows, sizes: Shape) -> Tensor:
    """Positions within windows as row-major positions within a channel of the image."""
    steps = [math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    starts = np.zeros((), np.int64)
    within = np.zeros((), np.int64)
    for axis, (step, count) in enumerate(zip(steps, windows.counts(sizes), strict=True)):
        first = np.arange(count) * windows.stride[axis] - windows.padding[axis][0]
        starts = np.add.outer(starts, first * step)
        offsets = np.arange(windows.kernel[axis]) * windows.dilation[axis]
        within = np.add.outer(within, offsets * step)
    return Index((0,))(constant(within.reshape(-1)), chosen) + constant(starts)


def _output_sizes(name: str, input: Tensor, output_size: AdaptiveSizes, sizes: Shape) -> Shape:
    given = output_size if isinstance(output_size, Sequence) else (output_size,) * len(sizes)
    if len(given) != len(sizes):
        raise ShapeError(
            f"{name}: output_size must be a number, or one for each of {len(sizes)} "
            f"dimensions; got {output_size!r}"
        )
    if 0 in sizes:
        raise ShapeError(f"{name}: an input of shape {input.shape} has nothing to pool")
    chosen = [size if output is None else output for size, output in zip(sizes, given, strict=True)]
    return one_for_each(chosen, len(sizes), f"{name}: output_size", least=1)


def _part_bounds(size: int, parts: int) -> tuple[Array, Array]:
    """Where the parts start and stop into which adaptive pooling divides `size` elements."""
    part = np.arange(parts)
    return part * size // parts, -(-(part + 1) * size // parts)


def _averaging(size: int, parts: int) -> Array:
    """The matrix (parts, size) that takes the mean of each part."""
    starts, stops = (bound[:, None] for bound in _part_bounds(size, parts))
    place = np.arange(size)
    return ((starts <= place) & (place < stops)) / (stops - starts)


def _part_positions(size: int, parts: int) -> Array:
    """The elements of each part, (parts, longest), the last one repeated in shorter ones."""
    starts, stops = (bound[:, None] for bound in _part_bounds(size, parts))
    return np.minimum(starts + np.arange((stops - starts).max()), stops - 1)
