"""Powers, roots, exponentials and logarithms of every element."""

import math
from collections.abc import Callable
from typing import Any

from ..errors import DTypeError
from ..ops import (
    Clone,
    Exp,
    Expm1,
    Log,
    Log1p,
    LogAddExp,
    LogBase,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    Power,
    Sigmoid,
    Sqrt,
    Where,
)
from ..promotion import float64, is_floating
from ..tensor import (
    Number,
    Tensor,
    binary,
    cast,
    constant,
    promoted,
    tensor_method,
    to_tensor_beside,
    with_in_place,
)
from .elementwise import clamp, floating, reciprocal

__all__ = [
    "exp",
    "exp2",
    "expm1",
    "float_power",
    "ldexp",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "logit",
    "pow",
    "rsqrt",
    "sigmoid",
    "sqrt",
    "square",
    "xlogy",
]


@tensor_method
@with_in_place
def pow(input: Any, exponent: Any) -> Tensor:
    """Every element raised to a power.

    Args:
        input: a tensor, or a number where `exponent` is a tensor.
        exponent: a number or a tensor that broadcasts.

    Raises:
        DTypeError: integers are raised to a negative whole number.
    """
    if not isinstance(input, Tensor):
        input = to_tensor_beside(input, exponent)
    if isinstance(exponent, int) and exponent < 0 and not is_floating(input.dtype):
        raise DTypeError(
            f"integers cannot be raised to the negative power {exponent}; "
            f"convert the tensor first: x.float()"
        )
    if isinstance(exponent, int | float) and exponent in _SHORTER:
        input, _ = promoted((input, exponent))
        return _SHORTER[exponent](input)
    return binary(Power(), input, exponent)


# Powers that cheaper operations give.
_SHORTER: dict[float, Callable[[Tensor], Tensor]] = {
    1: Clone(),
    2: lambda x: x * x,
    3: lambda x: x * x * x,
    0.5: Sqrt(),
    -0.5: lambda x: 1 / Sqrt()(x),
    -1: reciprocal,
    -2: lambda x: reciprocal(x * x),
}


@tensor_method
@with_in_place
def float_power(input: Any, exponent: Any) -> Tensor:
    """Every element raised to a power, computed in float64."""
    operands = [
        cast(operand, float64) if isinstance(operand, Tensor) else constant(operand, float64)
        for operand in (input, exponent)
    ]
    return binary(Power(), *operands)


@tensor_method
@with_in_place
def square(input: Tensor) -> Tensor:
    """input * input."""
    return input * input


@tensor_method
@with_in_place
def sqrt(input: Tensor) -> Tensor:
    """The square root of every element; NaN where it is negative."""
    return Sqrt()(floating(input))


@tensor_method
@with_in_place
def rsqrt(input: Tensor) -> Tensor:
    """1 / sqrt(input)."""
    return 1 / Sqrt()(floating(input))


@tensor_method
@with_in_place
def exp(input: Tensor) -> Tensor:
    """e to the power of every element."""
    return Exp()(floating(input))


@tensor_method
@with_in_place
def exp2(input: Tensor) -> Tensor:
    """2 to the power of every element."""
    input = floating(input)
    return Power()(constant(2, input.dtype), input)


@tensor_method
@with_in_place
def expm1(input: Tensor) -> Tensor:
    """exp(input) - 1, without cancellation near 0."""
    return Expm1()(floating(input))


@tensor_method
@with_in_place
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """input * 2 ** other."""
    return input * exp2(other)


@tensor_method
@with_in_place
def log(input: Tensor) -> Tensor:
    """The natural logarithm of every element."""
    return Log()(floating(input))


@tensor_method
@with_in_place
def log2(input: Tensor) -> Tensor:
    """The logarithm of every element to base 2."""
    return LogBase(2)(floating(input))


@tensor_method
@with_in_place
def log10(input: Tensor) -> Tensor:
    """The logarithm of every element to base 10."""
    return LogBase(10)(floating(input))


@tensor_method
@with_in_place
def log1p(input: Tensor) -> Tensor:
    """log(1 + input), without cancellation near 0."""
    return Log1p()(floating(input))


@tensor_method
def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """log(exp(input) + exp(other)), without overflow."""
    return binary(LogAddExp(), input, other, floating=True)


@tensor_method
def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """log2(2 ** input + 2 ** other), without overflow."""
    scale = math.log(2)
    return logaddexp(input * scale, other * scale) / scale


@tensor_method
@with_in_place
def xlogy(input: Any, other: Any) -> Tensor:
    """input * log(other), and 0 where `input` is 0, unless `other` is NaN."""
    input, other = promoted((input, other), floating=True)
    usual = LogicalAnd()(other > 0, other < math.inf)
    usual = LogicalOr()(usual, other != other)  # noqa: PLR0124 - true for NaN
    vanishes = LogicalAnd()(input == 0, LogicalNot()(usual))
    return input * Log()(Where()(vanishes, 1.0, other))


@tensor_method
@with_in_place
def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input))."""
    return Sigmoid()(floating(input))


@tensor_method
@with_in_place
def logit(input: Tensor, eps: Number | None = None) -> Tensor:
    """log(p / (1 - p)), the inverse of the sigmoid.

    Args:
        input: probabilities p.
        eps: moves p into [eps, 1 - eps] first; by default p outside [0, 1] gives NaN.
    """
    input = floating(input)
    if eps is not None:
        input = clamp(input, eps, 1 - eps)
    return Log()(input) - Log1p()(-input)
