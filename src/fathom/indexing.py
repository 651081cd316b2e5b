"""What stands between the brackets of ``x[…]``, turned into operations."""

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .errors import IndexOutOfRange, ShapeError
from .ops import (
    AssignIndex,
    AssignSlice,
    Expand,
    Index,
    Operand,
    Reshape,
    Shape,
    Slice,
    Where,
)


class _Selection(NamedTuple):
    """An index split into steps: first slice, then reshape, then look up by tensors."""

    where: Slice
    is_whole: bool  # whether the slice takes everything
    shape: Shape  # after integers have removed dimensions and None has added some
    lookups: dict[int, Any]  # index tensors by the dimension of `shape` that they index


def read(tensor: Operand, index: Any) -> Operand:
    """The elements that `index` selects: integers, slices, ``...``, None, index and mask
    tensors, lists, and tuples of these, with PyTorch's meaning: integers and slices apply
    first, then index tensors together."""
    shape = tuple(tensor.shape)
    if shape:
        # What is met most often, on a short path.
        if type(index) is int and -shape[0] <= index < shape[0]:
            position, rest = index % shape[0], (0,) * (len(shape) - 1)
            row = Slice((position, *rest), (position + 1, *shape[1:]), (1,) * len(shape))
            return Reshape(shape[1:])(row(tensor))
        if _is_index_tensor(index):
            return Index((0,), wrap=True)(tensor, index)
    selection = _parse(shape, index)
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
    shape = tuple(tensor.shape)
    if getattr(index, "dtype", None) == np.bool_ and not value.shape:
        # One value for all that a mask selects needs no positions.
        _require_mask_shape(index.shape, shape, 0)
        mask = Reshape(tuple(index.shape) + (1,) * (len(shape) - len(index.shape)))(index)
        return Where()(mask, value, tensor)
    selection = _parse(shape, index)
    sliced = _slice_shape(shape, selection.where)
    if not selection.lookups:
        value = _fit(value, selection.shape)
        return AssignSlice(selection.where)(tensor, Reshape(sliced)(value))
    part = tensor if selection.is_whole else selection.where(tensor)
    where, positions = Index(tuple(selection.lookups), wrap=True), selection.lookups.values()
    written = AssignIndex(where)(
        Reshape(selection.shape)(part), _without_leading_ones(value), *positions
    )
    written = Reshape(sliced)(written)
    return written if selection.is_whole else AssignSlice(selection.where)(tensor, written)


def _slice_shape(shape: Shape, where: Slice) -> Shape:
    ranges = zip(shape, where.index, strict=True)
    return tuple([len(range(*part.indices(size))) for size, part in ranges])


def _without_leading_ones(value: Operand) -> Operand:
    """The value without leading dimensions of size 1, which may fall away when it is written."""
    own = tuple(value.shape)
    while own[:1] == (1,):
        own = own[1:]
    return value if own == tuple(value.shape) else Reshape(own)(value)


def _fit(value: Operand, shape: Shape) -> Operand:
    """The value broadcast to `shape`."""
    if tuple(value.shape) == shape:
        return value
    fitted = _without_leading_ones(value)
    own = tuple(fitted.shape)
    try:
        fits = np.broadcast_shapes(own, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"a value of shape {tuple(value.shape)} does not fit into the selected part "
            f"of shape {shape}"
        )
    return fitted if own == shape else Expand(shape)(fitted)


def _parse(shape: Shape, index: Any) -> _Selection:
    parts = _complete(_parts_of(index), shape)
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
            _require_mask_shape(mask.shape, shape, dim)
            if mask.ndim == 0:
                lookups[len(kept)] = np.zeros(int(mask), np.int64)
                kept.append(1)
            for positions in np.nonzero(mask) if mask.ndim else ():
                _take_whole(shape[dim], starts, stops, steps, kept)
                lookups[len(kept) - 1] = positions
                dim += 1
            continue
        size = shape[dim]
        if isinstance(part, slice):
            start, stop, step = _bounds(part, size)
            starts.append(start)
            stops.append(stop)
            steps.append(step)
            kept.append(len(range(start, stop, step)))
        elif _is_integer(part):
            position = operator.index(part)
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


def _parts_of(index: Any) -> list[Any]:
    """The index as a list with a part for each dimension.

    A list that holds more than numbers counts as a tuple, as in PyTorch and in NumPy of old.
    """
    if isinstance(index, tuple):
        return list(index)
    if isinstance(index, list) and any(
        part is None
        or part is Ellipsis
        or isinstance(part, slice | Sequence)
        or hasattr(part, "shape")
        for part in index
    ):
        return index[:]
    return [index]


def _complete(parts: list[Any], shape: Shape) -> list[Any]:
    """The parts with ``...`` written out, so that every dimension has one."""
    used = sum(_dimensions_used(part) for part in parts)
    if used > len(shape):
        raise IndexOutOfRange(
            f"{used} indices for a tensor of {len(shape)} dimensions with shape {shape}"
            + ("; use x.item() for its only value" if not shape else "")
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
    return int(np.ndim(part)) if _is_mask(part) else 1


def _is_index_tensor(part: Any) -> bool:
    """Whether the part is an integer tensor with dimensions, the commonest index of its kind."""
    dtype = getattr(part, "dtype", None)
    return dtype is not None and dtype.kind == "i" and len(part.shape) > 0


def _is_mask(part: Any) -> bool:
    if isinstance(part, bool | np.bool_):
        return True
    if isinstance(part, list):
        return bool(part) and np.asarray(part).dtype == bool
    return getattr(part, "dtype", None) == np.bool_


def _is_integer(part: Any) -> bool:
    if isinstance(part, int | np.integer):
        return True
    return getattr(part, "shape", None) == () and np.dtype(part.dtype).kind == "i"


def _positions(part: Any) -> Any:
    if isinstance(part, Sequence) and not isinstance(part, str):
        part = np.asarray(part, np.int64 if len(part) == 0 else None)
    dtype = getattr(part, "dtype", None)
    if dtype is None or np.dtype(dtype).kind != "i":
        hint = "; for a mask convert it with .bool(), for positions with .long()"
        raise IndexOutOfRange(
            f"cannot index with {dtype or type(part).__name__}: expected integers, slices, "
            f"'...', None, or integer or bool tensors{hint if dtype == np.uint8 else ''}"
        )
    return part


def _bounds(part: slice, size: int) -> tuple[int, int, int]:
    start, stop, step = part.indices(size)
    if step <= 0:
        raise ShapeError(f"slices need a positive step, got {part.step}; use flip()")
    return start, max(start, stop), step


def _require_mask_shape(mask: Shape, shape: Shape, dim: int) -> None:
    covered = shape[dim : dim + len(mask)]
    if tuple(mask) != covered:
        raise IndexOutOfRange(
            f"a mask of shape {tuple(mask)} cannot index dimensions of sizes {covered} "
            f"(from dimension {dim} of shape {shape})"
        )
