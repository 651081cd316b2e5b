"""Writing to the elements that index tensors name."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .emitter import Emitter, Value, index
from .indexed import Axes, IndexedKernel
from .kernel import PARAMETERS, Access, DType, buffer_pointers, share
from .lanes import Lanes, literal_lanes, load_lanes, memory_type, store_lanes
from .listing import counters, element, loops
from .nest import Axis, Limits, along, limits_of, longest, merged, moved, nest

_SIGNS = {"add": "+=", "assign": "=", "multiply": "*=", "largest": "max=", "smallest": "min="}


@dataclass(frozen=True)
class ScatterKernel(IndexedKernel):
    """Writes a selection to the places of a value that index tensors name, one by one.

    Where a place is named several times its writes come in row-major order of the index
    tensors, whatever the number of threads: each thread has its own part of an axis that is
    taken whole, and where there is none, one thread does all. What belongs to an index
    outside is not written.

    Attributes:
        kind: "add", "assign", "multiply", "largest" or "smallest" (NaN wins in both).
        start: where the elements lie that the value has before, of the same dtype; None for
            zeros, and `value` itself to change the value in place.
    """

    kind: str
    start: Access | None

    @property
    def over_shape(self) -> tuple[Access, ...]:
        return (self.value,) if self.start is None else (self.value, self.start)

    def is_side_by_side(self, strides: Sequence[int]) -> bool:
        # What is only read may be the same for all lanes.
        value, *others = strides
        return value == 1 and all(stride in (0, 1) for stride in others)

    def emit(self, emitter: Emitter, name: str) -> None:
        axes = self.axes(emitter.target.lanes(self.dtype.itemsize))
        with emitter.function(name, PARAMETERS) as (table, operands, thread, threads):
            pointers = buffer_pointers(emitter, len(self.buffers), table, operands)
            shared = _longest_whole(axes)
            part = share(emitter, axes.all[shared].steps, thread, threads)
            if self.start != self.value:
                self._begin(emitter, pointers, axes, shared, part)

            def write(place: Value, selected: Value, count: int) -> None:
                lanes = axes.row.lanes
                mask = _mask(emitter, lanes, count)
                stride = axes.row.strides[len(self.over_shape)]
                source = self._address(emitter, pointers, self.selection, selected)
                target = self._address(emitter, pointers, self.value, place)
                new = _load(emitter, self.dtype, source, stride, lanes, mask)
                if self.kind != "assign":
                    new = self._combined(load_lanes(emitter, self.dtype, target, lanes, mask), new)
                store_lanes(new, target, mask)

            self.walk(emitter, pointers, axes, limits_of(axes.all, shared, part), write)

    def _begin(
        self,
        emitter: Emitter,
        pointers: Sequence[Value],
        axes: Axes,
        shared: int,
        part: Limits,
    ) -> None:
        """Fill a thread's part of the value with what it has before.

        Args:
            shared: the number of the loop that threads share.
            part: from which step to which this thread runs it.
        """
        offsets = [index(access.offset) for access in self.over_shape]
        loops, shared = self._loops_of_value(axes, shared)
        last, limits = loops[-1], limits_of(loops, shared, part)
        with nest(emitter, loops[:-1], limits[:-1], offsets) as outer:

            def fill(point: Value, count: int) -> None:
                mask = _mask(emitter, last.lanes, count)
                places = moved(emitter, outer, point, last.strides)
                target = self._address(emitter, pointers, self.value, places[0])
                if self.start is None:
                    filling = literal_lanes(emitter, 0, self.dtype, last.lanes)
                else:
                    source = self._address(emitter, pointers, self.start, places[1])
                    stride = last.strides[1]
                    filling = _load(emitter, self.dtype, source, stride, last.lanes, mask)
                store_lanes(filling, target, mask)

            along(emitter, last, limits[-1], fill)

    def _loops_of_value(self, axes: Axes, shared: int) -> tuple[list[Axis], int]:
        """The loops over the value, and the number of that which threads share."""
        count = len(self.over_shape)
        mine = axes.all[shared]
        others = [axis for axis in (*axes.before, *axes.after, axes.row) if axis is not mine]
        for axis in self.where.axes:
            strides = tuple(access.strides[axis] for access in self.over_shape)
            others.append(Axis(self.shape[axis], strides))
        if mine.steps == 1:
            others.append(mine)
            mine = Axis(1, (0,) * count)
        # In the order of memory, whatever the order of the indices.
        others.sort(key=lambda axis: -axis.strides[0])
        found = merged([Axis(axis.size, axis.strides[:count]) for axis in others])
        mine = mine._replace(strides=mine.strides[:count])
        if mine.lanes > 1:
            return [*found, mine], len(found)
        if found and self.is_side_by_side(found[-1].strides):
            found[-1] = found[-1]._replace(lanes=axes.lanes)
        return [mine, *found], 0

    def _address(
        self, emitter: Emitter, pointers: Sequence[Value], access: Access, offset: Value
    ) -> Value:
        return emitter.address(pointers[access.buffer], memory_type(self.dtype, 1), offset)

    def _combined(self, before: Lanes, new: Lanes) -> Lanes:
        match self.kind:
            case "add":
                return before + new
            case "multiply":
                return before * new
            case "largest":
                return before.maximum(new)
            case _:
                return before.minimum(new)

    @property
    def is_shareable(self) -> bool:
        axes = self.axes(8)
        return axes.all[_longest_whole(axes)].steps > 1

    @property
    def work(self) -> int:
        axes = self.axes(8)
        filled = 0 if self.start == self.value else math.prod(self.shape) // 8
        return filled + axes.places * (6 * len(self.indices) + 5 * axes.steps_for_each)

    @property
    def operations(self) -> int:
        if self.kind == "assign" or self.dtype.kind != "f":
            return 0
        axes = self.axes(1)
        return axes.places * axes.steps_for_each

    def __str__(self) -> str:
        text = self.listed(f"{{place}} {_SIGNS[self.kind]} {{selected}}")
        if self.start == self.value:
            return text
        names = counters(len(self.shape))
        filling = "0" if self.start is None else element(self.start, names)
        return f"{loops(names, self.shape)}\n    {element(self.value, names)} = {filling}\n{text}"


def _longest_whole(axes: Axes) -> int:
    """The number of the longest loop that is not over the index tensors."""
    before, chosen = len(axes.before), len(axes.chosen)
    found = longest([*axes.before, *axes.after, axes.row])
    return found if found < before else found + chosen


def _mask(emitter: Emitter, lanes: int, count: int) -> Value | None:
    return None if count == lanes else emitter.mask(lanes, index(count))


def _load(
    emitter: Emitter, dtype: DType, address: Value, stride: int, lanes: int, mask: Value | None
) -> Lanes:
    """Load lanes that lie side by side, or a single one for all of them."""
    if stride == 0:
        return load_lanes(emitter, dtype, address, 1).spread(lanes)
    return load_lanes(emitter, dtype, address, lanes, mask)
