"""Padding at the ends of dimensions."""

from collections.abc import Callable, Sequence

import numpy as np

from ..errors import ShapeError
from ..ops import Array, AssignSlice, Index, Place, Slice
from ..tensor import Number, Tensor

__all__ = ["pad"]


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: Number | None = None
) -> Tensor:
    """The tensor with elements added at the ends of its last dimensions.

    Args:
        pad: how many, in pairs from the last dimension backwards: (left, right, top, bottom,
            …); negative numbers cut elements off.
        mode: ``"constant"``; ``"reflect"`` mirrors without repeating the edge;
            ``"replicate"`` repeats the edge; ``"circular"`` continues at the other end.
        value: the added elements in mode ``"constant"``; 0 by default.

    Raises:
        ShapeError: the padding has no pairs, or more than the tensor has dimensions, or
            there are too few elements to mirror.
    """
    widths = tuple(pad)
    if len(widths) % 2 or len(widths) > 2 * input.ndim:
        raise ShapeError(
            f"pad: expected pairs for at most {input.ndim} dimensions of a tensor of shape "
            f"{input.shape}, got {widths}"
        )
    if mode == "constant":
        return _pad_with_constant(input, widths, 0 if value is None else value)
    if mode not in _POSITIONS:
        raise ShapeError(
            f"pad: mode {mode!r} is unknown; there are 'constant', 'reflect', 'replicate' "
            f"and 'circular'"
        )
    if value is not None:
        raise ShapeError(f"pad: mode {mode!r} takes no value")
    for pair in range(len(widths) // 2):
        axis = input.ndim - 1 - pair
        before, after = widths[2 * pair : 2 * pair + 2]
        if before or after:
            positions = _POSITIONS[mode](input.shape, axis, before, after)
            input = Index((axis,))(input, positions)
    return input.clone() if not any(widths) else input


def _pad_with_constant(input: Tensor, widths: tuple[int, ...], value: Number) -> Tensor:
    rank, shape = input.ndim, input.shape
    pairs = [(0, 0)] * (rank - len(widths) // 2)
    pairs += [widths[place : place + 2] for place in range(len(widths) - 2, -1, -2)]  # type: ignore[misc]
    larger = tuple([size + sum(pair) for size, pair in zip(shape, pairs, strict=True)])
    if min(larger, default=0) < 0:
        raise ShapeError(f"pad: {widths} takes more away than a tensor of shape {shape} has")
    ones = (1,) * rank
    if any(min(pair) < 0 for pair in pairs):
        starts = tuple([max(-before, 0) for before, _ in pairs])
        stops = tuple([size + min(after, 0) for size, (_, after) in zip(shape, pairs, strict=True)])
        input = Slice(starts, stops, ones)(input)
    starts = tuple([max(before, 0) for before, _ in pairs])
    stops = tuple([start + size for start, size in zip(starts, input.shape, strict=True)])
    where = Slice(starts, stops, ones)
    if value == 0:
        return Place(larger, where)(input)
    return AssignSlice(where)(np.full(larger, value, input.dtype), input)


def _reflected(shape: tuple[int, ...], axis: int, before: int, after: int) -> Array:
    size = shape[axis]
    if max(before, after) >= size:
        raise ShapeError(
            f"pad: mode 'reflect' adds fewer elements than there are, but {before} and {after} "
            f"are asked for in dimension {axis} of shape {shape}"
        )
    positions = np.abs(np.arange(-before, size + after))
    return np.where(positions >= size, 2 * (size - 1) - positions, positions)


def _replicated(shape: tuple[int, ...], axis: int, before: int, after: int) -> Array:
    if shape[axis] == 0:
        raise ShapeError(f"pad: dimension {axis} of shape {shape} has no edge to repeat")
    return np.clip(np.arange(-before, shape[axis] + after), 0, shape[axis] - 1)


def _wrapped(shape: tuple[int, ...], axis: int, before: int, after: int) -> Array:
    # Elements are cut off first, and do not come back at the other end.
    start, stop = max(-before, 0), shape[axis] + min(after, 0)
    size = stop - start
    if max(before, after) > size:
        raise ShapeError(
            f"pad: mode 'circular' adds at most as many elements as there are, but {before} "
            f"and {after} are asked for in dimension {axis} of shape {shape}"
        )
    return start + np.arange(-max(before, 0), size + max(after, 0)) % max(size, 1)


_POSITIONS: dict[str, Callable[[tuple[int, ...], int, int, int], Array]] = {
    "reflect": _reflected,
    "replicate": _replicated,
    "circular": _wrapped,
}
