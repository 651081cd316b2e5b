"""Points of a kernel's space while its code is written: what is known there, and what is done."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from .body import Point, evaluate, write_stores
from .emitter import Emitter, Value, index
from .kernel import DType, Store
from .lanes import BOOL, Lanes, load_lanes, memory_type, store_lanes
from .reductions import INT64, State
from .stages import Stages


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


class PlaceWriter:
    """Writes what a kernel does at its points.

    Args:
        emitter: where to write.
        stages: what the kernel does, and in which order.
        pointers: the addresses of its buffers.
    """

    def __init__(self, emitter: Emitter, stages: Stages, pointers: list[Value]) -> None:
        self.emitter = emitter
        self.stages = stages
        self.pointers = pointers
        # For each instruction whose results are kept from pass to pass, where they lie.
        self._scratch = {
            number: emitter.array(
                memory_type(stages.body.instructions[number].dtype, 1),
                stages.reduced_points + stages.lanes,
            )
            for one in stages.passes
            for number in sorted(one.saved)
        }

    def start(self) -> Place:
        """The first point of the space."""
        return Place(Point((index(0),) * len(self.stages.shape), self.stages.along, 1))

    def vectors(self, place: Place, start: Value, count: int) -> list[Place]:
        """As many vectors as hold `count` elements along the last axis from `start` on."""
        lanes, along = self.stages.lanes, self.stages.along
        places = []
        for offset in range(0, count, lanes):
            rest = count - offset
            mask = self.emitter.mask(lanes, index(rest)) if rest < lanes else None
            vector = place.moved(along, advanced(self.emitter, start, offset))
            vector.point = replace(vector.point, lanes=lanes, mask=mask)
            places.append(vector)
        return places

    def evaluate(self, place: Place, wanted: Iterable[int]) -> None:
        """Add the results of some instructions to those of a place."""
        place.results = evaluate(
            self.emitter, self.stages.body, self.pointers, place.point, place.results, wanted
        )

    def write(self, place: Place, stores: tuple[Store, ...]) -> None:
        """Store some results of a place."""
        body = replace(self.stages.body, stores=stores)
        write_stores(self.emitter, body, self.pointers, place.point, place.results)

    # Reductions

    def element(self, number: int, place: Place) -> State:
        """What a place adds to the reduction of a `Reduce` instruction."""
        reduction, point = self.stages.reduction(number), place.point
        value = place.results[self.stages.operand(number)].spread(point.lanes)
        state: State = (value,)
        if reduction.gives_place:
            state = reduction.element(value, self._numbers(point, reduction.place))
        if point.mask is None or not self.stages.is_along_rows:
            return state
        exists = Lanes(self.emitter, point.mask, BOOL)
        neutral = reduction.identity(self.emitter, point.lanes)
        return tuple(exists.select(*parts) for parts in zip(state, neutral, strict=True))

    def _numbers(self, point: Point, dtype: DType) -> Lanes:
        """The numbers of the points at the lanes, counted along the reduced axes."""
        first = Lanes(self.emitter, self._number(point), INT64).cast(dtype).spread(point.lanes)
        if not self.stages.is_along_rows:
            return first
        steps = self.emitter.lane_numbers(point.lanes, memory_type(dtype, 1))
        return first + Lanes(self.emitter, steps, dtype)

    def _number(self, point: Point) -> Value:
        """The number of the point at the first lane."""
        number, size = index(0), 1
        for axis in sorted(self.stages.reduced, reverse=True):
            step = self.emitter.multiply(point.counters[axis], index(size))
            number = self.emitter.add(step, number)
            size *= self.stages.shape[axis]
        return number

    def finish(self, number: int, row: Place, states: Sequence[State]) -> None:
        """Combine partial results of a reduction; what they give is a result of the row."""
        reduction = self.stages.reduction(number)
        if states:
            state = reduction.combine_all(states)
        else:
            state = reduction.identity(self.emitter, row.point.lanes)
        if self.stages.is_along_rows:
            state = reduction.across(state)
        row.results[number] = reduction.result(state)

    # Results kept from pass to pass

    def save(self, number: int, place: Place) -> None:
        """Keep a result at a place for a later pass."""
        result = place.results[number].spread(place.point.lanes)
        # Lanes that do not exist may be stored too: there is room, or they are overwritten.
        store_lanes(result, self._address(number, result.dtype, place))

    def recall(self, number: int, place: Place) -> None:
        """Fetch a result that an earlier pass kept."""
        dtype = self.stages.body.instructions[number].dtype
        address = self._address(number, dtype, place)
        place.results[number] = load_lanes(self.emitter, dtype, address, place.point.lanes)

    def _address(self, number: int, dtype: DType, place: Place) -> Value:
        position = self._number(place.point)
        return self.emitter.address(self._scratch[number], memory_type(dtype, 1), position)


def advanced(emitter: Emitter, counter: Value, by: int) -> Value:
    """A counter plus a number."""
    if by == 0:
        return counter
    if counter.text.isdigit():
        return index(int(counter.text) + by)
    return emitter.add(counter, index(by))
