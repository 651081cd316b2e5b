"""A recorded function as a native program, with its state."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compiler.layouts import choose_layouts
from ..compiler.views import Layout, row_major
from ..graph.program import Program
from ..graph.recorded import Place, Recording
from ..ops import Array
from ..tensor import Tensor
from .executor import address
from .program import NativeProgram
from .state import StateMemory


class CompiledProgram(Program):
    """What `fathom.compile` makes of a recording: native code that updates state in place.

    Args:
        recording: the recording.

    Attributes:
        native: the native program.
    """

    def __init__(self, recording: Recording) -> None:
        super().__init__(recording)
        graph = recording.graph
        updates = _updates(recording)
        state = [n for n, place in enumerate(recording.inputs) if place.argument is None]
        chosen = choose_layouts(graph, [graph.inputs[n] for n in state], updates)
        layouts: dict[int, Layout] = {}
        for number in state:
            vertex = graph.inputs[number]
            if vertex in chosen:
                layouts[number] = chosen[vertex]
            else:
                array = next(recording.inputs[number].tensors(()))._node.value
                layouts[number] = _present_layout(array)
        self.native = NativeProgram(graph, updates, layouts)
        self._lock = threading.Lock()
        self._is_settled = False
        written = set(updates.values())
        self._memories = [
            (
                self.native.inputs[number],
                StateMemory(
                    recording.inputs[number],
                    layouts[number],
                    graph.inputs[number].dtype,
                    number in written,
                ),
            )
            for number in state
        ]
        memories = [memory for _, memory in self._memories]
        # State that is only read and that one tensor holds needs but a glance at every call.
        self._read_only = [
            (memory.tensor, memory) for memory in memories if memory.is_read_only_value
        ]
        self._others = [memory for memory in memories if not memory.is_read_only_value]
        self._arguments = [
            (
                self.native.inputs[number],
                place.argument if place.slot == "value" else None,
                place,
                graph.inputs[number].dtype.alignment - 1,
            )
            for number, place in enumerate(recording.inputs)
            if place.argument is not None
        ]
        self._writes = [
            write for number, write in enumerate(recording.writes) if number not in updates
        ]

    def fits(self, arguments: Sequence[Tensor]) -> bool:
        self._is_settled = False
        if not (self.recording.guards.hold() and self.state.has_gradients(arguments)):
            return False
        for tensor, memory in self._read_only:
            if tensor._node is not memory.node:
                return self.state.fits()
        for memory in self._others:
            if not memory.is_ready():
                return self.state.fits()
        # Values that lie where they lay fit as they did, and `run` need not look again.
        self._is_settled = True
        return True

    def run(self, arguments: Sequence[Tensor]) -> Sequence[Array]:
        native = self.native
        table = native.table
        with self._lock:
            if self._is_settled:
                self._is_settled = False
            else:
                for number, memory in self._memories:
                    if not memory.is_ready():
                        native.place(number, address(memory.settle()))
            # Holds what another thread may meanwhile put in the place of an argument's value.
            arrays = []
            for number, position, place, misaligned in self._arguments:
                tensor = arguments[position] if position is not None else _first(place, arguments)
                array = tensor._node.value
                start = address(array)
                if not array.flags.c_contiguous or start & misaligned:
                    array = np.array(array, order="C")
                    start = address(array)
                arrays.append(array)
                table[number] = start
            values = native.finish()
        if self._writes:
            for write, value in zip(self._writes, values, strict=False):
                write.perform(value, arguments)
            return values[len(self._writes) :]
        return values


def _first(place: Place, arguments: Sequence[Tensor]) -> Tensor:
    return next(place.tensors(arguments))


def _updates(recording: Recording) -> dict[int, int]:
    """For the outputs that replace the value of a state, the number of the state's input."""
    inputs: dict[Any, int] = {
        _key(place): number
        for number, place in enumerate(recording.inputs)
        if place.argument is None
    }
    updates: dict[int, int] = {}
    for number, write in enumerate(recording.writes):
        replaced = inputs.get(_key(write.place))
        if replaced is None or write.is_new or write.place.argument is not None:
            continue
        before, after = recording.graph.inputs[replaced], recording.graph.outputs[number]
        if before.spec == after.spec:
            updates[number] = replaced
    return updates


def _key(place: Place) -> Any:
    return (place.argument, tuple(map(id, place.handles)), place.slot)


def _present_layout(array: Array) -> Layout:
    """How an array lies, if its elements fill its memory; row by row otherwise."""
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    if array.transpose(order).flags.c_contiguous and array.size > 1:
        return Layout(array.shape, tuple(stride // array.itemsize for stride in array.strides))
    return row_major(array.shape)
