"""Elements written to places."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ops import (
    Add,
    AddAtIndex,
    Array,
    AssignIndex,
    Index,
    LargestAtIndex,
    MultiplyAtIndex,
    SmallestAtIndex,
)
from ...tensor import Tensor
from ..errors import MalformedModel
from ..operator import operator

_COMBINING: dict[str, Any] = {"mul": MultiplyAtIndex, "max": LargestAtIndex, "min": SmallestAtIndex}


def _write(data: Tensor, places: Sequence[Any], updates: Tensor, reduction: str) -> Tensor:
    """The data with updates written to, or combined with, what lies at the places."""
    sizes = zip(places, data.shape, strict=False)
    wrapped = [place + (place < 0) * size for place, size in sizes]
    where = Index(tuple(range(len(places))))
    if reduction == "none":
        return AssignIndex(where)(data, updates, *wrapped)
    if reduction == "add":
        return Add()(data, AddAtIndex(tuple(data.shape), where)(updates, *wrapped))
    if reduction not in _COMBINING:
        raise MalformedModel(f"there is no reduction {reduction!r}")
    return _COMBINING[reduction](where)(data, updates, *wrapped)


@operator("ScatterElements", "Scatter")
def scatter_elements(
    data: Tensor, indices: Tensor, updates: Tensor, *, axis: int = 0, reduction: str = "none"
) -> Tensor:
    """The data with each update at the place that its index names along an axis."""
    places: list[Any] = [
        np.arange(size).reshape([-1 if other == place else 1 for other in range(indices.ndim)])
        for place, size in enumerate(indices.shape)
    ]
    places[axis % data.ndim] = indices.long()
    return _write(data, places, updates, reduction)


@operator("ScatterND")
def scatter_nd(
    data: Tensor, indices: Tensor, updates: Tensor, *, reduction: str = "none"
) -> Tensor:
    """The data with updates at the places that the indices' last dimension holds."""
    places = [indices[..., place].long() for place in range(indices.shape[-1])]
    return _write(data, places, updates, reduction)


@operator("TensorScatter")
def tensor_scatter(
    past_cache: Tensor,
    update: Tensor,
    write_indices: Array | None = None,
    *,
    axis: int = -2,
    mode: str = "linear",
) -> Tensor:
    """A cache with a sequence written to it from a place on, one place for each sample."""
    along = axis % past_cache.ndim
    batch, length = past_cache.shape[0], past_cache.shape[along]
    firsts = np.zeros(batch, np.int64) if write_indices is None else write_indices
    steps = firsts[:, None] + np.arange(update.shape[along])
    if mode == "circular":
        steps = steps % length
    # With the axis in second place, samples and steps index the cache together.
    cache, written = past_cache.movedim(along, 1), update.movedim(along, 1)
    made = AssignIndex(Index((0, 1)))(cache, written, np.arange(batch)[:, None], steps)
    return made.movedim(1, along)
