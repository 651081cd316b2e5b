"""The kernel of matrix products."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..ops import Shape
from .emitter import Emitter, index
from .kernel import (
    PARAMETERS,
    Access,
    Action,
    Body,
    Kernel,
    Load,
    LoadAt,
    Position,
    buffer_pointers,
)
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
        if self._is_empty:
            return 0
        size = sum(room(self, tiling)) * self.buffers[self.first.buffer].itemsize
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
            ProductWriter(emitter, self, pointers, scratch).write(thread, threads)

    def __str__(self) -> str:
        tiling = self.tiling(host())
        sizes = " × ".join(map(str, (*self.batch, self.rows, self.columns)))
        return f"product [{sizes}] over {self.inner}: {tiling}"


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
