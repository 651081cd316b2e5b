"""The kernel of convolutions: products of matrices whose rows are read from images in place."""

import math
from dataclasses import dataclass, replace

from ..ops import Shape
from .convolution_tiling import Problem, Tiling, choose
from .convolution_writer import ConvolutionWriter
from .emitter import Emitter
from .kernel import PARAMETERS, Access, Body, Kernel, Position, accesses, memory_of, rewritten
from .listing import counters, element, instructions, loops
from .target import Target, host


@dataclass(frozen=True)
class ConvolutionKernel(Kernel):
    """Sums of products over windows, and what is done with each of them.

    The sum at ``(*row, group * columns + column)`` is that of ``first[group, *row, *inner,
    column] * second[group, *inner, column]`` over all ``inner``; the body runs at each, and its
    `Product` instruction stands for the sum. As strides are all that tells where an element
    lies, windows need no copy: to move a window and to move within it are axes like others.

    Attributes:
        buffers: see `Kernel`.
        groups: how many parts the columns fall into, each with factors of its own.
        rows: the sizes of the axes that lead from one window to the next.
        columns: how many columns each group has.
        inner: the sizes of the axes that are summed over.
        first: the first factor, with strides over (group, *rows, *inner, column); the last is
            0 but where each column has a channel of its own.
        second: the second factor, with strides over (group, *inner, column).
        body: what follows, with strides over (*rows, group * columns + column); it has one
            `Product`.
    """

    groups: int
    rows: Shape
    columns: int
    inner: Shape
    first: Access
    second: Access
    body: Body

    @property
    def shape(self) -> Shape:
        """The sizes of the body's axes."""
        return (*self.rows, self.groups * self.columns)

    @property
    def work(self) -> int:
        elements = self.groups * math.prod(self.rows) * self.columns
        return elements * (math.prod(self.inner) + len(self.body.instructions)) // 8

    @property
    def operations(self) -> int:
        return 2 * self.groups * math.prod((*self.rows, self.columns, *self.inner))

    def tiling(self, target: Target) -> Tiling:
        """How the work is divided for a processor."""
        *_, pitch, column = (0, *self.second.strides)
        return choose(
            Problem(
                self.groups,
                self.rows,
                self.columns,
                self.inner,
                self.buffers[self.first.buffer].itemsize,
                abs(self.first.strides[1 + len(self.rows)]),
                column == 1 or self.columns == 1,
                pitch,
                self.first.strides[-1] != 0,
                len(self.body.instructions) / 2,
            ),
            target,
        )

    def scratch(self, target: Target) -> int:
        if self.is_empty:
            return 0
        room = self.tiling(target).room(self.rows, self.inner)
        size = sum(room) * self.buffers[self.first.buffer].itemsize
        return -(-size // 64) * 64

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to compute."""
        return 0 in (self.groups, *self.rows, self.columns)

    def emit(self, emitter: Emitter, name: str) -> None:
        with emitter.function(name, PARAMETERS) as (table, operands, thread, threads):
            if self.is_empty:
                return
            pointers, scratch = memory_of(self, emitter, table, operands, thread)
            ConvolutionWriter(emitter, self, pointers, scratch).write(thread, threads)

    def __str__(self) -> str:
        names = counters(len(self.rows) + len(self.inner) + 2)
        group, rest = names[0], names[1:]
        rows, column = rest[: len(self.rows)], rest[len(self.rows)]
        inner = rest[len(self.rows) + 1 :]
        factors = (
            element(self.first, [group, *rows, *inner, column]),
            element(self.second, [group, *inner, column]),
        )
        whole = column if self.groups == 1 else f"({self.columns}*{group} + {column})"
        head = loops([group, *rows, column], (self.groups, *self.rows, self.columns))
        ranges = ", ".join(f"{name} < {size}" for name, size in zip(inner, self.inner, strict=True))
        return "\n    ".join(
            [
                f"{head}  # {self.tiling(host())}",
                f"product = sum over {ranges} of {' * '.join(factors)}",
                *instructions(self.body, [*rows, whole]),
            ]
        )


def simplified(kernel: ConvolutionKernel) -> ConvolutionKernel:
    """The same sums with as few axes as can be: neighbours that are walked through as one."""
    for axis in reversed(range(len(kernel.inner) - 1)):
        if _is_one_inner(kernel, axis):
            kernel = _with_one_inner(kernel, axis)
    for axis in reversed(range(len(kernel.rows) - 1)):
        if _is_one_row(kernel, axis):
            kernel = _with_one_row(kernel, axis)
    return kernel


def _is_one_inner(kernel: ConvolutionKernel, axis: int) -> bool:
    outer, inner = kernel.inner[axis : axis + 2]
    at = 1 + len(kernel.rows) + axis
    return 1 in (outer, inner) or all(
        strides[place] == inner * strides[place + 1]
        for strides, place in ((kernel.first.strides, at), (kernel.second.strides, 1 + axis))
    )


def _with_one_inner(kernel: ConvolutionKernel, axis: int) -> ConvolutionKernel:
    outer, inner = kernel.inner[axis : axis + 2]
    gone = int(inner == 1)  # the one with the smaller stride gives the stride
    return replace(
        kernel,
        inner=(*kernel.inner[:axis], outer * inner, *kernel.inner[axis + 2 :]),
        first=_without(kernel.first, 1 + len(kernel.rows) + axis + gone),
        second=_without(kernel.second, 1 + axis + gone),
    )


def _is_one_row(kernel: ConvolutionKernel, axis: int) -> bool:
    outer, inner = kernel.rows[axis : axis + 2]
    for instruction in kernel.body.instructions:
        action = instruction.action
        if isinstance(action, Position) and action.axis in (axis, axis + 1):
            return False
    walked = [(access.strides, axis) for access in accesses(kernel.body)]
    return 1 in (outer, inner) or all(
        strides[place] == inner * strides[place + 1]
        for strides, place in (*walked, (kernel.first.strides, 1 + axis))
    )


def _with_one_row(kernel: ConvolutionKernel, axis: int) -> ConvolutionKernel:
    outer, inner = kernel.rows[axis : axis + 2]
    gone = axis + int(inner == 1)
    return replace(
        kernel,
        rows=(*kernel.rows[:axis], outer * inner, *kernel.rows[axis + 2 :]),
        first=_without(kernel.first, 1 + gone),
        body=rewritten(
            kernel.body,
            lambda access: _without(access, gone),
            lambda position: replace(position, axis=position.axis - (position.axis > axis)),
        ),
    )


def _without(access: Access, axis: int) -> Access:
    return replace(access, strides=access.strides[:axis] + access.strides[axis + 1 :])
