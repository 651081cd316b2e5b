"""Rounding, signs, and the replacement of special values."""

from typing import Any, NamedTuple

import numpy as np

from ..ops import (
    Absolute,
    Ceil,
    Exponent,
    Floor,
    IsNan,
    NextAfter,
    Round,
    Sign,
    SignBit,
    Truncate,
    Where,
)
from ..promotion import is_floating
from ..tensor import Number, Tensor, binary, cast, promoted, tensor_method, with_in_place
from .arguments import method_alias

__all__ = [
    "ceil",
    "copysign",
    "fix",
    "floor",
    "frac",
    "frexp",
    "heaviside",
    "nan_to_num",
    "nextafter",
    "round",
    "sgn",
    "sign",
    "signbit",
    "trunc",
]


@tensor_method
@with_in_place
def floor(input: Tensor) -> Tensor:
    """The largest integer not above each element; integers stay as they are."""
    return Floor()(input) if is_floating(input.dtype) else input.clone()


@tensor_method
@with_in_place
def ceil(input: Tensor) -> Tensor:
    """The smallest integer not below each element; integers stay as they are."""
    return Ceil()(input) if is_floating(input.dtype) else input.clone()


@tensor_method
@with_in_place
def trunc(input: Tensor) -> Tensor:
    """Every element rounded towards 0; integers stay as they are."""
    return Truncate()(input) if is_floating(input.dtype) else input.clone()


fix = method_alias("fix", trunc)


@tensor_method
@with_in_place
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest integer to each element, the even one of two; integers stay as they are.

    Args:
        decimals: how many decimal places are kept; a negative number rounds to tens and so on.
    """
    if not is_floating(input.dtype):
        return input.clone()
    if decimals == 0:
        return Round()(input)
    scale = 10.0 ** max(decimals, -decimals)
    if decimals > 0:
        return Round()(input * scale) / scale
    return Round()(input / scale) * scale


@tensor_method
@with_in_place
def frac(input: Tensor) -> Tensor:
    """The part of every element behind the decimal point, with its sign."""
    return input - Truncate()(input)


@tensor_method
@with_in_place
def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1."""
    return input.clone() if input.dtype.kind == "b" else Sign()(input)


sgn = method_alias("sgn", sign)


@tensor_method
def signbit(input: Tensor) -> Tensor:
    """Whether elements are negative, -0 included."""
    return SignBit()(input) if is_floating(input.dtype) else input < 0


@tensor_method
@with_in_place
def copysign(input: Tensor, other: Any) -> Tensor:
    """The magnitudes of `input` with the signs of `other`."""
    input, other = promoted((input, other), floating=True)
    size = Absolute()(input)
    return Where()(SignBit()(other), -size, size)


@tensor_method
@with_in_place
def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The number that follows each element in the direction of `other`."""
    return binary(NextAfter(), input, other)


class MantissaAndExponent(NamedTuple):
    """Numbers split into mantissas in [0.5, 1), with their sign, and powers of 2."""

    mantissa: Tensor
    exponent: Tensor


@tensor_method
def frexp(input: Tensor) -> MantissaAndExponent:
    """Every element split: mantissa * 2 ** exponent."""
    exponent = Exponent()(input)
    # In two steps, because 2 ** exponent itself may overflow.
    half = exponent // 2
    mantissa = input / 2.0 ** cast(half, input.dtype) / 2.0 ** cast(exponent - half, input.dtype)
    return MantissaAndExponent(mantissa, exponent)


@tensor_method
@with_in_place
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 where `input` is negative, 1 where it is positive, `values` where it is 0."""
    return Where()(input == 0, values, cast(input > 0, input.dtype))


@tensor_method
@with_in_place
def nan_to_num(
    input: Tensor,
    nan: Number | None = None,
    posinf: Number | None = None,
    neginf: Number | None = None,
) -> Tensor:
    """NaN and infinities replaced by numbers.

    Args:
        nan: what takes the place of NaN; 0 by default.
        posinf, neginf: what takes the place of infinities; by default the largest and the
            smallest number of the dtype.
    """
    if not is_floating(input.dtype):
        return input.clone()
    limits = np.finfo(input.dtype)
    highest = float(limits.max) if posinf is None else posinf
    lowest = float(limits.min) if neginf is None else neginf
    result = Where()(input == np.inf, float(highest), input)
    result = Where()(input == -np.inf, float(lowest), result)
    return Where()(IsNan()(input), float(nan or 0), result)
