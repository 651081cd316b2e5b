"""The backward walk over the tape, and the gradients it gives."""

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from ..anomaly import anomaly_mode, require_gradient_without_nan
from ..errors import AutogradError, ShapeError
from ..ops import Cast, Clone, Operand, Reshape, Shape, Sum
from ..recording import current, note_change
from ..tape import Node, Value, set_grad_enabled
from ..tensor import Tensor, tensor_method, wrap


@np.errstate(all="ignore")
def walk_backward(
    seeds: Iterable[tuple[Node, Value]],
    *,
    wanted: frozenset[Node] | None = None,
    retain_graph: bool,
    create_graph: bool,
) -> dict[Node, Any]:
    """Carry gradients from results to what they were computed from.

    The newest node with a gradient is always taken next, so all that was computed from a
    node has passed its share on before the node is taken. The walk needs no recursion, and
    lets go of each node's operands when it leaves it.

    Args:
        seeds: nodes with the gradients of the loss with respect to them.
        wanted: the nodes whose gradients are returned; by default the leaves.
        retain_graph: whether the operands stay, for another walk.
        create_graph: whether gradients are tensors with a tape of their own (so that they
            can be differentiated again) rather than bare values.

    Returns:
        The gradients with respect to the wanted nodes that were reached.
    """
    gradients: dict[Node, Any] = {}
    pending: dict[Node, Any] = {}
    queue: list[tuple[int, Node]] = []
    route = None if wanted is None else _nodes_leading_to(wanted, [node for node, _ in seeds])
    arriving: Iterable[tuple[Node, Any]] = seeds
    # A recorder notes to which line of the user's a gradient belongs.
    shares_of = _shares if current.recorder is None else current.recorder.attributing(_shares)
    while True:
        for node, gradient in arriving:
            if node in pending:
                pending[node] = pending[node] + gradient
            else:
                pending[node] = gradient
                heappush(queue, (-node.number, node))
        if not queue:
            return gradients
        _, node = heappop(queue)
        gradient = pending.pop(node)
        if node.hooks:
            gradient = _through_hooks(node, gradient)
        if node in wanted if wanted is not None else node.leaf is not None:
            gradients[node] = gradient
        if node.freed:
            raise AutogradError(
                "this graph was let go by an earlier backward(); "
                "pass retain_graph=True to the first call to walk it again"
            )
        arriving = shares_of(node, gradient, route, create_graph) if node.inputs else ()
        if node.inputs and not retain_graph:
            node.inputs = ()
            node.freed = True


def _shares(
    node: Node, gradient: Any, route: set[Node] | None, create_graph: bool
) -> list[tuple[Node, Any]]:
    """The operands of a node, with what its gradient passes on to each."""
    shares = []
    op, inputs = node.op, node.inputs
    if create_graph:
        output, operands = wrap(node), [wrap(operand) for operand in inputs]
    else:
        output, operands = node.value, [operand.value for operand in inputs]
    for position, operand in enumerate(inputs):
        if not operand.needs_gradient or (route is not None and operand not in route):
            continue
        share = op.gradient(position, gradient, output, *operands)  # type: ignore[union-attr]
        if share is None:
            continue
        if anomaly_mode.enabled:
            require_gradient_without_nan(op, position, share)  # type: ignore[arg-type]
        shape = operand.value.shape
        if share.shape != shape:
            share = sum_to_shape(share, shape)
        shares.append((operand, share))
    return shares


def _through_hooks(node: Node, gradient: Any) -> Any:
    for hook in list(node.hooks.values()):  # type: ignore[union-attr]
        seen = gradient if isinstance(gradient, Tensor) else wrap(Node(gradient))
        replaced = hook(seen)
        if replaced is not None:
            gradient = replaced if isinstance(gradient, Tensor) else replaced._node.value
    return gradient


def _nodes_leading_to(wanted: frozenset[Node], roots: Sequence[Node]) -> set[Node]:
    """The nodes on a path from `roots` back to a wanted node."""
    reached: dict[Node, None] = dict.fromkeys(roots)
    waiting = list(reached)
    while waiting:
        for operand in waiting.pop().inputs:
            if operand.needs_gradient and operand not in reached:
                reached[operand] = None
                waiting.append(operand)
    leading: set[Node] = set()
    for node in sorted(reached, key=lambda node: node.number):
        if node in wanted or any(operand in leading for operand in node.inputs):
            leading.add(node)
    return leading


def sum_to_shape(value: Operand, shape: Shape) -> Operand:
    """Sum over the dimensions along which a value of `shape` was broadcast."""
    added = len(value.shape) - len(shape)
    grown = [
        axis for axis, size in enumerate(value.shape) if axis < added or size != shape[axis - added]
    ]
    summed = Sum(tuple(grown))(value) if grown else value
    return summed if summed.shape == shape else Reshape(shape)(summed)


@tensor_method
def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradient of this tensor to the `grad` of every leaf it was computed from.

    Args:
        gradient: the gradient of the loss with respect to this tensor, of its shape; may be
            left out where the tensor has one element and is the loss itself.
        retain_graph: whether the graph stays for another `backward`; by default it is let go
            unless `create_graph` is set.
        create_graph: whether the gradients can be differentiated again.
        inputs: the leaves whose `grad` grows; by default all.

    Raises:
        AutogradError: no gradient flows to this tensor, or it has many elements and no
            `gradient` is given.
        ShapeError: `gradient` has another shape.
    """
    seed = (self._node, _seed(self, gradient, create_graph))
    wanted = None
    if inputs is not None:
        chosen = (inputs,) if isinstance(inputs, Tensor) else inputs
        wanted = frozenset(tensor._node for tensor in chosen)
        owners = {tensor._node: tensor for tensor in chosen}
    gradients = _walk_from([seed], wanted, retain_graph, create_graph)
    for node, value in gradients.items():
        leaf = owners[node] if inputs is not None else node.leaf()  # type: ignore[misc]
        if leaf is not None:
            # A clone, because `grad` may be written in place whatever operation made it.
            new = Clone()(value) if create_graph else wrap(Node(_settled(value)))
            if leaf.grad is None:
                leaf.grad = new
            else:
                leaf.grad = leaf.grad + new


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the sum of `outputs` with respect to each of `inputs`.

    Args:
        outputs: tensors that were computed from `inputs`.
        inputs: tensors that require a gradient.
        grad_outputs: the gradient of the loss with respect to each output; may be left out,
            or None, for outputs with one element.
        retain_graph: whether the graph stays for another walk; by default it is let go
            unless `create_graph` is set.
        create_graph: whether the gradients can be differentiated again.
        allow_unused: whether an input that the outputs do not depend on gets None rather
            than an error.

    Returns:
        One gradient for each input, of its shape.
    """
    outputs = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if grad_outputs is None or isinstance(grad_outputs, Tensor):
        grad_outputs = (grad_outputs,) * len(outputs)
    for position, tensor in enumerate(inputs):
        if not tensor.requires_grad:
            raise AutogradError(f"input {position} does not require a gradient")
    seeds = [
        (output._node, _seed(output, seed, create_graph))
        for output, seed in zip(outputs, grad_outputs, strict=True)
    ]
    wanted = frozenset(tensor._node for tensor in inputs)
    gradients = _walk_from(seeds, wanted, retain_graph, create_graph)
    results: list[Tensor | None] = []
    for position, tensor in enumerate(inputs):
        value = gradients.get(tensor._node)
        if value is None and not allow_unused:
            raise AutogradError(
                f"the outputs do not depend on input {position}; "
                f"pass allow_unused=True to get None for it"
            )
        if value is not None and not isinstance(value, Tensor):
            value = wrap(Node(_settled(value)))
        results.append(value)
    return tuple(results)


def _walk_from(
    seeds: list[tuple[Node, Any]],
    wanted: frozenset[Node] | None,
    retain_graph: bool | None,
    create_graph: bool,
) -> dict[Node, Any]:
    retain_graph = create_graph if retain_graph is None else retain_graph
    with set_grad_enabled(create_graph):
        return walk_backward(
            seeds, wanted=wanted, retain_graph=retain_graph, create_graph=create_graph
        )


def _seed(output: Tensor, gradient: Tensor | None, create_graph: bool) -> Any:
    if not output.requires_grad:
        raise AutogradError(
            "backward from a tensor that no gradient flows to: it was computed from nothing "
            "that requires a gradient, or within no_grad()"
        )
    value = output._node.value
    if gradient is None:
        if value.size != 1:
            raise AutogradError(
                f"a gradient can be left out for a tensor with one element only, this one has "
                f"shape {output.shape}; call backward on a loss such as y.sum() or y.mean()"
            )
        ones = np.ones(value.shape, value.dtype)
        return wrap(Node(ones)) if create_graph else ones
    if gradient.shape != output.shape:
        raise ShapeError(
            f"the gradient has shape {gradient.shape}, the tensor has shape {output.shape}"
        )
    if gradient.dtype != output.dtype:
        gradient = Cast(output.dtype)(gradient)
    return gradient if create_graph else gradient._node.value


def _settled(value: Value) -> Value:
    return np.asarray(value) if isinstance(value, np.generic) else value


class HookHandle:
    """What `Tensor.register_hook` returns: `remove` takes the hook away again."""

    def __init__(self, hooks: dict[int, Any], key: int) -> None:
        self._hooks = hooks
        self._key = key

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self._key, None)
        note_change()


@tensor_method
def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> HookHandle:
    """Call `hook` with the gradient of this tensor whenever `backward` computes it.

    Args:
        hook: gets the gradient; what it returns, unless None, takes the gradient's place.

    Returns:
        A handle whose `remove` takes the hook away.
    """
    if not self.requires_grad:
        raise AutogradError("a hook needs a tensor that requires a gradient")
    node = self._node
    if node.hooks is None:
        node.hooks = {}
    key = max(node.hooks, default=-1) + 1
    node.hooks[key] = hook
    return HookHandle(node.hooks, key)


@tensor_method
def retain_grad(self: Tensor) -> None:
    """Keep the gradient in `grad` although this tensor is not a leaf."""
    if self.is_leaf:
        return

    def keep(gradient: Tensor) -> None:
        self.grad = gradient if self.grad is None else self.grad + gradient

    register_hook(self, keep)
