"""Functions of every element: arithmetic, exponentials, rounding, comparison, logic."""

from typing import Any

from ..ops import Add, Clone, Exp, Log, Power
from ..promotion import float32, is_floating
from ..tensor import Tensor, binary, cast, tensor_method, with_in_place

__all__ = ["add", "clone", "exp", "log", "pow"]


def floating(input: Tensor) -> Tensor:
    """The tensor itself, or as float32 where it holds integers or bools."""
    return input if is_floating(input.dtype) else cast(input, float32)


@tensor_method
def clone(input: Tensor) -> Tensor:
    """The value as a new tensor, through which gradients flow."""
    return Clone()(input)


@tensor_method
@with_in_place
def add(input: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    """input + alpha * other, elementwise with broadcasting."""
    return binary(Add(), input, other if alpha == 1 else other * alpha)


@tensor_method
@with_in_place
def exp(input: Tensor) -> Tensor:
    """e to the power of every element."""
    return Exp()(floating(input))


@tensor_method
@with_in_place
def log(input: Tensor) -> Tensor:
    """The natural logarithm of every element."""
    return Log()(floating(input))


@tensor_method
@with_in_place
def pow(input: Tensor, exponent: Any) -> Tensor:
    """Every element raised to `exponent`, a number or a tensor that broadcasts."""
    return binary(Power(), input, exponent)
