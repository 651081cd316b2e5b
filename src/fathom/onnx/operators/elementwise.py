"""Arithmetic and functions of single elements."""

from collections.abc import Callable
from functools import reduce

from ...functional.elementwise import (
    abs,
    clamp_max,
    clamp_min,
    div,
    maximum,
    minimum,
    neg,
    reciprocal,
    remainder,
    where,
)
from ...functional.elementwise import fmod as remainder_like_c
from ...functional.exponential import exp, log, pow, sqrt
from ...functional.rounding import ceil, floor, round, sign
from ...functional.special import erf
from ...functional.trigonometry import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    cos,
    cosh,
    sin,
    sinh,
    tan,
    tanh,
)
from ...promotion import is_floating
from ...tensor import Tensor, cast
from ..errors import MalformedModel
from ..operator import operator
from ..reading import element_type

_OF_ONE: dict[str, Callable[[Tensor], Tensor]] = {
    "Abs": abs,
    "Acos": acos,
    "Acosh": acosh,
    "Asin": asin,
    "Asinh": asinh,
    "Atan": atan,
    "Atanh": atanh,
    "Ceil": ceil,
    "Cos": cos,
    "Cosh": cosh,
    "Erf": erf,
    "Exp": exp,
    "Floor": floor,
    "Log": log,
    "Neg": neg,
    "Reciprocal": reciprocal,
    "Round": round,
    "Sign": sign,
    "Sin": sin,
    "Sinh": sinh,
    "Sqrt": sqrt,
    "Tan": tan,
    "Tanh": tanh,
}


def _of_one(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def compute(input: Tensor) -> Tensor:
        return function(input)

    return compute


for _name, _function in _OF_ONE.items():
    operator(_name)(_of_one(_function))


@operator("Identity")
def identity(input: Tensor) -> Tensor:
    """The value itself."""
    return input


def aligned(a: Tensor, b: Tensor, axis: int | None, broadcast: int, opset: int) -> Tensor:
    """`b` with dimensions behind it, so that it meets `a` where it should.

    Up to version 6, `axis` said which dimension of `a` the first one of `b` belongs to.
    """
    if opset >= 7 or not broadcast or axis is None:
        return b
    behind = a.ndim - axis % max(a.ndim, 1) - b.ndim
    if behind < 0:
        raise MalformedModel(f"shape {b.shape} does not fit {a.shape} from axis {axis} on")
    return b.reshape(b.shape + (1,) * behind)


def _of_two(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    def compute(
        a: Tensor, b: Tensor, *, axis: int | None = None, broadcast: int = 0, opset: int
    ) -> Tensor:
        return function(a, aligned(a, b, axis, broadcast, opset))

    return compute


def _quotient(a: Tensor, b: Tensor) -> Tensor:
    return a / b if is_floating(a.dtype) else div(a, b, rounding_mode="trunc")


def _power(base: Tensor, exponent: Tensor) -> Tensor:
    return cast(pow(base, exponent), base.dtype)


operator("Add")(_of_two(lambda a, b: a + b))
operator("Sub")(_of_two(lambda a, b: a - b))
operator("Mul")(_of_two(lambda a, b: a * b))
operator("Div")(_of_two(_quotient))
operator("Pow")(_of_two(_power))


@operator("Mod")
def mod(a: Tensor, b: Tensor, *, fmod: int = 0) -> Tensor:
    """The remainder, with the sign of the divisor; with `fmod` that of the dividend."""
    return remainder_like_c(a, b) if fmod else remainder(a, b)


@operator("Sum")
def sum_of(*inputs: Tensor) -> Tensor:
    """The sum of several tensors."""
    return reduce(lambda a, b: a + b, inputs)


@operator("Mean")
def mean_of(*inputs: Tensor) -> Tensor:
    """The mean of several tensors."""
    return sum_of(*inputs) / len(inputs)


@operator("Max")
def largest_of(*inputs: Tensor) -> Tensor:
    """The largest of the elements of several tensors."""
    return reduce(maximum, inputs)


@operator("Min")
def smallest_of(*inputs: Tensor) -> Tensor:
    """The smallest of the elements of several tensors."""
    return reduce(minimum, inputs)


@operator("Clip")
def clip(
    input: Tensor, min: Tensor | float | None = None, max: Tensor | float | None = None
) -> Tensor:
    """The elements between two bounds; where these cross, the upper one."""
    raised = input if min is None else clamp_min(input, min)
    return raised if max is None else clamp_max(raised, max)


@operator("Where")
def choose(condition: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """The elements of one tensor where a condition holds, else those of another."""
    return where(condition, first, second)


@operator("Cast")
def convert(input: Tensor, *, to: int | str, saturate: int = 1, round_mode: str = "up") -> Tensor:
    """The elements in another dtype."""
    number = _OLD_NAMES.get(to, 0) if isinstance(to, str) else to
    return cast(input, element_type(number, "the result"))


# How the first version spelled the types.
_OLD_NAMES = {
    "FLOAT": 1,
    "UINT8": 2,
    "INT8": 3,
    "INT16": 5,
    "INT32": 6,
    "INT64": 7,
    "BOOL": 9,
    "DOUBLE": 11,
}


@operator("CastLike")
def convert_like(
    input: Tensor, target_type: Tensor, *, saturate: int = 1, round_mode: str = "up"
) -> Tensor:
    """The elements in the dtype of another tensor."""
    return cast(input, target_type.dtype)
