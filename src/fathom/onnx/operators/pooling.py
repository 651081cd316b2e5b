"""Pooling."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...functional.extrema import amax
from ...functional.padding import pad
from ...functional.pooling import place_in_image, window_sums
from ...functional.reduction import mean, sum
from ...functional.scatter import scatter
from ...ops import Array, Index, MaxPool, MaxPoolChoice, Shape, Windows
from ...tensor import Tensor
from ..errors import MalformedModel
from ..operator import operator
from .windowing import windows_of


@operator("MaxPool")
def max_pool(
    X: Tensor,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] | None = None,
    kernel_shape: Sequence[int],
    pads: Sequence[int] | None = None,
    storage_order: int = 0,
    strides: Sequence[int] | None = None,
    outputs: int,
) -> Any:
    """The largest element of each window, and its place."""
    sizes = X.shape[2:]
    windows, _ = windows_of(sizes, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode)
    largest = MaxPool(windows)(X)
    if outputs < 2:
        return largest
    places = place_in_image(MaxPoolChoice(windows)(X, largest), windows, sizes)
    if storage_order:  # columns first
        order = np.arange(math.prod(sizes)).reshape(sizes[::-1]).transpose().reshape(-1)
        places = Index((0,))(Tensor(order, dtype=np.int64), places)
    channels = X.shape[0] * X.shape[1]
    starts = np.arange(channels).reshape((*X.shape[:2], *[1] * len(sizes))) * math.prod(sizes)
    return largest, places + Tensor(starts, dtype=np.int64)


@operator("AveragePool")
def average_pool(
    X: Tensor,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Sequence[int] | None = None,
    kernel_shape: Sequence[int],
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Tensor:
    """The mean of each window."""
    sizes = X.shape[2:]
    windows, padding = windows_of(
        sizes, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode
    )
    elements = _elements(windows, sizes, padding if count_include_pad else ())
    if (elements == math.prod(windows.kernel)).all():
        elements = np.asarray(math.prod(windows.kernel), X.dtype)
    return window_sums(X, windows) / Tensor(elements, dtype=X.dtype)


def _elements(windows: Windows, sizes: Shape, padding: Sequence[tuple[int, int]]) -> Array:
    """How many elements each window has within the image and a padding."""
    counts = np.ones((), np.int64)
    padded = padding or ((0, 0),) * len(sizes)
    for axis, (count, (low, high)) in enumerate(zip(windows.counts(sizes), padded, strict=True)):
        firsts = np.arange(count) * windows.stride[axis] - windows.padding[axis][0]
        places = firsts[:, None] + np.arange(windows.kernel[axis]) * windows.dilation[axis]
        inside = (-low <= places) & (places < sizes[axis] + high)
        counts = np.multiply.outer(counts, inside.sum(1))
    return counts


@operator("LpPool")
def lp_pool(
    X: Tensor,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] | None = None,
    kernel_shape: Sequence[int],
    p: float = 2,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Tensor:
    """The p-norm of each window."""
    sizes = X.shape[2:]
    windows, _ = windows_of(sizes, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode)
    return window_sums(X.abs() ** p, windows) ** (1 / p)


def _spatial(X: Tensor) -> tuple[int, ...]:
    if X.ndim < 3:
        raise MalformedModel(f"expected images (N, C, *sizes), got shape {X.shape}")
    return tuple(range(2, X.ndim))


@operator("GlobalAveragePool")
def global_average_pool(X: Tensor) -> Tensor:
    """The mean of each channel."""
    return mean(X, _spatial(X), keepdim=True)


@operator("GlobalMaxPool")
def global_max_pool(X: Tensor) -> Tensor:
    """The largest element of each channel."""
    return amax(X, _spatial(X), keepdim=True)


@operator("GlobalLpPool")
def global_lp_pool(X: Tensor, *, p: float = 2) -> Tensor:
    """The p-norm of each channel."""
    return sum(X.abs() ** p, _spatial(X), keepdim=True) ** (1 / p)


@operator("MaxUnpool")
def max_unpool(
    X: Tensor,
    I: Tensor,  # noqa: E741 - ONNX's name
    output_shape: Array | None = None,
    *,
    kernel_shape: Sequence[int],
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Tensor:
    """Zeros, with each element at the place that max pooling had it from."""
    rank = X.ndim - 2
    steps, flat = strides or (1,) * rank, pads or (0,) * (2 * rank)
    sizes = tuple(
        (size - 1) * step - low - high + length
        for size, step, low, high, length in zip(
            X.shape[2:], steps, flat[:rank], flat[rank:], kernel_shape, strict=True
        )
    )
    shape = (*X.shape[:2], *sizes)
    zeros = Tensor(np.zeros(math.prod(shape)), dtype=X.dtype)
    made = scatter(zeros, 0, I.reshape(-1), X.reshape(-1)).reshape(shape)
    if output_shape is None or tuple(output_shape) == shape:
        return made
    widths = [int(new) - old for new, old in zip(output_shape, shape, strict=True)]
    return pad(made, [width for more in reversed(widths) for width in (0, more)])
