"""Writes what is done with the sums of a convolution."""

from typing import TYPE_CHECKING, NamedTuple

from .body import Point, evaluate, varying, write_stores
from .emitter import Emitter, Value, index
from .lanes import Lanes, memory_type

if TYPE_CHECKING:
    from .convolution import ConvolutionKernel
    from .convolution_tiling import Tiling

# Up to how many instructions a body is written once for every vector of a tile; a longer one
# is written once, in a loop over the tile.
_SHORT = 480


class Tile(NamedTuple):
    """Where a tile lies.

    Attributes:
        counters: the index along each axis of the rows, for its first row.
        column: its first column, counted through all groups.
        points: how far each of its rows lies from the first, along the last two axes.
        masks: for each vector of a row which lanes exist, or None where all do.
    """

    counters: list[Value]
    column: Value
    points: list[tuple[int, int]]
    masks: list[Value | None]


class _Vector(NamedTuple):
    """The same vector of all rows of a tile.

    Attributes:
        column: its first column.
        mask: which lanes exist, or None where all do.
        known: the results of the body that are the same in all rows.
    """

    column: Value
    mask: Value | None
    known: dict[int, Lanes]


class Finisher:
    """Writes a kernel's body for its tiles.

    Args:
        emitter: where to write.
        kernel: the kernel.
        pointers: the addresses of its buffers.
        tiling: how it is divided.
    """

    def __init__(
        self,
        emitter: Emitter,
        kernel: "ConvolutionKernel",
        pointers: list[Value],
        tiling: "Tiling",
    ) -> None:
        self.emitter = emitter
        self.body = kernel.body
        self.pointers = pointers
        self.tiling = tiling
        self.dtype = kernel.buffers[kernel.first.buffer]
        self.element = memory_type(self.dtype, 1)
        self.type = memory_type(self.dtype, tiling.lanes)
        self.product = kernel.body.product
        varies = varying(kernel.body, range(len(kernel.rows)))
        everything = range(len(kernel.body.instructions))
        self.same_in_rows = [number for number in everything if number not in varies]

    def write(self, tile: Tile, sums: list[list[Value]]) -> None:
        """Run the body for each vector of a tile.

        All loads come before the stores: a processor may hold a load up that lies near an
        unfinished store with a mask.
        """
        vectors = [self._vector(tile, number) for number in range(len(tile.masks))]
        if len(self.body.instructions) * len(tile.points) * len(vectors) > _SHORT:
            self._write_in_loops(tile, vectors, sums)
            return
        finished = []
        for (down, along), row in zip(tile.points, sums, strict=True):
            at = self._moved(tile.counters, index(down), index(along))
            for vector, total in zip(vectors, row, strict=True):
                point = self._point(at, vector.column, vector.mask)
                finished.append((point, self._results(point, total, vector.known)))
        for point, results in finished:
            write_stores(self.emitter, self.body, self.pointers, point, results)

    def _vector(self, tile: Tile, number: int) -> _Vector:
        column = self.emitter.add(tile.column, index(number * self.tiling.lanes))
        mask = tile.masks[number]
        point = self._point(tile.counters, column, mask)
        known = evaluate(self.emitter, self.body, self.pointers, point, {}, self.same_in_rows)
        return _Vector(column, mask, known)

    def _write_in_loops(self, tile: Tile, vectors: list[_Vector], sums: list[list[Value]]) -> None:
        """Put the tile aside, and write the body once for each vector of a row."""
        emitter, lanes = self.emitter, self.tiling.lanes
        panel = self.tiling.panel
        kept = emitter.array(self.element, len(sums) * panel)
        for row, totals in enumerate(sums):
            for number, total in enumerate(totals):
                place = emitter.address(kept, self.element, index(row * panel + number * lanes))
                emitter.store(total, place)
        height, length = (last + 1 for last in tile.points[-1])
        with (
            emitter.loop(index(0), index(height)) as down,
            emitter.loop(index(0), index(length)) as along,
        ):
            row_number = emitter.add(emitter.multiply(down, index(length)), along)
            offset = emitter.multiply(row_number, index(panel))
            start = emitter.address(kept, self.element, offset)
            at = self._moved(tile.counters, down, along)
            for number, vector in enumerate(vectors):
                place = emitter.address(start, self.element, index(number * lanes))
                point = self._point(at, vector.column, vector.mask)
                total = emitter.load(self.type, place)
                results = self._results(point, total, vector.known)
                write_stores(emitter, self.body, self.pointers, point, results)

    def _moved(self, counters: list[Value], down: Value, along: Value) -> list[Value]:
        """The counters of another row; where the rows have one axis, it lies along that."""
        found = list(counters)
        for back, move in ((1, along), (2, down)):
            if back <= len(found) and move.text != "0":
                found[-back] = self.emitter.add(found[-back], move)
        return found

    def _point(self, rows: list[Value], column: Value, mask: Value | None) -> Point:
        return Point((*rows, column), len(rows), self.tiling.lanes, mask)

    def _results(self, point: Point, total: Value, known: dict[int, Lanes]) -> dict[int, Lanes]:
        given = {**known, self.product: Lanes(self.emitter, total, self.dtype)}
        return evaluate(self.emitter, self.body, self.pointers, point, given)
