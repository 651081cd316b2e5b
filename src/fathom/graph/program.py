"""A recorded function that can be run: state is found, checked and given its new values."""

from collections.abc import Sequence
from typing import Any

from ..errors import AutogradError
from ..ops import Array, Op, Operand, Spec
from ..tape import Node
from ..tensor import Tensor, wrap
from .graph import evaluate
from .recorded import Output, Place, Recording
from .structure import map_structure


class CompiledCall(Op):
    """In the tape, what a compiled function computed; its gradient cannot be had outside."""

    def gradient(self, operand: int, grad: Operand, output: Operand, *inputs: Operand) -> Operand:
        raise AutogradError(
            "backward() through the result of a compiled function: compile the whole step, with "
            "loss.backward() in it, or call this function within fathom.no_grad()"
        )


class State:
    """The tensors that a recorded function found for itself, as they are between calls.

    Attributes:
        places: where they are, in the order of the graph's inputs.
        specs: their shapes and dtypes.
        tensors: the first tensor of each place; for a gradient, its owner.
        nodes: the node in which each was found fit last.
    """

    def __init__(self, recording: Recording) -> None:
        found = [
            (place, vertex.spec)
            for place, vertex in zip(recording.inputs, recording.graph.inputs, strict=True)
            if place.argument is None
        ]
        self.places = [place for place, _ in found]
        self.specs = [spec for _, spec in found]
        self.tensors = [place.handles[0] for place in self.places]
        self.gradients_present = recording.gradients_present
        self.nodes: list[Node | None] = [None] * len(found)
        self.requires_grad = [_requires_grad(place) for place in self.places]

    def fits(self, arguments: Sequence[Tensor]) -> bool:
        """Whether shapes, dtypes and what requires a gradient are as recorded."""
        for place, present in self.gradients_present:
            for owner in place.tensors(arguments):
                if (owner.grad is not None) is not present:
                    return False
        for position, node in enumerate(self.nodes):
            if self.tensors[position]._node is not node and not self._fits(position):
                return False
        return True

    def _fits(self, position: int) -> bool:
        place = self.places[position]
        nodes = [tensor._node for tensor in place.tensors(())]
        self.nodes[position] = nodes[0] if place.slot == "value" and len(nodes) == 1 else None
        value = nodes[0].value
        return (
            Spec(value.shape, value.dtype) == self.specs[position]
            and nodes[0].needs_gradient is self.requires_grad[position]
            and all(node is nodes[0] for node in nodes)
        )


def _requires_grad(place: Place) -> bool:
    return place.argument is None and next(place.tensors(())).requires_grad


class Program:
    """A recorded function that can be run: the reference, which lets NumPy compute.

    A back end derives from it and defines `run` anew.

    Args:
        recording: the recording.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.state = State(recording)
        result = recording.result
        self._only = result if isinstance(result, Output) else None

    def fits(self, arguments: Sequence[Tensor]) -> bool:
        """Whether what the function looked at is as it was when it was recorded."""
        return self.recording.guards.hold() and self.state.fits(arguments)

    def __call__(self, arguments: Sequence[Tensor]) -> Any:
        """Run the function and return what it returns.

        Args:
            arguments: the tensors that it is called with.
        """
        values = self.run(arguments)
        for change in self.recording.gradient_changes:
            change.perform(arguments)
        if self._only is not None:
            return _as_tensor(self._only, values[0])
        return self._put_together(values, arguments)

    def run(self, arguments: Sequence[Tensor]) -> Sequence[Array]:
        """Compute, write what is to be written, and return the values of the results.

        Args:
            arguments: the tensors that the function is called with.

        Returns:
            Arrays that nothing writes into later.
        """
        recording = self.recording
        arrays = [next(place.tensors(arguments))._node.value for place in recording.inputs]
        values = evaluate(recording.graph, arrays)
        for write, value in zip(recording.writes, values, strict=False):
            write.perform(value, arguments)
        return values[len(recording.writes) :]

    def _put_together(self, values: Sequence[Array], arguments: Sequence[Tensor]) -> Any:
        made: dict[int, Tensor] = {}

        def leaf(part: Any) -> Any:
            if isinstance(part, Place):
                return next(part.tensors(arguments))
            if not isinstance(part, Output):
                return part
            if part.number not in made:
                made[part.number] = _as_tensor(part, values[part.position])
            return made[part.number]

        return map_structure(leaf, self.recording.result)


def _as_tensor(output: Output, value: Array) -> Tensor:
    if not output.requires_grad:
        return wrap(Node(value))
    if output.is_leaf:
        tensor = wrap(Node(value))
        tensor._become_leaf(value)
        return tensor
    return wrap(Node(value, CompiledCall(), (Node(value, needs_gradient=True),), True))
