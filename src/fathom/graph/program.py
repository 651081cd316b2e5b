"""A recorded function that can be run: state is found, checked and given its new values."""

from collections.abc import Sequence
from typing import Any

from ..ops import Array, Spec
from ..recording import note_change
from ..tape import Node
from ..tensor import Tensor, wrap
from .call import CompiledCall, CompiledResult
from .graph import evaluate
from .recorded import Output, Place, Recording, spent_gradient
from .structure import map_structure


class State:
    """The tensors that a recorded function found for itself, and whether they still fit.

    Args:
        recording: the recording.
    """

    def __init__(self, recording: Recording) -> None:
        inputs = zip(recording.inputs, recording.graph.inputs, strict=True)
        self._found = [
            (place, vertex.spec, next(place.tensors(())).requires_grad)
            for place, vertex in inputs
            if place.argument is None
        ]
        self._gradients_present = recording.gradients_present
        values = [found for found in self._found if found[0].slot == "value"]
        self._gradients = [found for found in self._found if found[0].slot == "grad"]
        self._tensors = [(tensor, found) for found in values for tensor in found[0].handles]
        # The numbers of the nodes that fitted last. To hold the nodes would make their values
        # look shared, which keeps native code from writing them in place.
        self._numbers = [-1] * len(self._tensors)

    def has_gradients(self, arguments: Sequence[Tensor]) -> bool:
        """Whether there are gradients where there were some, and nowhere else."""
        for place, present in self._gradients_present:
            for owner in place.tensors(arguments):
                if (owner.grad is not None) is not present:
                    return False
        return True

    def fits(self) -> bool:
        """Whether shapes, dtypes and what requires a gradient are as recorded."""
        numbers = self._numbers
        for position, (tensor, found) in enumerate(self._tensors):
            number = tensor._node.number
            if number != numbers[position]:
                if not _fits(*found):
                    return False
                numbers[position] = number
        return not self._gradients or all(_fits(*found) for found in self._gradients)


def _fits(place: Place, spec: Spec, requires_grad: bool) -> bool:
    first, *others = [tensor._node for tensor in place.tensors(())]
    return (
        (first.value.shape, first.value.dtype) == spec
        and first.needs_gradient is requires_grad
        and all(node is first for node in others)
    )


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
        outputs: list[Any] = []
        map_structure(outputs.append, result)
        is_kept = any(isinstance(one, Output) and one.history == "kept" for one in outputs)
        self._call = CompiledCall(recording, self._compute_gradient) if is_kept else None
        self._gradient_program: Program | None = None
        # Most often gradients of state become None, or are used up.
        self._gradient_changes = [
            (owner, None if change.becomes is None else spent_gradient)
            for change in recording.gradient_changes
            if not isinstance(change.becomes, Place)
            for owner in change.owner.handles
        ]
        self._other_changes = [
            change
            for change in recording.gradient_changes
            if isinstance(change.becomes, Place) or not change.owner.handles
        ]

        # Whether all there is to a call is one value without a history.
        self._is_plain = (
            self._only is not None
            and self._only.history == "none"
            and not (self._gradient_changes or self._other_changes or recording.flags)
        )

    def fits(self, arguments: Sequence[Tensor]) -> bool:
        """Whether what the function looked at is as it was when it was recorded."""
        return (
            self.recording.guards.hold()
            and self.state.has_gradients(arguments)
            and self.state.fits()
        )

    def __call__(self, arguments: Sequence[Tensor]) -> Any:
        """Run the function and return what it returns.

        Args:
            arguments: the tensors that it is called with.
        """
        if self._is_plain:
            return wrap(Node(self.run(arguments)[0]))
        call = None if self._call is None else self._call.node(arguments)
        values = self.run(arguments)
        for owner, gradient in self._gradient_changes:
            if owner.grad is not gradient:
                owner.grad = gradient
        for change in self._other_changes:
            change.perform(arguments)
        for attributes, name, flag in self.recording.flags:
            if attributes.get(name) is not flag:
                attributes[name] = flag
                note_change()
        if self._only is not None:
            return _as_tensor(self._only, values[0], call)
        return self._put_together(values, arguments, call)

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

    def _compute_gradient(self, values: Sequence[Tensor]) -> Sequence[Array]:
        """The gradients of what gradients flow to from outside; see `CallGradient`."""
        if self._gradient_program is None:
            gradient = self.recording.gradient
            assert gradient is not None
            self._gradient_program = type(self)(gradient.recording)
        return self._gradient_program.run(values)

    def _put_together(
        self, values: Sequence[Array], arguments: Sequence[Tensor], call: Node | None
    ) -> Any:
        made: dict[int, Tensor] = {}

        def leaf(part: Any) -> Any:
            if isinstance(part, Place):
                return next(part.tensors(arguments))
            if not isinstance(part, Output):
                return part
            if part.number not in made:
                made[part.number] = _as_tensor(part, values[part.position], call)
            return made[part.number]

        return map_structure(leaf, self.recording.result)


def _as_tensor(output: Output, value: Array, call: Node | None) -> Tensor:
    node = Node(value)
    tensor = wrap(node)
    if output.history == "leaf":
        tensor._become_leaf(value)
    elif output.history == "let go":
        node.needs_gradient = node.freed = True
    elif output.history == "kept" and call is not None:
        tensor._node = Node(value, CompiledResult(output.position), (call,), True)
    return tensor
