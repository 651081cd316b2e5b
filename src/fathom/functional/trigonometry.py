"""Trigonometric and hyperbolic functions of every element, and their inverses."""

import math

from ..ops import (
    Arcsin,
    Arcsinh,
    Arctan,
    Arctan2,
    Cos,
    Exp,
    Expm1,
    Hypot,
    Log1p,
    Sin,
    Sqrt,
    Tanh,
    Where,
)
from ..tensor import Tensor, binary, tensor_method, with_in_place
from .arguments import method_alias
from .elementwise import floating

__all__ = [
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "deg2rad",
    "hypot",
    "rad2deg",
    "sin",
    "sinc",
    "sinh",
    "tan",
    "tanh",
]


@tensor_method
@with_in_place
def sin(input: Tensor) -> Tensor:
    """The sine of angles in radians."""
    return Sin()(floating(input))


@tensor_method
@with_in_place
def cos(input: Tensor) -> Tensor:
    """The cosine of angles in radians."""
    return Cos()(floating(input))


@tensor_method
@with_in_place
def tan(input: Tensor) -> Tensor:
    """The tangent of angles in radians."""
    input = floating(input)
    return Sin()(input) / Cos()(input)


@tensor_method
@with_in_place
def asin(input: Tensor) -> Tensor:
    """The angle in [-pi/2, pi/2] with the given sine; NaN outside [-1, 1]."""
    return Arcsin()(floating(input))


arcsin = method_alias("arcsin", asin)


@tensor_method
@with_in_place
def acos(input: Tensor) -> Tensor:
    """The angle in [0, pi] with the given cosine; NaN outside [-1, 1]."""
    input = floating(input)
    # By half the angle, which loses no digits near 1.
    return Arctan2()(Sqrt()(1 - input), Sqrt()(1 + input)) * 2


arccos = method_alias("arccos", acos)


@tensor_method
@with_in_place
def atan(input: Tensor) -> Tensor:
    """The angle in (-pi/2, pi/2) with the given tangent."""
    return Arctan()(floating(input))


arctan = method_alias("arctan", atan)


@tensor_method
@with_in_place
def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle in (-pi, pi] of the points (x, y) = (other, input)."""
    return binary(Arctan2(), input, other, floating=True)


arctan2 = method_alias("arctan2", atan2)


@tensor_method
@with_in_place
def hypot(input: Tensor, other: Tensor) -> Tensor:
    """sqrt(input^2 + other^2), without overflow."""
    return binary(Hypot(), input, other, floating=True)


@tensor_method
@with_in_place
def sinh(input: Tensor) -> Tensor:
    """(exp(input) - exp(-input)) / 2."""
    input = floating(input)
    return (Expm1()(input) - Expm1()(-input)) * 0.5


@tensor_method
@with_in_place
def cosh(input: Tensor) -> Tensor:
    """(exp(input) + exp(-input)) / 2."""
    input = floating(input)
    return (Exp()(input) + Exp()(-input)) * 0.5


@tensor_method
@with_in_place
def tanh(input: Tensor) -> Tensor:
    """sinh(input) / cosh(input)."""
    return Tanh()(floating(input))


@tensor_method
@with_in_place
def asinh(input: Tensor) -> Tensor:
    """The inverse of sinh."""
    return Arcsinh()(floating(input))


arcsinh = method_alias("arcsinh", asinh)


@tensor_method
@with_in_place
def acosh(input: Tensor) -> Tensor:
    """The inverse of cosh; NaN below 1."""
    above = floating(input) - 1
    return Log1p()(above + Sqrt()(above) * Sqrt()(above + 2))


arccosh = method_alias("arccosh", acosh)


@tensor_method
@with_in_place
def atanh(input: Tensor) -> Tensor:
    """The inverse of tanh; NaN outside [-1, 1]."""
    input = floating(input)
    return (Log1p()(input) - Log1p()(-input)) * 0.5


arctanh = method_alias("arctanh", atanh)


@tensor_method
@with_in_place
def sinc(input: Tensor) -> Tensor:
    """sin(pi input) / (pi input), and 1 at 0."""
    angle = floating(input) * math.pi
    elsewhere = Where()(angle == 0, 1.0, angle)
    return Where()(angle == 0, 1.0, Sin()(elsewhere) / elsewhere)


@tensor_method
@with_in_place
def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians."""
    return floating(input) * (math.pi / 180)


@tensor_method
@with_in_place
def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees."""
    return floating(input) * (180 / math.pi)
