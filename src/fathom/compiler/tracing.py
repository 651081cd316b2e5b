"""Which axes of a kernel run along the axes of a value, and how movements change that."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..ops import Diagonal, Expand, Flip, Op, Permute, Reshape, Shape, Slice, Unfold


class Along(NamedTuple):
    """Where a kernel stands along one axis of a value.

    Attributes:
        steps: pairs of a kernel axis, and how far the value is walked along with each of its
            points; none where the value has one element along the axis.
        start: where the walk begins.
    """

    steps: tuple[tuple[int, int], ...] = ()
    start: int = 0


# For each axis of a value, where a kernel stands along it.
AxisMap = tuple[Along, ...]

STILL = Along()


class Cut(NamedTuple):
    """That a kernel axis has to become two, the inner one of some size, for a value to be
    followed further."""

    axis: int
    size: int


def straight(shape: Shape) -> AxisMap:
    """The map of a value whose axes are those of the kernel."""
    return tuple(STILL if size == 1 else alone(axis) for axis, size in enumerate(shape))


def alone(axis: int) -> Along:
    """The walk in which each point of a kernel axis is an element of the value's axis."""
    return Along(((axis, 1),))


def aligned(axes: AxisMap, shape: Shape, operand: Shape) -> AxisMap:
    """Where a kernel stands in an operand that is broadcast to a value of `shape`."""
    added = len(shape) - len(operand)
    return tuple(
        STILL if size == 1 else along for size, along in zip(operand, axes[added:], strict=True)
    )


def covered(axes: AxisMap, shape: Shape, sizes: Mapping[int, int]) -> frozenset[int] | None:
    """The kernel axes that a value varies along, if their points and its elements are as many.

    Returns:
        None where some elements have no point, or several.
    """
    found: list[int] = []
    for along, size in zip(axes, shape, strict=True):
        reached = 1
        for axis, step in sorted(along.steps, key=lambda pair: pair[1]):
            if step != reached:
                return None
            reached *= sizes[axis]
            found.append(axis)
        if reached != size or along.start:
            return None
    return frozenset(found) if len(set(found)) == len(found) else None


def traced(op: Op, axes: AxisMap, shape: Shape, sizes: Mapping[int, int]) -> AxisMap | Cut | None:
    """Where a kernel stands in the operand of a movement operation.

    Args:
        op: the operation.
        axes: where the kernel stands in its result.
        shape: the operand's shape.
        sizes: the kernel's axes.

    Returns:
        None where the operand has to lie in memory to be followed.
    """
    match op:
        case Permute(order):
            place = {axis: axes[position] for position, axis in enumerate(order)}
            return tuple(place[axis] for axis in range(len(shape)))
        case Expand(larger):
            return aligned(axes, larger, shape)
        case Slice(starts, stops, steps):
            parts = map(slice, starts, stops, steps)
            ranges = [range(*part.indices(size)) for part, size in zip(parts, shape, strict=True)]
            return tuple(
                _sum([(along, one.step)], one.start)
                for along, one in zip(axes, ranges, strict=True)
            )
        case Flip(flipped):
            return tuple(
                _sum([(along, -1)], shape[axis] - 1) if axis in flipped else along
                for axis, along in enumerate(axes)
            )
        case Diagonal(above):
            *others, last = axes
            rows, columns = max(-above, 0), max(above, 0)
            return (*others, _sum([(last, 1)], rows), _sum([(last, 1)], columns))
        case Unfold(windows):
            rank = len(windows.kernel)
            places, within = axes[2 : 2 + rank], axes[2 + rank :]
            walks = zip(places, windows.stride, within, windows.dilation, strict=True)
            return (*axes[:2], *(_sum([walk[:2], walk[2:]]) for walk in walks))
        case Reshape(target):
            return _traced_reshape(axes, target, shape, sizes)
    return None


def _sum(walks: Sequence[tuple[Along, int]], start: int = 0) -> Along:
    """Walks times factors, added up."""
    steps: dict[int, int] = {}
    for along, factor in walks:
        start += along.start * factor
        for axis, step in along.steps:
            steps[axis] = steps.get(axis, 0) + step * factor
    return in_order(Along(tuple(steps.items()), start))


def in_order(along: Along) -> Along:
    """The same walk, its longest steps first."""
    return Along(tuple(sorted(along.steps, key=lambda pair: (-pair[1], pair[0]))), along.start)


def _traced_reshape(
    axes: AxisMap, target: Shape, shape: Shape, sizes: Mapping[int, int]
) -> AxisMap | Cut | None:
    found: list[Along] = []
    for before, after in _blocks(shape, target):
        strides = [math.prod(target[axis + 1 : after.stop]) for axis in after]
        flat = _sum([(axes[axis], stride) for axis, stride in zip(after, strides, strict=True)])
        inner: list[Along] = []
        for axis in reversed(before):
            if axis == before.start:
                inner.append(flat)
                break
            parts = _divided(flat, shape[axis], sizes)
            if parts is None or isinstance(parts, Cut):
                return parts
            flat, rest = parts
            inner.append(rest)
        found += reversed(inner)
    return tuple(found)


def _blocks(shape: Shape, target: Shape) -> Iterator[tuple[range, range]]:
    """The axes of two shapes with equally many elements, in the smallest groups that have."""
    first = second = 0
    while first < len(shape) or second < len(target):
        start, begin = first, second
        before = after = 1
        while True:
            if before == after and (first > start or second > begin):
                break
            if before <= after and first < len(shape):
                before *= shape[first]
                first += 1
            else:
                after *= target[second]
                second += 1
        if first == len(shape):
            second = len(target)  # what is left is of size 1
        if second == len(target):
            first = len(shape)
        yield range(start, first), range(begin, second)


def _divided(flat: Along, size: int, sizes: Mapping[int, int]) -> tuple[Along, Along] | Cut | None:
    """A walk along an axis as walks along the two that it becomes, the inner one of `size`."""
    outer, inner, reached = [], [], flat.start % size
    for axis, step in flat.steps:
        if step < 0:
            return None
        if step % size == 0:
            outer.append((axis, step // size))
            continue
        if size % step == 0 and sizes[axis] * step > size:
            part = size // step
            return Cut(axis, part) if sizes[axis] % part == 0 else None
        inner.append((axis, step))
        reached += step * (sizes[axis] - 1)
    if reached >= size:
        return None
    return Along(tuple(outer), flat.start // size), Along(tuple(inner), flat.start % size)
