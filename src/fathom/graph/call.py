"""A compiled function's call in the tape, so that gradients flow through it from outside."""

from collections.abc import Callable, Sequence

import numpy as np

from ..errors import AutogradError
from ..ops import Array, Op, Operand, Shape
from ..tape import Node
from ..tensor import Tensor, wrap
from .recorded import Recording

# Computes the gradients that flow to the sources, from the values that a call found followed by
# the gradients of its results.
Backward = Callable[[Sequence[Tensor]], Sequence[Array]]


class Shares:
    """The gradients of some of a call's results, as they gather on the way back.

    Attributes:
        of_results: the gradients by the results' numbers.
        of_sources: the gradients of what the results were computed from, once computed.
    """

    # What the backward walk compares with the shape of a call's value, which it has not.
    shape: Shape = ()

    def __init__(self, of_results: dict[int, Array]) -> None:
        self.of_results = of_results
        self.of_sources: Sequence[Array] | None = None

    def __add__(self, other: "Shares") -> "Shares":
        of_results = dict(self.of_results)
        for number, gradient in other.of_results.items():
            present = of_results.get(number)
            of_results[number] = gradient if present is None else present + gradient
        return Shares(of_results)


class CompiledResult(Op):
    """One of the results of a call of a compiled function.

    Args:
        number: which of the results.
    """

    def __init__(self, number: int) -> None:
        self.number = number

    def gradient(self, operand: int, grad: Operand, output: Operand, *inputs: Operand) -> Operand:
        if isinstance(grad, Tensor):
            raise AutogradError(
                "a gradient of a gradient through a compiled function: compute the first one "
                "inside the function, with fathom.autograd.grad(…, create_graph=True)"
            )
        return Shares({self.number: grad})


class CompiledCall(Op):
    """A call of a compiled function: all its results together.

    Its operands are the values that gradients flow to, and then the values that the call found.

    Args:
        recording: the recording of the function.
        backward: what `recording.gradient` computes.
    """

    def __init__(self, recording: Recording, backward: Backward) -> None:
        self.recording = recording
        self.backward = backward

    def node(self, arguments: Sequence[Tensor]) -> Node:
        """The call in the tape, before the function is run.

        Args:
            arguments: the tensors that it is called with.
        """
        gradient = self.recording.gradient
        if gradient is None:
            # Something to which a gradient would flow, so that `gradient` can say why not.
            return Node(Shares({}), self, (Node(np.zeros(()), needs_gradient=True),), True)
        sources = [next(place.tensors(arguments))._node for place in gradient.sources]
        found = [next(place.tensors(arguments))._node for place in self.recording.inputs]
        return Node(Shares({}), self, (*sources, *[Node(node.value) for node in found]), True)

    def gradient(self, operand: int, grad: Operand, output: Operand, *inputs: Operand) -> Operand:
        gradient = self.recording.gradient
        if gradient is None:
            raise AutogradError(
                "backward() through the result of a compiled function that itself updated what "
                "the result was computed from; call backward() inside the function"
            )
        if grad.of_sources is None:
            graph = self.recording.graph
            results = graph.outputs[len(self.recording.writes) :]
            seeds = [
                grad.of_results.get(number, np.zeros(results[number].shape, results[number].dtype))
                for number in gradient.results
            ]
            values = [*inputs[len(gradient.sources) :], *seeds]
            grad.of_sources = self.backward([wrap(Node(np.asarray(value))) for value in values])
        return grad.of_sources[operand]
