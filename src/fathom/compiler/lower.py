"""Turns groups of operations into kernels that work on buffers."""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from ..graph import Constant, Graph, Vertex
from ..graph.simplify import is_number
from ..ops import (
    Add,
    ArgLargest,
    ArgSmallest,
    Cast,
    Elementwise,
    Equal,
    Fold,
    Index,
    Largest,
    MatMul,
    Pick,
    Place,
    PlacePicked,
    Smallest,
    Sum,
    Unfold,
    Where,
)
from .convolving import Factor, convolving
from .copies import fill_step
from .fuse import PRODUCTS, Group, fuse, operands_of
from .image_layouts import image_layouts
from .kernel import (
    Access,
    Apply,
    Body,
    DType,
    Instruction,
    Kernel,
    Literal,
    Load,
    LoadAt,
    Position,
    Product,
    Reduce,
    Store,
)
from .loops import LoopKernel
from .margins import with_margins
from .matmul import MatMulKernel
from .orientation import oriented
from .plan import Buffer, Plan, Step
from .pooling import with_pooling_written_out
from .prepare import prepare
from .tracing import STILL, Along, AxisMap, Cut, traced
from .views import Layout, is_view, moved, row_major
from .whole import whole_steps

INT64 = np.dtype(np.int64)

_KINDS = {
    Sum: "sum",
    Largest: "largest",
    Smallest: "smallest",
    ArgLargest: "first largest",
    ArgSmallest: "first smallest",
}


def lower(graph: Graph, layouts: Mapping[Vertex, Layout], results: Mapping[int, Layout]) -> Plan:
    """Turn a graph into steps that compute it.

    Args:
        graph: the graph, simplified.
        layouts: how inputs lie in memory, where that is not row by row.
        results: the same for outputs, by their number.
    """
    graph = with_margins(graph)
    chosen = image_layouts(graph, layouts, results)
    graph, chosen = with_pooling_written_out(graph, {**chosen, **layouts})
    prepared, places = prepare(graph, chosen)
    wanted = {prepared.outputs[number]: layout for number, layout in results.items()}
    return Lowering(prepared, {**places, **wanted}).plan()


class Lowering:
    """The buffers and steps of a graph while it is turned into a plan.

    Attributes:
        steps: the steps so far.
        checks: the vertices whose indices are checked, by the number of their report.
        status: the buffer that takes the reports.
    """

    def __init__(self, graph: Graph, layouts: Mapping[Vertex, Layout]) -> None:
        self._graph = graph
        self._buffers: dict[Vertex, Buffer] = {}
        self._layouts: dict[Vertex, Layout] = {}
        self._wanted = dict(layouts)
        self._scratch: list[Buffer] = []
        self._around = _surroundings(graph)
        self.steps: list[Step] = []
        self.checks: list[Vertex] = []
        self.status = Buffer(INT64, 8, Constant(np.zeros(8, INT64)))

    def plan(self) -> Plan:
        """Lower the whole graph."""
        for vertex in self._graph.inputs:
            self.store(vertex)
        for unit in fuse(self._graph):
            if isinstance(unit, Vertex):
                self.steps.extend(whole_steps(self, unit))
            else:
                self.steps.extend(_GroupWriter(self, unit).steps())
        outputs = [self._buffers[output] for output in self._graph.outputs]
        for buffer in outputs:
            buffer.is_output = True
        inputs = [self._buffers[vertex] for vertex in self._graph.inputs]
        return Plan(
            [*self._buffers.values(), *self._scratch, self.status],
            self.steps,
            inputs,
            outputs,
            {self._buffers[vertex]: layout for vertex, layout in self._layouts.items()},
            self.status,
            self.checks,
        )

    def store(self, vertex: Vertex) -> tuple[Buffer, Layout]:
        """The buffer that holds (or will hold) the value of a vertex that is no view."""
        if vertex not in self._buffers:
            around = self._around.get(vertex)
            if around is None:
                self._buffers[vertex] = Buffer(vertex.dtype, math.prod(vertex.shape), vertex)
                self._layouts[vertex] = self._wanted.get(vertex) or row_major(vertex.shape)
            else:
                self._buffers[vertex], layout = self.store(around)
                inside = moved(around.op.where, layout)  # type: ignore[union-attr]
                assert inside is not None, "a slice needs no copy"
                self._layouts[vertex] = inside
        return self._buffers[vertex], self._layouts[vertex]

    def is_inside(self, vertex: Vertex, whole: Vertex) -> bool:
        """Whether a value lies in the memory of another one among whose zeros it is placed."""
        return self._around.get(vertex) is whole

    def find(self, vertex: Vertex) -> tuple[Buffer, Layout]:
        """Where the value of a vertex lies, through views."""
        if not is_view(vertex.op):
            return self.store(vertex)
        buffer, layout = self.find(vertex.operands[0])
        seen = moved(vertex.op, layout)
        assert seen is not None, "prepare puts a copy where a view needs one"
        return buffer, seen

    def scratch(self, dtype: DType, size: int) -> Buffer:
        """Memory that holds nothing beyond its step."""
        buffer = Buffer(dtype, size)
        self._scratch.append(buffer)
        return buffer

    def check(self, vertex: Vertex) -> int:
        """The number under which a vertex reports an index that is out of range."""
        self.checks.append(vertex)
        return len(self.checks) - 1


def _surroundings(graph: Graph) -> dict[Vertex, Vertex]:
    """For values that are placed among zeros, where: they are computed there at once."""
    found: dict[Vertex, Vertex] = {}
    for vertex in graph.vertices():
        if isinstance(vertex.op, Place):
            (inside,) = vertex.operands
            is_computed = inside.op is not None and not is_view(inside.op)
            if not is_computed or isinstance(inside.op, Place) or inside in graph.outputs:
                continue
            if set(vertex.op.where.steps) == {1}:
                found.setdefault(inside, vertex)
    return {inside: vertex for inside, vertex in found.items() if vertex not in graph.outputs}


class KernelWriter:
    """Collects the buffers, instructions and stores of one kernel's body."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering
        self.operands: list[Buffer] = []
        self.instructions: list[Instruction] = []
        self.stores: list[Store] = []
        self.written: list[Buffer] = []

    def number(self, buffer: Buffer) -> int:
        """The kernel's number of a buffer."""
        if buffer not in self.operands:
            self.operands.append(buffer)
        return self.operands.index(buffer)

    def emit(self, action: object, dtype: DType) -> int:
        """Append an instruction, and return its number."""
        instruction = Instruction(action, dtype)  # type: ignore[arg-type]
        if instruction not in self.instructions:
            self.instructions.append(instruction)
        return self.instructions.index(instruction)

    def access(self, buffer: Buffer, layout: Layout, axes: AxisMap, rank: int) -> Access:
        """How the kernel's axes walk through a value that lies in a buffer."""
        strides, offset = [0] * rank, layout.offset
        for along, stride in zip(axes, layout.strides, strict=True):
            offset += along.start * stride
            for axis, step in along.steps:
                strides[axis] += step * stride
        return Access(self.number(buffer), offset, tuple(strides))

    def store(
        self, instruction: int, access: Access, buffer: Buffer, *, adds: bool = False
    ) -> None:
        """Append a store."""
        self.stores.append(Store(instruction, access, adds))
        self.written.append(buffer)

    @property
    def body(self) -> Body:
        return Body(tuple(self.instructions), tuple(self.stores))

    def step(self, kernel: Kernel, origins: tuple[str, ...]) -> Step:
        """The step that runs the kernel on the buffers collected."""
        return Step(tuple(self.operands), frozenset(self.written), origins, kernel)


class _GroupWriter(KernelWriter):
    """Writes the kernel of a group."""

    def __init__(self, lowering: Lowering, group: Group) -> None:
        super().__init__(lowering)
        self.group = group
        self.rank = len(group.sizes)
        self._done: dict[tuple[Vertex, AxisMap], int] = {}

    def steps(self) -> Iterator[Step]:
        """The steps of the group: one, or several that work on different parts of the result."""
        group = self.group
        for vertex in reversed(group.stored):
            axes = group.members[vertex]
            instruction = self._member(vertex)
            # A value that is to be stored is not read before; loads come first.
            buffer, layout = self.lowering.store(vertex)
            adds = False
            if isinstance(vertex.op, Fold):
                windows = vertex.op.windows
                axes = traced(Unfold(windows), axes, vertex.shape, group.sizes)  # type: ignore[assignment]
                adds = not windows.are_apart
                yield fill_step(0, buffer, layout)
            access = self.access(buffer, layout, axes, self.rank)
            self.store(instruction, access, buffer, adds=adds)
        product = group.product
        kernels = [self._loops()] if product is None else list(self._products(product))
        origins = tuple(dict.fromkeys(v.origin for v in reversed(group.members) if v.origin))
        for kernel in kernels:
            yield self.step(kernel, origins)

    def _loops(self) -> Kernel:
        buffers = tuple(buffer.dtype for buffer in self.operands)
        return LoopKernel(buffers, self.group.shape, self.group.reduced, self.body)

    def _products(self, vertex: Vertex) -> Iterator[Kernel]:
        first, second = (self.lowering.find(operand) for operand in vertex.operands[:2])
        if isinstance(vertex.op, MatMul):
            yield self._matrix_product(vertex, vertex.op, first, second)
            return
        one, other = (
            Factor(Access(self.number(buffer), layout.offset, layout.strides), layout.shape)
            for buffer, layout in (first, second)
        )
        buffers = tuple(buffer.dtype for buffer in self.operands)
        yield from convolving(buffers, vertex.op, one, other, self.body)

    def _matrix_product(
        self,
        vertex: Vertex,
        op: MatMul,
        first: tuple[Buffer, Layout],
        second: tuple[Buffer, Layout],
    ) -> Kernel:
        *batch, rows, columns = vertex.shape
        accesses = (
            self._factor(*first, tuple(batch), op.transpose_first),
            self._factor(*second, tuple(batch), op.transpose_second),
        )
        inner = vertex.operands[0].shape[-2 if op.transpose_first else -1]
        buffers = tuple(buffer.dtype for buffer in self.operands)
        return oriented(
            MatMulKernel(buffers, tuple(batch), rows, columns, inner, *accesses, self.body)
        )

    def _factor(
        self, buffer: Buffer, layout: Layout, batch: tuple[int, ...], transposed: bool
    ) -> Access:
        added = len(batch) - (len(layout.shape) - 2)
        strides = [0] * added
        strides += [
            0 if size == 1 else stride
            for size, stride in zip(layout.shape[:-2], layout.strides[:-2], strict=True)
        ]
        matrix = layout.strides[-2:]
        strides += matrix[::-1] if transposed else matrix
        return Access(self.number(buffer), layout.offset, tuple(strides))

    def _value(self, vertex: Vertex, axes: AxisMap | None) -> int:
        """The instruction that gives an operand at the kernel's point."""
        assert axes is not None
        seen, along = vertex, axes
        while is_view(seen.op):
            traced_axes = traced(seen.op, along, seen.operands[0].shape, self.group.sizes)
            if traced_axes is None or isinstance(traced_axes, Cut):
                break
            seen, along = seen.operands[0], traced_axes
        if self.group.members.get(seen) == along:
            return self._member(seen)
        if is_number(seen):
            return self.emit(Literal(seen.array.item()), seen.dtype)  # type: ignore[attr-defined]
        buffer, layout = self.lowering.find(vertex)
        return self.emit(Load(self.access(buffer, layout, axes, self.rank)), vertex.dtype)

    def _member(self, vertex: Vertex) -> int:
        """The instruction that computes a member of the group."""
        axes = self.group.members[vertex]
        key = (vertex, axes)
        if key not in self._done:
            self._done[key] = self._compute(vertex, axes)
        return self._done[key]

    def _compute(self, vertex: Vertex, axes: AxisMap) -> int:
        op, dtype = vertex.op, vertex.dtype
        operands = list(operands_of(self.group, vertex))
        match op:
            case Elementwise():
                values = tuple(self._value(*operand) for operand in operands)
                return self.emit(Apply(op, values), dtype)
            case Sum() | Largest():
                return self.emit(Reduce(_KINDS[type(op)], self._value(*operands[0])), dtype)
            case ArgLargest():
                place = self.emit(Reduce(_KINDS[type(op)], self._value(*operands[0])), INT64)
                return place if dtype == INT64 else self.emit(Apply(Cast(dtype), (place,)), dtype)
            case _ if isinstance(op, PRODUCTS):
                result = self.emit(Product(), dtype)
                for bias in operands[2:]:
                    result = self.emit(Apply(Add(), (result, self._value(*bias))), dtype)
                return result
            case Fold():
                return self._value(*operands[0])
            case Pick(axis):
                others = (*axes[:axis], STILL, *axes[axis:])
                return self._load_at(vertex, (axis,), others, operands[1:], wrap=False)
            case Index(indexed, wrap):
                first = indexed[0]
                after = len(vertex.operands[0].shape) - len(indexed) - first
                others = (
                    *axes[:first],
                    *(STILL for _ in indexed),
                    *axes[len(axes) - after :],
                )
                return self._load_at(vertex, indexed, others, operands[1:], wrap=wrap)
            case PlacePicked(axis):
                picked, chosen = (self._value(*operand) for operand in operands)
                here = self._place(axes[axis])
                narrow = self.instructions[chosen].dtype
                if narrow != INT64 and np.iinfo(narrow).max >= op.size - 1:
                    here = self.emit(Apply(Cast(narrow), (here,)), narrow)
                else:
                    chosen = self._as_index(chosen)
                is_here = self.emit(Apply(Equal(), (here, chosen)), np.dtype(bool))
                zero = self.emit(Literal(0), dtype)
                return self.emit(Apply(Where(), (is_here, picked, zero)), dtype)
        raise AssertionError(f"{vertex.kind} is not computed in loops")

    def _load_at(
        self,
        vertex: Vertex,
        indexed: tuple[int, ...],
        others: AxisMap,
        indices: list[tuple[Vertex, AxisMap | None]],
        *,
        wrap: bool,
    ) -> int:
        buffer, layout = self.lowering.find(vertex.operands[0])
        places = tuple(
            (self._as_index(self._value(*index)), layout.strides[axis], layout.shape[axis])
            for axis, index in zip(indexed, indices, strict=True)
        )
        status = self.number(self.lowering.status)
        self.written.append(self.lowering.status)
        access = self.access(buffer, layout, others, self.rank)
        number = self.lowering.check(vertex)
        return self.emit(LoadAt(access, places, wrap, status, number), vertex.dtype)

    def _place(self, along: Along) -> int:
        """The instruction that gives where along an axis the kernel stands."""
        if not along.steps:
            return self.emit(Literal(along.start), INT64)
        (axis, step), *others = along.steps
        place = self.emit(Position(axis, step, along.start), INT64)
        for axis, step in others:
            part = self.emit(Position(axis, step), INT64)
            place = self.emit(Apply(Add(), (place, part)), INT64)
        return place

    def _as_index(self, instruction: int) -> int:
        if self.instructions[instruction].dtype == INT64:
            return instruction
        return self.emit(Apply(Cast(INT64), (instruction,)), INT64)
