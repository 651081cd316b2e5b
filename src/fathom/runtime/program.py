"""A graph made into a native program, and how that is run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter_ns

import numpy as np

from ..compiler.lower import lower
from ..compiler.plan import Buffer
from ..compiler.plan import Step as PlannedStep
from ..compiler.schedule import schedule
from ..compiler.target import host
from ..compiler.views import Layout
from ..errors import IndexOutOfRange
from ..graph import Constant, Graph, Vertex
from ..graph.simplify import simplify
from ..ops import Array
from .executor import Program, Segment, Step, Words, address
from .kernels import compile_kernels
from .threads import get_num_threads

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
        # More threads than it was made for have no working memory, so they take no part in it.
        self._threads = threads = get_num_threads()
        replaced = {self.plan.outputs[output]: self.plan.inputs[n] for output, n in updates.items()}
        schedule(self.plan, replaced, threads)
        self.results = [n for n in range(len(graph.outputs)) if n not in updates]
        kernels = (step.kernel for step in self.plan.steps if step.kernel is not None)
        self._kernels = compile_kernels(kernels, host())
        self._build()

    def _build(self) -> None:
        plan = self.plan
        numbers = {buffer: number for number, buffer in enumerate(plan.buffers)}
        steps = [
            Step(
                self._kernels[step.kernel] if step.kernel is not None else 0,
                tuple(numbers[buffer] for buffer in step.operands),
                self._threads if step.is_shared else 1,
                step.waits,
            )
            for step in plan.steps
        ]
        self._program = Program(len(plan.buffers), steps)
        self.table = self._program.table.data
        self._keep: list[Array] = []
        self._arena = self._aligned(plan.arena_bytes)
        self._place_buffers(numbers)
        self.inputs = [numbers[buffer] for buffer in plan.inputs]
        self._outputs = [
            (numbers[buffer], plan.layouts[buffer].shape, buffer.dtype)
            for buffer in (plan.outputs[number] for number in self.results)
        ]
        self._segments = self._calls()

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
        self._reports = self._status.data
        self.table[numbers[self.plan.status]] = self._status.ctypes.data
        self._followers: dict[int, list[int]] = {}
        for buffer, number in numbers.items():
            if buffer.shared_with is not None:
                self._followers.setdefault(numbers[buffer.shared_with], []).append(number)

    def _calls(self, times: Words | None = None) -> list[Callable[[], None]]:
        """The program as calls: segments of native steps, and call-backs between them.

        Args:
            times: takes the nanoseconds of every step, if given.
        """
        calls: list[Callable[[], None]] = []
        for first, last in self._spans():
            step = self.plan.steps[first]
            if step.kernel is None:
                call = self._call_back(step)
                calls.append(call if times is None else partial(_time, call, times, first))
                continue
            segment = self._program.segment(first, last)
            if times is None:
                calls.append(segment.run)
            else:
                calls.append(partial(_time_segment, segment, times, first, last))
        return calls

    def _spans(self) -> Iterator[tuple[int, int]]:
        """Where segments of native steps begin and end; a call-back is one by itself."""
        steps = self.plan.steps
        start = 0
        for position, step in enumerate(steps):
            if step.kernel is None:
                if start < position:
                    yield start, position
                yield position, position + 1
                start = position + 1
        if start < len(steps):
            yield start, len(steps)

    @contextmanager
    def timed(self) -> Iterator[Words]:
        """While this is open, every run writes the nanoseconds of each step to what it gives."""
        times: Words = np.zeros(len(self.plan.steps), np.int64)
        untimed, self._segments = self._segments, self._calls(times)
        try:
            yield times
        finally:
            self._segments = untimed

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
        for number, array in zip(self.inputs, arrays, strict=True):
            self.place(number, address(array))
        return self.finish()

    def place(self, number: int, start: int) -> None:
        """Let an input, and the output that replaces it, lie at this address."""
        self.table[number] = start
        for follower in self._followers.get(number, ()):
            self.table[follower] = start

    def finish(self) -> list[Array]:
        """Run the program on the inputs whose addresses stand in the table."""
        table = self.table
        results = []
        for number, shape, dtype in self._outputs:
            result = np.empty(shape, dtype)
            table[number] = address(result)
            results.append(result)
        for segment in self._segments:
            segment()
        if self._reports[0]:
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


def _time_segment(segment: Segment, times: Words, first: int, last: int) -> None:
    times[first:last] = segment.timed()


def _time(call: Callable[[], None], times: Words, number: int) -> None:
    start = perf_counter_ns()
    call()
    times[number] = perf_counter_ns() - start


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
