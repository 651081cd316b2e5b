"""The kernel of matrix products."""

import math
from dataclasses import dataclass

from ..ops import Shape
from .emitter import Emitter
from .kernel import (
    PARAMETERS,
    Access,
    Body,
    Kernel,
    accesses,
    memory_of,
)
from .listing import counters, element, instructions, loops
from .panels import ProductWriter, room
from .target import Target, host
from .tiling import Problem, Tiling, choose


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
    def shape(self) -> Shape:
        """The sizes of the body's axes."""
        return (*self.batch, self.rows, self.columns)

    @property
    def work(self) -> int:
        return 0 if self._is_empty else round(self.cycles(host()))

    @property
    def is_shareable(self) -> bool:
        tiling = self.tiling(host())
        pieces = {
            "batch": math.prod(self.batch),
            "rows": -(-self.rows // tiling.height),
            "columns": -(-self.columns // tiling.panel_columns),
        }
        return pieces[tiling.shared] > 1

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
        along = len(self.batch) + 1
        scattered = sum(access.strides[along] not in (0, 1) for access in accesses(self.body))
        return Problem(
            max(math.prod(self.batch), 1),
            max(self.rows, 1),
            max(self.columns, 1),
            self.inner,
            self.buffers[self.first.buffer].itemsize,
            self.first.strides[-1] == 1 or self.inner == 1,
            inner == 1 or self.inner == 1,
            columns == 1 or self.columns == 1,
            len(self.body.instructions) / 2 + (45.0 * scattered if self.columns > 1 else 0.0),
        )

    def scratch(self, target: Target) -> int:
        if self._is_empty:
            return 0
        size = sum(room(self, self.tiling(target))) * self.buffers[self.first.buffer].itemsize
        return -(-size // 64) * 64

    @property
    def _is_empty(self) -> bool:
        return 0 in (*self.batch, self.rows, self.columns)

    def emit(self, emitter: Emitter, name: str) -> None:
        with emitter.function(name, PARAMETERS) as (table, operands, thread, threads):
            if self._is_empty:
                return
            pointers, scratch = memory_of(self, emitter, table, operands, thread)
            ProductWriter(emitter, self, pointers, scratch).write(thread, threads)

    def __str__(self) -> str:
        *outer, inner = counters(len(self.batch) + 3)
        factors = (
            element(self.first, [*outer[:-1], inner]),
            element(self.second, [*outer[:-2], inner, outer[-1]]),
        )
        return "\n    ".join(
            [
                f"{loops(outer, (*self.batch, self.rows, self.columns))}  # {self.tiling(host())}",
                f"product = sum over {inner} < {self.inner} of {' * '.join(factors)}",
                *instructions(self.body, outer),
            ]
        )
