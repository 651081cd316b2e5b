"""Writes the loops of a convolution: groups, panels of columns, chunks of the sums, tiles."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from .convolution_body import Finisher, Tile
from .emitter import Emitter, Value, Variable, index, number
from .kernel import Access, share
from .lanes import memory_type
from .packing import write_packing
from .tile import Matrix, accumulate

if TYPE_CHECKING:
    from .convolution import ConvolutionKernel

# Sums of no more steps than this are written out step by step.
_UNROLLED = 40
_UNROLLED_SUMS = 600


class _Panel(NamedTuple):
    """What tiles are computed in: some columns of one group, and a chunk of the sums.

    Attributes:
        group: the number of the group.
        column: its first column.
        width: how many columns there are.
        start, stop: the chunk of the first inner axis.
        first: the address of the first factor's element that all counters 0 stand for.
        second: the same of the second factor, at the first column.
        strides: how far the second factor's elements lie apart along the inner axes.
        is_last: whether the chunk is the last one: an i1, or None where there is only one.
    """

    group: Value
    column: Value
    width: int
    start: Value
    stop: Value
    first: Value
    second: Value
    strides: tuple[int, ...]
    is_last: Value | None


class ConvolutionWriter:
    """Writes the code of one kernel.

    Args:
        emitter: where to write.
        kernel: the kernel.
        pointers: the addresses of its buffers.
        scratch: the address of this thread's working memory, where the kernel needs some.
    """

    def __init__(
        self,
        emitter: Emitter,
        kernel: "ConvolutionKernel",
        pointers: list[Value],
        scratch: Value | None,
    ) -> None:
        self.emitter = emitter
        self.kernel = kernel
        self.pointers = pointers
        self.scratch = scratch
        self.tiling = kernel.tiling(emitter.target)
        self.room = self.tiling.room(kernel.rows, kernel.inner)
        self.dtype = kernel.buffers[kernel.first.buffer]
        self.element = memory_type(self.dtype, 1)
        self.type = memory_type(self.dtype, self.tiling.lanes)
        self.tiles = self.tiling.tiles(kernel.rows)
        # How the rows of the first factor lie, along the inner axes, and along the columns.
        rows = 1 + len(kernel.rows)
        self.row_strides = kernel.first.strides[1:rows]
        self.inner_strides = kernel.first.strides[rows:-1]
        self.first_column = kernel.first.strides[-1]
        self.finisher = Finisher(emitter, kernel, pointers, self.tiling)

    def write(self, thread: Value, threads: Value) -> None:
        """The loops over the groups and their panels."""
        emitter, kernel, width = self.emitter, self.kernel, self.tiling.panel
        panels = -(-kernel.columns // width)
        rest = kernel.columns % width
        parts = {
            "columns": (index(0), index(kernel.groups * panels)),
            "rows": (index(0), index(self.tiles)),
        }
        whole = kernel.groups * panels if self.tiling.shared == "columns" else self.tiles
        parts[self.tiling.shared] = share(emitter, whole, thread, threads)
        with emitter.loop(*parts["columns"]) as number_:
            group = emitter.divide(number_, index(panels))
            panel = emitter.remainder(number_, index(panels))
            column = emitter.multiply(panel, index(width))
            widths = [width] * (kernel.columns >= width) + [rest] * (rest > 0)
            for one in widths:
                is_chosen: AbstractContextManager[None] = nullcontext()
                if len(widths) > 1:
                    predicate = "eq" if one == rest else "ne"
                    is_chosen = emitter.when(emitter.compare(predicate, panel, index(panels - 1)))
                with is_chosen:
                    self._write_panel(group, column, one, parts["rows"])

    def _write_panel(
        self, group: Value, column: Value, width: int, rows: tuple[Value, Value]
    ) -> None:
        """The loop over the chunks of a panel."""
        emitter, kernel, chunk = self.emitter, self.kernel, self.tiling.chunk
        size = kernel.inner[0]
        first = self._start(kernel.first, group, column, self.first_column)
        second = self._start(kernel.second, group, column, kernel.second.strides[-1])
        strides = kernel.second.strides[1:-1]
        zero, end = index(0), index(size)
        whole = _Panel(group, column, width, zero, end, first, second, strides, None)
        if chunk >= size:
            self._write_chunk(whole, rows)
            return
        self._clear_sums()
        with emitter.loop(index(0), index(size), chunk) as start:
            stop = emitter.intrinsic("smin", "i64", emitter.add(start, index(chunk)), index(size))
            is_last = emitter.compare("eq", stop, index(size))
            self._write_chunk(whole._replace(start=start, stop=stop, is_last=is_last), rows)

    def _start(self, access: Access, group: Value, column: Value, stride: int) -> Value:
        emitter = self.emitter
        offset = emitter.add(
            emitter.multiply(group, index(access.strides[0])),
            emitter.multiply(column, index(stride)),
        )
        offset = emitter.add(offset, index(access.offset))
        return emitter.address(self.pointers[access.buffer], self.element, offset)

    def _write_chunk(self, panel: _Panel, rows: tuple[Value, Value]) -> None:
        """The loop over the tiles of rows."""
        emitter = self.emitter
        if self.tiling.packed:
            panel = self._packed(panel)
        with emitter.loop(*rows) as tile:
            self._write_tile(panel, tile)

    # Packing

    def _packed(self, panel: _Panel) -> _Panel:
        """Copy the second factor's part to the working memory."""
        emitter, kernel, width = self.emitter, self.kernel, self.tiling.panel
        strides, stride = [], width
        for size in reversed(kernel.inner):
            strides.append(stride)
            stride *= size
        strides.reverse()
        assert self.scratch is not None
        target = self.scratch
        column_stride = kernel.second.strides[-1]

        def copy(counters: list[Value]) -> None:
            source = emitter.address(
                panel.second, self.element, self._offset(counters, panel.strides)
            )
            if len(counters) > 1:
                counters = [emitter.subtract(counters[0], panel.start), *counters[1:]]
            write_packing(
                emitter,
                self.type,
                Matrix(
                    emitter.address(target, self.element, self._offset(counters, strides)), width, 1
                ),
                Matrix(source, panel.strides[-1], column_stride),
                kernel.inner[-1],
                index(panel.width),
            )

        limits = self._inner_limits(panel)[:-1]
        self._loops(limits, lambda counters: copy([*counters, index(0)]))
        # Counters go on from the start of the chunk.
        offset = emitter.multiply(panel.start, index(-strides[0]))
        moved = emitter.address(target, self.element, offset)
        return panel._replace(second=moved, strides=tuple(strides))

    def _inner_limits(self, panel: _Panel) -> list[tuple[Value, Value]]:
        rest = [(index(0), index(size)) for size in self.kernel.inner[1:]]
        return [(panel.start, panel.stop), *rest]

    def _loops(
        self,
        limits: Sequence[tuple[Value, Value]],
        body: Callable[[list[Value]], None],
        counters: Sequence[Value] = (),
    ) -> None:
        """Loops inside loops."""
        if not limits:
            body(list(counters))
            return
        with self.emitter.loop(*limits[0]) as counter:
            self._loops(limits[1:], body, [*counters, counter])

    def _offset(self, counters: Sequence[Value], strides: Sequence[int]) -> Value:
        emitter, total, known = self.emitter, None, 0
        for counter, stride in zip(counters, strides, strict=True):
            if counter.text.isdigit():
                known += int(counter.text) * stride
                continue
            term = counter if stride == 1 else emitter.multiply(counter, index(stride))
            total = term if total is None else emitter.add(total, term)
        if total is None:
            return index(known)
        return emitter.add(total, index(known)) if known else total

    # Tiles

    def _write_tile(self, panel: _Panel, tile: Value) -> None:
        """One tile, by the code for its size."""
        emitter, tiling = self.emitter, self.tiling
        *outer, last = self.kernel.rows
        along = last
        step = tiling.length
        if tiling.height > 1:
            *outer, along = outer
            step = tiling.height
        count = -(-along // step)
        rest = along % step
        place = emitter.remainder(tile, index(count))
        left = emitter.divide(tile, index(count))
        counters: list[Value] = []
        for size in reversed(outer):
            counters.append(emitter.remainder(left, index(size)))
            left = emitter.divide(left, index(size))
        counters.reverse()
        counters.append(emitter.multiply(place, index(step)))
        if tiling.height > 1:
            counters.append(index(0))
        sizes = [step] * (along >= step) + [rest] * (rest > 0)
        for size in sizes:
            is_chosen: AbstractContextManager[None] = nullcontext()
            if len(sizes) > 1:
                predicate = "eq" if size == rest else "ne"
                is_chosen = emitter.when(emitter.compare(predicate, place, index(count - 1)))
            with is_chosen:
                height, length = (size, last) if tiling.height > 1 else (1, size)
                self._write_sums(panel, tile, counters, height, length)

    def _write_sums(
        self, panel: _Panel, tile: Value, counters: list[Value], height: int, length: int
    ) -> None:
        emitter, lanes = self.emitter, self.tiling.lanes
        starts = range(0, panel.width, lanes)
        masks = [self._mask(panel, start) for start in starts]
        points = [(down, along) for down in range(height) for along in range(length)]
        kept = self._place_of_sums(tile) if self.room.sums else None
        sums = []
        for number_ in range(len(points)):
            row = []
            for position in range(len(starts)):
                value = number(0, self.type)
                if kept is not None:
                    value = emitter.load(self.type, self._kept(kept, number_, position))
                row.append(emitter.variable(value))
            sums.append(row)
        self._add_up(panel, counters, points, sums, masks)
        if kept is None:
            self._finish(panel, counters, points, sums, masks)
            return
        for number_, row in enumerate(sums):
            for position, total in enumerate(row):
                emitter.store(emitter.read(total), self._kept(kept, number_, position))
        assert panel.is_last is not None
        with emitter.when(panel.is_last):
            self._finish(panel, counters, points, sums, masks)

    def _mask(self, panel: _Panel, start: int) -> Value | None:
        """The lanes of a vector that exist."""
        left, lanes = panel.width - start, self.tiling.lanes
        if left >= lanes or lanes == 1:
            return None
        return self.emitter.mask(lanes, index(left))

    def _place_of_sums(self, tile: Value) -> Value:
        tiling = self.tiling
        size = tiling.height * tiling.length * tiling.panel
        offset = self.emitter.multiply(tile, index(size))
        offset = self.emitter.add(offset, index(self.room.panel))
        assert self.scratch is not None
        return self.emitter.address(self.scratch, self.element, offset)

    def _kept(self, kept: Value, row: int, position: int) -> Value:
        offset = row * self.tiling.panel + position * self.tiling.lanes
        return self.emitter.address(kept, self.element, index(offset))

    def _clear_sums(self) -> None:
        emitter = self.emitter
        assert self.scratch is not None
        start = emitter.address(self.scratch, self.element, index(self.room.panel))
        with emitter.loop(index(0), index(self.room.sums), self.tiling.lanes) as position:
            emitter.store(number(0, self.type), emitter.address(start, self.element, position))

    def _add_up(
        self,
        panel: _Panel,
        counters: list[Value],
        points: list[tuple[int, int]],
        sums: list[list[Variable]],
        masks: list[Value | None],
    ) -> None:
        """The loops over the inner axes."""
        emitter, element, lanes = self.emitter, self.element, self.tiling.lanes
        down_stride, along_stride = (0, *self.row_strides)[-2:]
        rows = emitter.address(panel.first, element, self._offset(counters, self.row_strides))
        places = [down * down_stride + along * along_stride for down, along in points]

        is_full = 5 * len(places) * len(masks) > 3 * emitter.target.vector_registers
        limits = self._inner_limits(panel)
        sizes = list(self.kernel.inner)
        # Short runs are written out, from the innermost axis outwards.
        budget = min(_UNROLLED, max(_UNROLLED_SUMS // (len(places) * len(masks)), 1))
        written: list[int] = []
        looped = len(sizes)
        while looped > 0 and sizes[looped - 1] <= budget:
            if looped == 1 and self.room.sums:
                break  # a chunk's limits are not known
            looped -= 1
            written.insert(0, sizes[looped])
            budget //= max(sizes[looped], 1)

        def step(inner: list[Value]) -> None:
            second = emitter.address(panel.second, element, self._offset(inner, panel.strides))
            factors = [
                emitter.load(self.type, emitter.address(second, element, index(n * lanes)), mask)
                for n, mask in enumerate(masks)
            ]
            first = emitter.address(rows, element, self._offset(inner, self.inner_strides))
            if is_full and written:
                # Windows overlap, and more elements would be kept than there are registers.
                first = emitter.veiled(first)
            for place, row in zip(places, sums, strict=True):
                for n, (total, factor) in enumerate(zip(row, factors, strict=True)):
                    if self.first_column:
                        offset = place + n * lanes * self.first_column
                        value = self._vector(first, offset, masks[n])
                    elif n == 0:
                        start = emitter.address(first, element, index(place))
                        value = emitter.splat(emitter.load(element, start), lanes)
                    accumulate(emitter, total, value, factor)

        def run(counters: list[Value]) -> None:
            for unrolled in product(*map(range, written)):
                step([*counters, *map(index, unrolled)])

        self._loops(limits[:looped], run)

    def _vector(self, first: Value, offset: int, mask: Value | None) -> Value:
        """A vector of the first factor's own elements for each column."""
        emitter, lanes = self.emitter, self.tiling.lanes
        start = emitter.address(first, self.element, index(offset))
        if self.first_column == 1:
            return emitter.load(self.type, start, mask)
        steps = emitter.lane_numbers(lanes)
        steps = emitter.multiply(steps, number(self.first_column, steps.type))
        if lanes == 1:
            return emitter.load(self.type, start)
        every = mask or number(1, f"<{lanes} x i1>")
        return emitter.gather(self.type, emitter.addresses(start, self.element, steps), every)

    def _finish(
        self,
        panel: _Panel,
        counters: list[Value],
        points: list[tuple[int, int]],
        sums: list[list[Variable]],
        masks: list[Value | None],
    ) -> None:
        """Run the body for each vector of a tile."""
        emitter = self.emitter
        group = emitter.multiply(panel.group, index(self.kernel.columns))
        tile = Tile(counters, emitter.add(group, panel.column), points, masks)
        self.finisher.write(tile, [[emitter.read(total) for total in row] for row in sums])
