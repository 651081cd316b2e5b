"""Writes what follows a matrix product: its body, for the vectors of a tile."""

from typing import TYPE_CHECKING

from .body import Point, evaluate, varying, write_stores
from .emitter import Emitter, Value, index, number
from .kernel import Literal
from .lanes import Lanes, memory_type
from .tiling import Tiling

if TYPE_CHECKING:
    from .matmul import MatMulKernel

# Up to how many instructions the body is written for every vector of a tile; where that would
# be more, it is written once, in a loop over the tile.
_SHORT = 480


class Epilogue:
    """Writes the body of a product.

    Args:
        emitter: where to write.
        kernel: the product.
        tiling: how it is divided.
        pointers: the addresses of its buffers.

    Attributes:
        pitch: how many elements the rows of a tile that is put aside lie apart.
    """

    def __init__(
        self, emitter: Emitter, kernel: "MatMulKernel", tiling: Tiling, pointers: list[Value]
    ) -> None:
        self.pitch = -(-tiling.panel_columns // tiling.lanes) * tiling.lanes
        self._emitter = emitter
        self._kernel = kernel
        self._tiling = tiling
        self._pointers = pointers
        self._dtype = kernel.buffers[kernel.first.buffer]
        self._element = memory_type(self._dtype, 1)
        self._type = memory_type(self._dtype, tiling.lanes)
        self._product = kernel.body.product
        self._known: dict[int, Lanes] = {}

    @property
    def is_long(self) -> bool:
        """Whether tiles are to be put aside, so that the body is written only once."""
        vectors = self._tiling.height * self.pitch // self._tiling.lanes
        return vectors * self._length() > _SHORT

    def _length(self) -> int:
        """How many instructions the body takes for a vector, found by trying."""
        emitter = Emitter(self._emitter.target)
        pointers = [Value("null", "ptr")] * len(self._pointers)
        trial = Epilogue(emitter, self._kernel, self._tiling, pointers)
        with emitter.function("trial", ()):
            point = trial._point([index(0)] * len(self._kernel.batch), index(0), index(0), None)
            trial._write_stores(point, trial._evaluate(point, number(0, self._type)))
            return emitter.length

    def evaluate_once(self) -> None:
        """Write what is the same for all elements of the product, before the loops."""
        body = self._kernel.body
        axes = range(len(self._kernel.batch) + 2)
        varies = varying(body, axes)
        same = [
            position
            for position, instruction in enumerate(body.instructions)
            if position not in varies and not isinstance(instruction.action, Literal)
        ]
        origin = Point(tuple(index(0) for _ in axes), axes[-1], 1)
        self._known = evaluate(self._emitter, body, self._pointers, origin, {}, same)

    def mask(self, columns: int) -> Value | None:
        """The lanes of a vector that exist where so many columns are left."""
        lanes = self._tiling.lanes
        return None if columns >= lanes else self._emitter.mask(lanes, index(columns))

    def finish(
        self,
        counters: list[Value],
        row: Value,
        column: Value,
        width: int,
        sums: list[list[Value]],
    ) -> None:
        """Run the body for a tile in registers.

        All loads come before the stores: a processor may hold a load up that lies near an
        unfinished store with a mask.

        Args:
            counters: the index along each dimension of the batch.
            row: the first row of the tile.
            column: its first column.
            width: how many columns it has.
            sums: the vectors of each row.
        """
        finished = []
        for position, vectors in enumerate(sums):
            at_row = self._emitter.add(row, index(position))
            for start, total in zip(range(0, width, self._tiling.lanes), vectors, strict=True):
                at_column = self._emitter.add(column, index(start))
                point = self._point(counters, at_row, at_column, self.mask(width - start))
                finished.append((point, self._evaluate(point, total)))
        for point, results in finished:
            self._write_stores(point, results)

    # Tiles that are put aside before the body runs

    def place(self, kept: Value, row: int, column: int) -> Value:
        """Where an element of a tile lies that is put aside at `kept`."""
        return self._emitter.address(kept, self._element, index(row * self.pitch + column))

    def keep(self, kept: Value, sums: list[list[Value]]) -> None:
        """Put a tile aside."""
        for row, vectors in enumerate(sums):
            for position, total in enumerate(vectors):
                place = self.place(kept, row, position * self._tiling.lanes)
                self._emitter.store(total, place)

    def finish_kept(self, kept: Value, counters: list[Value], row: Value, column: Value) -> None:
        """Run the body, in loops, for a tile that was put aside."""
        emitter, kernel, lanes = self._emitter, self._kernel, self._tiling.lanes
        rows_left = emitter.subtract(index(kernel.rows), row)
        columns_left = emitter.subtract(index(kernel.columns), column)
        columns = index(self._tiling.panel_columns)
        height = emitter.intrinsic("smin", "i64", rows_left, index(self._tiling.height))
        width = emitter.intrinsic("smin", "i64", columns_left, columns)
        rest = kernel.columns % lanes
        with emitter.loop(index(0), height) as down:
            at_row = emitter.add(row, down)
            offset = emitter.multiply(down, index(self.pitch))
            start = emitter.address(kept, self._element, offset)
            # Only the last vector has a mask, as vectors with one are slower to store and load.
            whole = emitter.subtract(width, index(lanes - 1)) if rest else width
            with emitter.loop(index(0), whole, lanes) as across:
                at = emitter.add(column, across)
                self._finish_vector(start, across, self._point(counters, at_row, at, None))
            if rest:
                with emitter.when(emitter.compare("sle", columns_left, columns)):
                    across = emitter.subtract(width, index(rest))
                    at = index(kernel.columns - rest)
                    point = self._point(counters, at_row, at, self.mask(rest))
                    self._finish_vector(start, across, point)

    def _finish_vector(self, start: Value, across: Value, point: Point) -> None:
        place = self._emitter.address(start, self._element, across)
        self._write_stores(point, self._evaluate(point, self._emitter.load(self._type, place)))

    # The body for one vector

    def _point(self, counters: list[Value], row: Value, column: Value, mask: Value | None) -> Point:
        return Point((*counters, row, column), len(counters) + 1, self._tiling.lanes, mask)

    def _evaluate(self, point: Point, total: Value) -> dict[int, Lanes]:
        known = {**self._known, self._product: Lanes(self._emitter, total, self._dtype)}
        return evaluate(self._emitter, self._kernel.body, self._pointers, point, known)

    def _write_stores(self, point: Point, results: dict[int, Lanes]) -> None:
        write_stores(self._emitter, self._kernel.body, self._pointers, point, results)
