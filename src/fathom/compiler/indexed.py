"""What gathers and scatters have in common: a walk over the places that index tensors name."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from ..ops import Index, Shape
from .body import report_index
from .emitter import Emitter, Value, index
from .kernel import Access, DType, Kernel
from .lanes import memory_type
from .listing import counters, element, loops
from .nest import Axis, Limits, along, merged, moved, nest


@dataclass(frozen=True)
class IndexedKernel(Kernel):
    """A kernel that meets the places of a value which the index tensors of `ops.Index` name.

    An index outside its axis is reported (see `report_index`), and its places are skipped.

    Attributes:
        where: which axes are indexed, and whether indices may count from the end.
        shape: the shape of the value.
        value: where the elements of the value lie.
        index_shape: what the index tensors broadcast to.
        indices: where the numbers of each index tensor lie, which are integers.
        selection: where the elements lie that belong to the named places: they have the shape
            that `where` gives.
        status: the buffer that takes the reports.
        number: what a report calls this kernel.
    """

    where: Index
    shape: Shape
    value: Access
    index_shape: Shape
    indices: tuple[Access, ...]
    selection: Access
    status: int
    number: int

    @property
    def dtype(self) -> DType:
        """The dtype of the value."""
        return self.buffers[self.value.buffer]

    @property
    def over_shape(self) -> tuple[Access, ...]:
        """What is walked through in the shape of the value: the value first."""
        return (self.value,)

    def axes(self, lanes: int) -> "Axes":
        """The loops; the innermost takes `lanes` points at once where they lie side by side.

        Their strides are those of `over_shape`, of the selection and of the index tensors.
        """
        front, back = self.where.whole_axes(len(self.shape))
        of_selection = iter(self.selection.strides)
        still_in_value, still_in_indices = (0,) * len(self.over_shape), (0,) * len(self.indices)

        def whole(axis: int) -> Axis:
            strides = (access.strides[axis] for access in self.over_shape)
            return Axis(self.shape[axis], (*strides, next(of_selection), *still_in_indices))

        def chosen(axis: int) -> Axis:
            strides = (access.strides[axis] for access in self.indices)
            return Axis(self.index_shape[axis], (*still_in_value, next(of_selection), *strides))

        before = merged([whole(axis) for axis in front])
        along_indices = merged([chosen(axis) for axis in range(len(self.index_shape))])
        after = merged([whole(axis) for axis in back])
        row = after.pop() if after else Axis(1, (*still_in_value, 0, *still_in_indices))
        if self.is_side_by_side(row.strides[: len(self.over_shape) + 1]):
            row = row._replace(lanes=lanes)
        return Axes(before, along_indices, after, row, lanes)

    def is_side_by_side(self, strides: Sequence[int]) -> bool:
        """Whether vectors can take elements that lie so far apart in value and selection."""
        return all(stride == 1 for stride in strides)

    def walk(
        self,
        emitter: Emitter,
        pointers: Sequence[Value],
        axes: "Axes",
        limits: Sequence[Limits],
        body: Callable[[Value, Value, int], None],
    ) -> None:
        """Write the loops over the named places.

        Args:
            limits: from which step to which each of the loops runs.
            body: writes a step; it is given where in the value and in the selection its
                first point lies, and how many points there are.
        """
        accesses = (*self.over_shape, self.selection, *self.indices)
        start = [index(access.offset) for access in accesses]
        split, selection = len(axes.before) + len(axes.chosen), len(self.over_shape)
        with nest(emitter, axes.all[:split], limits[:split], start) as offsets:
            positions = offsets[selection + 1 :]
            place, is_inside = self._place(emitter, pointers, offsets[0], positions)
            row_start = [place, *offsets[1:]]
            with (
                emitter.when(is_inside),
                nest(emitter, axes.after, limits[split:-1], row_start) as row,
            ):

                def step(point: Value, count: int) -> None:
                    places = moved(emitter, row, point, axes.row.strides)
                    body(places[0], places[selection], count)

                along(emitter, axes.row, limits[-1], step)

    def _place(
        self,
        emitter: Emitter,
        pointers: Sequence[Value],
        place: Value,
        positions: Sequence[Value],
    ) -> tuple[Value, Value]:
        """Where in the value the indices point, and whether all of them lie inside.

        Args:
            place: where in the value they would point if all were 0.
            positions: where in its buffer each of them lies.
        """
        inside = []
        for axis, access, position in zip(self.where.axes, self.indices, positions, strict=True):
            given = self._index(emitter, pointers, access, position)
            size = index(self.shape[axis])
            found = given
            if self.where.wrap:
                counts_from_end = emitter.compare("slt", given, index(0))
                found = emitter.select(counts_from_end, emitter.add(given, size), given)
            # Seen as unsigned numbers, negative indices are large ones.
            outside = emitter.compare("uge", found, size)
            status = pointers[self.status]
            report_index(emitter, outside, given, self.shape[axis], status, self.number)
            inside.append(emitter.compare("ult", found, size))
            (place,) = moved(emitter, [place], found, [self.value.strides[axis]])
        return place, reduce(lambda a, b: emitter.bits("and", a, b), inside)

    def _index(
        self, emitter: Emitter, pointers: Sequence[Value], access: Access, position: Value
    ) -> Value:
        dtype = self.buffers[access.buffer]
        type = memory_type(dtype, 1)
        found = emitter.load(type, emitter.address(pointers[access.buffer], type, position))
        if type == "i64":
            return found
        return emitter.convert("sext" if dtype.kind == "i" else "zext", found, "i64")

    def listed(self, line: str) -> str:
        """The loops in readable form.

        Args:
            line: what is done, with ``{place}`` for the element of the value and
                ``{selected}`` for that of the selection.
        """
        front, back = self.where.whole_axes(len(self.shape))
        front_shape, back_shape = ([self.shape[axis] for axis in axes] for axes in (front, back))
        shape = (*front_shape, *self.index_shape, *back_shape)
        names = counters(len(shape))
        within = names[len(front) : len(front) + len(self.index_shape)]
        of_whole = [*names[: len(front)], *names[len(shape) - len(back) :]]
        labels = dict(zip([*front, *back], of_whole, strict=True))
        for axis, access in zip(self.where.axes, self.indices, strict=True):
            labels[axis] = element(access, within)
        place = element(self.value, [labels[axis] for axis in range(len(self.shape))])
        text = line.format(place=place, selected=element(self.selection, names))
        return f"{loops(names, shape)}\n    {text}  # {self.dtype}"


@dataclass(frozen=True)
class Axes:
    """The loops of an `IndexedKernel`, from the outermost to the innermost.

    Attributes:
        before: over the axes taken whole that come before the indices'.
        chosen: over the index tensors.
        after: over the axes taken whole that come after them, without the last.
        row: over the last of these.
        lanes: how many points a vector takes.
    """

    before: list[Axis]
    chosen: list[Axis]
    after: list[Axis]
    row: Axis
    lanes: int

    @property
    def all(self) -> list[Axis]:
        return [*self.before, *self.chosen, *self.after, self.row]

    @property
    def places(self) -> int:
        """How often the indices are read."""
        return math.prod(axis.steps for axis in (*self.before, *self.chosen))

    @property
    def steps_for_each(self) -> int:
        """How many steps it takes to run through the elements of one place."""
        return math.prod(axis.steps for axis in (*self.after, self.row))
