"""Writes the loops of a matrix product: groups of panels, blocks, tiles."""

import math
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from .emitter import Emitter, Value, index, number
from .epilogue import Epilogue
from .kernel import Access, share
from .lanes import memory_type
from .packing import write_packing
from .tile import Matrix, inner_product_tile, outer_product_tile
from .tiling import Tiling

if TYPE_CHECKING:
    from .matmul import MatMulKernel


class Room(NamedTuple):
    """How a thread's working memory is divided, in elements.

    Attributes:
        panels: the packed panels of the second matrix come first; their size.
        rows: the packed rows of the first matrix follow; their size.
        sums: then come sums that go on in the next block; their size.
    """

    panels: int
    rows: int
    sums: int


def room(kernel: "MatMulKernel", tiling: Tiling) -> Room:
    """The working memory that a product needs."""
    panel = tiling.panel_columns
    panels = tiling.group * tiling.depth * panel if tiling.packed else 0
    if tiling.depth == kernel.inner:
        return Room(panels, 0, 0)
    rows = 0 if _is_read_in_place(kernel) else tiling.depth * _pitch(tiling)
    return Room(panels, rows, tiling.block * tiling.group * tiling.height * panel)


def _is_read_in_place(kernel: "MatMulKernel") -> bool:
    """Whether blocks take the first matrix as it lies in memory."""
    return kernel.first.strides[-1] == 1


def _pitch(tiling: Tiling) -> int:
    """How far the packed rows' elements for one k lie from those for the next."""
    return -(-tiling.height // tiling.lanes) * tiling.lanes


class _Block(NamedTuple):
    """What tiles are computed in: part of the inner dimension, for a group of panels.

    Attributes:
        counters: the index along each dimension of the batch.
        first: the first matrix, from the first k of the block on.
        second: the second one, likewise.
        inner: how many k there are.
        group: the first panel.
        row: the first tile of the rows that the block has.
        is_last: whether the sums are complete after it, an i1; None where they always are.
    """

    counters: list[Value]
    first: Matrix
    second: Matrix
    inner: int | Value
    group: Value
    row: Value
    is_last: Value | None


class ProductWriter:
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
        kernel: "MatMulKernel",
        pointers: list[Value],
        scratch: Value | None,
    ) -> None:
        self.emitter = emitter
        self.kernel = kernel
        self.pointers = pointers
        self.scratch = scratch
        self.tiling = kernel.tiling(emitter.target)
        self.dtype = kernel.buffers[kernel.first.buffer]
        self.element = memory_type(self.dtype, 1)
        self.type = memory_type(self.dtype, emitter.target.lanes(self.dtype.itemsize))
        self.panel_columns = self.tiling.panel_columns
        self.panels = -(-kernel.columns // self.panel_columns)
        self.tiles = -(-kernel.rows // self.tiling.height)
        self.room = room(kernel, self.tiling)
        self.epilogue = Epilogue(emitter, kernel, self.tiling, pointers)
        self.is_kept = self.room.sums > 0 or self.epilogue.is_long

    def write(self, thread: Value, threads: Value) -> None:
        """The loops over the batch and the groups of panels."""
        emitter, kernel, shared = self.emitter, self.kernel, self.tiling.shared
        whole = {"batch": math.prod(kernel.batch), "rows": self.tiles, "columns": self.panels}
        parts = {name: (index(0), index(count)) for name, count in whole.items()}
        parts[shared] = share(emitter, whole[shared], thread, threads)
        self.epilogue.evaluate_once()
        with emitter.loop(*parts["batch"]) as item:
            counters = self._batch_counters(item)
            first = self._matrix(kernel.first, counters)
            second = self._matrix(kernel.second, counters)
            start, stop = parts["columns"]
            with emitter.loop(start, stop, self.tiling.group) as group:
                group_stop = self._least(emitter.add(group, index(self.tiling.group)), stop)
                block = _Block(counters, first, second, kernel.inner, group, index(0), None)
                if self.room.sums:
                    self._write_blocks(block, group_stop, *parts["rows"])
                else:
                    self._write_tiles(block, group_stop, *parts["rows"])

    def _write_blocks(self, whole: _Block, group_stop: Value, start: Value, stop: Value) -> None:
        """The loops over blocks of rows and of the inner dimension."""
        emitter, depth, inner = self.emitter, self.tiling.depth, self.kernel.inner
        with emitter.loop(start, stop, self.tiling.block) as row:
            row_stop = self._least(emitter.add(row, index(self.tiling.block)), stop)
            self._clear_sums()
            with emitter.loop(index(0), index(inner), depth) as k:
                left = emitter.subtract(index(inner), k)
                block = whole._replace(
                    first=self._moved(whole.first, None, k),
                    second=self._moved(whole.second, k, None),
                    inner=self._least(left, index(depth)),
                    row=row,
                    is_last=emitter.compare("sle", left, index(depth)),
                )
                self._write_tiles(block, group_stop, row, row_stop)

    def _write_tiles(self, block: _Block, group_stop: Value, start: Value, stop: Value) -> None:
        """The loops over tiles: rows, and the panels of the group for each."""
        emitter = self.emitter
        if self.tiling.packed:
            self._pack(block, group_stop)
        with emitter.loop(start, stop) as tile:
            row = emitter.multiply(tile, index(self.tiling.height))
            rows = self._moved(block.first, row, None)
            if self.room.rows:
                rows = self._pack_rows(rows, row, block.inner)
            with emitter.loop(block.group, group_stop) as panel:
                self._write_tile(block, rows, tile, panel)

    # Where things lie

    def _least(self, a: Value, b: Value) -> Value:
        return self.emitter.intrinsic("smin", "i64", a, b)

    def _batch_counters(self, item: Value) -> list[Value]:
        """The index along each dimension of the batch."""
        counters = []
        for size in reversed(self.kernel.batch):
            counters.append(self.emitter.remainder(item, index(size)))
            item = self.emitter.divide(item, index(size))
        return counters[::-1]

    def _matrix(self, access: Access, counters: list[Value]) -> Matrix:
        emitter = self.emitter
        offset = index(access.offset)
        for counter, stride in zip(counters, access.strides, strict=False):
            offset = emitter.add(offset, emitter.multiply(counter, index(stride)))
        start = emitter.address(self.pointers[access.buffer], self.element, offset)
        return Matrix(start, *access.strides[-2:])

    def _moved(self, matrix: Matrix, row: Value | None, column: Value | None) -> Matrix:
        start = matrix.start
        for counter, stride in ((row, matrix.row_stride), (column, matrix.column_stride)):
            if counter is not None:
                offset = self.emitter.multiply(counter, index(stride))
                start = self.emitter.address(start, self.element, offset)
        return matrix._replace(start=start)

    def _in_scratch(self, elements: int, offset: Value) -> Value:
        """The address of an element of the working memory, `elements` behind its start."""
        assert self.scratch is not None
        start = self.emitter.address(self.scratch, self.element, index(elements))
        return self.emitter.address(start, self.element, offset)

    def _packed_panel(self, panel: Value, group: Value) -> Matrix:
        position = self.emitter.subtract(panel, group)
        size = self.tiling.depth * self.panel_columns
        start = self._in_scratch(0, self.emitter.multiply(position, index(size)))
        return Matrix(start, self.panel_columns, 1)

    # Packing

    def _pack(self, block: _Block, group_stop: Value) -> None:
        """Copy the panels of a group to the working memory."""
        emitter = self.emitter
        with emitter.loop(block.group, group_stop) as panel:
            column = emitter.multiply(panel, index(self.panel_columns))
            left = emitter.subtract(index(self.kernel.columns), column)
            columns = self._least(left, index(self.panel_columns))
            source = self._moved(block.second, None, column)
            target = self._packed_panel(panel, block.group)
            write_packing(emitter, self.type, target, source, block.inner, columns)

    def _pack_rows(self, rows: Matrix, row: Value, inner: int | Value) -> Matrix:
        """Copy the rows of a tile to the working memory, those for one k side by side."""
        start = self._in_scratch(self.room.panels, index(0))
        pitch = _pitch(self.tiling)
        source = Matrix(rows.start, rows.column_stride, rows.row_stride)
        left = self.emitter.subtract(index(self.kernel.rows), row)
        height = self._least(left, index(self.tiling.height))
        target = Matrix(start, pitch, 1)
        write_packing(self.emitter, self.type, target, source, inner, height)
        return Matrix(start, 1, pitch)

    # Tiles

    def _write_tile(self, block: _Block, rows: Matrix, tile: Value, panel: Value) -> None:
        """One tile, by the code for its height and width."""
        emitter, kernel, tiling = self.emitter, self.kernel, self.tiling
        row = emitter.multiply(tile, index(tiling.height))
        column = emitter.multiply(panel, index(self.panel_columns))
        if tiling.packed:
            columns = self._packed_panel(panel, block.group)
        else:
            columns = self._moved(block.second, None, column)
        kept = self._place_of_sums(block, tile, panel) if self.is_kept else None
        heights = _sizes(kernel.rows, tiling.height)
        widths = _sizes(kernel.columns, self.panel_columns)
        for height in heights:
            for width in widths:
                with (
                    _when_last(emitter, tile, self.tiles, height, heights),
                    _when_last(emitter, panel, self.panels, width, widths),
                ):
                    sums = self._sums(block, rows, columns, height, width, kept)
                    if kept is None:
                        self.epilogue.finish(block.counters, row, column, width, sums)
                    else:
                        self.epilogue.keep(kept, sums)
        if kept is not None:
            with nullcontext() if block.is_last is None else emitter.when(block.is_last):
                self.epilogue.finish_kept(kept, block.counters, row, column)

    def _sums(
        self,
        block: _Block,
        rows: Matrix,
        columns: Matrix,
        height: int,
        width: int,
        kept: Value | None,
    ) -> list[list[Value]]:
        emitter, tiling = self.emitter, self.tiling
        if tiling.along == "inner":
            return inner_product_tile(
                emitter,
                self.type,
                rows,
                columns,
                self.kernel.inner,
                height,
                width,
                tiling.lanes,
                tiling.unroll,
            )
        starts = range(0, width, tiling.lanes)
        masks = [None if tiling.packed else self.epilogue.mask(width - start) for start in starts]
        before = None
        if self.room.sums:
            assert kept is not None
            before = [
                [emitter.load(self.type, self.epilogue.place(kept, row, start)) for start in starts]
                for row in range(height)
            ]
        return outer_product_tile(
            emitter, self.type, rows, columns, block.inner, height, masks, tiling.unroll, before
        )

    # Tiles that are put aside before the body runs

    def _place_of_sums(self, block: _Block, tile: Value, panel: Value) -> Value:
        """Where a tile is put aside: in the working memory, or on the stack."""
        emitter, tiling = self.emitter, self.tiling
        size = tiling.height * self.epilogue.pitch
        if not self.room.sums:
            return emitter.array(self.element, size)
        place = emitter.multiply(emitter.subtract(tile, block.row), index(tiling.group))
        place = emitter.add(place, emitter.subtract(panel, block.group))
        offset = emitter.multiply(place, index(size))
        return self._in_scratch(self.room.panels + self.room.rows, offset)

    def _clear_sums(self) -> None:
        emitter, lanes = self.emitter, self.tiling.lanes
        start = self._in_scratch(self.room.panels + self.room.rows, index(0))
        with emitter.loop(index(0), index(self.room.sums), lanes) as position:
            place = emitter.address(start, self.element, position)
            emitter.store(number(0, self.type), place)


def _sizes(whole: int, part: int) -> list[int]:
    """The different sizes of parts: full ones, and what is left at the end."""
    return [size for size in (part if whole >= part else 0, whole % part) if size]


def _when_last(
    emitter: Emitter, position: Value, count: int, size: int, sizes: list[int]
) -> AbstractContextManager[None]:
    """A block for the parts of one size: all but the last, or the last one."""
    if len(sizes) == 1:
        return nullcontext()
    predicate = "slt" if size == sizes[0] else "eq"
    return emitter.when(emitter.compare(predicate, position, index(count - 1)))
