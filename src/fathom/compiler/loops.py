"""Loops over an index space: elementwise chains, and reductions with what surrounds them."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..ops import Shape
from .axes import simplified_axes
from .emitter import Emitter
from .kernel import PARAMETERS, Apply, Body, Kernel, Reduce, Store, buffer_pointers
from .listing import counters, instructions
from .loop_writer import LoopWriter
from .stages import Pass, Stages
from .target import Target

# Counts and prints are the same on every machine.
_NOMINAL = Target("", "", "", vector_bytes=64, vector_registers=32)


@dataclass(frozen=True)
class LoopKernel(Kernel):
    """A body computed at every point of a space.

    Attributes:
        shape: the sizes of the loops.
        reduced: the axes that the body's reductions run over. What is stored in a buffer whose
            stride along them is 0 is written once for all of their points.
        body: what is computed.
    """

    shape: Shape
    reduced: tuple[int, ...]
    body: Body

    def emit(self, emitter: Emitter, name: str) -> None:
        with emitter.function(name, PARAMETERS) as (table, operands, thread, threads):
            pointers = buffer_pointers(emitter, len(self.buffers), table, operands)
            LoopWriter(emitter, self.stages(emitter.target), pointers, thread, threads).write()

    def stages(self, target: Target) -> Stages:
        """The order of the work on a processor."""
        kernel = simplified(self)
        return Stages(kernel.shape, kernel.reduced, kernel.body, target)

    @property
    def work(self) -> int:
        return self.stages(_NOMINAL).work

    @property
    def is_shareable(self) -> bool:
        return self.stages(_NOMINAL).shared is not None

    @property
    def operations(self) -> int:
        stages = self.stages(_NOMINAL)
        points = math.prod(stages.shape)
        total = 0
        for number in stages.needed:
            instruction = stages.body.instructions[number]
            if instruction.dtype.kind != "f":
                continue
            match instruction.action:
                case Reduce():
                    total += points
                case Apply():
                    axes = stages.order[: stages.depth[number]]
                    total += math.prod(stages.shape[axis] for axis in axes)
        return total

    def __str__(self) -> str:
        return "\n".join(_Listing(self.stages(_NOMINAL)).lines())


def simplified(kernel: LoopKernel) -> LoopKernel:
    """The kernel in the form that code is written for: see `simplified_axes`."""
    shape, reduced, body = simplified_axes(kernel.shape, kernel.reduced, kernel.body)
    return LoopKernel(kernel.buffers, shape, reduced, body)


class _Listing:
    """Prints the loops in the order that they run in."""

    def __init__(self, stages: Stages) -> None:
        self.stages = stages
        self.names = counters(len(stages.shape))
        # One line for each instruction, then one for each store.
        self.written = instructions(stages.body, self.names)

    def lines(self) -> Iterator[str]:
        """All lines, indented."""
        stages = self.stages
        for depth in range(stages.kept + 1):
            if depth:
                yield _indented(depth - 1, self._head(depth))
            rows = [n for n in sorted(stages.needed) if stages.depth[n] == depth]
            yield from self._shown(depth, [n for n in rows if not stages.stage[n]])
        for stage, one in enumerate(stages.passes, start=1):
            yield from self._of_pass(one)
            after = [n for n in sorted(stages.needed) if stages.depth[n] == stages.kept]
            yield from self._shown(stages.kept, [n for n in after if stages.stage[n] == stage])
        yield from self._stored(stages.kept, stages.row_stores)

    def _of_pass(self, one: Pass) -> Iterator[str]:
        stages, deepest = self.stages, len(self.stages.order)
        for depth in range(stages.kept + 1, deepest + 1):
            yield _indented(depth - 1, self._head(depth))
            here = sorted(n for n in one.computed if stages.depth[n] == depth)
            yield from self._shown(depth, here)
        yield from self._stored(deepest, one.stores)

    def _head(self, depth: int) -> str:
        axis = self.stages.order[depth - 1]
        step = f" by {self.stages.lanes}" if axis == self.stages.along else ""
        return f"for {self.names[axis]} < {self.stages.shape[axis]}{step}:"

    def _shown(self, depth: int, numbers: Iterable[int]) -> Iterator[str]:
        for number in numbers:
            yield _indented(depth, self.written[number])

    def _stored(self, depth: int, stores: Iterable[Store]) -> Iterator[str]:
        lines = self.written[len(self.stages.body.instructions) :]
        for store, line in zip(self.stages.body.stores, lines, strict=True):
            if store in stores:
                yield _indented(depth, line)


def _indented(depth: int, line: str) -> str:
    return "    " * depth + line
