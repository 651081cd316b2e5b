"""Chooses how a matrix product is divided into tiles, by a small model of a processor."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from .target import Target

# What the model knows, in cycles of a processor that starts two vector operations and two
# loads in each. Nothing depends on these numbers but which tiles are chosen.
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
_RUN = 512  # bytes that have to lie together to be read at the better of these speeds:
_CLOSE_RUN, _CLOSE = 1.25, 2.0  # cycles for each vector that comes from the second-level cache
_CLOSEST_BYTES = 1 << 15  # what fits the first level
_CLOSE_BYTES = 1 << 19  # what fits the second level beside other things
_LONGEST = 4096  # how large the inner dimension may be to be added up in one go
_DEPTH = 512  # how much of it is added up at a time otherwise,
_SHORTEST = 64  # and at the end
_BLOCK_ROWS = 512  # of how many rows sums are put aside
_THREADS = (1, 2, 4)  # shares are judged by these numbers of threads


class Problem(NamedTuple):
    """What the choice depends on.

    Attributes:
        batch: how many products there are.
        rows: of the result.
        columns: of the result.
        inner: the size of the dimension that is summed over.
        itemsize: bytes of an element.
        second_contiguous: along which dimension the second matrix is contiguous.
        first_contiguous: whether the first matrix is contiguous along the inner dimension.
        vector_cost: about how many cycles a vector of the result takes beyond its sum.
    """

    batch: int
    rows: int
    columns: int
    inner: int
    itemsize: int
    second_contiguous: Literal["columns", "inner", "neither"]
    first_contiguous: bool
    vector_cost: float


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
    shared: Literal["batch", "rows", "columns"]
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
    yield from _outer_candidates(problem, target)
    if problem.first_contiguous and problem.second_contiguous == "inner":
        yield from _inner_candidates(problem, target)


def _outer_candidates(problem: Problem, target: Target) -> Iterator[tuple[float, Tiling]]:
    """Tiles whose vectors lie along the columns."""
    lanes = target.lanes(problem.itemsize)
    vectors = -(-problem.columns // lanes)
    packed = _should_pack(problem)
    depth = _depth(problem) if packed else problem.inner
    for height in range(1, min(problem.rows, target.vector_registers) + 1):
        for width in range(1, min(vectors, target.vector_registers) + 1):
            if height * width + width + 1 > target.vector_registers:
                break
            for unroll in (1, 2, 4, 8):
                if height * width * unroll + width + 1 > target.vector_registers:
                    break
                if unroll > 1 and (unroll > problem.inner or height * width * unroll > 16):
                    break

                panels = -(-vectors // width)
                run = width * target.vector_bytes
                reading = _reading(problem, _RUN if packed or panels == 1 else run)

                def cycles(
                    height: int, width: int, unroll: int = unroll, reading: float = reading
                ) -> float:
                    step = _step(height, width, unroll, reading)
                    spent = problem.inner * step + height * width * problem.vector_cost
                    spent += _TILE_START + height * _ROW_START
                    return spent + height * width * (unroll - 1) / _PER_CYCLE

                tiles = -(-problem.rows // height)
                spent = _of_all_tiles(problem.rows, vectors, height, width, cycles)
                panel_bytes = depth * width * lanes * problem.itemsize
                group = max(1, min(panels, _CLOSE_BYTES // max(panel_bytes, 1)))
                # Reading the first matrix once more for each group of panels.
                reread = -(-panels // group) * problem.rows * problem.inner / lanes
                packing = _packing_cost(problem) * problem.inner * vectors if packed else 0.0
                share = {
                    "columns": (spent + packing) * _imbalance(panels),
                    "batch": (spent + packing) * _imbalance(problem.batch),
                    "rows": spent * _imbalance(tiles) + packing * sum(_THREADS) / len(_THREADS),
                }
                shared = min(share, key=lambda name: share[name])
                tiling = Tiling(
                    "columns",
                    lanes,
                    height,
                    width,
                    unroll if depth == problem.inner else 1,
                    packed,
                    group,
                    shared,  # type: ignore[arg-type]
                    depth,
                    max(1, _BLOCK_ROWS // height),
                )
                yield problem.batch * (share[shared] + reread / 8), tiling


def _inner_candidates(problem: Problem, target: Target) -> Iterator[tuple[float, Tiling]]:
    """Tiles whose vectors lie along the inner dimension."""
    depth = target.lanes(problem.itemsize)
    steps = -(-problem.inner // depth)
    for columns in (1, 2, 4, 8):
        if columns > depth or columns >= 2 * problem.columns:
            break
        for height in range(1, min(problem.rows, 8) + 1):
            for unroll in (1, 2, 4, 8):
                if height * columns * unroll + height + 1 > target.vector_registers:
                    break
                if unroll > 1 and (unroll > steps or height * columns * unroll > 16):
                    break

                reading = _reading(problem, unroll * target.vector_bytes)

                def cycles(
                    height: int, width: int, unroll: int = unroll, reading: float = reading
                ) -> float:
                    step = _step(height, width, unroll, reading)
                    spent = steps * step + height * (width * _FOLD + problem.vector_cost)
                    return spent + _TILE_START + height * width * (unroll - 1) / _PER_CYCLE

                panels = -(-problem.columns // columns)
                tiles = -(-problem.rows // height)
                spent = _of_all_tiles(problem.rows, problem.columns, height, columns, cycles)
                pieces = {"columns": panels, "batch": problem.batch, "rows": tiles}
                shared = min(pieces, key=lambda name: _imbalance(pieces[name]))
                panel_bytes = problem.inner * columns * problem.itemsize
                group = max(1, min(panels, _CLOSE_BYTES // max(panel_bytes, 1)))
                tiling = Tiling(
                    "inner",
                    columns,
                    height,
                    columns,
                    unroll,
                    False,
                    group,
                    shared,  # type: ignore[arg-type]
                    problem.inner,
                    tiles,
                )
                yield problem.batch * spent * _imbalance(pieces[shared]), tiling


def _of_all_tiles(rows: int, vectors: int, height: int, width: int, cycles) -> float:  # type: ignore[no-untyped-def]
    """The cycles of the whole product: full tiles, and the shorter and narrower ones."""
    total = 0.0
    for tall, count in ((height, rows // height), (rows % height, 1)):
        for wide, across in ((width, vectors // width), (vectors % width, 1)):
            if tall and wide:
                total += count * across * cycles(tall, wide)
    return total


def _imbalance(pieces: int) -> float:
    """How much longer than its share the busiest thread works, averaged over thread counts."""
    if pieces == 0:
        return 1.0
    parts = [-(-pieces // threads) * threads / pieces for threads in _THREADS]
    return sum(parts) / len(parts)


def _reading(problem: Problem, run: int) -> float:
    """How many cycles it takes to bring a vector of the second matrix, `run` bytes at a time."""
    if problem.inner * problem.columns * problem.itemsize <= _CLOSEST_BYTES:
        return 1 / _PER_CYCLE
    return _CLOSE - (_CLOSE - _CLOSE_RUN) * min(run / _RUN, 1.0)


def _step(height: int, width: int, unroll: int, reading: float) -> float:
    """The cycles of one step along the inner dimension."""
    loads = (height + width) / _PER_CYCLE
    computing = max(height * width / _PER_CYCLE, loads, _LATENCY / unroll) + 0.15 * loads
    # Reading goes on beside computing, and holds it up the more the closer they are.
    return float((computing**4 + (width * reading) ** 4) ** 0.25)


def _should_pack(problem: Problem) -> bool:
    if problem.second_contiguous != "columns":
        return True
    size = problem.inner * problem.columns * problem.itemsize
    return size > _CLOSE_BYTES and problem.rows >= 64


def _depth(problem: Problem) -> int:
    """How much of the inner dimension to add up at a time.

    All of it, while the panels of a few columns stay close, and while the rows of the first
    matrix are contiguous or few.
    """
    if problem.first_contiguous:
        longest, depth = _LONGEST, _DEPTH
    else:
        # The rows are copied for each group of panels, so shorter and wider groups are better.
        longest, depth = _DEPTH, _DEPTH // 2
    if problem.inner <= longest or problem.rows * problem.inner * problem.itemsize < _CLOSE_BYTES:
        return problem.inner
    # The last part must not be shorter than a vector.
    while 0 < problem.inner % depth < _SHORTEST:
        depth += 1
    return depth


def _packing_cost(problem: Problem) -> float:
    return {"columns": _PACK_COPY, "inner": _PACK_TRANSPOSE, "neither": _PACK_PICK}[
        problem.second_contiguous
    ]
