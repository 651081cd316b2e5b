"""Comparison, logic, and the bits of integers."""

from typing import Any

from ..errors import DTypeError
from ..ops import (
    BitwiseAnd,
    BitwiseNot,
    BitwiseOr,
    BitwiseXor,
    Equal,
    Greater,
    GreaterEqual,
    IsFinite,
    IsNan,
    Less,
    LessEqual,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    LogicalXor,
    NotEqual,
    ShiftLeft,
    ShiftRight,
)
from ..promotion import is_floating
from ..tensor import Tensor, binary, tensor_method, with_in_place
from .arguments import method_alias

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "eq",
    "equal",
    "ge",
    "greater",
    "greater_equal",
    "gt",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "le",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
    "not_equal",
]


@tensor_method
@with_in_place
def eq(input: Tensor, other: Any) -> Tensor:
    """input == other, with broadcasting."""
    return binary(Equal(), input, other)


@tensor_method
@with_in_place
def ne(input: Tensor, other: Any) -> Tensor:
    """input != other, with broadcasting."""
    return binary(NotEqual(), input, other)


@tensor_method
@with_in_place
def lt(input: Tensor, other: Any) -> Tensor:
    """input < other, with broadcasting."""
    return binary(Less(), input, other)


@tensor_method
@with_in_place
def le(input: Tensor, other: Any) -> Tensor:
    """input <= other, with broadcasting."""
    return binary(LessEqual(), input, other)


@tensor_method
@with_in_place
def gt(input: Tensor, other: Any) -> Tensor:
    """input > other, with broadcasting."""
    return binary(Greater(), input, other)


@tensor_method
@with_in_place
def ge(input: Tensor, other: Any) -> Tensor:
    """input >= other, with broadcasting."""
    return binary(GreaterEqual(), input, other)


not_equal = method_alias("not_equal", ne)
less = method_alias("less", lt)
less_equal = method_alias("less_equal", le)
greater = method_alias("greater", gt)
greater_equal = method_alias("greater_equal", ge)


@tensor_method
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements, as a Python bool."""
    return input.shape == other.shape and bool((input == other).all())


@tensor_method
def isclose(
    input: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor:
    """Whether |input - other| <= atol + rtol * |other|, for every element.

    Args:
        rtol, atol: relative and absolute tolerance.
        equal_nan: whether NaN equals NaN.
    """
    if input.dtype != other.dtype:
        raise DTypeError(f"isclose: the tensors have dtypes {input.dtype} and {other.dtype}")
    close = input == other
    if equal_nan:
        close = LogicalOr()(close, LogicalAnd()(IsNan()(input), IsNan()(other)))
    if not is_floating(input.dtype):
        input, other = input.double(), other.double()
    difference = (input - other).abs()
    within = LogicalAnd()(IsFinite()(difference), difference <= atol + (rtol * other).abs())
    return LogicalOr()(close, within)


@tensor_method
def allclose(
    input: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> bool:
    """Whether `isclose` holds for all elements, as a Python bool."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


@tensor_method
def isnan(input: Tensor) -> Tensor:
    """Whether elements are NaN."""
    return IsNan()(input)


@tensor_method
def isfinite(input: Tensor) -> Tensor:
    """Whether elements are neither infinite nor NaN."""
    return IsFinite()(input)


@tensor_method
def isinf(input: Tensor) -> Tensor:
    """Whether elements are infinite."""
    return LogicalNot()(LogicalOr()(IsFinite()(input), IsNan()(input)))


@tensor_method
def isposinf(input: Tensor) -> Tensor:
    """Whether elements are plus infinity."""
    return LogicalAnd()(isinf(input), input > 0)


@tensor_method
def isneginf(input: Tensor) -> Tensor:
    """Whether elements are minus infinity."""
    return LogicalAnd()(isinf(input), input < 0)


@tensor_method
def isreal(input: Tensor) -> Tensor:
    """True for every element: Fathom has no complex numbers."""
    return LogicalOr()(input == input, IsNan()(input))  # noqa: PLR0124 - false for NaN


@tensor_method
@with_in_place
def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """Whether both elements differ from 0."""
    return binary(LogicalAnd(), input, other)


@tensor_method
@with_in_place
def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """Whether one element at least differs from 0."""
    return binary(LogicalOr(), input, other)


@tensor_method
@with_in_place
def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Whether exactly one element differs from 0."""
    return binary(LogicalXor(), input, other)


@tensor_method
@with_in_place
def logical_not(input: Tensor) -> Tensor:
    """Whether elements are 0."""
    return LogicalNot()(input)


@tensor_method
@with_in_place
def bitwise_and(input: Tensor, other: Any) -> Tensor:
    """The bits that both integers have; logical "and" for bools."""
    return binary(BitwiseAnd(), input, other)


@tensor_method
@with_in_place
def bitwise_or(input: Tensor, other: Any) -> Tensor:
    """The bits that one integer at least has; logical "or" for bools."""
    return binary(BitwiseOr(), input, other)


@tensor_method
@with_in_place
def bitwise_xor(input: Tensor, other: Any) -> Tensor:
    """The bits that exactly one integer has; logical "xor" for bools."""
    return binary(BitwiseXor(), input, other)


@tensor_method
@with_in_place
def bitwise_not(input: Tensor) -> Tensor:
    """The bits turned over; logical "not" for bools."""
    return BitwiseNot()(input)


@tensor_method
@with_in_place
def bitwise_left_shift(input: Tensor, other: Any) -> Tensor:
    """The bits moved to higher places: input * 2 ** other."""
    return binary(ShiftLeft(), input, other)


@tensor_method
@with_in_place
def bitwise_right_shift(input: Tensor, other: Any) -> Tensor:
    """The bits moved to lower places: input // 2 ** other."""
    return binary(ShiftRight(), input, other)
