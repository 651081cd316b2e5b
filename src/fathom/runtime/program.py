"""A graph made into a native program, and how that is run."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..compiler.emitter import Emitter
from ..compiler.kernel import Kernel
from ..compiler.lower import lower
from ..compiler.plan import Buffer, Plan
from ..compiler.plan import Step as PlannedStep
from ..compiler.schedule import schedule
from ..compiler.target import Target, host
from ..compiler.views import Layout
from ..errors import IndexOutOfRange
from ..graph import Constant, Graph, Vertex
from ..graph.simplify import simplify
from ..ops import Array
from .cache import cached
from .executor import ALL_THREADS, Program, Step, address
from .machine_code import Code, load, to_object
from .threads import get_num_threads

_ENTRY = "kernel"
_ALIGNMENT = 64


class NativeProgram:
    """A graph as native code.

    Args:
        graph: what to compute.
        updates: for outputs that replace an input, the number of that input. Their values
            are written over the input's array.
        layouts: how arrays of inputs, and of the outputs that replace them, lie in memory
            where that is not row by row.

    Attributes:
        graph: the graph, simplified.
        plan: the buffers and steps.
        results: the numbers of the outputs that replace nothing, which `run` returns.
    """

    def __init__(
        self, graph: Graph, updates: Mapping[int, int], layouts: Mapping[int, Layout]
    ) -> None:
        self.graph = simplify(graph)
        places: dict[Vertex, Layout] = {graph.inputs[n]: place for n, place in layouts.items()}
        # An output may be an input that did not change, or stand twice: it then has a vertex of
        # its own after preparation, so places are given by number.
        self.plan = lower(
            self.graph,
            places,
            {output: layouts[n] for output, n in updates.items() if n in layouts},
        )
        threads = get_num_threads()
        replaced = {self.plan.outputs[output]: self.plan.inputs[n] for output, n in updates.items()}
        schedule(self.plan, replaced, threads)
        self.results = [n for n in range(len(graph.outputs)) if n not in updates]
        self._code = compile_kernels(self.plan, host())
        self._build()

    def _build(self) -> None:
        plan = self.plan
        numbers = {buffer: number for number, buffer in enumerate(plan.buffers)}
        steps = [
            Step(
                self._code[step.kernel][_ENTRY] if step.kernel is not None else 0,
                tuple(numbers[buffer] for buffer in step.operands),
                ALL_THREADS if step.is_shared else 1,
                step.waits,
            )
            for step in plan.steps
        ]
        self._program = Program(len(plan.buffers), steps)
        self.table = memoryview(self._program.table)
        self._keep: list[Array] = []
        self._arena = self._aligned(plan.arena_bytes)
        self._place_buffers(numbers)
        self.inputs = [numbers[buffer] for buffer in plan.inputs]
        self._outputs = [
            (numbers[buffer], plan.layouts[buffer].shape, buffer.dtype)
            for buffer in (plan.outputs[number] for number in self.results)
        ]
        self._segments = list(self._divided())

    def _aligned(self, size: int) -> Array:
        memory = np.empty(size + _ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % _ALIGNMENT
        return memory[start : start + size]

    def _place_buffers(self, numbers: Mapping[Buffer, int]) -> None:
        start = self._arena.ctypes.data
        for buffer, number in numbers.items():
            if buffer.place is not None:
                self.table[number] = start + buffer.place
            elif isinstance(buffer.source, Constant):
                array = np.ascontiguousarray(buffer.source.array)
                self._keep.append(array)
                self.table[number] = array.ctypes.data
        self._status = np.zeros(self.plan.status.size, np.int64)
        self.table[numbers[self.plan.status]] = self._status.ctypes.data
        self._shared = [
            (number, numbers[buffer.shared_with])
            for buffer, number in numbers.items()
            if buffer.shared_with is not None
        ]

    def _divided(self) -> list[Callable[[], None]]:
        """The program as calls: segments of native steps, and call-backs between them."""
        calls: list[Callable[[], None]] = []
        start = 0
        steps = self.plan.steps
        for position, step in enumerate(steps):
            if step.kernel is None:
                if start < position:
                    calls.append(self._program.segment(start, position).run)
                calls.append(self._call_back(step))
                start = position + 1
        if start < len(steps):
            calls.append(self._program.segment(start).run)
        return calls

    def _call_back(self, step: PlannedStep) -> Callable[[], None]:
        numbers = {buffer: number for number, buffer in enumerate(self.plan.buffers)}
        places = [numbers[buffer] for buffer in step.operands]
        views = list(zip(places, step.operands, step.layouts, strict=True))

        def call() -> None:
            *operands, result = (self._view(*view) for view in views)
            with np.errstate(all="ignore"):
                result[...] = step.op.compute(*operands)  # type: ignore[union-attr]

        return call

    def _view(self, number: int, buffer: Buffer, layout: Layout) -> Array:
        """The value in a buffer as an array, as long as the buffer's memory lives."""
        return view_at(self.table[number], buffer.dtype, layout)

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Run the program.

        Args:
            arrays: for each input an array that lies as its layout says. Those of inputs that
                outputs replace are written.

        Returns:
            New arrays for the other outputs.

        Raises:
            IndexOutOfRange: an index was out of range; state may have been written by then.
        """
        table = self.table
        for number, array in zip(self.inputs, arrays, strict=True):
            table[number] = address(array)
        return self.finish()

    def finish(self) -> list[Array]:
        """Run the program on the inputs whose addresses stand in the table."""
        table = self.table
        results = []
        for number, shape, dtype in self._outputs:
            result = np.empty(shape, dtype)
            table[number] = address(result)
            results.append(result)
        for number, other in self._shared:
            table[number] = table[other]
        for segment in self._segments:
            segment()
        if self._status[0]:
            self._raise_out_of_range()
        return results

    def _raise_out_of_range(self) -> None:
        number, wrong, size = (int(word) for word in self._status[:3])
        self._status[:] = 0
        vertex = self.plan.checks[number - 1]
        where = f" ({vertex.origin})" if vertex.origin else ""
        raise IndexOutOfRange(
            f"{vertex.kind}{where}: index {wrong} is out of range for a dimension with {size} "
            f"elements (allowed: 0 to {size - 1})"
        )


def view_at(place: int, dtype: "np.dtype[np.generic]", layout: Layout) -> Array:
    """Memory as an array: `layout` of elements at address `place`."""
    strides = tuple(stride * dtype.itemsize for stride in layout.strides)
    holder = _Memory(place + layout.offset * dtype.itemsize, dtype, layout.shape, strides)
    return np.asarray(holder)


class _Memory:
    """What NumPy's array interface shows of memory."""

    def __init__(
        self,
        place: int,
        dtype: "np.dtype[np.generic]",
        shape: tuple[int, ...],
        strides: tuple[int, ...],
    ) -> None:
        self.__array_interface__ = {
            "version": 3,
            "data": (place, False),
            "typestr": dtype.str,
            "shape": shape,
            "strides": strides,
        }


def compile_kernels(plan: Plan, target: Target) -> dict[Kernel, Code]:
    """The code of all kernels of a plan, each compiled once."""
    return {
        kernel: compiled(kernel, target)
        for kernel in dict.fromkeys(step.kernel for step in plan.steps)
        if kernel is not None
    }


_compiled: dict[tuple[Kernel, Target], Code] = {}


def compiled(kernel: Kernel, target: Target) -> Code:
    """The code of a kernel, from memory, from disk, or made now."""
    key = (kernel, target)
    if key not in _compiled:
        object_code = cached(
            repr((kernel, target)), lambda: to_object(written(kernel, target), target)
        )
        _compiled[key] = load(object_code, [_ENTRY])
    return _compiled[key]


def written(kernel: Kernel, target: Target) -> str:
    """A kernel in LLVM's language."""
    emitter = Emitter(target)
    kernel.emit(emitter, _ENTRY)
    return emitter.text
