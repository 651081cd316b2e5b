"""The kernel of matrix products."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from ..ops import Shape
from .body import Point, evaluate, varying, write_stores
from .emitter import Emitter, Value, index
from .kernel import (
    PARAMETERS,
    Access,
    Action,
    Body,
    Kernel,
    Literal,
    Load,
    LoadAt,
    Position,
    Product,
    buffer_pointers,
    share,
)
from .lanes import Lanes, memory_type
from .packing import write_packing
from .target import Target, host
from .tile import Matrix, inner_product_tile, outer_product_tile
from .tiling import Problem, Tiling, choose

# Up to how many instructions a body is written once for every vector of a tile; a longer one
# is written once, in a loop over the tile.
_SHORT = 160


@dataclass(frozen=True)
class MatMulKernel(Kernel):
    """Products of matrices, and what is done with each of their elements.

    ``first @ second``, for every index of the batch; the body runs at each element of the
    result, which its `Product` instruction stands for. The result itself is written only where
    the body stores it.

    Attributes:
        buffers: see `Kernel`.
        batch: the dimensions before the last two.
        rows: M, the rows of the result.
        columns: N, its columns.
        inner: K, the size of the dimension that is summed over.
        first: the first matrices, with strides over (*batch, M, K).
        second: the second ones, with strides over (*batch, K, N).
        body: what follows, with strides over (*batch, M, N); it has one `Product`.
    """

    batch: Shape
    rows: int
    columns: int
    inner: int
    first: Access
    second: Access
    body: Body

    @property
    def work(self) -> int:
        elements = math.prod(self.batch) * self.rows * self.columns
        return elements * (self.inner + len(self.body.instructions)) // 8

    @property
    def operations(self) -> int:
        return 2 * math.prod(self.batch) * self.rows * self.columns * self.inner

    def tiling(self, target: Target) -> Tiling:
        """How the product is divided for a processor."""
        return choose(self._problem(), target)[1]

    def cycles(self, target: Target) -> float:
        """About how many cycles one thread takes."""
        return choose(self._problem(), target)[0]

    def _problem(self) -> Problem:
        inner, columns = self.second.strides[-2:]
        if columns == 1 or self.columns == 1:
            contiguous = "columns"
        else:
            contiguous = "inner" if inner == 1 or self.inner == 1 else "neither"
        along = len(self.batch) + 1
        scattered = sum(access.strides[along] not in (0, 1) for access in _accesses(self.body))
        return Problem(
            max(math.prod(self.batch), 1),
            max(self.rows, 1),
            max(self.columns, 1),
            self.inner,
            self.buffers[self.first.buffer].itemsize,
            contiguous,  # type: ignore[arg-type]
            self.first.strides[-1] == 1 or self.inner == 1,
            len(self.body.instructions) / 2 + (20.0 * scattered if self.columns > 1 else 0.0),
        )

    def scratch(self, target: Target) -> int:
        tiling = self.tiling(target)
        if not tiling.packed or self._is_empty:
            return 0
        itemsize = self.buffers[self.first.buffer].itemsize
        size = tiling.group * self.inner * tiling.width * tiling.lanes * itemsize
        return -(-size // 64) * 64

    @property
    def _is_empty(self) -> bool:
        return 0 in (*self.batch, self.rows, self.columns)

    def emit(self, emitter: Emitter, name: str) -> None:
        with emitter.function(name, PARAMETERS) as (table, operands, thread, threads):
            if self._is_empty:
                return
            scratch_size = self.scratch(emitter.target)
            count = len(self.buffers) + (scratch_size > 0)
            pointers = buffer_pointers(emitter, count, table, operands)
            scratch = None
            if scratch_size:
                offset = emitter.multiply(thread, index(scratch_size))
                scratch = emitter.address(pointers.pop(), "i8", offset)
            _Writer(emitter, self, pointers, scratch).write(thread, threads)

    def __str__(self) -> str:
        tiling = self.tiling(host())
        sizes = " × ".join(map(str, (*self.batch, self.rows, self.columns)))
        return f"product [{sizes}] over {self.inner}: {tiling}"


class _Writer:
    """Writes one kernel.

    Args:
        emitter: where to write.
        kernel: the kernel.
        pointers: the addresses of its buffers.
        scratch: the address of this thread's working memory, where the kernel needs some.
    """

    def __init__(
        self, emitter: Emitter, kernel: MatMulKernel, pointers: list[Value], scratch: Value | None
    ) -> None:
        self.emitter = emitter
        self.kernel = kernel
        self.pointers = pointers
        self.tiling = kernel.tiling(emitter.target)
        self.dtype = kernel.buffers[kernel.first.buffer]
        self.element = memory_type(self.dtype, 1)
        self.type = memory_type(self.dtype, emitter.target.lanes(self.dtype.itemsize))
        self.panel_columns = self.tiling.width
        if self.tiling.along == "columns":
            self.panel_columns *= self.tiling.lanes
        self.panels = -(-kernel.columns // self.panel_columns)
        self.tiles = -(-kernel.rows // self.tiling.height)
        self.scratch = scratch
        self.panel_size = kernel.inner * self.panel_columns
        self.product = next(
            position
            for position, instruction in enumerate(kernel.body.instructions)
            if isinstance(instruction.action, Product)
        )
        vectors = self.tiling.height * (1 if self.tiling.along == "inner" else self.tiling.width)
        self.short = len(kernel.body.instructions) * vectors <= _SHORT
        self.known: dict[int, Lanes] = {}

    def write(self, thread: Value, threads: Value) -> None:
        """The loops: over the batch, groups of panels, rows of tiles, panels of the group."""
        emitter, kernel, shared = self.emitter, self.kernel, self.tiling.shared
        whole = {"batch": math.prod(kernel.batch), "rows": self.tiles, "columns": self.panels}
        parts = {name: (index(0), index(count)) for name, count in whole.items()}
        parts[shared] = share(emitter, whole[shared], thread, threads)
        self._evaluate_once()
        with emitter.loop(*parts["batch"]) as item:
            counters = self._batch_counters(item)
            first = self._matrix(kernel.first, counters)
            second = self._matrix(kernel.second, counters)
            start, stop = parts["columns"]
            with emitter.loop(start, stop, self.tiling.group) as group:
                following = emitter.add(group, index(self.tiling.group))
                group_stop = emitter.intrinsic("smin", "i64", following, stop)
                if self.scratch is not None:
                    self._pack(second, group, group_stop)
                with (
                    emitter.loop(*parts["rows"]) as tile,
                    emitter.loop(group, group_stop) as panel,
                ):
                    self._write_tile(first, second, counters, tile, panel, group)

    def _evaluate_once(self) -> None:
        """What is the same at all points of the result."""
        body = self.kernel.body
        axes = range(len(self.kernel.batch) + 2)
        varies = varying(body, axes)
        same = [
            position
            for position, instruction in enumerate(body.instructions)
            if position not in varies and not isinstance(instruction.action, Literal)
        ]
        origin = Point(tuple(index(0) for _ in axes), axes[-1], 1)
        self.known = evaluate(self.emitter, body, self.pointers, origin, {}, same)

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

    def _pack(self, second: Matrix, group: Value, group_stop: Value) -> None:
        """Copy the panels of a group to the working memory."""
        emitter = self.emitter
        with emitter.loop(group, group_stop) as panel:
            column = emitter.multiply(panel, index(self.panel_columns))
            left = emitter.subtract(index(self.kernel.columns), column)
            columns = emitter.intrinsic("smin", "i64", left, index(self.panel_columns))
            source = self._moved(second, None, column)
            if self.kernel.columns == 1:
                source = source._replace(column_stride=1)
            target = self._packed_panel(panel, group)
            write_packing(emitter, self.type, target, source, self.kernel.inner, columns)

    def _packed_panel(self, panel: Value, group: Value) -> Matrix:
        assert self.scratch is not None
        position = self.emitter.subtract(panel, group)
        offset = self.emitter.multiply(position, index(self.panel_size))
        start = self.emitter.address(self.scratch, self.element, offset)
        return Matrix(start, self.panel_columns, 1)

    def _write_tile(
        self,
        first: Matrix,
        second: Matrix,
        counters: list[Value],
        tile: Value,
        panel: Value,
        group: Value,
    ) -> None:
        """One tile, by the code for its height and width."""
        emitter, kernel, tiling = self.emitter, self.kernel, self.tiling
        row = emitter.multiply(tile, index(tiling.height))
        column = emitter.multiply(panel, index(self.panel_columns))
        rows = self._moved(first, row, None)
        if self.scratch is None:
            columns = self._moved(second, None, column)
        else:
            columns = self._packed_panel(panel, group)
        heights = _sizes(kernel.rows, tiling.height)
        widths = _sizes(kernel.columns, self.panel_columns)
        pitch = -(-self.panel_columns // tiling.lanes)
        room = None
        if not self.short:
            room = emitter.array(self.element, tiling.height * pitch * tiling.lanes)
        for height in heights:
            for width in widths:
                with (
                    _when_last(emitter, tile, self.tiles, height, heights),
                    _when_last(emitter, panel, self.panels, width, widths),
                ):
                    sums = self._sums(rows, columns, height, width)
                    if room is not None:
                        self._keep(room, pitch, sums)
                        continue
                    for position, vectors in enumerate(sums):
                        at_row = emitter.add(row, index(position))
                        for lane, total in enumerate(vectors):
                            at = emitter.add(column, index(lane * tiling.lanes))
                            mask = self._mask(width - lane * tiling.lanes)
                            self._finish(counters, at_row, at, mask, total)
        if room is not None:
            self._finish_kept(room, pitch, counters, row, column)

    def _sums(self, rows: Matrix, columns: Matrix, height: int, width: int) -> list[list[Value]]:
        tiling, inner = self.tiling, self.kernel.inner
        if tiling.along == "inner":
            return inner_product_tile(
                self.emitter,
                self.type,
                rows,
                columns,
                inner,
                height,
                width,
                tiling.lanes,
                tiling.unroll,
            )
        masks = [
            None if tiling.packed else self._mask(width - start)
            for start in range(0, width, tiling.lanes)
        ]
        return outer_product_tile(
            self.emitter, self.type, rows, columns, inner, height, masks, tiling.unroll
        )

    def _mask(self, columns: int) -> Value | None:
        """The lanes of a vector that exist where so many columns are left."""
        lanes = self.tiling.lanes
        if columns >= lanes or lanes == 1:
            return None
        return self.emitter.mask(lanes, index(columns))

    def _keep(self, room: Value, pitch: int, sums: list[list[Value]]) -> None:
        for position, vectors in enumerate(sums):
            for lane, total in enumerate(vectors):
                offset = index((position * pitch + lane) * self.tiling.lanes)
                self.emitter.store(total, self.emitter.address(room, self.element, offset))

    def _finish_kept(
        self, room: Value, pitch: int, counters: list[Value], row: Value, column: Value
    ) -> None:
        """Run the body in loops over a tile that was put aside."""
        emitter, kernel, lanes = self.emitter, self.kernel, self.tiling.lanes
        stops = (
            emitter.intrinsic("smin", "i64", emitter.subtract(index(whole), start), index(size))
            for whole, start, size in (
                (kernel.rows, row, self.tiling.height),
                (kernel.columns, column, self.panel_columns),
            )
        )
        height, width = stops
        with (
            emitter.loop(index(0), height) as position,
            emitter.loop(index(0), width, lanes) as lane,
        ):
            offset = emitter.add(emitter.multiply(position, index(pitch * lanes)), lane)
            place = emitter.address(room, self.element, offset)
            total = emitter.load(memory_type(self.dtype, lanes), place)
            mask = None
            if kernel.columns % lanes:
                mask = emitter.mask(lanes, emitter.subtract(width, lane))
            at_row, at = emitter.add(row, position), emitter.add(column, lane)
            self._finish(counters, at_row, at, mask, total)

    def _finish(
        self, counters: list[Value], row: Value, column: Value, mask: Value | None, total: Value
    ) -> None:
        """Run the body for a vector of the result."""
        axis = len(counters) + 1
        point = Point((*counters, row, column), axis, self.tiling.lanes, mask)
        known = {**self.known, self.product: Lanes(self.emitter, total, self.dtype)}
        results = evaluate(self.emitter, self.kernel.body, self.pointers, point, known)
        write_stores(self.emitter, self.kernel.body, self.pointers, point, results)


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


def oriented(kernel: MatMulKernel, target: Target | None = None) -> MatMulKernel:
    """The product as it stands or the transposed one, second^T @ first^T: the faster of them."""
    target = target or host()
    other = transposed_problem(kernel)
    return other if other.cycles(target) < kernel.cycles(target) else kernel


def transposed_problem(kernel: MatMulKernel) -> MatMulKernel:
    """The same product with rows and columns exchanged."""
    axes = len(kernel.batch)

    def exchanged(access: Access) -> Access:
        *batch, row, column = access.strides
        return replace(access, strides=(*batch, column, row))

    def exchanged_action(action: Action) -> Action:
        match action:
            case Load(access):
                return Load(exchanged(access))
            case LoadAt(access):
                return replace(action, access=exchanged(access))
            case Position(axis) if axis >= axes:
                return replace(action, axis=2 * axes + 1 - axis)
        return action

    body = Body(
        tuple(
            replace(instruction, action=exchanged_action(instruction.action))
            for instruction in kernel.body.instructions
        ),
        tuple(replace(store, access=exchanged(store.access)) for store in kernel.body.stores),
    )
    return replace(
        kernel,
        rows=kernel.columns,
        columns=kernel.rows,
        first=exchanged(kernel.second),
        second=exchanged(kernel.first),
        body=body,
    )


def _accesses(body: Body) -> Iterator[Access]:
    for instruction in body.instructions:
        if isinstance(instruction.action, Load | LoadAt):
            yield instruction.action.access
    for store in body.stores:
        yield store.access
