"""Arithmetic of every element: sums, products, quotients, bounds and choices."""

from typing import Any

from ..errors import ArgumentError, DTypeError
from ..ops import (
    Absolute,
    Add,
    BoundAbove,
    BoundBelow,
    Clone,
    Divide,
    FloorDivide,
    Gcd,
    IsNan,
    LogicalOr,
    Maximum,
    Minimum,
    Multiply,
    MultiplyAdd,
    Negative,
    Remainder,
    Subtract,
    Truncate,
    Where,
)
from ..promotion import bool_, float32, is_floating
from ..tensor import Number, Tensor, binary, cast, promoted, tensor_method, with_in_place
from .arguments import method_alias

__all__ = [
    "abs",
    "absolute",
    "add",
    "addcdiv",
    "addcmul",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "clone",
    "div",
    "divide",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "gcd",
    "lcm",
    "lerp",
    "maximum",
    "minimum",
    "mul",
    "multiply",
    "neg",
    "negative",
    "positive",
    "reciprocal",
    "remainder",
    "rsub",
    "sub",
    "subtract",
    "true_divide",
    "where",
]


def floating(input: Tensor) -> Tensor:
    """The tensor itself, or as float32 where it holds integers or bools."""
    if not isinstance(input, Tensor):
        raise DTypeError(f"expected a tensor, got a {type(input).__name__}")
    return input if input.dtype.kind == "f" else cast(input, float32)


@tensor_method
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """The value as a new tensor, through which gradients flow."""
    return Clone()(input)


@tensor_method
@with_in_place
def abs(input: Tensor) -> Tensor:
    """The magnitude of every element; the gradient at 0 is 0."""
    return Absolute()(input)


absolute = method_alias("absolute", abs)


@tensor_method
@with_in_place
def neg(input: Tensor) -> Tensor:
    """Every element with the opposite sign."""
    return Negative()(input)


negative = method_alias("negative", neg)


@tensor_method
def positive(input: Tensor) -> Tensor:
    """The tensor itself."""
    return input


@tensor_method
@with_in_place
def add(input: Tensor, other: Any, *, alpha: Number = 1) -> Tensor:
    """input + alpha * other, with broadcasting."""
    return binary(Add(), input, other if alpha == 1 else other * alpha)


@tensor_method
@with_in_place
def sub(input: Tensor, other: Any, *, alpha: Number = 1) -> Tensor:
    """input - alpha * other, with broadcasting."""
    return binary(Subtract(), input, other if alpha == 1 else other * alpha)


subtract = method_alias("subtract", sub)


def rsub(input: Tensor, other: Any, *, alpha: Number = 1) -> Tensor:
    """other - alpha * input, with broadcasting."""
    return binary(Subtract(), other, input if alpha == 1 else input * alpha)


@tensor_method
@with_in_place
def mul(input: Tensor, other: Any) -> Tensor:
    """input * other, with broadcasting."""
    return binary(Multiply(), input, other)


multiply = method_alias("multiply", mul)


@tensor_method
@with_in_place
def div(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other, with broadcasting.

    Args:
        rounding_mode: None divides integers to floats; ``"floor"`` rounds towards minus
            infinity, ``"trunc"`` towards zero, and both keep the dtype.
    """
    if rounding_mode is None:
        return binary(Divide(), input, other, floating=True)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode != "trunc":
        raise ArgumentError(f"rounding_mode is None, 'floor' or 'trunc', not {rounding_mode!r}")
    first, second = promoted((input, other))
    if is_floating(first.dtype):
        return Truncate()(Divide()(first, second))
    return FloorDivide()(first - fmod(first, second), second)


divide = method_alias("divide", div)


@tensor_method
@with_in_place
def true_divide(input: Tensor, other: Any) -> Tensor:
    """input / other, with broadcasting; integers become floats."""
    return binary(Divide(), input, other, floating=True)


@tensor_method
@with_in_place
def floor_divide(input: Tensor, other: Any) -> Tensor:
    """The quotient rounded towards minus infinity; its gradient is 0.

    Raises:
        DivisionByZero: integers are divided by 0.
    """
    return binary(FloorDivide(), input, other)


@tensor_method
@with_in_place
def remainder(input: Tensor, other: Any) -> Tensor:
    """input - other * floor(input / other): the remainder with the sign of the divisor.

    Raises:
        DivisionByZero: integers are divided by 0.
    """
    return binary(Remainder(), input, other)


@tensor_method
@with_in_place
def fmod(input: Tensor, other: Any) -> Tensor:
    """input - other * trunc(input / other): the remainder with the sign of the dividend.

    Raises:
        DivisionByZero: integers are divided by 0.
    """
    input, other = promoted((input, other))
    if input.dtype.kind in "bu":
        return Remainder()(input, other)
    size = Absolute()(other)
    return Where()(input < 0, -Remainder()(-input, size), Remainder()(input, size))


@tensor_method
@with_in_place
def reciprocal(input: Tensor) -> Tensor:
    """1 / input."""
    return binary(Divide(), 1, input, floating=True)


@tensor_method
def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two elements; NaN wins, and equal elements share the gradient."""
    return binary(Maximum(), input, other)


@tensor_method
def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two elements; NaN wins, and equal elements share the gradient."""
    return binary(Minimum(), input, other)


@tensor_method
def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two elements, the other one where one is NaN."""
    input, other = promoted((input, other))
    return Where()(LogicalOr()(input >= other, IsNan()(other)), input, other)


@tensor_method
def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two elements, the other one where one is NaN."""
    input, other = promoted((input, other))
    return Where()(LogicalOr()(input <= other, IsNan()(other)), input, other)


@tensor_method
@with_in_place
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Every element moved into [min, max].

    The gradient flows to the element where it lies within the bounds, borders included, and
    to the bound where it lies outside.

    Args:
        min, max: numbers, or tensors that broadcast; one of them may be None.
    """
    bounds = [bound for bound in (min, max) if bound is not None]
    if not bounds:
        raise ArgumentError("clamp needs min or max")
    input, *bounds = promoted((input, *bounds))
    if min is not None:
        input = BoundBelow()(input, bounds[0])
    return input if max is None else BoundAbove()(input, bounds[-1])


clip = method_alias("clip", clamp)


@tensor_method
@with_in_place
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """Every element moved up to `min` where it is smaller."""
    return clamp(input, min=min)


@tensor_method
@with_in_place
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """Every element moved down to `max` where it is larger."""
    return clamp(input, max=max)


@tensor_method
@with_in_place
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """input + weight * (end - input): linear interpolation, exact at both ends.

    Args:
        weight: a number or a tensor that broadcasts.
    """
    difference = end - input
    ahead = input + difference * weight
    behind = end - difference * (1 - weight)
    if isinstance(weight, Tensor):
        return where(weight.abs() < 0.5, ahead, behind)
    return ahead if -0.5 < weight < 0.5 else behind


@tensor_method
@with_in_place
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input + value * tensor1 * tensor2."""
    if value != 1:
        tensor1 = tensor1 * value
    return MultiplyAdd()(*promoted((tensor1, tensor2, input)))


@tensor_method
@with_in_place
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input + value * tensor1 / tensor2.

    Raises:
        DTypeError: both operands of the division are integers.
    """
    if not is_floating(tensor1.dtype) and not is_floating(tensor2.dtype):
        raise DTypeError("addcdiv divides floats; convert one of the tensors with .float()")
    quotient = tensor1 / tensor2
    return input + (quotient if value == 1 else quotient * value)


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """`input` where the condition holds, `other` elsewhere, with broadcasting.

    Args:
        condition: a bool tensor.
        input, other: tensors or numbers. Without both, the result is the tuple of index
            tensors of the places where the condition holds.
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if condition.dtype != bool_:
        raise DTypeError(
            f"where: the condition has dtype {condition.dtype}, expected bool; "
            f"write a comparison such as condition != 0"
        )
    return Where()(condition, *promoted((input, other)))


def _where_method(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """The tensor's elements where the condition holds, those of `other` elsewhere."""
    return where(condition, self, other)


method_alias("where", _where_method)


@tensor_method
@with_in_place
def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor of integers."""
    return binary(Gcd(), input, other)


@tensor_method
@with_in_place
def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple of integers."""
    input, other = promoted((input, other))
    divisor = clamp_min(Gcd()(input, other), 1)
    return Absolute()(input // divisor * other)
