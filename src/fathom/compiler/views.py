"""Where the elements of a value lie in memory, and how movement operations change that."""

import math
from dataclasses import dataclass
from typing import TypeGuard

from ..ops import Diagonal, Expand, Flip, Op, Permute, Reshape, Shape, Slice, Unfold


@dataclass(frozen=True)
class Layout:
    """Where a value's elements lie: the element (i, j, …) at offset + i * strides[0] + ….

    Attributes:
        shape: the value's shape.
        strides: for each axis, how many elements lie between neighbours.
        offset: where the first element lies.
    """

    shape: Shape
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def is_row_major(self) -> bool:
        """Whether the elements lie one after the other, the last axis running fastest."""
        return self.offset == 0 and _agrees(self, row_major(self.shape))


def row_major(shape: Shape) -> Layout:
    """The layout of a value whose last axis runs fastest."""
    strides, stride = [0] * len(shape), 1
    for axis in reversed(range(len(shape))):
        strides[axis] = stride
        stride *= shape[axis]
    return Layout(shape, tuple(strides))


def _agrees(first: Layout, second: Layout) -> bool:
    return math.prod(first.shape) == 0 or all(
        size == 1 or one == other
        for size, one, other in zip(first.shape, first.strides, second.strides, strict=True)
    )


def is_view(op: Op | None) -> TypeGuard[Op]:
    """Whether an operation only reads its operand's memory with other strides."""
    return isinstance(op, Permute | Expand | Slice | Diagonal | Reshape | Flip | Unfold)


def moved(op: Op, layout: Layout) -> Layout | None:
    """The layout of what a movement operation makes of a value without copying it.

    Returns:
        The result's layout; None where the operation needs a copy, or is none of movement.
    """
    shape, strides, offset = layout.shape, layout.strides, layout.offset
    match op:
        case Permute(order):
            return Layout(
                tuple(shape[axis] for axis in order),
                tuple(strides[axis] for axis in order),
                offset,
            )
        case Expand(larger):
            added = len(larger) - len(shape)
            kept = tuple(
                0 if size == 1 and target != 1 else stride
                for size, target, stride in zip(shape, larger[added:], strides, strict=True)
            )
            return Layout(larger, (0,) * added + kept, offset)
        case Slice(starts, stops, steps):
            ranges = [
                range(*slice(*part).indices(size))
                for size, part in zip(shape, zip(starts, stops, steps, strict=True), strict=True)
            ]
            starting = sum(
                part.start * stride for part, stride in zip(ranges, strides, strict=True) if part
            )
            return Layout(
                tuple(map(len, ranges)),
                tuple(stride * part.step for part, stride in zip(ranges, strides, strict=True)),
                offset + starting,
            )
        case Flip(axes):
            last = [size - 1 if axis in axes else 0 for axis, size in enumerate(shape)]
            if 0 in shape:
                return layout
            return Layout(
                shape,
                tuple(-s if axis in axes else s for axis, s in enumerate(strides)),
                offset + sum(map(int.__mul__, last, strides)),
            )
        case Diagonal(above):
            rows, columns = shape[-2:]
            length = max(min(rows, columns - above, columns, rows + above), 0)
            starting = max(-above, 0) * strides[-2] + max(above, 0) * strides[-1]
            return Layout(
                (*shape[:-2], length),
                (*strides[:-2], strides[-2] + strides[-1]),
                offset + starting if length else offset,
            )
        case Unfold(windows):
            counts = windows.counts(shape[2:])
            moves = [size * step for size, step in zip(strides[2:], windows.stride, strict=True)]
            inner = [size * step for size, step in zip(strides[2:], windows.dilation, strict=True)]
            larger = (*shape[:2], *counts, *windows.kernel)
            return Layout(larger, (*strides[:2], *moves, *inner), offset)
        case Reshape(target):
            return _reshaped(layout, target)
    return None


def _reshaped(layout: Layout, target: Shape) -> Layout | None:
    """The layout under another shape, where each new axis lies evenly within old ones."""
    if math.prod(target) == 0:
        return Layout(target, row_major(target).strides, layout.offset)
    # Neighbouring axes that one stride can walk through, merged: (size, stride), innermost last.
    runs: list[tuple[int, int]] = []
    for size, stride in zip(layout.shape, layout.strides, strict=True):
        if size == 1:
            continue
        if runs and runs[-1][1] == size * stride:
            runs[-1] = (runs[-1][0] * size, stride)
        else:
            runs.append((size, stride))
    strides = [0] * len(target)
    remaining, stride = runs.pop() if runs else (1, 1)
    for axis in reversed(range(len(target))):
        size = target[axis]
        if size == 1:
            continue
        if remaining == 1 and runs:
            remaining, stride = runs.pop()
        if remaining % size:
            return None
        strides[axis] = stride
        remaining //= size
        stride *= size
    return Layout(target, tuple(strides), layout.offset)
