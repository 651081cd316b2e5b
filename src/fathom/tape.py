"""What a tensor's value came from: the nodes that the backward walk follows."""

import itertools
import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any
from weakref import ReferenceType

from .ops import Op

# A value: an array, or a symbol while a function is being recorded.
Value = Any

_numbers = itertools.count()


class Node:
    """A value that never changes, with the operation and the operands it came from.

    Attributes:
        value: the array (or symbol).
        op: the operation that produced it; None for a value from outside.
        inputs: the operands, where a gradient may flow to one of them; else empty.
        needs_gradient: whether gradients flow to this value.
        number: grows with creation, so operands have smaller numbers than results.
        leaf: the tensor whose `grad` collects this value's gradient, if there is one.
        hooks: functions that see, and may replace, the gradient on its way.
        freed: whether a backward walk has let go of the operands.
    """

    __slots__ = ("freed", "hooks", "inputs", "leaf", "needs_gradient", "number", "op", "value")

    def __init__(
        self,
        value: Value,
        op: Op | None = None,
        inputs: tuple["Node", ...] = (),
        needs_gradient: bool = False,
    ) -> None:
        self.value = value
        self.op = op
        self.inputs = inputs
        self.needs_gradient = needs_gradient
        self.number = next(_numbers)
        self.leaf: ReferenceType[Any] | None = None
        self.hooks: dict[int, Callable[[Any], Any]] | None = None
        self.freed = False


class _Mode(threading.local):
    """Whether operations are noted for the gradient; each thread has its own."""

    enabled = True


grad_mode = _Mode()


class set_grad_enabled(ContextDecorator):  # noqa: N801 - PyTorch's name
    """Turn the noting of operations on or off, at once and within a ``with`` block.

    Args:
        mode: whether operations are noted for the gradient.
    """

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self.before = grad_mode.enabled
        grad_mode.enabled = mode

    def __enter__(self) -> None:
        grad_mode.enabled = self.mode

    def __exit__(self, *exception: object) -> None:
        grad_mode.enabled = self.before


class _GradBlock(ContextDecorator):
    """Sets the mode within a ``with`` block or a decorated function; blocks may nest."""

    mode: bool

    def __init__(self) -> None:
        self.before: list[bool] = []

    def __call__(self, function: Callable[..., Any] | None = None) -> Any:
        return type(self)() if function is None else super().__call__(function)

    def __enter__(self) -> None:
        self.before.append(grad_mode.enabled)
        grad_mode.enabled = self.mode

    def __exit__(self, *exception: object) -> None:
        grad_mode.enabled = self.before.pop()


class no_grad(_GradBlock):  # noqa: N801 - PyTorch's name
    """Within this block, or in a function decorated with it, no operation is noted.

    Results then do not require a gradient, and no memory is kept for one.
    """

    mode = False


class enable_grad(_GradBlock):  # noqa: N801 - PyTorch's name
    """Within this block operations are noted even inside `no_grad`."""

    mode = True


class inference_mode(no_grad):  # noqa: N801 - PyTorch's name
    """The same as `no_grad`, under the name PyTorch gives its stricter form."""


def is_grad_enabled() -> bool:
    """Whether operations are noted for the gradient in this thread."""
    return grad_mode.enabled
