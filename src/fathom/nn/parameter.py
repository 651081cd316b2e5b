"""The parameter: a tensor that a module trains."""

from typing import Any

from ..arrays import to_array
from ..tape import Node
from ..tensor import Tensor, describe

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A tensor that becomes one of a module's parameters when it is assigned to it.

    Args:
        data: the initial value; the parameter gets a handle of its own to it.
        requires_grad: whether `backward` shall compute a gradient for it.
    """

    __slots__ = ()

    def __init__(self, data: Any = (), requires_grad: bool = True) -> None:
        self._node = Node(data._node.value if isinstance(data, Tensor) else to_array(data))
        self.grad = None
        self.requires_grad = requires_grad

    def __repr__(self) -> str:
        return f"Parameter containing:\n{describe(self)}"
