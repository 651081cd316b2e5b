"""What recording a function gives: its graph, and where values come from and go to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import RecordingError
from ..tape import Node
from ..tensor import Tensor, wrap
from .graph import Graph
from .guards import Guards

Slot = Literal["value", "grad"]
History = Literal["none", "leaf", "let go", "kept"]


class SpentGradient(Tensor):
    """The gradient of a parameter that a compiled function has itself updated: it is gone.

    Any use raises; it gives way to the next gradient, or to None.
    """

    __slots__ = ()

    def __init__(self) -> None:
        self.grad = None

    @property
    def _node(self) -> Node:  # type: ignore[override]
        raise RecordingError(
            "this gradient was used up inside a compiled function, which updated the parameter "
            "and kept no gradient; return parameter.grad from the function to see it, or call "
            "zero_grad() before the next backward()"
        )

    def __repr__(self) -> str:
        return "<gradient used up inside a compiled function; return it from there to see it>"

    def __deepcopy__(self, memo: dict[int, Any]) -> "SpentGradient":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (_spent, ())


def _spent() -> SpentGradient:
    return spent_gradient


spent_gradient = SpentGradient()


@dataclass(frozen=True, eq=False)
class Place:
    """Where a value lives between calls: in a tensor of the call's, or in one found as state.

    Attributes:
        argument: which tensor of the call's, in the order of `flatten`; None for state.
        handles: the tensors found as state; several where they share one node, as step counts
            do, and then they have to share it whenever the graph runs.
        slot: whether the value is the tensor's own or that of the gradient in its `grad`.
    """

    argument: int | None = None
    handles: tuple[Tensor, ...] = ()
    slot: Slot = "value"

    def tensors(self, arguments: Sequence[Tensor]) -> Iterator[Tensor]:
        """The tensors whose node holds the value."""
        owners = self.handles if self.argument is None else (arguments[self.argument],)
        for owner in owners:
            tensor = owner if self.slot == "value" else owner.grad
            assert tensor is not None, "guarded"
            yield tensor

    def __str__(self) -> str:
        of = "gradient of " if self.slot == "grad" else ""
        return of + ("state" if self.argument is None else f"argument {self.argument}")


@dataclass(frozen=True, eq=False)
class Write:
    """That a tensor has another value after the call.

    Attributes:
        place: the tensor.
        requires_grad: whether the tensor then is a leaf that requires a gradient.
        is_new: for a gradient, whether it comes in a new tensor.
    """

    place: Place
    requires_grad: bool = False
    is_new: bool = False

    def perform(self, value: Any, arguments: Sequence[Tensor]) -> None:
        """Let the tensor have this value."""
        place = self.place
        if self.is_new:
            owners = place.handles if place.argument is None else (arguments[place.argument],)
            for owner in owners:
                owner.grad = wrap(Node(value))
            return
        node = None
        for tensor in place.tensors(arguments):
            if self.requires_grad:
                tensor._become_leaf(value, tensor._node.hooks)
            else:
                tensor._node = node = node or Node(value)


@dataclass(frozen=True, eq=False)
class GradientChange:
    """That a tensor's `grad` is another object after the call, which needs no computing.

    Attributes:
        owner: the tensor.
        becomes: None, `spent_gradient`, or the place of a tensor.
    """

    owner: Place
    becomes: "SpentGradient | Place | None"

    def perform(self, arguments: Sequence[Tensor]) -> None:
        """Set `grad`."""
        becomes = self.becomes
        if isinstance(becomes, Place):
            becomes = next(becomes.tensors(arguments))  # type: ignore[assignment]
        for owner in self.owner.tensors(arguments):
            if owner.grad is not becomes:
                owner.grad = becomes  # type: ignore[assignment]


@dataclass(frozen=True)
class Output:
    """In the structure that a function returns: the place of a computed tensor.

    Attributes:
        position: which of the graph's outputs, counted after those of `Recording.writes`.
        number: tensors with the same number are one object.
        history: how gradients flow to it: not at all; it is a leaf that collects them; its
            history was let go by a backward walk; or it is kept.
    """

    position: int
    number: int
    history: History = "none"


@dataclass(frozen=True, eq=False)
class CallGradient:
    """How gradients flow from a function's results to what it computed them from.

    Attributes:
        recording: computes them. Its arguments are the values that the function found, in the
            order of its inputs, and then the gradients of the results.
        sources: the places of the tensors that gradients flow to, in the order of its results.
        results: for each result that gradients flow to, its number among the graph's outputs,
            counted after those of `Recording.writes`.
    """

    recording: "Recording"
    sources: tuple[Place, ...]
    results: tuple[int, ...]


@dataclass
class Recording:
    """A function, recorded for one signature.

    Attributes:
        graph: what it computes.
        inputs: where the value of each of the graph's inputs is found.
        writes: what is done with the first outputs of the graph, one each.
        gradient_changes: what becomes of `grad` besides.
        result: what the function returns, with `Output` and `Place` where tensors stand.
        guards: what it looked at, and what therefore has to stay as it was.
        gradients_present: for tensors whose `grad` it looked at, whether there was one.
        touched: the tensors that it knows otherwise than as an argument, by identity.
        flags: attributes of watched objects, such as `training`, that it sets: the dict, the
            name and the value.
        gradient: how gradients flow through it, where they do.
        unsettled: that it changed what it finds, in words, so that the next call has to be
            recorded again; else empty.
    """

    graph: Graph
    inputs: tuple[Place, ...]
    writes: tuple[Write, ...]
    gradient_changes: tuple[GradientChange, ...]
    result: Any
    guards: Guards
    gradients_present: tuple[tuple[Place, bool], ...]
    touched: dict[int, Tensor]
    flags: tuple[tuple[dict[str, Any], str, bool], ...] = ()
    gradient: CallGradient | None = None
    unsettled: str = ""
