"""Functions that read, fill and replace elements at positions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError, IndexOutOfRange, ShapeError
from ..ops import (
    Add,
    AddAtIndex,
    AssignIndex,
    AssignSlice,
    Diagonal,
    Expand,
    Index,
    PlaceDiagonal,
    Reshape,
    Slice,
    Where,
    broadcast_shapes,
)
from ..tensor import Number, Tensor, cast, constant, tensor_method, with_in_place
from .arguments import axis_from, shape_from, with_axis
from .extrema import with_dimension
from .movement import movedim, ravel, reshape, slice_axis

__all__ = [
    "diagonal_scatter",
    "gather",
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "index_select",
    "put",
    "select_scatter",
    "slice_scatter",
    "take",
    "take_along_dim",
    "unravel_index",
]


def positions_along(name: str, input: Tensor, axis: int, index: Tensor) -> list[Any]:
    """Index tensors for all axes that name, for each element of `index`, the element of
    `input` in the same place but at position `index` along `axis`."""
    require_index(name, index)
    if input.ndim == 0 or index.ndim == 0:
        index = ravel(index)
    rank = max(input.ndim, 1)
    sizes = input.shape or (1,)
    fits = index.ndim == rank and all(
        mine <= size
        for place, (mine, size) in enumerate(zip(index.shape, sizes, strict=True))
        if place != axis
    )
    if not fits and 0 not in index.shape:
        raise ShapeError(
            f"{name}: an index of shape {index.shape} for a tensor of shape {input.shape}: it "
            f"needs as many dimensions, none of them larger except dimension {axis}"
        )
    positions: list[Any] = []
    for place, size in enumerate(index.shape):
        apart = [1] * rank
        apart[place] = size
        positions.append(index if place == axis else np.arange(size).reshape(apart))
    return positions


def require_index(name: str, index: Tensor) -> None:
    """Raise `DTypeError` unless the tensor holds integers."""
    if index.dtype.kind != "i":
        raise DTypeError(f"{name}: the index needs an integer dtype, got {index.dtype}")


def everywhere(input: Tensor) -> Index:
    """The look-up with an index tensor for every axis of a tensor with dimensions."""
    return Index(tuple(range(max(input.ndim, 1))))


@tensor_method
@with_axis
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """Along a dimension, the elements at the positions `index`.

    For dim = 0: result[i][j] = input[index[i][j]][j].

    Args:
        dim: the dimension that `index` counts along.
        index: int64, with as many dimensions as `input`, the others no larger than its.
        sparse_grad: accepted for PyTorch's sake; gradients are dense.

    Raises:
        IndexOutOfRange: a position lies outside the dimension.
    """
    axis = axis_from(dim, input.ndim)
    if 0 in index.shape:
        return Reshape(index.shape)(slice_axis(ravel(input), 0, 0, 0))
    positions = positions_along("gather", input, axis, index)
    return _shaped(everywhere(input)(with_dimension(input), *positions), index.shape)


def _shaped(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    return input if input.shape == shape else Reshape(shape)(input).clone()


@tensor_method
@with_axis
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Along a dimension, the elements at the positions `indices`; other dimensions broadcast.

    Args:
        indices: int64; negative positions count from the end.
        dim: the dimension that `indices` counts along; by default both count as flat.
    """
    require_index("take_along_dim", indices)
    if dim is None:
        return Index((0,), wrap=True)(ravel(input), ravel(indices))
    if input.ndim != indices.ndim:
        raise ShapeError(
            f"take_along_dim: indices of shape {indices.shape} for a tensor of shape "
            f"{input.shape}; both need the same number of dimensions"
        )
    axis = axis_from(dim, input.ndim)
    without = [(*one.shape[:axis], 1, *one.shape[axis + 1 :]) for one in (input, indices)]
    shape = list(broadcast_shapes("take_along_dim", without))
    shape[axis] = input.shape[axis]
    source = Expand(tuple(shape))(input)
    shape[axis] = indices.shape[axis]
    index = Expand(tuple(shape))(indices)
    if 0 in shape:
        return gather(source, axis, index)
    positions = positions_along("take_along_dim", source, axis, index)
    return Index(tuple(range(len(shape))), wrap=True)(source, *positions)


@tensor_method
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at positions in the flat tensor; negative ones count from the end."""
    require_index("take", index)
    return Index((0,), wrap=True)(ravel(input), index)


@tensor_method
@with_in_place
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """The tensor with the elements at positions in the flat tensor replaced or added to.

    Args:
        index: int64; negative positions count from the end.
        source: as many elements as `index`.
        accumulate: whether `source` is added.
    """
    require_index("put", index)
    if ravel(index).shape != ravel(source).shape:
        raise ShapeError(
            f"put: index of shape {index.shape} and source of shape {source.shape} need the "
            f"same number of elements"
        )
    written = _write(
        ravel(input), Index((0,), wrap=True), [ravel(index)], ravel(source), accumulate
    )
    return reshape(written, input.shape).clone()


def _write(
    input: Tensor, where: Index, positions: list[Any], values: Tensor, accumulate: bool
) -> Tensor:
    if accumulate:
        return Add()(input, AddAtIndex(input.shape, where)(values, *positions))
    return AssignIndex(where)(input, values, *positions)


@tensor_method
@with_axis
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Along a dimension, the slices at the positions in the vector `index`.

    Raises:
        IndexOutOfRange: a position lies outside the dimension.
    """
    axis = axis_from(dim, input.ndim)
    vector = _vector("index_select", index)
    if input.ndim:
        return Index((axis,))(input, vector)
    return Index((0,))(with_dimension(input), reshape(vector, ()))


def _vector(name: str, index: Tensor) -> Tensor:
    require_index(name, index)
    if index.ndim > 1:
        raise ShapeError(f"{name}: the index must be a vector, got shape {index.shape}")
    return with_dimension(index)


@tensor_method
@with_in_place
@with_axis
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1
) -> Tensor:
    """`source` times `alpha` added to the slices at the positions `index` along a dimension.

    Args:
        dim: the dimension that `index` counts along.
        index: an int64 vector; positions may repeat.
        source: of the shape of `input`, but as large as `index` along `dim`.
        alpha: the factor of `source`.
    """
    axis, vector = axis_from(dim, input.ndim), _vector("index_add", index)
    _require_slices("index_add", input, axis, vector, source)
    added = source if alpha == 1 else source * alpha
    return _write_slices(input, axis, Index((axis,)), vector, added, accumulate=True)


@tensor_method
@with_in_place
@with_axis
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """The slices at the positions `index` along a dimension replaced by those of `source`."""
    axis, vector = axis_from(dim, input.ndim), _vector("index_copy", index)
    _require_slices("index_copy", input, axis, vector, source)
    return _write_slices(input, axis, Index((axis,)), vector, source, accumulate=False)


@tensor_method
@with_in_place
@with_axis
def index_fill(input: Tensor, dim: int, index: Tensor, value: Number | Tensor) -> Tensor:
    """The slices at the positions `index` along a dimension filled with one value."""
    axis, vector = axis_from(dim, input.ndim), _vector("index_fill", index)
    filling = single_value("index_fill", value, input)
    size = input.shape[axis] if input.ndim else 1
    # A mask, so that a position that repeats counts once in the gradient of the value.
    is_named = AssignIndex(Index((0,), wrap=True))
    mask = is_named(np.zeros(size, bool), np.ones((), bool), vector)
    along = [size if place == axis else 1 for place in range(input.ndim)]
    return Where()(reshape(mask, along), filling, input)


def _write_slices(
    input: Tensor, axis: int, where: Index, vector: Tensor, values: Tensor, accumulate: bool
) -> Tensor:
    if input.ndim:
        return _write(input, where, [vector], values, accumulate)
    written = _write(with_dimension(input), where, [vector], values, accumulate)
    return reshape(written, ()).clone()


def _require_slices(name: str, input: Tensor, axis: int, index: Tensor, source: Tensor) -> None:
    if source.dtype != input.dtype:
        raise DTypeError(
            f"{name}: a source of dtype {source.dtype} for a tensor of dtype {input.dtype}; "
            f"convert one of them"
        )
    mine = input.shape or (1,)
    expected = (*mine[:axis], index.shape[0], *mine[axis + 1 :])
    if (source.shape or (1,)) != expected:
        raise ShapeError(
            f"{name}: source has shape {source.shape}, expected {expected}: the shape of the "
            f"tensor with dimension {axis} as large as the index"
        )


def single_value(name: str, value: Any, input: Tensor) -> Tensor:
    """The value, a number or a tensor without dimensions, in the dtype of `input`."""
    if not isinstance(value, Tensor):
        return constant(value, input.dtype)
    if value.ndim:
        raise ShapeError(
            f"{name}: the value must be a number or a tensor without dimensions, "
            f"got shape {value.shape}"
        )
    return cast(value, input.dtype)


@tensor_method
@with_in_place
def index_put(
    input: Tensor, indices: tuple[Tensor, ...], values: Tensor, accumulate: bool = False
) -> Tensor:
    """The elements at ``input[indices]`` replaced by `values`, or added to.

    Args:
        indices: index or mask tensors (or None) for the first dimensions.
        values: broadcasts to the selected elements.
        accumulate: whether `values` are added, to positions that repeat several times.
    """
    index = tuple([slice(None) if part is None else part for part in indices])
    if not accumulate:
        result = input.clone()
        result[index] = values
        return result
    count = int(np.prod(input.shape, dtype=int))
    numbers = constant(np.arange(count).reshape(input.shape))[index]
    values = Expand(numbers.shape)(values) if values.shape != numbers.shape else values
    return put(input, numbers, values, accumulate=True)


@tensor_method
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """The tensor with one slice along a dimension replaced: what ``select`` would show."""
    axis = axis_from(dim, input.ndim)
    size = input.shape[axis]
    if not -size <= index < size:
        raise IndexOutOfRange(
            f"select_scatter: index {index} is out of range for dimension {dim} with {size} "
            f"elements of a tensor of shape {input.shape}"
        )
    expected = (*input.shape[:axis], *input.shape[axis + 1 :])
    if src.shape != expected:
        raise ShapeError(f"select_scatter: src has shape {src.shape}, expected {expected}")
    grown = Reshape((*src.shape[:axis], 1, *src.shape[axis:]))(src)
    position = index % size
    return slice_scatter(input, grown, axis, position, position + 1)


@tensor_method
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """The tensor with the elements ``start:end:step`` along a dimension replaced by `src`."""
    axis = axis_from(dim, input.ndim)
    if step <= 0:
        raise ShapeError(f"slice_scatter: the step must be positive, got {step}")
    starts, stops, steps = [0] * input.ndim, list(input.shape), [1] * input.ndim
    first, last, _ = slice(start, end).indices(input.shape[axis])
    starts[axis], stops[axis], steps[axis] = first, max(first, last), step
    where = Slice(tuple(starts), tuple(stops), tuple(steps))
    expected = where(input).shape
    if src.shape != expected:
        raise ShapeError(f"slice_scatter: src has shape {src.shape}, expected {expected}")
    return AssignSlice(where)(input, cast(src, input.dtype))


@tensor_method
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """The tensor with the diagonals replaced: what ``diagonal`` would show."""
    matrices = movedim(input, (dim1, dim2), (-2, -1))
    expected = Diagonal(offset)(matrices).shape
    if src.shape != expected:
        raise ShapeError(f"diagonal_scatter: src has shape {src.shape}, expected {expected}")
    place = PlaceDiagonal(offset, *matrices.shape[-2:])
    mask = place(np.ones(src.shape[-1], bool))
    replaced = Where()(mask, place(cast(src, input.dtype)), matrices)
    return movedim(replaced, (-2, -1), (dim1, dim2)).clone()


def unravel_index(indices: Tensor, shape: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The positions in a tensor of `shape` that positions in the flat tensor stand for.

    Returns:
        A tensor of the shape of `indices` for each dimension, fit to index with.

    Raises:
        IndexOutOfRange: a position lies outside the tensor.
    """
    require_index("unravel_index", indices)
    sizes = shape_from((shape,) if isinstance(shape, int) else tuple(shape))
    try:
        positions = np.unravel_index(np.asarray(indices), sizes)
    except ValueError:
        raise IndexOutOfRange(
            f"unravel_index: a position lies outside a tensor of shape {sizes}"
        ) from None
    return tuple([constant(one) for one in positions])
