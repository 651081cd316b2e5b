"""Chooses how a convolution is divided into tiles, by a small model of a processor."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from ..ops import Shape
from .target import Target

# What the model knows, in cycles of a processor that starts two vector operations and two
# loads in each. Results do not depend on these numbers, which were measured; speed does.
_PER_CYCLE = 2
_LATENCY = 4  # from one addition to a sum to the next
_RUN_START = 6  # for each run along the innermost axis
_TILE_START = 20
_CODE = 0.001  # how much slower is worth one sum less in the code, which has to be compiled
_WIDEST = 4  # vectors in a row of a tile
_CLOSE_BYTES = 1 << 19  # what of the factors stays close beside other things
_FEWEST_STEPS = 200  # that are worth to put sums aside and to load them again
_CLOSEST_BYTES = 1 << 14
_FAR_ROWS = 256  # bytes from row to row of the second factor from which it is copied,
_MANY_TILES = 8  # for so many tiles at least
_OF_COLUMNS = 1.05  # how much less evenly shared columns may be than rows
_ROOM = 5 << 17  # bytes of sums that are put aside at no great cost


class Problem(NamedTuple):
    """What the choice depends on.

    Attributes:
        groups, rows, columns, inner: see `ConvolutionKernel`.
        itemsize: bytes of an element.
        first_step: how many elements further the first factor is at the next place of the first
            inner axis.
        is_contiguous: whether the second factor's columns lie side by side.
        pitch: how many elements its rows lie apart.
        is_elementwise: whether each column has elements of its own in the first factor.
        vector_cost: about how many cycles a vector of the result takes beyond its sum.
    """

    groups: int
    rows: Shape
    columns: int
    inner: Shape
    itemsize: int
    first_step: int
    is_contiguous: bool
    pitch: int
    is_elementwise: bool
    vector_cost: float


class Room(NamedTuple):
    """How a thread's working memory is divided, in elements.

    Attributes:
        panel: the packed panel of the second factor; its size.
        sums: the sums that go on in the next chunk; their size.
    """

    panel: int
    sums: int


@dataclass(frozen=True)
class Tiling:
    """How a convolution is divided.

    Attributes:
        height: how many rows a tile has along the last axis but one; 1 where the rows have only
            one axis.
        length: how many it has along the last axis: all of them, if its height is not 1.
        width: vectors in a row of a tile.
        lanes: columns in a vector.
        packed: whether the second factor's columns are copied to a contiguous panel first.
        shared: what the threads share among them: "rows" or "columns".
        chunk: how much of the first inner axis is added up at a time.
    """

    height: int
    length: int
    width: int
    lanes: int
    packed: bool
    shared: Literal["rows", "columns"]
    chunk: int

    def __str__(self) -> str:
        tall = f"{self.height} × " if self.height > 1 else ""
        parts = [f"tiles of {tall}{self.length} × {self.panel}", f"{self.shared} shared"]
        return ", ".join([*parts, "packed"] if self.packed else parts)

    @property
    def panel(self) -> int:
        """How many columns a tile has."""
        return self.width * self.lanes

    def tiles(self, rows: Shape) -> int:
        """How many tiles the rows fall into."""
        return _tiles(rows, self.height, self.length)

    def room(self, rows: Shape, inner: Shape) -> Room:
        """The working memory that each thread needs."""
        first, *rest = inner
        panel = self.chunk * math.prod(rest) * self.panel if self.packed else 0
        if self.chunk >= first:
            return Room(panel, 0)
        return Room(panel, self.tiles(rows) * self.height * self.length * self.panel)


@lru_cache(maxsize=4096)
def choose(problem: Problem, target: Target) -> Tiling:
    """The tiling that should take the least time."""
    lanes = target.lanes(problem.itemsize)
    vectors = -(-problem.columns // lanes)
    best = min(_candidates(problem, target, vectors), key=lambda found: found[0])
    _, height, length, width = best
    chunk = _chunk(problem, width * lanes)
    panel_bytes = chunk * math.prod(problem.inner[1:]) * width * lanes * problem.itemsize
    tiles = _tiles(problem.rows, height, length)
    is_far = problem.columns > width * lanes and problem.pitch * problem.itemsize > _FAR_ROWS
    packed = panel_bytes > 0 and (
        not problem.is_contiguous
        or (is_far and panel_bytes > _CLOSEST_BYTES and tiles >= _MANY_TILES)
    )
    panels = problem.groups * -(-vectors // width)
    by_columns, by_rows = (_imbalance(pieces, target.cores) for pieces in (panels, tiles))
    # Threads that share the columns read only their own of the second factor, which matters
    # where that is larger than the result.
    is_wide = math.prod(problem.inner) > math.prod(problem.rows)
    is_shared_by_columns = by_columns < by_rows or (
        packed and is_wide and by_columns <= by_rows * _OF_COLUMNS
    )
    return Tiling(
        height,
        length,
        width,
        lanes,
        packed,
        "columns" if is_shared_by_columns else "rows",
        chunk,
    )


def _chunk(problem: Problem, panel: int) -> int:
    """How much of the first inner axis to add up at a time: what keeps both factors close."""
    first, *rest = problem.inner
    steps = math.prod(rest)
    each = (problem.first_step + steps * panel) * problem.itemsize
    if not rest or first * each <= _CLOSE_BYTES or 0 in problem.inner:
        return first
    if math.prod(problem.rows) * panel * problem.itemsize > _ROOM:
        each = steps * panel * problem.itemsize
        if first * each <= _CLOSE_BYTES:
            return first
    longest = max(_CLOSE_BYTES // each, -(-_FEWEST_STEPS // steps), 1)
    return -(-first // -(-first // longest))


def _imbalance(pieces: int, cores: int) -> float:
    """How much longer than its share the busiest of so many threads works, averaged with one
    thread alone."""
    return (1 + -(-pieces // cores) * cores / max(pieces, 1)) / 2


def _tiles(rows: Shape, height: int, length: int) -> int:
    *outer, last = rows
    if height == 1:
        return math.prod(outer) * -(-last // length)
    return math.prod(outer[:-1]) * -(-outer[-1] // height)


def _candidates(
    problem: Problem, target: Target, vectors: int
) -> Iterator[tuple[float, int, int, int]]:
    """Heights, lengths and widths of tiles, each after the time that it takes."""
    *_, last = problem.rows
    above = problem.rows[-2] if len(problem.rows) > 1 else 1
    for width in range(1, min(vectors, _WIDEST) + 1):
        most = (target.vector_registers - width - 1) // width
        for length in range(1, min(last, most) + 1):
            tall = min(above, most // length) if length == last else 1
            for height in range(1, tall + 1):
                yield _time(problem, vectors, height, length, width), height, length, width


def _time(problem: Problem, vectors: int, height: int, length: int, width: int) -> float:
    above, last = (1, *problem.rows)[-2:]
    total, code = 0.0, 0
    for tall, down in ((height, above // height), (above % height, 1)):
        for long, along in ((length, last // length), (last % length, 1)):
            for wide, across in ((width, vectors // width), (vectors % width, 1)):
                if tall and long and wide and down:
                    sums = tall * long
                    total += down * along * across * _cycles(problem, sums, wide)
                    code += sums * wide
    return total * (1 + _CODE * code)


def _cycles(problem: Problem, sums: int, width: int) -> float:
    """The cycles of one tile."""
    loads = sums * width if problem.is_elementwise else sums
    loads = loads + width
    step = max(sums * width / _PER_CYCLE, loads / _PER_CYCLE, _LATENCY) + 0.05 * loads
    steps = math.prod(problem.inner)
    runs = steps // max(problem.inner[-1], 1)
    finishing = sums * width * (1 + problem.vector_cost)
    return steps * step + runs * _RUN_START + finishing + _TILE_START
