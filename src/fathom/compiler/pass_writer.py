"""Writes one run of a kernel over its reduced axes."""

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager

from .emitter import Value, Variable, index
from .lanes import Lanes
from .places import Place, PlaceWriter, advanced
from .reductions import State
from .stages import Pass, Stages

# So many points are written out one by one, if they do not make too many instructions;
# results then stay in registers from pass to pass.
_MOST_UNROLLED = 9
_LONGEST_UNROLLED = 400

# How many elements are added one after the other before the sum goes to a total.
_LONGEST_SUM = 512


def is_unrolled(stages: Stages) -> bool:
    """Whether all points of the reduced axes are written out one by one."""
    points = stages.runs(len(stages.order), stages.kept)
    cost = sum(map(stages.cost_of_pass, stages.passes)) * stages.together
    return points <= _MOST_UNROLLED and points * cost <= _LONGEST_UNROLLED


def unrolled(writer: PlaceWriter, row: Place) -> list[Place]:
    """All points of the reduced axes, in order."""
    stages = writer.stages
    axes = [axis for axis in sorted(stages.reduced) if axis != stages.along]
    places = []
    for counters in itertools.product(*(range(stages.shape[axis]) for axis in axes)):
        place = Place(row.point, dict(row.results))
        for axis, counter in zip(axes, counters, strict=True):
            place = place.moved(axis, index(counter))
        if stages.is_along_rows:
            places += writer.vectors(place, index(0), stages.shape[stages.along])
        else:
            places.append(place)
    return places


def write_unrolled(writer: PlaceWriter, one: Pass, row: Place, places: list[Place]) -> None:
    """Write a pass over places that `unrolled` gave; the row gets the reductions' results."""
    parts: dict[int, list[State]] = {number: [] for number in one.reduces}
    for place in places:
        place.results.update(row.results)
        writer.evaluate(place, one.computed)
        for number in one.reduces:
            parts[number].append(writer.element(number, place))
    for place in places:
        writer.write(place, one.stores)
    for number, states in parts.items():
        writer.finish(number, row, states)


class PassWriter:
    """Writes the loops of one pass, for some points of the kept axes together.

    Several partial results of each reduction are carried along. In sums of floating-point
    numbers they are added to totals now and then, because the rounding error grows with the
    number of elements added one after the other; so it stays near that of a pairwise sum.

    Args:
        writer: what writes points.
        one: the pass.
        rows: the points of the kept axes.
    """

    def __init__(self, writer: PlaceWriter, one: Pass, rows: list[Place]) -> None:
        self.writer = writer
        self.emitter = writer.emitter
        self.stages = writer.stages
        self.one = one
        self.rows = rows
        self.count = self._points_together()
        self.split = self._depth_of_split()
        numbers = range(len(rows))
        # For each reduction and row: the partial results, and the total if there is one.
        self.partial = {
            (number, row): [self._variables(number) for _ in range(self.count)]
            for number in one.reduces
            for row in numbers
        }
        self.total = {
            key: self._variables(key[0]) for key in self.partial if self.split is not None
        }

    def write(self) -> None:
        """Write the loops; the rows get the reductions' results."""
        self._loop(self.stages.kept, self.rows)
        for (number, row), partial in self.partial.items():
            held = [*partial, self.total[number, row]] if self.total else partial
            states = [self._read(number, variables) for variables in held]
            self.writer.finish(number, self.rows[row], states)

    def _points_together(self) -> int:
        """How many points of the innermost loop are treated together, for each row."""
        stages = self.stages
        wanted = stages.vectors_for_cost(stages.cost_of_pass(self.one))
        available = stages.runs(len(stages.order), len(stages.order) - 1)
        return max(min(wanted // len(self.rows), available), 1)

    # Variables

    def _variables(self, number: int) -> tuple[Variable, ...]:
        identity = self.stages.reduction(number).identity(self.emitter, self.stages.lanes)
        return tuple(self.emitter.variable(part.value) for part in identity)

    def _read(self, number: int, variables: tuple[Variable, ...]) -> State:
        dtypes = self.stages.reduction(number).dtypes
        return tuple(
            Lanes(self.emitter, self.emitter.read(variable), dtype)
            for variable, dtype in zip(variables, dtypes, strict=True)
        )

    def _assign(self, variables: tuple[Variable, ...], state: State) -> None:
        for variable, part in zip(variables, state, strict=True):
            self.emitter.assign(variable, part.value)

    # Loops

    def _loop(self, depth: int, rows: list[Place]) -> None:
        stages = self.stages
        if depth == len(stages.order) - 1:
            for places in self._steps(depth, rows):
                self._points(places)
            return
        axis = stages.order[depth]
        with self._counting(depth, stages.shape[axis], 1) as counter:
            inner = [row.moved(axis, counter) for row in rows]
            here = [number for number in self.one.computed if stages.depth[number] == depth + 1]
            for row in inner:
                self.writer.evaluate(row, here)
            self._loop(depth + 1, inner)

    def _steps(self, depth: int, rows: list[Place]) -> Iterator[list[list[Place]]]:
        """The innermost loop, some points at a time: those points of each row.

        What is done with them is written as often as they are given.
        """
        stages = self.stages
        size = stages.shape[stages.order[depth]]
        step = self.count * (stages.lanes if stages.is_along_rows else 1)
        whole = size // step * step
        if whole:
            with self._counting(depth, whole, step) as counter:
                yield [self._next(row, counter, step) for row in rows]
        if whole < size:
            yield [self._next(row, index(whole), size - whole) for row in rows]

    def _next(self, row: Place, start: Value, count: int) -> list[Place]:
        """The points of the innermost loop from `start` on."""
        if self.stages.is_along_rows:
            return self.writer.vectors(row, start, count)
        axis = self.stages.order[-1]
        return [row.moved(axis, advanced(self.emitter, start, i)) for i in range(count)]

    def _points(self, rows: list[list[Place]]) -> None:
        """Write what happens at some points of the innermost loop."""
        one, writer = self.one, self.writer
        places = [place for row in rows for place in row]
        for place in places:
            for number in sorted(one.recalled):
                writer.recall(number, place)
            writer.evaluate(place, one.computed)
        for place in places:
            for number in sorted(one.saved):
                writer.save(number, place)
        for (number, row), partial in self.partial.items():
            reduction = self.stages.reduction(number)
            for variables, place in zip(partial, rows[row], strict=False):
                before, element = self._read(number, variables), writer.element(number, place)
                self._assign(variables, reduction.combine(before, element, in_order=True))
        for place in places:
            writer.write(place, one.stores)

    # Sums in parts

    def _depth_of_split(self) -> int | None:
        """The loop that is cut into parts, so that none adds too many elements in a row."""
        if not any(self.stages.reduction(number).rounds for number in self.one.reduces):
            return None
        inner = 1
        for depth in reversed(range(self.stages.kept, len(self.stages.order))):
            inner *= self._count_of_steps(depth)
            if inner > _LONGEST_SUM:
                return depth
        return None

    def _count_of_steps(self, depth: int) -> int:
        together = self.count if depth == len(self.stages.order) - 1 else 1
        return -(-self.stages.runs(depth + 1, depth) // together)

    @contextmanager
    def _counting(self, depth: int, stop: int, step: int) -> Iterator[Value]:
        """A loop; where sums are cut into parts, a loop over parts around it."""
        if depth != self.split:
            with self.emitter.loop(index(0), index(stop), step) as counter:
                yield counter
            return
        inner = math.prod(map(self._count_of_steps, range(depth + 1, len(self.stages.order))))
        part = max(_LONGEST_SUM // inner, 1) * step
        with self.emitter.loop(index(0), index(stop), part) as first:
            last = self.emitter.add(first, index(part))
            last = self.emitter.intrinsic("smin", "i64", last, index(stop))
            with self.emitter.loop(first, last, step) as counter:
                yield counter
            self._add_to_totals()

    def _add_to_totals(self) -> None:
        for (number, row), total in self.total.items():
            reduction, partial = self.stages.reduction(number), self.partial[number, row]
            states = [self._read(number, variables) for variables in [*partial, total]]
            self._assign(total, reduction.combine_all(states))
            for variables in partial:
                self._assign(variables, reduction.identity(self.emitter, self.stages.lanes))
