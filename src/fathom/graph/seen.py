"""What a recorder knows of the tensors and gradients that its function sees."""

import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..tape import Node
from ..tensor import Tensor
from .graph import Input, Vertex
from .recorded import Place, Slot


class Seen:
    """A tensor from outside, or one with a constant value, as the function sees it.

    Attributes:
        tensor: the tensor; it may die while the recording goes on.
        before: its node outside.
        first, node: the node that the function saw first, and the one it sees now.
        vertex: the value that it had first.
        is_born: whether it was made during the recording.
    """

    __slots__ = ("before", "first", "is_born", "node", "tensor", "vertex")

    def __init__(self, tensor: Tensor, before: Node, first: Node, is_born: bool) -> None:
        self.tensor = weakref.ref(tensor)
        self.before = before
        self.first: Node | None = first
        self.node: Node | None = first
        self.vertex: Vertex = first.value.vertex
        self.is_born = is_born


class SeenGradient:
    """What the function sees in the `grad` of a tensor from outside.

    Attributes:
        owner: the tensor.
        before: the gradient outside.
        now: the one that the function sees.
        is_read: whether the function saw the one from outside.
    """

    __slots__ = ("before", "is_read", "now", "owner")

    def __init__(self, owner: Tensor, before: Tensor | None) -> None:
        self.owner = weakref.ref(owner)
        self.before = before
        self.now = before
        self.is_read = False


class Final:
    """What a tensor has at the end that it had not at the beginning."""

    def __init__(self, vertex: Vertex, requires_grad: bool) -> None:
        self.vertex = vertex
        self.requires_grad = requires_grad


class Seens(NamedTuple):
    """Everything seen, with what it has at the end.

    Attributes:
        tensors: the tensors.
        finals: what each of them has at the end; None where it is what it had first.
        gradients: the gradients, each with what is in its place at the end: a vertex, or a
            tensor or None as the function left them.
    """

    tensors: list[Seen]
    finals: list[Final | None]
    gradients: list[tuple[SeenGradient, Any]]


class Backward(NamedTuple):
    """How gradients flow from results to what they were computed from.

    Attributes:
        results: the results' numbers.
        seeds: stand for the results' gradients.
        gradients: for each source that gradients flow to, the vertex of its gradient.
    """

    results: tuple[int, ...]
    seeds: list[Input]
    gradients: list[tuple[Seen, Vertex]]


class Places:
    """Where tensors from outside are found at the next call.

    Args:
        arguments: the tensors that the function is called with.
    """

    def __init__(self, arguments: Sequence[Tensor]) -> None:
        self._arguments: dict[int, int] = {}
        for position, tensor in enumerate(arguments):
            self._arguments.setdefault(id(tensor), position)
        self._owners: dict[int, Tensor] = {}

    def note_gradient(self, gradient: Tensor, owner: Tensor) -> None:
        """Note whose gradient a tensor from outside is: by that it is found again."""
        self._owners[id(gradient)] = owner

    def is_argument(self, tensor: Tensor) -> bool:
        """Whether the function is called with this tensor."""
        return id(tensor) in self._arguments

    def is_state(self, tensor: Tensor) -> bool:
        """Whether the function finds this tensor by itself."""
        return id(tensor) not in self._arguments and id(tensor) not in self._owners

    def of(self, tensors: Sequence[Tensor]) -> Place:
        """The place of tensors that share a value."""
        owner = self._owners.get(id(tensors[0]))
        slot: Slot = "value" if owner is None else "grad"
        handles = tuple(tensors) if owner is None else (owner,)
        position = self._arguments.get(id(handles[0]))
        return Place(position, () if position is not None else handles, slot)
