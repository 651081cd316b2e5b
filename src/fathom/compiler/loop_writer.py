"""Writes the loops of a kernel, in the order that its stages say."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace

from .body import Point, evaluate, write_stores
from .emitter import Emitter, Value, Variable, index
from .kernel import DType, Reduce, Store, share
from .lanes import BOOL, Lanes, load_lanes, memory_type, store_lanes
from .reductions import INT64, Reduction, State
from .stages import Pass, Stages

# Rounding errors of a sum grow with the number of elements added one after the other.
_LONGEST_SUM = 512

# A row of so few vectors is written out, and stays in registers from pass to pass.
_MOST_UNROLLED = 8
_LONGEST_UNROLLED = 400

# How many vectors are treated together, by the cost of one: enough that the processor does
# not wait for the result of one instruction before it starts another.
_TOGETHER_FOR_COST = ((6, 8), (16, 4), (80, 2))

# A loop shared among threads should have so many parts.
_ENOUGH_PARTS = 32


@dataclass
class Place:
    """A point of the space, and what has been computed for it so far."""

    point: Point
    results: dict[int, Lanes] = field(default_factory=dict)

    def moved(self, axis: int, counter: Value) -> "Place":
        """The place with another index along an axis; results are taken along."""
        counters = list(self.point.counters)
        counters[axis] = counter
        return Place(replace(self.point, counters=tuple(counters)), dict(self.results))

    def with_lanes(self, lanes: int, mask: Value | None) -> "Place":
        """The place and those behind it along the axis of its vectors."""
        return Place(replace(self.point, lanes=lanes, mask=mask), self.results)


@dataclass(frozen=True)
class Sharing:
    """How threads share a kernel.

    Attributes:
        axis: the axis whose loop is divided; None where one thread does all.
        parts: how many equal parts that loop has.
    """

    axis: int | None
    parts: int


def together(stages: Stages) -> int:
    """How many vectors of results are computed at a time."""
    if stages.is_along_rows:
        return 1
    wanted = next((count for cost, count in _TOGETHER_FOR_COST if stages.cost_of_point <= cost), 1)
    if stages.walks_sideways:
        return 1  # each vector keeps as many lines of memory in use as it has lanes
    if not stages.reduced:
        return min(wanted, 4, stages.vectors)
    # Some blocks at least, so that there is something to share among threads.
    return max(min(wanted, -(-stages.vectors // 4)), 1)


def sharing(stages: Stages) -> Sharing:
    """The kept loop that threads share."""
    if stages.is_empty:
        return Sharing(None, 1)
    parts = {axis: stages.shape[axis] for axis in stages.order[: stages.kept]}
    if stages.along in parts:
        parts[stages.along] = stages.shape[stages.along] // (stages.lanes * together(stages))
    for axis, count in parts.items():
        if count >= _ENOUGH_PARTS:
            return Sharing(axis, count)
    count, axis = max(((count, axis) for axis, count in parts.items()), default=(0, None))
    return Sharing(axis, count) if count >= 2 else Sharing(None, 1)


class LoopWriter:
    """Writes one kernel into a function that has been begun.

    Args:
        emitter: where to write.
        stages: what to write.
        pointers: the addresses of the kernel's buffers.
        thread: which thread runs it.
        threads: how many do.
    """

    def __init__(
        self,
        emitter: Emitter,
        stages: Stages,
        pointers: list[Value],
        thread: Value,
        threads: Value,
    ) -> None:
        self.emitter = emitter
        self.stages = stages
        self.pointers = pointers
        self.thread = thread
        self.threads = threads
        self._sharing = sharing(stages)
        self._scratch: dict[int, Value] = {}

    def write(self) -> None:
        """Write all the loops."""
        stages = self.stages
        if stages.is_empty:
            return
        for one in stages.passes:
            for number in one.saved:
                dtype = stages.body.instructions[number].dtype
                count = stages.reduced_points + stages.lanes
                self._scratch[number] = self.emitter.array(memory_type(dtype, 1), count)
        counters = (index(0),) * len(stages.shape)
        with self._on_last_thread() if self._sharing.axis is None else nullcontext():
            self._kept_loop(0, [Place(Point(counters, stages.along, 1))])

    # Kept axes

    def _kept_loop(self, depth: int, places: list[Place]) -> None:
        """Write the loops over kept axes from `depth` inwards, for some places together."""
        stages = self.stages
        for place in places:
            self._evaluate(place, self._at(depth))
        if depth == stages.kept:
            self._rows(places)
            return
        axis = stages.order[depth]
        if axis == stages.along:
            for vectors in self._blocks_of_kept(*places):
                self._kept_loop(depth + 1, vectors)
            return
        start, stop = index(0), index(stages.shape[axis])
        if axis == self._sharing.axis:
            start, stop = share(self.emitter, self._sharing.parts, self.thread, self.threads)
        with self.emitter.loop(start, stop) as counter:
            self._kept_loop(depth + 1, [place.moved(axis, counter) for place in places])

    def _at(self, depth: int, stage: int = 0) -> list[int]:
        """The instructions that belong into so many loops over kept axes."""
        stages = self.stages
        return [
            number
            for number in sorted(stages.needed)
            if stages.depth[number] == depth
            and stages.stage[number] == stage
            and not isinstance(stages.body.instructions[number].action, Reduce)
        ]

    def _blocks_of_kept(self, place: Place) -> Iterator[list[Place]]:
        """The vectors along the last axis, some together; its code is written as often as
        places are given."""
        stages = self.stages
        count, is_shared = together(stages), self._sharing.axis == stages.along
        step = stages.lanes * count
        blocks, rest = divmod(stages.shape[stages.along], step)
        if blocks:
            start, stop = index(0), index(blocks)
            if is_shared:
                start, stop = share(self.emitter, blocks, self.thread, self.threads)
            with self.emitter.loop(start, stop) as block:
                yield self._vectors(place, self.emitter.multiply(block, index(step)), step)
        if rest:
            with self._on_last_thread() if is_shared else nullcontext():
                yield self._vectors(place, index(blocks * step), rest)

    def _on_last_thread(self) -> AbstractContextManager[None]:
        following = self.emitter.add(self.thread, index(1))
        return self.emitter.when(self.emitter.compare("eq", following, self.threads))

    def _vectors(self, place: Place, start: Value, count: int) -> list[Place]:
        """As many vectors as hold `count` elements along the last axis."""
        lanes, along = self.stages.lanes, self.stages.along
        places = []
        for offset in range(0, count, lanes):
            counter = _advanced(self.emitter, start, offset)
            mask = None
            if count - offset < lanes:
                mask = self.emitter.mask(lanes, index(count - offset))
            places.append(place.moved(along, counter).with_lanes(lanes, mask))
        return places

    def _evaluate(self, place: Place, wanted: Iterable[int]) -> None:
        """Add the results of some instructions to those of a place."""
        place.results = evaluate(
            self.emitter, self.stages.body, self.pointers, place.point, place.results, wanted
        )

    def _write(self, place: Place, stores: tuple[Store, ...]) -> None:
        body = replace(self.stages.body, stores=stores)
        write_stores(self.emitter, body, self.pointers, place.point, place.results)

    # Passes over the reduced axes

    def _rows(self, rows: list[Place]) -> None:
        """Write everything for some points of the kept axes."""
        stages = self.stages
        leaves = [self._leaves(row) for row in rows] if self._is_unrolled else None
        for stage, one in enumerate(stages.passes, start=1):
            if leaves is not None:
                for row, places in zip(rows, leaves, strict=True):
                    self._unrolled(one, row, places)
            else:
                _Run(self, one, rows).write()
            for row in rows:
                self._evaluate(row, self._at(stages.kept, stage))
        for row in rows:
            self._write(row, stages.row_stores)

    @property
    def _is_unrolled(self) -> bool:
        """Whether all points of the reduced axes are written out one by one."""
        stages = self.stages
        count = math.prod(
            stages.vectors if axis == stages.along else stages.shape[axis]
            for axis in stages.reduced
        )
        cost = sum(stages.cost_of_pass(one) for one in stages.passes)
        return count <= _MOST_UNROLLED and count * cost * together(stages) <= _LONGEST_UNROLLED

    def _leaves(self, row: Place) -> list[Place]:
        """All points of the reduced axes, in order."""
        stages = self.stages
        axes = [axis for axis in sorted(stages.reduced) if axis != stages.along]
        places = []
        for counters in itertools.product(*(range(stages.shape[axis]) for axis in axes)):
            place = row
            for axis, counter in zip(axes, counters, strict=True):
                place = place.moved(axis, index(counter))
            if stages.is_along_rows:
                places += self._vectors(place, index(0), stages.shape[stages.along])
            else:
                places.append(Place(place.point, dict(place.results)))
        return places

    def _unrolled(self, one: Pass, row: Place, leaves: list[Place]) -> None:
        parts: dict[int, list[State]] = {number: [] for number in one.reduces}
        for leaf in leaves:
            leaf.results.update(row.results)
            self._evaluate(leaf, sorted(one.computed))
            for number in one.reduces:
                parts[number].append(self.element(number, leaf))
        for leaf in leaves:
            self._write(leaf, one.stores)
        for number, states in parts.items():
            self._finish(number, row, states)

    # Elements of reductions

    def reduction(self, number: int) -> Reduction:
        """What a `Reduce` instruction does."""
        stages = self.stages
        action = stages.body.instructions[number].action
        assert isinstance(action, Reduce)
        dtype = stages.body.instructions[action.operand].dtype
        return Reduction(action.kind, dtype, stages.reduced_points)

    def element(self, number: int, leaf: Place) -> State:
        """What a point adds to a reduction."""
        reduction, point = self.reduction(number), leaf.point
        value = leaf.results[self.stages.operand(number)].spread(point.lanes)
        place = None
        if reduction.gives_place:
            dtype = reduction.place
            place = Lanes(self.emitter, self.position(point), INT64).cast(dtype)
            if self.stages.is_along_rows:
                steps = self.emitter.lane_numbers(point.lanes, memory_type(dtype, 1))
                place = place + Lanes(self.emitter, steps, dtype)
            place = place.spread(point.lanes)
        state = reduction.element(value, place)
        if point.mask is None or not self.stages.is_along_rows:
            return state
        exists = Lanes(self.emitter, point.mask, BOOL)
        return tuple(
            exists.select(part, neutral)
            for part, neutral in zip(
                state, reduction.identity(self.emitter, point.lanes), strict=True
            )
        )

    def position(self, point: Point) -> Value:
        """The number of a point (of its first lane), counted along the reduced axes."""
        position, size = index(0), 1
        for axis in sorted(self.stages.reduced, reverse=True):
            step = self.emitter.multiply(point.counters[axis], index(size))
            position = self.emitter.add(step, position)
            size *= self.stages.shape[axis]
        return position

    def _finish(self, number: int, row: Place, states: Sequence[State]) -> None:
        """Combine partial results; what they give is a result of the row."""
        reduction = self.reduction(number)
        state = _combined(reduction, states)
        if state is None:
            state = reduction.identity(self.emitter, row.point.lanes)
        if self.stages.is_along_rows:
            state = reduction.across(state)
        row.results[number] = reduction.result(state)

    # Results kept from pass to pass

    def save(self, number: int, leaf: Place) -> None:
        """Keep a result at a point for a later pass."""
        result = leaf.results[number].spread(leaf.point.lanes)
        store_lanes(result, self._address(number, result.dtype, leaf))

    def recall(self, number: int, leaf: Place) -> None:
        """Fetch a result that an earlier pass kept."""
        dtype = self.stages.body.instructions[number].dtype
        place = self._address(number, dtype, leaf)
        leaf.results[number] = load_lanes(self.emitter, dtype, place, leaf.point.lanes)

    def _address(self, number: int, dtype: DType, leaf: Place) -> Value:
        position = self.position(leaf.point)
        return self.emitter.address(self._scratch[number], memory_type(dtype, 1), position)


class _Run:
    """Writes the loops of one pass, for some points of the kept axes together.

    Several partial results of each reduction are carried along. In sums of floating-point
    numbers they are added to totals now and then, because the rounding error grows with the
    number of elements added one after the other; so it stays near that of a pairwise sum.

    Args:
        writer: what writes the kernel.
        one: the pass.
        rows: the points of the kept axes.
    """

    def __init__(self, writer: LoopWriter, one: Pass, rows: list[Place]) -> None:
        self.writer = writer
        self.emitter = writer.emitter
        self.stages = writer.stages
        self.one = one
        self.rows = rows
        self.count = self._partial_results()
        self.lanes = self.stages.lanes
        self.partial = {
            key: self._variables(number)
            for key in itertools.product(one.reduces, range(len(rows)), range(self.count))
            for number in key[:1]
        }
        self.total: dict[tuple[int, int], tuple[Variable, ...]] = {}
        self.split = self._depth_of_split()
        if self.split is not None:
            self.total = {
                (number, row): self._variables(number)
                for number in one.reduces
                for row in range(len(rows))
            }

    def write(self) -> None:
        """Write the loops; the rows get the results."""
        self._loop(self.stages.kept, self.rows)
        for number in self.one.reduces:
            for row, place in enumerate(self.rows):
                states = [self._read(number, self.partial[number, row, i]) for i in self._each]
                if self.total:
                    states.insert(0, self._read(number, self.total[number, row]))
                self.writer._finish(number, place, states)

    @property
    def _each(self) -> range:
        return range(self.count)

    def _partial_results(self) -> int:
        """How many points of the innermost loop are treated together."""
        stages = self.stages
        cost = stages.cost_of_pass(self.one)
        wanted = next((count for limit, count in _TOGETHER_FOR_COST if cost <= limit), 1)
        axis = stages.order[-1]
        available = stages.vectors if axis == stages.along else stages.shape[axis]
        return max(min(wanted // len(self.rows), available), 1)

    def _variables(self, number: int) -> tuple[Variable, ...]:
        identity = self.writer.reduction(number).identity(self.emitter, self.lanes)
        return tuple(self.emitter.variable(part.value) for part in identity)

    def _read(self, number: int, variables: tuple[Variable, ...]) -> State:
        parts = self.writer.reduction(number).identity(self.emitter, self.lanes)
        return tuple(
            Lanes(self.emitter, self.emitter.read(variable), part.dtype)
            for variable, part in zip(variables, parts, strict=True)
        )

    def _assign(self, variables: tuple[Variable, ...], state: State) -> None:
        for variable, part in zip(variables, state, strict=True):
            self.emitter.assign(variable, part.value)

    # Loops

    def _loop(self, depth: int, rows: list[Place]) -> None:
        stages = self.stages
        axis = stages.order[depth]
        if depth == len(stages.order) - 1:
            for leaves in self._steps(depth, rows):
                self._points(leaves)
            return
        with self._counting(depth, index(0), stages.shape[axis], 1) as counter:
            inner = [row.moved(axis, counter) for row in rows]
            here = [n for n in sorted(self.one.computed) if stages.depth[n] == depth + 1]
            for row in inner:
                self.writer._evaluate(row, here)
            self._loop(depth + 1, inner)

    def _steps(self, depth: int, rows: list[Place]) -> Iterator[list[list[Place]]]:
        """The innermost loop, some points at a time: for each row those points."""
        stages, axis = self.stages, self.stages.order[depth]
        width = stages.lanes if stages.is_along_rows else 1
        step = width * self.count
        whole, size = stages.shape[axis] // step * step, stages.shape[axis]
        if whole:
            with self._counting(depth, index(0), whole, step) as counter:
                yield [self._next(row, counter, step) for row in rows]
        if whole < size:
            yield [self._next(row, index(whole), size - whole) for row in rows]

    def _next(self, row: Place, start: Value, count: int) -> list[Place]:
        if self.stages.is_along_rows:
            return self.writer._vectors(row, start, count)
        axis = self.stages.order[-1]
        return [row.moved(axis, _advanced(self.emitter, start, i)) for i in range(count)]

    def _points(self, leaves: list[list[Place]]) -> None:
        """Write what happens at some points of the innermost loop."""
        one, writer = self.one, self.writer
        flat = [
            (row, i, leaf) for row, places in enumerate(leaves) for i, leaf in enumerate(places)
        ]
        for _, _, leaf in flat:
            for number in sorted(one.recalled):
                writer.recall(number, leaf)
            writer._evaluate(leaf, sorted(one.computed))
        for row, i, leaf in flat:
            for number in sorted(one.saved):
                writer.save(number, leaf)
            for number in one.reduces:
                variables = self.partial[number, row, i]
                before = self._read(number, variables)
                reduction = writer.reduction(number)
                after = writer.element(number, leaf)
                self._assign(variables, reduction.combine(before, after, in_order=True))
        for _, _, leaf in flat:
            writer._write(leaf, one.stores)

    # Sums in parts

    def _depth_of_split(self) -> int | None:
        """The loop that is cut into parts, so that none adds too many elements in a row."""
        if not any(self.writer.reduction(number).rounds for number in self.one.reduces):
            return None
        inner = 1
        for depth in reversed(range(self.stages.kept, len(self.stages.order))):
            steps = self._count_of_steps(depth)
            if inner * steps > _LONGEST_SUM:
                return depth
            inner *= steps
        return None

    def _count_of_steps(self, depth: int) -> int:
        stages, axis = self.stages, self.stages.order[depth]
        count = stages.vectors if axis == stages.along else stages.shape[axis]
        return -(-count // self.count) if depth == len(stages.order) - 1 else count

    @contextmanager
    def _counting(self, depth: int, start: Value, stop: int, step: int) -> Iterator[Value]:
        """A loop; where sums are cut into parts, a loop over parts around it."""
        if depth != self.split:
            with self.emitter.loop(start, index(stop), step) as counter:
                yield counter
            return
        inner = math.prod(self._count_of_steps(d) for d in range(depth + 1, len(self.stages.order)))
        size = max(_LONGEST_SUM // inner, 1) * step
        with self.emitter.loop(start, index(stop), size) as first:
            last = self.emitter.add(first, index(size))
            last = self.emitter.intrinsic("smin", "i64", last, index(stop))
            with self.emitter.loop(first, last, step) as counter:
                yield counter
            self._add_to_totals()

    def _add_to_totals(self) -> None:
        for (number, row), total in self.total.items():
            reduction = self.writer.reduction(number)
            states = [self._read(number, self.partial[number, row, i]) for i in self._each]
            state = _combined(reduction, [self._read(number, total), *states], in_order=False)
            assert state is not None
            self._assign(total, state)
            for i in self._each:
                identity = reduction.identity(self.emitter, self.lanes)
                self._assign(self.partial[number, row, i], identity)


def _combined(
    reduction: Reduction, states: Sequence[State], *, in_order: bool = False
) -> State | None:
    """Partial results combined in a tree; None where there is none."""
    states = list(states)
    while len(states) > 1:
        pairs = [
            reduction.combine(*states[i : i + 2], in_order=in_order)
            for i in range(0, len(states) - 1, 2)
        ]
        states = pairs + states[len(pairs) * 2 :]
    return states[0] if states else None


def _advanced(emitter: Emitter, counter: Value, by: int) -> Value:
    """A counter plus a number."""
    if by == 0:
        return counter
    if counter.text.lstrip("-").isdigit():
        return index(int(counter.text) + by)
    return emitter.add(counter, index(by))
