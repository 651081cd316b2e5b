"""What stands between the brackets of ``x[…]``, turned into operations."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .errors import DTypeError, IndexOutOfRange, ShapeError
from .ops import (
    AssignIndex,
    AssignSlice,
    Expand,
    Index,
    Operand,
    Reshape,
    Shape,
    Slice,
)


class _Selection(NamedTuple):
    """An index split into steps: first slice, then reshape, then look up by tensors."""

    where: Slice
    is_whole: bool  # whether the slice takes everything
    shape: Shape  # after integers have removed dimensions and None has added some
    lookups: dict[int, Any]  # index tensors by the dimension of `shape` that they index


def read(tensor: Operand, index: Any) -> Operand:
    """The elements that `index` selects: integers, slices, ``...``, None, index and mask
    tensors, lists, and tuples of these, with PyTorch's meaning."""
    selection = _parse(tuple(tensor.shape), index)
    result = tensor
    if not selection.is_whole:
        result = selection.where(result)
    if selection.shape != tuple(result.shape) or (selection.is_whole and not selection.lookups):
        result = Reshape(selection.shape)(result)
    if selection.lookups:
        positions = selection.lookups
        result = Index(tuple(positions), wrap=True)(result, *positions.values())
    return result


def write(tensor: Operand, index: Any, value: Operand) -> Operand:
    """The tensor with the elements that `index` selects replaced by `value`, broadcast."""
    selection = _parse(tuple(tensor.shape), index)
    sliced = _slice_shape(tuple(tensor.shape), selection.where)
    if not selection.lookups:
        value = _fit(value, selection.shape)
        return AssignSlice(selection.where)(tensor, Reshape(sliced)(value))
    part = tensor if selection.is_whole else selection.where(tensor)
    positions = selection.lookups
    part = AssignIndex(Index(tuple(positions), wrap=True))(
        Reshape(selection.shape)(part), value, *positions.values()
    )
    part = Reshape(sliced)(part)
    return part if selection.is_whole else AssignSlice(selection.where)(tensor, part)


def _slice_shape(shape: Shape, where: Slice) -> Shape:
    ranges = zip(shape, where.index, strict=True)
    return tuple(len(range(*part.indices(size))) for size, part in ranges)


def _fit(value: Operand, shape: Shape) -> Operand:
    """The value broadcast to `shape`; leading dimensions of size 1 may fall away."""
    own = tuple(value.shape)
    while len(own) > len(shape) and own[0] == 1:
        own = own[1:]
    try:
        fits = np.broadcast_shapes(own, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"a value of shape {tuple(value.shape)} does not fit into the selected part "
            f"of shape {shape}"
        )
    value = value if own == tuple(value.shape) else Reshape(own)(value)
    return value if own == shape else Expand(shape)(value)


def _parse(shape: Shape, index: Any) -> _Selection:
    parts = _complete(list(index) if isinstance(index, tuple) else [index], shape)
    starts: list[int] = []
    stops: list[int] = []
    steps: list[int] = []
    kept: list[int] = []
    lookups: dict[int, Any] = {}
    dim = 0
    for part in parts:
        if part is None:
            kept.append(1)
            continue
        if _is_mask(part):
            mask = np.asarray(part)
            _require_mask_shape(mask, shape, dim)
            for positions in np.nonzero(mask):
                _take_whole(shape[dim], starts, stops, steps, kept)
                lookups[len(kept) - 1] = positions
                dim += 1
            if mask.ndim == 0:
                kept.append(1)
                lookups[len(kept) - 1] = np.zeros(int(mask), np.int64)
            continue
        size = shape[dim]
        if isinstance(part, slice):
            start, stop, step = _bounds(part, size)
            starts.append(start)
            stops.append(stop)
            steps.append(step)
            kept.append(len(range(start, stop, step)))
        elif _is_integer(part):
            position = int(part)
            if not -size <= position < size:
                raise IndexOutOfRange(
                    f"index {position} is out of range for dimension {dim} "
                    f"with {size} elements of a tensor of shape {shape}"
                )
            starts.append(position % size)
            stops.append(position % size + 1)
            steps.append(1)
        else:
            _take_whole(size, starts, stops, steps, kept)
            lookups[len(kept) - 1] = _positions(part)
        dim += 1
    is_whole = steps == [1] * len(steps) and starts == [0] * len(steps) and stops == list(shape)
    where = Slice(tuple(starts), tuple(stops), tuple(steps))
    return _Selection(where, is_whole, tuple(kept), lookups)


def _take_whole(
    size: int, starts: list[int], stops: list[int], steps: list[int], kept: list[int]
) -> None:
    starts.append(0)
    stops.append(size)
    steps.append(1)
    kept.append(size)


def _complete(parts: list[Any], shape: Shape) -> list[Any]:
    """The parts with ``...`` written out, so that every dimension has one."""
    used = sum(_dimensions_used(part) for part in parts)
    if used > len(shape):
        raise IndexOutOfRange(
            f"{used} indices for a tensor of {len(shape)} dimensions with shape {shape}"
        )
    rest = [slice(None)] * (len(shape) - used)
    dots = [place for place, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1:
        raise IndexOutOfRange("an index can hold '...' only once")
    place = dots[0] if dots else len(parts)
    return parts[:place] + rest + parts[place + 1 :]


def _dimensions_used(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    return int(np.asarray(part).ndim) if _is_mask(part) else 1


def _is_mask(part: Any) -> bool:
    if isinstance(part, bool | np.bool_):
        return True
    if isinstance(part, list):
        return np.asarray(part).dtype == bool
    return getattr(part, "dtype", None) == np.bool_


def _is_integer(part: Any) -> bool:
    if isinstance(part, int | np.integer):
        return True
    return getattr(part, "shape", None) == () and np.dtype(part.dtype).kind in "iu"


def _positions(part: Any) -> Any:
    if isinstance(part, Sequence):
        part = np.asarray(part, np.int64 if len(part) == 0 else None)
    dtype = getattr(part, "dtype", None)
    if dtype is None or np.dtype(dtype).kind not in "iu":
        raise DTypeError(
            f"cannot index with {dtype or type(part).__name__}: expected integers, slices, "
            f"'...', None, or integer or bool tensors"
        )
    return part


def _bounds(part: slice, size: int) -> tuple[int, int, int]:
    start, stop, step = part.indices(size)
    if step <= 0:
        raise ShapeError(f"slices need a positive step, got {part.step}; use flip()")
    return start, max(start, stop), step


def _require_mask_shape(mask: Any, shape: Shape, dim: int) -> None:
    covered = shape[dim : dim + mask.ndim]
    if mask.shape != covered:
        raise IndexOutOfRange(
            f"a mask of shape {mask.shape} cannot index dimensions of sizes {covered} "
            f"(from dimension {dim} of shape {shape})"
        )
