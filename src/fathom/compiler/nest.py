"""Loops inside loops, each with its own strides through several buffers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from .emitter import Emitter, Value, index

# Loops of no more steps are written out step by step.
_UNROLLED = 8

Limits = tuple[Value, Value]


class Axis(NamedTuple):
    """One loop.

    Attributes:
        size: how many points it runs through.
        strides: how far neighbours lie apart, for each of the walked buffers.
        lanes: how many points one step takes side by side.
    """

    size: int
    strides: tuple[int, ...]
    lanes: int = 1

    @property
    def steps(self) -> int:
        """How many steps it takes to run through all points."""
        return -(-self.size // self.lanes)


def merged(axes: Sequence[Axis]) -> list[Axis]:
    """The same points in the same order by fewer loops."""
    found: list[Axis] = []
    for axis in axes:
        if axis.size == 1:
            continue
        if found and found[-1].strides == tuple(axis.size * stride for stride in axis.strides):
            found[-1] = Axis(found[-1].size * axis.size, axis.strides)
        else:
            found.append(axis)
    return found


def longest(axes: Sequence[Axis]) -> int:
    """The number of the loop that is best shared by threads: the one with most steps."""
    return max(range(len(axes)), key=lambda number: axes[number].steps)


def limits_of(axes: Sequence[Axis], shared: int, part: Limits) -> list[Limits]:
    """From which step to which each loop runs.

    Args:
        shared: the number of the loop that runs through a part only; the others run through
            all their steps.
        part: from which step to which that one runs.
    """
    found = [(index(0), index(axis.steps)) for axis in axes]
    found[shared] = part
    return found


@contextmanager
def nest(
    emitter: Emitter, axes: Sequence[Axis], limits: Sequence[Limits], offsets: Sequence[Value]
) -> Iterator[list[Value]]:
    """Loops inside loops; the block gets where its point lies in each of the walked buffers.

    Args:
        axes: the loops, from the outermost to the innermost; each step takes one point.
        limits: from which step to which each runs.
        offsets: where the first point lies in each of the buffers.
    """
    with ExitStack() as stack:
        places = list(offsets)
        for axis, (start, stop) in zip(axes, limits, strict=True):
            step = stack.enter_context(emitter.loop(start, stop))
            places = moved(emitter, places, step, axis.strides)
        yield places


def moved(
    emitter: Emitter, offsets: Sequence[Value], steps: Value, strides: Sequence[int]
) -> list[Value]:
    """The offsets after some steps along an axis."""
    found = []
    for offset, stride in zip(offsets, strides, strict=True):
        if stride == 0:
            found.append(offset)
            continue
        way = steps if stride == 1 else emitter.multiply(steps, index(stride))
        found.append(way if offset.text == "0" else emitter.add(offset, way))
    return found


def along(emitter: Emitter, axis: Axis, limits: Limits, body: Callable[[Value, int], None]) -> None:
    """A loop that takes `axis.lanes` points at each step, and at the last those that are left.

    Args:
        limits: from which step to which it runs.
        body: writes a step; it is given its first point and how many points there are.
    """
    start, stop = limits
    whole, rest = divmod(axis.size, axis.lanes)
    if limits == (index(0), index(axis.steps)) and axis.steps <= _UNROLLED:
        for number in range(whole):
            body(index(number * axis.lanes), axis.lanes)
        if rest:
            body(index(whole * axis.lanes), rest)
        return
    if whole:
        before_rest = emitter.intrinsic("smin", "i64", stop, index(whole)) if rest else stop
        with emitter.loop(start, before_rest) as step:
            body(emitter.multiply(step, index(axis.lanes)), axis.lanes)
    if rest:
        has_rest = emitter.bits(
            "and",
            emitter.compare("sle", start, index(whole)),
            emitter.compare("sgt", stop, index(whole)),
        )
        with emitter.when(has_rest):
            body(index(whole * axis.lanes), rest)
