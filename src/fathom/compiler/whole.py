"""The steps of operations that are computed whole rather than point by point."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..graph import Vertex
from ..ops import (
    AddAtIndex,
    ArgSort,
    AssignIndex,
    AssignSlice,
    Concatenate,
    CumulativeLargest,
    CumulativeSmallest,
    CumulativeSum,
    Diagonal,
    Expand,
    Index,
    LargestAtIndex,
    MultiplyAtIndex,
    Op,
    Place,
    PlaceDiagonal,
    SearchSorted,
    Slice,
    SmallestAtIndex,
    Uniform,
)
from .copies import copy_step, fill_step
from .gather import GatherKernel
from .kernel import Access, Kernel
from .plan import Buffer, Step
from .random import UniformKernel
from .scan import ScanKernel
from .scatter import ScatterKernel
from .sort import ArgSortKernel, SearchSortedKernel
from .views import Layout, moved

if TYPE_CHECKING:
    from .lower import Lowering

_SCANS = {CumulativeSum: "sum", CumulativeLargest: "largest", CumulativeSmallest: "smallest"}

_SCATTERS = {
    AddAtIndex: "add",
    AssignIndex: "assign",
    MultiplyAtIndex: "multiply",
    LargestAtIndex: "largest",
    SmallestAtIndex: "smallest",
}


def whole_steps(lowering: "Lowering", vertex: Vertex) -> list[Step]:
    """The steps that compute a vertex: of kernels where there are some, else a call of NumPy."""
    steps = list(_Whole(lowering, vertex).steps())
    for step in steps:
        step.origins = (vertex.origin,) if vertex.origin else ()
    return steps


class _Whole:
    """One vertex that is computed whole, with the places of its operands and its result."""

    def __init__(self, lowering: "Lowering", vertex: Vertex) -> None:
        self._lowering = lowering
        self._vertex = vertex
        self._found = [lowering.find(operand) for operand in vertex.operands]
        self._target, self._layout = lowering.store(vertex)

    def steps(self) -> Iterator[Step]:
        op = self._vertex.op
        match op:
            case Concatenate(axis):
                yield from self._concatenation(axis)
            case Place(where=where):
                if self._lowering.is_inside(self._vertex.operands[0], self._vertex):
                    yield from self._fill_margins(where)
                else:
                    yield self._fill()
                    yield self._copy(0, where)
            case PlaceDiagonal(offset=offset):
                yield self._fill()
                yield self._copy(0, Diagonal(offset))
            case AssignSlice(where):
                yield self._copy(0)
                yield self._copy(1, where)
            case Uniform(shape=shape):
                kernel = UniformKernel(self._buffers, math.prod(shape))
                yield self._step(kernel)
            case CumulativeSum(axis) | CumulativeLargest(axis):
                yield self._scan(_SCANS[type(op)], axis)
            case Index():
                yield self._gather(op)
            case AddAtIndex() | AssignIndex() | MultiplyAtIndex() | LargestAtIndex():
                yield self._scatter(_SCATTERS[type(op)], op)
            case ArgSort(axis, descending):
                shape, accesses = self._vertex.shape, self._accesses()
                yield self._step(ArgSortKernel(self._buffers, shape, axis, descending, *accesses))
            case SearchSorted(right) if self._buffers[0] == self._buffers[1]:
                yield self._search(right)
            case _:
                yield self._call_back()

    def _fill(self) -> Step:
        return fill_step(0, self._target, self._layout)

    def _fill_margins(self, where: Slice) -> Iterator[Step]:
        """Fill what surrounds a slice."""
        shape = self._layout.shape
        for axis, size in enumerate(shape):
            for start, stop in ((0, where.starts[axis]), (where.stops[axis], size)):
                if start < stop:
                    starts, stops = [0] * len(shape), list(shape)
                    starts[axis], stops[axis] = start, stop
                    part = moved(
                        Slice(tuple(starts), tuple(stops), (1,) * len(shape)), self._layout
                    )
                    assert part is not None, "a slice needs no copy"
                    yield fill_step(0, self._target, part)

    def _copy(self, operand: int, where: Op | None = None) -> Step:
        """Copy an operand to the part of the result that a movement of the result shows."""
        buffer, layout = self._found[operand]
        part = self._layout if where is None else moved(where, self._layout)
        assert part is not None, "a slice or a diagonal needs no copy"
        spread = moved(Expand(part.shape), layout)
        assert spread is not None, "nor does a broadcast value"
        return copy_step(buffer, spread, self._target, part)

    def _concatenation(self, axis: int) -> Iterator[Step]:
        start = 0
        for number, operand in enumerate(self._vertex.operands):
            size = operand.shape[axis]
            starts, stops = [0] * len(operand.shape), list(operand.shape)
            starts[axis], stops[axis] = start, start + size
            yield self._copy(number, Slice(tuple(starts), tuple(stops), (1,) * len(operand.shape)))
            start += size

    def _scan(self, kind: str, axis: int) -> Step:
        accesses = self._accesses()
        return self._step(ScanKernel(self._buffers, kind, self._vertex.shape, axis, *accesses))

    def _search(self, right: bool) -> Step:
        sequences, values, result = self._accesses()
        shape, size = self._vertex.shape, self._vertex.operands[0].shape[-1]
        shown = moved(
            Expand((*shape[:-1], size)),
            Layout(self._vertex.operands[0].shape, sequences.strides, sequences.offset),
        )
        assert shown is not None, "a broadcast value needs no copy"
        spread = Access(sequences.buffer, shown.offset, shown.strides)
        return self._step(
            SearchSortedKernel(self._buffers, right, shape, size, spread, values, result)
        )

    def _gather(self, op: Index) -> Step:
        value, *indices, result = self._accesses()
        operands = self._vertex.operands
        return self._step(
            GatherKernel(
                (*self._buffers, self._lowering.status.dtype),
                op,
                operands[0].shape,
                value,
                *self._spread(indices, operands[1:]),
                result,
                len(self._buffers),
                self._lowering.check(self._vertex),
            ),
            checked=True,
        )

    def _scatter(self, kind: str, op: Op) -> Step:
        *given, result = self._accesses()
        start = None if isinstance(op, AddAtIndex) else given.pop(0)
        values, *indices = given
        operands = self._vertex.operands[0 if start is None else 1 :]
        places: Index = op.where  # type: ignore[attr-defined]
        index_shape, spread = self._spread(indices, operands[1:])
        selected = Layout(operands[0].shape, values.strides, values.offset)
        target = places.infer(self._vertex.spec, *(operand.spec for operand in operands[1:])).shape
        shown = moved(Expand(target), selected)
        assert shown is not None
        return self._step(
            ScatterKernel(
                (*self._buffers, self._lowering.status.dtype),
                places,
                self._vertex.shape,
                result,
                index_shape,
                spread,
                Access(values.buffer, shown.offset, shown.strides),
                len(self._buffers),
                self._lowering.check(self._vertex),
                kind,
                start,
            ),
            checked=True,
        )

    def _spread(
        self, accesses: list[Access], operands: tuple[Vertex, ...]
    ) -> tuple[tuple[int, ...], tuple[Access, ...]]:
        """What the index tensors broadcast to, and how each is read in that shape."""
        shape = np.broadcast_shapes(*(operand.shape for operand in operands))
        spread = []
        for access, operand in zip(accesses, operands, strict=True):
            shown = moved(Expand(shape), Layout(operand.shape, access.strides, access.offset))
            assert shown is not None
            spread.append(Access(access.buffer, shown.offset, shown.strides))
        return shape, tuple(spread)

    @property
    def _operands(self) -> tuple[Buffer, ...]:
        return (*(buffer for buffer, _ in self._found), self._target)

    @property
    def _buffers(self) -> tuple["np.dtype[np.generic]", ...]:
        return tuple(buffer.dtype for buffer in self._operands)

    def _accesses(self) -> list[Access]:
        """How the operands and the result lie; each has a number of its own."""
        layouts = [*(layout for _, layout in self._found), self._layout]
        return [
            Access(number, layout.offset, layout.strides) for number, layout in enumerate(layouts)
        ]

    def _step(self, kernel: Kernel, *, checked: bool = False) -> Step:
        status = (self._lowering.status,) if checked else ()
        written = frozenset((self._target, *status))
        return Step((*self._operands, *status), written, kernel=kernel)

    def _call_back(self) -> Step:
        """The step in which NumPy evaluates the operation."""
        layouts = (*(layout for _, layout in self._found), self._layout)
        return Step(self._operands, frozenset((self._target,)), op=self._vertex.op, layouts=layouts)
