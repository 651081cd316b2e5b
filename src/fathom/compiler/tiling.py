"""Chooses how a matrix product is divided into tiles, by a small model of a processor."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from .target import Target

# What the model knows, in cycles of a processor that starts two vector operations and two
# loads in each. Results do not depend on these numbers, which were measured; speed does.
_PER_CYCLE = 2
_LATENCY = 4  # from one addition to a sum to the next
_TILE_START = 12
_PACK_COPY = 1.5  # for each vector that packing copies
_PACK_TRANSPOSE = 4.0  # for each vector that packing makes of other vectors' lanes
_PACK_PICK = 20.0  # for each vector that packing puts together from single numbers
_FOLD = 1.5  # for each element whose vector of sums is folded
_CODE = 0.0015  # how much slower is worth one sum less in the code, which has to be compiled
_CODE_OF_PACKING = 40  # the size of the code that packs, in sums
_ROW_START = 1.0  # for each row of a tile, which lies elsewhere in memory
# A product of fewer cycles is left to one thread.
_ALONE = 30_000
_RUN = 1024  # bytes that have to lie together to be read at the better of these speeds:
_CLOSE_RUN, _CLOSE = 1.25, 2.0  # cycles for each vector that comes from the second-level cache
_CLOSEST_BYTES = 1 << 15  # what fits the first level
_CLOSE_BYTES = 1 << 19  # what fits the second level beside other things
_MANY_ROWS = 64  # that make copying worth while
_LONGEST = 4096  # how large the inner dimension may be to be added up in one go
_DEPTH = 512  # how much of it is added up at a time otherwise,
_SHORTEST = 64  # and at the end
_BLOCK_ROWS = 512  # of how many rows sums are put aside
# How much dearer rows are to share: a step's products that read or update one matrix then
# divide it alike, by its columns, so that each part stays in one core's cache.
_OF_ROWS = 1.05


Shared = Literal["batch", "rows", "columns"]


class Problem(NamedTuple):
    """What the choice depends on.

    Attributes:
        batch: how many products there are.
        rows: of the result.
        columns: of the result.
        inner: the size of the dimension that is summed over.
        itemsize: bytes of an element.
        first_inner: whether the first matrix is contiguous along the inner dimension.
        second_inner: whether the second one is.
        second_columns: whether the second one is contiguous along the columns.
        vector_cost: about how many cycles a vector of the result takes beyond its sum.
    """

    batch: int
    rows: int
    columns: int
    inner: int
    itemsize: int
    first_inner: bool
    second_inner: bool
    second_columns: bool
    vector_cost: float

    @property
    def first_bytes(self) -> int:
        return self.rows * self.inner * self.itemsize

    @property
    def second_bytes(self) -> int:
        return self.inner * self.columns * self.itemsize


@dataclass(frozen=True)
class Tiling:
    """How a matrix product is divided.

    Attributes:
        along: the dimension that vectors lie along, "columns" or "inner".
        lanes: how many columns a vector of the result has.
        height: rows of a tile.
        width: vectors in a row of a tile.
        unroll: sums that run side by side for each vector of a tile.
        packed: whether columns of the second matrix are copied to a contiguous panel first.
        group: panels (the columns of a tile) that are worked on together, row by row.
        shared: what the threads share among them: "batch", "rows" or "columns".
        depth: how much of the inner dimension is added up at a time; where that is not all of
            it, sums are put aside in between.
        block: how many tiles of rows have sums put aside at a time.
    """

    along: Literal["columns", "inner"]
    lanes: int
    height: int
    width: int
    unroll: int
    packed: bool
    group: int
    shared: Shared
    depth: int
    block: int

    def __str__(self) -> str:
        shape = f"{self.height} × {self.panel_columns}"
        parts = [f"tiles of {shape}, vectors along the {self.along}", f"{self.shared} shared"]
        if self.packed:
            parts.append(f"{self.group} panels packed")
        return ", ".join(parts)

    @property
    def panel_columns(self) -> int:
        """How many columns of the result a tile has."""
        return self.width * self.lanes if self.along == "columns" else self.width


@lru_cache(maxsize=4096)
def choose(problem: Problem, target: Target) -> tuple[float, Tiling]:
    """The tiling that should take the least time, and how many cycles the model expects."""

    def worth(candidate: tuple[float, Tiling]) -> float:
        cycles, tiling = candidate
        return cycles * (1 + _CODE * _code_size(problem, tiling))

    return min(_candidates(problem, target), key=worth)


def _code_size(problem: Problem, tiling: Tiling) -> int:
    """How many sums the code for all sizes of tiles holds."""
    rest = problem.rows % tiling.height > 0, problem.columns % tiling.panel_columns > 0
    kinds = (1 + rest[0]) * (1 + rest[1])
    packing = _CODE_OF_PACKING if tiling.packed else 0
    return tiling.height * tiling.width * tiling.unroll * kinds + packing


def _candidates(problem: Problem, target: Target) -> Iterator[tuple[float, Tiling]]:
    lanes, registers = target.lanes(problem.itemsize), target.vector_registers
    vectors = -(-problem.columns // lanes)
    for height in _sizes(problem.rows, registers):
        for width in _sizes(vectors, registers):
            for unroll in _unrolls(height * width, registers - width - 1, problem.inner):
                yield _along_columns(problem, target, height, width, unroll)
        if problem.first_inner and problem.second_inner:
            for width in (width for width in (1, 2, 4, 8) if width <= lanes):
                steps = -(-problem.inner // lanes)
                for unroll in _unrolls(height * width, registers - height - 1, steps):
                    if width < 2 * problem.columns:
                        yield _along_inner(problem, target, height, width, unroll)


def _sizes(whole: int, most: int) -> list[int]:
    """The sizes of parts that are worth a try: of those that give as many parts the smallest."""
    smallest: dict[int, int] = {}
    for size in range(1, min(whole, most) + 1):
        smallest.setdefault(-(-whole // size), size)
    return list(smallest.values())


def _unrolls(sums: int, registers: int, steps: int) -> Iterable[int]:
    """How often the sums of a tile can be held beside each other, and are worth it."""
    for unroll in (1, 2, 4, 8):
        if sums * unroll <= registers and (
            unroll == 1 or (sums * unroll <= 16 and unroll <= steps)
        ):
            yield unroll


def _along_columns(
    problem: Problem, target: Target, height: int, width: int, unroll: int
) -> tuple[float, Tiling]:
    """Tiles whose vectors lie along the columns."""
    lanes = target.lanes(problem.itemsize)
    vectors = -(-problem.columns // lanes)
    panels = -(-vectors // width)
    packed = _should_pack(problem)
    depth = _depth(problem) if packed else problem.inner
    group = _group(panels, depth * width * target.vector_bytes)
    is_run = packed or panels == 1
    tile = _Tile(
        steps=problem.inner,
        unroll=unroll,
        reading=_reading(problem.second_bytes, _RUN if is_run else width * target.vector_bytes),
        vector_cost=problem.vector_cost,
        sum_cost=0.0,
    )
    cycles = _of_all_tiles(tile, problem.rows, vectors, height, width)
    packing = _packing(problem, vectors) if packed else 0.0
    tiles = -(-problem.rows // height)
    repeated = packing / max(cycles, 1) * (target.cores - 1) / 2
    shared, imbalance = _sharing(panels, problem.batch, tiles, repeated, target.cores)
    # For each group of panels the first matrix is read once more.
    reread = -(-panels // group) * problem.rows * problem.inner / lanes / 8
    tiling = Tiling(
        "columns",
        lanes,
        height,
        width,
        unroll if depth == problem.inner else 1,
        packed,
        group,
        shared,
        depth,
        max(1, _BLOCK_ROWS // height),
    )
    if problem.batch * cycles < _ALONE:
        imbalance = 1.0
    return problem.batch * ((cycles + packing) * imbalance + reread), tiling


def _along_inner(
    problem: Problem, target: Target, height: int, width: int, unroll: int
) -> tuple[float, Tiling]:
    """Tiles whose vectors lie along the inner dimension."""
    panels = -(-problem.columns // width)
    tiles = -(-problem.rows // height)
    run = unroll * target.vector_bytes
    tile = _Tile(
        steps=-(-problem.inner // target.lanes(problem.itemsize)),
        unroll=unroll,
        reading=_reading(problem.second_bytes, run),
        vector_cost=problem.vector_cost / width,
        sum_cost=_FOLD,
    )
    cycles = _of_all_tiles(tile, problem.rows, problem.columns, height, width)
    cycles += problem.rows * tile.steps * _reading(problem.first_bytes, run)
    shared, imbalance = _sharing(panels, problem.batch, tiles, 0.0, target.cores)
    group = _group(panels, problem.inner * width * problem.itemsize)
    tiling = Tiling(
        "inner", width, height, width, unroll, False, group, shared, problem.inner, tiles
    )
    return problem.batch * cycles * imbalance, tiling


class _Tile(NamedTuple):
    """What the time of a tile depends on beside its size.

    Attributes:
        steps: along the inner dimension.
        unroll: see `Tiling`.
        reading: cycles for each vector of the second matrix.
        vector_cost: cycles for each vector of the tile in the end.
        sum_cost: further cycles for each vector of sums in the end.
    """

    steps: int
    unroll: int
    reading: float
    vector_cost: float
    sum_cost: float

    def cycles(self, height: int, width: int) -> float:
        sums = height * width
        loads = (height + width) / _PER_CYCLE
        computing = max(sums / _PER_CYCLE, loads, _LATENCY / self.unroll) + 0.15 * loads
        # Reading goes on beside computing, and holds it up the more the closer they are.
        step = (computing**4 + (width * self.reading) ** 4) ** 0.25
        finishing = sums * (self.vector_cost + self.sum_cost + (self.unroll - 1) / _PER_CYCLE)
        return self.steps * step + finishing + _TILE_START + height * _ROW_START


def _of_all_tiles(tile: _Tile, rows: int, vectors: int, height: int, width: int) -> float:
    """The cycles of the whole product: full tiles, and the shorter and narrower ones."""
    total = 0.0
    for tall, count in ((height, rows // height), (rows % height, 1)):
        for wide, across in ((width, vectors // width), (vectors % width, 1)):
            if tall and wide:
                total += count * across * tile.cycles(tall, wide)
    return total


def _sharing(
    panels: int, batch: int, tiles: int, repeated: float, cores: int
) -> tuple[Shared, float]:
    """What is best shared among threads, and how much longer everything takes by that.

    Args:
        panels: how many there are along the columns.
        batch: how many products there are.
        tiles: how many there are along the rows.
        repeated: how much more work there is where the rows are shared.
        cores: how many threads there may be.
    """
    found: dict[Shared, float] = {
        "columns": _imbalance(panels, cores),
        "batch": _imbalance(batch, cores),
        "rows": _imbalance(tiles, cores) * _OF_ROWS + repeated,
    }
    shared = min(found, key=lambda name: found[name])
    return shared, found[shared]


def _imbalance(pieces: int, cores: int) -> float:
    """How much longer than its share the busiest of so many threads works, averaged with one
    thread alone."""
    return (1 + -(-pieces // cores) * cores / pieces) / 2


def _group(panels: int, panel_bytes: int) -> int:
    """How many panels stay close together."""
    return max(1, min(panels, _CLOSE_BYTES // max(panel_bytes, 1)))


def _reading(size: int, run: int) -> float:
    """How many cycles it takes to bring a vector of a matrix of `size` bytes, `run` at a time."""
    if size <= _CLOSEST_BYTES:
        return 1 / _PER_CYCLE
    return _CLOSE - (_CLOSE - _CLOSE_RUN) * min(run / _RUN, 1.0)


def _should_pack(problem: Problem) -> bool:
    if not problem.second_columns:
        return True
    return problem.second_bytes > _CLOSE_BYTES and problem.rows >= _MANY_ROWS


def _packing(problem: Problem, vectors: int) -> float:
    """The cycles of packing the whole second matrix."""
    if problem.second_columns:
        cost = _PACK_COPY
    else:
        cost = _PACK_TRANSPOSE if problem.second_inner else _PACK_PICK
    return cost * problem.inner * vectors


def _depth(problem: Problem) -> int:
    """How much of the inner dimension to add up at a time.

    All of it, while the panels of a few columns stay close, and while the rows of the first
    matrix are contiguous or few.
    """
    if problem.first_inner:
        longest, depth = _LONGEST, _DEPTH
    else:
        # The rows are copied for each group of panels, so shorter and wider groups are better.
        longest, depth = _DEPTH, _DEPTH // 2
    if problem.inner <= longest or problem.first_bytes < _CLOSE_BYTES:
        return problem.inner
    # The last part must not be shorter than a vector.
    while 0 < problem.inner % depth < _SHORTEST:
        depth += 1
    return depth
