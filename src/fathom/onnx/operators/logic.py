"""Comparisons, logic, and operations on bits."""

from ...functional.creation import zeros_like
from ...functional.logic import (
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    eq,
    ge,
    gt,
    isnan,
    isneginf,
    isposinf,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
)
from ...promotion import bool_
from ...tensor import Tensor
from ..operator import operator
from .elementwise import _of_one, _of_two

for _name, _function in {
    "And": logical_and,
    "Or": logical_or,
    "Xor": logical_xor,
    "Equal": eq,
    "Greater": gt,
    "GreaterOrEqual": ge,
    "Less": lt,
    "LessOrEqual": le,
    "BitwiseAnd": bitwise_and,
    "BitwiseOr": bitwise_or,
    "BitwiseXor": bitwise_xor,
}.items():
    operator(_name)(_of_two(_function))

operator("Not")(_of_one(logical_not))
operator("BitwiseNot")(_of_one(bitwise_not))
operator("IsNaN")(_of_one(isnan))


@operator("IsInf")
def is_infinite(input: Tensor, *, detect_negative: int = 1, detect_positive: int = 1) -> Tensor:
    """Which elements are infinite."""
    nowhere = zeros_like(input, dtype=bool_)
    above = isposinf(input) if detect_positive else nowhere
    below = isneginf(input) if detect_negative else nowhere
    return logical_or(above, below)


@operator("BitShift")
def shift_bits(first: Tensor, second: Tensor, *, direction: str) -> Tensor:
    """The bits moved towards the higher places ("LEFT") or the lower ones ("RIGHT")."""
    move = bitwise_left_shift if direction == "LEFT" else bitwise_right_shift
    return move(first, second)
