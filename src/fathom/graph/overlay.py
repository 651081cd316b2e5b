"""How one thread sees tensors through a recorder, while others see them as they are."""

import threading
from typing import Any

from ..recording import current
from ..tape import Node
from ..tensor import Tensor, quiet, without_warnings

# The class, as something whose attributes may be exchanged.
_TENSOR: Any = Tensor
node_slot: Any = Tensor.__dict__["_node"]
grad_slot: Any = Tensor.__dict__["grad"]


def _get_node(tensor: Tensor) -> Node:
    recorder = current.recorder
    return node_slot.__get__(tensor) if recorder is None else recorder.node_of(tensor)


def _set_node(tensor: Tensor, node: Node) -> None:
    recorder = current.recorder
    if recorder is None:
        node_slot.__set__(tensor, node)
    else:
        recorder.set_node(tensor, node)


def _get_grad(tensor: Tensor) -> Tensor | None:
    recorder = current.recorder
    return grad_slot.__get__(tensor) if recorder is None else recorder.gradient_of(tensor)


def _set_grad(tensor: Tensor, gradient: Tensor | None) -> None:
    recorder = current.recorder
    if recorder is None:
        grad_slot.__set__(tensor, gradient)
    else:
        recorder.set_gradient(tensor, gradient)


_node_property = property(_get_node, _set_node)
_grad_property = property(_get_grad, _set_grad)


class SeenThrough:
    """Lets this thread see tensors through a recorder, as long as the block lasts.

    The attributes `_node` and `grad` of `Tensor` are replaced by properties as long as any
    thread records: nothing in the library can pass the recorder by, and code that records
    nothing pays nothing for it. Other threads see the tensors as they are.
    """

    _lock = threading.Lock()
    _active = 0

    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder

    def __enter__(self) -> None:
        with self._lock:
            if SeenThrough._active == 0:
                _TENSOR._node = _node_property
                _TENSOR.grad = _grad_property
            SeenThrough._active += 1
        self.context = quiet.context
        quiet.context = self.recorder
        current.recorder = self.recorder

    def __exit__(self, *exception: object) -> None:
        current.recorder = None
        quiet.context = self.context
        with self._lock:
            SeenThrough._active -= 1
            if SeenThrough._active == 0:
                _TENSOR._node = node_slot
                _TENSOR.grad = grad_slot


class SeenPlainly:
    """Lets this thread compute with values, as long as the block lasts, though it records.

    What is computed from values alone can then steer what is recorded. Tensors that are made
    within must not leave the block.
    """

    def __enter__(self) -> None:
        self.recorder, self.context = current.recorder, quiet.context
        current.recorder, quiet.context = None, without_warnings()

    def __exit__(self, *exception: object) -> None:
        current.recorder, quiet.context = self.recorder, self.context
