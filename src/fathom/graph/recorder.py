"""The recorder: runs a function once on symbols and takes down what it computes."""

import gc
import sys
import weakref
from collections.abc import Callable, Collection, Iterable, Sequence
from copy import copy
from typing import Any, NoReturn

import numpy as np

from ..autograd.walk import walk_backward
from ..errors import DTypeError, RecordingError
from ..ops import Cast, Op, Operand, Spec, Where
from ..recording import Watched, current
from ..tape import Node, Value, grad_mode, set_grad_enabled
from ..tensor import Tensor
from .assembly import assemble
from .graph import Constant, Input, Vertex
from .guards import Guards
from .inspection import Inspection
from .origin import backward_line, user_line, user_place
from .overlay import SeenThrough, grad_slot, node_slot
from .recorded import History, Output, Recording
from .seen import Backward, Final, Places, Seen, SeenGradient, Seens
from .structure import map_structure, tensors_in
from .symbol import Symbol


def record(
    function: Callable[..., Any], args: Any, kwargs: Any, *, known: Collection[int] = frozenset()
) -> Recording:
    """Run a function on symbols and return what it computes.

    Tensors are left as they are, whether the function returns or raises: this thread sees
    them through the recorder, which keeps to itself what the function does to them.

    Args:
        function: the function.
        args, kwargs: what it is called with; their tensors become inputs of the graph.
        known: the identities of tensors that the function knows by another name too. It gets
            these themselves rather than stand-ins for them, and the recording holds only for
            calls with the same ones.

    Raises:
        RecordingError: the function did what cannot be recorded.
    """
    given = tensors_in((args, kwargs))
    known = {id(tensor) for tensor in given if id(tensor) in known}
    arguments = stand_ins(given, known)
    remaining = iter(arguments)
    seen_args, seen_kwargs = map_structure(
        lambda leaf: next(remaining) if isinstance(leaf, Tensor) else leaf, (args, kwargs)
    )
    recorder = Recorder(arguments, known)
    recorder.inspection.look_at_call(function, (args, kwargs))
    mode, drawn = grad_mode.enabled, _foreign_random_states()
    with SeenThrough(recorder):
        result = recorder.take_apart(function(*seen_args, **seen_kwargs))
        recorder.record_gradient()
        final = recorder.let_go()
    recorder.require_no_escape()
    recording = recorder.finish(result, final)
    if _foreign_random_states() != drawn:
        recording.unsettled = _FOREIGN_RANDOM
    if grad_mode.enabled is not mode:
        grad_mode.enabled = mode
        raise RecordingError(
            "a function under fathom.compile turned gradients on or off for what follows it; "
            "turn them off for a part of it: with fathom.no_grad()"
        )
    found = {id(tensor) for tensor in given if id(tensor) in recording.touched}
    if found != known:
        return record(function, args, kwargs, known=found | known)
    return recording


def _foreign_random_states() -> tuple[Any, ...]:
    """The states of Python's and NumPy's global generators, where these are loaded."""
    python, numpy = sys.modules.get("random"), sys.modules.get("numpy.random")
    words = {} if numpy is None else numpy.get_state(legacy=False)["state"]
    return (
        None if python is None else python.getstate(),
        *(np.asarray(word).tobytes() for word in words.values()),
    )


_FOREIGN_RANDOM = (
    "it draws numbers from Python's or NumPy's own random generator, which a recording would "
    "repeat; draw them with fathom.rand, or pass them as an argument"
)


def stand_ins(tensors: Sequence[Tensor], known: Collection[int]) -> list[Tensor]:
    """Other handles with the values of these, equal ones for equal ones; those known stay.

    A function that is called with a tensor which it also knows by another name then shows it.
    """
    made = {id(tensor): tensor for tensor in tensors if id(tensor) in known}
    for tensor in tensors:
        if id(tensor) in made:
            continue
        stand_in = made[id(tensor)] = type(tensor).__new__(type(tensor))
        stand_in.grad = tensor.grad
        node = tensor._node
        if node.needs_gradient and not node.inputs:
            stand_in._become_leaf(node.value, node.hooks, node.op)
        else:
            stand_in._node = copy(node)
    return [made[id(tensor)] for tensor in tensors]


class Recorder:
    """What one recording knows of the tensors that its function touches.

    Args:
        arguments: the tensors that the function is called with.
        known: the identities of those that the function knows by another name.
    """

    def __init__(self, arguments: Sequence[Tensor], known: Collection[int]) -> None:
        self.guards = Guards()
        self.inspection = Inspection(self.guards)
        self._known = known
        self.places = Places(arguments)
        # By the tensor's identity; those whose tensors have died are in `_all_seen` only.
        self._seen: dict[int, Seen] = {}
        self._all_seen: list[Seen] = []
        self._gradients: dict[int, SeenGradient] = {}
        # Tensors that share a node go on sharing it.
        self._nodes: dict[int, Node] = {}
        self._kept_nodes: list[Node] = []
        self._born: set[int] = set()
        self._symbols: list[weakref.ref[Symbol]] = []
        self._numbers: dict[int, int] = {}
        self._results: list[Vertex] = []
        # The results that gradients flow to from outside, by their numbers, and what flows.
        self._kept: dict[int, Node] = {}
        self._backward: Backward | None = None
        self._is_over = False
        # The line of the operation whose gradient is being recorded.
        self._line = ""

    # What the thread sees in place of the attributes `_node` and `grad` of tensors.

    def node_of(self, tensor: Tensor) -> Node:
        """The node that the function sees in a tensor."""
        seen = self._seen_of(tensor)
        if seen is not None:
            return seen.node  # type: ignore[return-value]
        node: Node = node_slot.__get__(tensor)
        if type(node.value) is Symbol:
            node.value.recorder.require_current()
            return node
        return self._see(tensor, node).node  # type: ignore[return-value]

    def set_node(self, tensor: Tensor, node: Node) -> None:
        """Let the function see another node in a tensor."""
        seen = self._seen_of(tensor)
        if seen is None:
            try:
                before: Node = node_slot.__get__(tensor)
            except AttributeError:
                self._born.add(id(tensor))
                self._seen.pop(id(tensor), None)
                self._gradients.pop(id(tensor), None)
                node_slot.__set__(tensor, node)
                return
            if type(before.value) is Symbol:
                before.value.recorder.require_current()
                node_slot.__set__(tensor, node)
                return
            seen = self._see(tensor, before)
        seen.node = node

    def gradient_of(self, tensor: Tensor) -> Tensor | None:
        """What the function sees in the `grad` of a tensor."""
        seen = self._gradient_seen_of(tensor)
        if seen is not None:
            return seen.now
        found: Tensor | None = grad_slot.__get__(tensor)
        if id(tensor) in self._born:
            return found
        seen = self._see_gradient(tensor, found)
        seen.is_read = True
        if found is not None:
            self.places.note_gradient(found, tensor)
        return found

    def set_gradient(self, tensor: Tensor, gradient: Tensor | None) -> None:
        """Let the function see another gradient in the `grad` of a tensor."""
        seen = self._gradient_seen_of(tensor)
        if seen is not None:
            seen.now = gradient
            return
        try:
            before: Tensor | None = grad_slot.__get__(tensor)
        except AttributeError:
            before = None
        if id(tensor) in self._born:
            grad_slot.__set__(tensor, gradient)
        else:
            self._see_gradient(tensor, before).now = gradient

    def _seen_of(self, tensor: Tensor) -> Seen | None:
        seen = self._seen.get(id(tensor))
        return seen if seen is not None and seen.tensor() is tensor else None

    def _gradient_seen_of(self, tensor: Tensor) -> SeenGradient | None:
        seen = self._gradients.get(id(tensor))
        return seen if seen is not None and seen.owner() is tensor else None

    def _see(self, tensor: Tensor, before: Node) -> Seen:
        is_born = id(tensor) in self._born
        node = self._nodes.get(id(before))
        if node is None or before.needs_gradient:
            node = self._node_for(before, is_born)
            self._nodes[id(before)] = node
            self._kept_nodes.append(before)
        seen = self._seen[id(tensor)] = Seen(tensor, before, node, is_born)
        self._all_seen.append(seen)
        return seen

    def _node_for(self, before: Node, is_born: bool) -> Node:
        value = np.asarray(before.value)
        vertex = (
            Constant(value, self.line())
            if is_born
            else Input(Spec(value.shape, value.dtype), "", self.line())
        )
        node = Node(self.symbol(vertex), before.op, (), before.needs_gradient)
        node.leaf = before.leaf
        node.hooks = before.hooks
        if before.inputs or before.freed:
            # The gradient of what was computed outside would have to leave the function.
            node.inputs = (before,)
            node.hooks = {0: _refuse_gradient}
        return node

    def _see_gradient(self, tensor: Tensor, before: Tensor | None) -> SeenGradient:
        seen = self._gradients[id(tensor)] = SeenGradient(tensor, before)
        return seen

    # Operations.

    def line(self) -> str:
        """The line of the user's code that what is recorded now belongs to."""
        return self._line or user_line()

    def attributing(self, shares: Callable[..., Any]) -> Callable[..., Any]:
        """A function of a node that gives gradients, with what it records attributed to the
        line at which the node was computed."""

        def attributed(node: Node, *rest: Any) -> Any:
            self._line = backward_line(_origin_of(node.value))
            try:
                return shares(node, *rest)
            finally:
                self._line = ""

        return attributed

    def run(self, compute: Callable[..., Any], *values: Value) -> Symbol:
        """Record the operation whose method `compute` is: the recorder takes the place of the
        context in which tensors let NumPy compute."""
        return self.apply(compute.__self__, values)  # type: ignore[attr-defined]

    def apply(self, op: Op, operands: Sequence[Operand]) -> Symbol:
        """Record an operation on symbols, arrays and numbers."""
        origin = self.line()
        dtypes = [operand.dtype for operand in operands if hasattr(operand, "dtype")]
        vertices = [self.vertex_of(operand, dtypes) for operand in operands]
        try:
            spec = op.infer(*[vertex.spec for vertex in vertices])
        except DTypeError:
            # Bare values may differ in dtype; NumPy promotes them.
            vertices = self._promoted(op, vertices, origin)
            spec = op.infer(*[vertex.spec for vertex in vertices])
        spec = Spec(tuple(spec.shape), np.dtype(spec.dtype))
        return self.symbol(Vertex(op, tuple(vertices), spec, origin))

    def symbol(self, vertex: Vertex) -> Symbol:
        """A symbol for a vertex."""
        symbol = Symbol(vertex, self)
        self._symbols.append(weakref.ref(symbol))
        return symbol

    def vertex_of(self, value: Operand, dtypes: Sequence[Any] = ()) -> Vertex:
        """The vertex of a bare value; a number takes the dtype it has beside the others."""
        if type(value) is Symbol:
            value.recorder.require_current()
            if value.recorder is not self:
                _refuse_foreign(value)
            return value.vertex
        if isinstance(value, np.ndarray | np.generic):
            return Constant(np.asarray(value), self.line())
        return Constant(np.asarray(value, np.result_type(*dtypes, value)), self.line())

    def _promoted(self, op: Op, vertices: list[Vertex], origin: str) -> list[Vertex]:
        kept = 1 if isinstance(op, Where) else 0
        common = np.result_type(*[vertex.dtype for vertex in vertices[kept:]])
        return vertices[:kept] + [
            vertex
            if vertex.dtype == common
            else Vertex(Cast(common), (vertex,), Spec(vertex.shape, common), origin)
            for vertex in vertices[kept:]
        ]

    def note_use(self, watched: Watched) -> None:
        """Note that the function uses an object whose attributes steer it."""
        self.inspection.look_at_watched(watched)

    def require_current(self) -> None:
        """Raise where this recording is over, or belongs to another thread."""
        if self._is_over or current.recorder is not self:
            raise RecordingError(
                f"{user_place()}: this tensor was computed while a function under "
                f"fathom.compile was recorded, and has no value; return it from the function"
            )

    # The end.

    def take_apart(self, result: Any) -> Any:
        """The structure that the function returned, with places instead of tensors."""
        return map_structure(self._result_leaf, result)

    def _result_leaf(self, leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            if isinstance(leaf, Symbol):
                raise RecordingError("a function under fathom.compile returned a bare value")
            return leaf
        if id(leaf) not in self._born:
            return self.places.of([leaf])
        node = self.node_of(leaf)
        number = len(self._results)
        self._results.append(node.value.vertex)
        history = _history_of(node)
        if history == "kept":
            self._kept[number] = node
        return Output(number, self._numbers.setdefault(id(leaf), len(self._numbers)), history)

    def record_gradient(self) -> None:
        """Record how gradients flow from the results to tensors from outside."""
        sources = {
            seen.first: seen
            for seen in self._all_seen
            if not seen.is_born and seen.first is not None and seen.first.needs_gradient
        }
        if not self._kept or _other_leaves(self._kept.values(), sources.keys()):
            return
        for source in sources:
            source.hooks = None  # Outside they see the gradient.
        seeds = [
            Input(node.value.vertex.spec, f"gradient of result {number}")
            for number, node in self._kept.items()
        ]
        with set_grad_enabled(False):
            gradients = walk_backward(
                [
                    (node, self.symbol(seed))
                    for node, seed in zip(self._kept.values(), seeds, strict=True)
                ],
                wanted=frozenset(sources),
                retain_graph=True,
                create_graph=False,
            )
        self._backward = Backward(
            tuple(self._kept),
            seeds,
            [(sources[node], self.vertex_of(value)) for node, value in gradients.items()],
        )

    def let_go(self) -> tuple[list[Final | None], list[tuple[SeenGradient, Any]]]:
        """What all seen tensors and gradients have at the end; lets the nodes go."""
        gradients = [(seen, self._final_gradient(seen)) for seen in self._gradients.values()]
        finals = [self._final(seen) for seen in self._all_seen]
        for seen in self._all_seen:
            seen.first = seen.node = None
        for gradient in self._gradients.values():
            gradient.now = None
        self._nodes.clear()
        self._kept.clear()
        return finals, gradients

    def _final(self, seen: Seen) -> Final | None:
        node = seen.node
        if node is None or node is seen.first:
            return None
        if node.inputs or (node.freed and node.needs_gradient):
            raise RecordingError(
                f"a tensor of shape {node.value.shape} that lives outside the function was "
                f"given a value with a history at {_origin_of(node.value)}; its gradient would "
                f"have to flow from call to call: write x.detach(), or within fathom.no_grad()"
            )
        return Final(self.vertex_of(node.value), node.needs_gradient)

    def _final_gradient(self, seen: SeenGradient) -> Any:
        """The vertex of a new gradient, or the tensor or None that `grad` holds."""
        gradient = seen.now
        if gradient is None or gradient is seen.before or id(gradient) not in self._born:
            return gradient
        return self.vertex_of(self.node_of(gradient).value)

    def require_no_escape(self) -> None:
        """Raise where something outside still holds what was computed."""
        self._is_over = True
        if any(symbol() is not None for symbol in self._symbols):
            gc.collect()
        for reference in self._symbols:
            symbol = reference()
            if symbol is not None:
                raise RecordingError(
                    f"the tensor of shape {symbol.shape} computed at "
                    f"{symbol.vertex.origin or 'an unknown place'} is kept by something outside "
                    f"the compiled function (a list, an attribute, a global), which would hold "
                    f"no value; return it from the function, or write it into a tensor that "
                    f"lives outside: kept.copy_(value)"
                )

    def finish(
        self, result: Any, final: tuple[list[Final | None], list[tuple[SeenGradient, Any]]]
    ) -> Recording:
        """The recording, once it is known which tensors are still alive."""
        finals, gradients = final
        if any(seen.is_born and seen.tensor() is not None for seen in self._all_seen):
            gc.collect()
        return assemble(
            result,
            self._results,
            Seens(self._all_seen, finals, gradients),
            self._backward,
            self.places,
            self.guards,
            self._known,
        )


def _other_leaves(nodes: Iterable[Node], sources: Collection[Node]) -> bool:
    """Whether nodes were computed from leaves other than `sources` that anything still holds."""
    found = set(nodes)
    waiting = list(found)
    while waiting:
        node = waiting.pop()
        if node in sources:
            continue
        if node.leaf is not None and node.leaf() is not None:
            return True
        for operand in node.inputs:
            if operand.needs_gradient and operand not in found:
                found.add(operand)
                waiting.append(operand)
    return False


def _history_of(node: Node) -> History:
    if not node.needs_gradient:
        return "none"
    if node.freed:
        return "let go"
    return "kept" if node.inputs else "leaf"


def _origin_of(value: Any) -> str:
    return value.vertex.origin if type(value) is Symbol else user_line()


def _refuse_gradient(_: Tensor) -> NoReturn:
    raise RecordingError(
        f"{user_place()}: a gradient flows to a tensor that was computed outside the compiled "
        f"function; compute it inside too, or pass x.detach()"
    )


def _refuse_foreign(symbol: Symbol) -> NoReturn:
    raise RecordingError(f"{user_place()}: {symbol!r} belongs to another recording")
