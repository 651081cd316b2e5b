"""Sorting and what is distinct."""

from typing import Any

import numpy as np

from ...functional.cumulative import cumprod, cumsum
from ...functional.sorting import topk as largest
from ...ops import Array
from ...tensor import Tensor, cast
from ..operator import operator


@operator("TopK")
def topk(
    X: Tensor, k: Array, *, axis: int = -1, largest: int = 1, sorted: int = 1
) -> tuple[Tensor, ...]:
    """The k largest (or smallest) elements along an axis, with their places."""
    return tuple(_topk(X, int(np.asarray(k).reshape(())), axis, bool(largest)))


def _topk(X: Tensor, count: int, axis: int, is_largest: bool) -> Any:
    return largest(X, count, axis, is_largest)


def _running(function: Any) -> Any:
    def compute(x: Tensor, axis: Array, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
        along = int(np.asarray(axis).reshape(())) % x.ndim
        row = x.flip(along) if reverse else x
        made = cast(function(row, along), x.dtype)
        if exclusive:
            first = cast(made.narrow(along, 0, 1) * 0 + (function is cumprod), x.dtype)
            from ...functional.joining import cat

            made = cat([first, made.narrow(along, 0, x.shape[along] - 1)], along)
        return made.flip(along) if reverse else made

    return compute


operator("CumSum")(_running(cumsum))
operator("CumProd")(_running(cumprod))


@operator("Unique")
def unique(X: Array, *, axis: int | None = None, sorted: int = 1) -> tuple[Array, ...]:
    """The distinct elements or slices; how many there are depends on the values."""
    values, first, inverse, counts = np.unique(
        X, return_index=True, return_inverse=True, return_counts=True, axis=axis
    )
    inverse = inverse.reshape(-1)
    if not sorted:
        order = np.argsort(first)
        values = values[order] if axis is None else np.take(values, order, axis)
        first, counts = first[order], counts[order]
        inverse = np.argsort(order)[inverse]
    return values, first.astype(np.int64), inverse.astype(np.int64), counts.astype(np.int64)
