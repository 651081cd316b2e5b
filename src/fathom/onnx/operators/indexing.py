"""Elements chosen by their places."""

import numpy as np

from ...ops import Array, Index
from ...tensor import Tensor
from ..operator import operator


@operator("Gather")
def gather(data: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    """The slices of the data that the indices name along an axis."""
    return Index((axis % data.ndim,), wrap=True)(data, indices.long())


@operator("GatherElements")
def gather_elements(data: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    """For each index, the element with this place along the axis, else with the index's own."""
    return along(data, indices, axis)


def along(data: Tensor, indices: Tensor, axis: int) -> Tensor:
    """The elements at these places along an axis; the other axes count as the indices' do."""
    axis %= data.ndim
    places = [
        np.arange(size).reshape([-1 if other == place else 1 for other in range(indices.ndim)])
        for place, size in enumerate(indices.shape)
    ]
    wanted = [
        indices.long() if place == axis else Tensor(where_, dtype=np.int64)
        for place, where_ in enumerate(places)
    ]
    return Index(tuple(range(data.ndim)), wrap=True)(data, *wanted)


@operator("GatherND")
def gather_nd(data: Tensor, indices: Tensor, *, batch_dims: int = 0) -> Tensor:
    """The parts of the data at the places that the indices' last dimension holds."""
    depth = indices.shape[-1]
    batches = [
        Tensor(np.arange(size).reshape((-1,) + (1,) * (indices.ndim - 2 - place)), dtype=np.int64)
        for place, size in enumerate(data.shape[:batch_dims])
    ]
    places = [indices[..., place].long() for place in range(depth)]
    return Index(tuple(range(batch_dims + depth)), wrap=True)(data, *batches, *places)


@operator("Compress")
def compress(input: Tensor, condition: Array, *, axis: int | None = None) -> Tensor:
    """The slices for which a condition holds."""
    kept = np.flatnonzero(condition)
    if axis is None:
        return Index((0,))(input.reshape(-1), kept)
    return Index((axis % input.ndim,))(input, kept)


@operator("ai.onnx.ml.ArrayFeatureExtractor")
def array_feature_extractor(X: Tensor, Y: Tensor) -> Tensor:
    """The columns of the last dimension that the indices name."""
    made = Index((X.ndim - 1,))(X, Y.reshape(-1).long())
    return made.reshape(1, -1) if X.ndim == 1 else made


@operator("ai.onnx.ml.Binarizer")
def binarizer(X: Tensor, *, threshold: float = 0.0) -> Tensor:
    """1 where an element is more than the threshold, else 0."""
    return (threshold < X).to(X.dtype)
