"""Windows of signals, and images from windows."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from ...ops import Array, Windows
from ...ops.pooling import Fold
from ...tensor import Tensor
from ..operator import operator
from ..reading import element_type


def _window(*coefficients: float) -> Callable[..., Array]:
    """A sum of cosines over one period."""

    def compute(size: Array, *, output_datatype: int = 1, periodic: int = 1) -> Array:
        count = int(np.asarray(size).reshape(()))
        period = count if periodic else count - 1
        angle = 2 * np.pi * np.arange(count) / max(period, 1)
        terms = [(-1) ** k * each * np.cos(k * angle) for k, each in enumerate(coefficients)]
        return sum(terms[1:], terms[0]).astype(element_type(output_datatype, "the result"))

    return compute


operator("HannWindow")(_window(0.5, 0.5))
operator("HammingWindow")(_window(25 / 46, 21 / 46))
operator("BlackmanWindow")(_window(0.42, 0.5, 0.08))


@operator("Col2Im")
def images_from_columns(
    input: Tensor,
    image_shape: Array,
    block_shape: Array,
    *,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Tensor:
    """Images of the sums of windows where they overlap, from windows (N, C * kernel, L)."""
    rank = len(image_shape)
    sizes, kernel = tuple(image_shape.tolist()), tuple(block_shape.tolist())
    flat = pads or (0,) * (2 * rank)
    lows, highs = flat[:rank], flat[rank:]
    padded = tuple(low + size + high for low, size, high in zip(lows, sizes, highs, strict=True))
    none = ((0, 0),) * rank
    windows = Windows(kernel, tuple(strides or (1,) * rank), none, tuple(dilations or (1,) * rank))
    channels = input.shape[1] // math.prod(kernel)
    columns = input.reshape(input.shape[0], channels, *kernel, *windows.counts(padded))
    order = (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    images = Fold(windows, padded)(columns.permute(order))
    inside = [slice(low, low + size) for low, size in zip(lows, sizes, strict=True)]
    return images[(slice(None), slice(None), *inside)]
