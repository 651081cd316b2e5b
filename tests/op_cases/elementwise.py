"""Functions of every element."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from .case import Call, Case, Numbers, Samples, call

INTEGERS = ("int64", "int32", "uint8", "bool")
NUMBERS = ("int64", "int32", "int8", "uint8")
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -3.0, math.inf, -math.inf, math.nan])


def within(low: float, high: float, **options: object) -> Samples:
    """Calls with one tensor of every kind of shape, of numbers between two bounds."""

    def samples(numbers: Numbers) -> Iterator[Call]:
        for shape in ((2, 3), (), (1,), (0,), (2, 0, 3), (2, 1, 4)):
            yield call(numbers.between(low, high, *shape), **options)

    return samples


def away_from_kinks(**options: object) -> Samples:
    """Calls with one tensor whose elements are far from integers and halves."""

    def samples(numbers: Numbers) -> Iterator[Call]:
        for shape in ((2, 3), (), (1,), (0, 2)):
            whole = numbers.integers(-4, 4, *shape)
            yield call(whole + numbers.between(0.1, 0.4, *shape), **options)

    return samples


def specials(numbers: Numbers) -> Iterator[Call]:
    yield call(SPECIAL)


def finite_specials(numbers: Numbers) -> Iterator[Call]:
    yield call(SPECIAL[:8])


PAIRS = [
    ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2,)), ((), ()), ((1,), (1,)),
    ((0,), (0,)), ((0, 3), (1, 3)), ((4, 1, 2), (3, 1)),
]  # fmt: skip


def pairs(
    first: Callable[[Numbers, tuple[int, ...]], np.ndarray],
    second: Callable[[Numbers, tuple[int, ...]], np.ndarray],
    **options: object,
) -> Samples:
    """Calls with two tensors that broadcast."""

    def samples(numbers: Numbers) -> Iterator[Call]:
        for one, other in PAIRS:
            yield call(first(numbers, one), second(numbers, other), **options)

    return samples


def normal(numbers: Numbers, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(numbers.normal(*shape))


def positive(numbers: Numbers, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(numbers.between(0.5, 3, *shape))


def nonzero(numbers: Numbers, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(numbers.between(0.5, 3, *shape) * numbers.random.choice([-1, 1], shape))


def with_numbers(*others: object) -> Samples:
    """Calls with a tensor and a Python number."""

    def samples(numbers: Numbers) -> Iterator[Call]:
        for other in others:
            yield call(numbers.between(0.6, 2.4, 2, 3), other)

    return samples


def special_pairs(numbers: Numbers) -> Iterator[Call]:
    yield call(SPECIAL.reshape(-1, 1), SPECIAL)


def tied_pairs(numbers: Numbers) -> Iterator[Call]:
    values = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    yield call(values.reshape(-1, 1), values)


def bounds(numbers: Numbers) -> Iterator[Call]:
    x = numbers.distinct(3, 4)
    yield call(x, -0.3, 0.4)
    yield call(x, min=-0.3)
    yield call(x, max=0.4)
    yield call(x, 1, 0)
    yield call(x, np.full(4, -0.21), np.full((3, 1), 0.2))
    yield call(x, np.full((), 0.11), None)
    yield call(np.zeros((0, 2)), 0.5)


def special_bounds(numbers: Numbers) -> Iterator[Call]:
    yield call(SPECIAL, -1, 1)
    yield call(SPECIAL, np.full(11, -1.0), np.full(11, 0.5))


def bounds_with_nan(numbers: Numbers) -> Iterator[Call]:
    yield call(SPECIAL, -1, 1)
    yield call(SPECIAL, np.full(11, math.nan), np.full(11, 0.5))
    yield call(SPECIAL, math.nan)


def signed_zeros(numbers: Numbers) -> Iterator[Call]:
    yield call(np.array([0.0, 1.0, -2.0]), np.array([-1.0, -0.0, 3.0]))


def interpolated(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 3), numbers.normal(3), 0.3)
    yield call(numbers.normal(2, 3), numbers.normal(2, 3), 1.7)
    yield call(numbers.normal(2, 3), numbers.normal(2, 3), numbers.between(0.6, 0.9, 2, 1))
    yield call(numbers.normal(0), numbers.normal(0), 0.5)


def three(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 3), numbers.normal(3), numbers.between(0.5, 2, 2, 1))
    yield call(numbers.normal(), numbers.normal(), numbers.between(0.5, 2), value=0.5)


def chosen(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.booleans(2, 3), numbers.normal(2, 3), numbers.normal(3))
    yield call(numbers.booleans(2, 1), numbers.normal(3), 1.5)
    yield call(numbers.booleans(), numbers.normal(), numbers.normal(2))
    yield call(numbers.booleans(0), numbers.normal(0), numbers.normal(0))
    yield call(numbers.booleans(3), 1, 2.5)
    yield call(numbers.booleans(3), numbers.normal(3), numbers.integers(0, 5, 3))


def whole_pairs(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.integers(-20, 20, 2, 3), numbers.integers(1, 9, 3))
    yield call(numbers.integers(0, 20, 4).astype(np.int32), numbers.integers(1, 5, 4))
    yield call(numbers.integers(0, 20).astype(np.uint8), numbers.integers(1, 5).astype(np.uint8))


def whole_pairs_with_bools(numbers: Numbers) -> Iterator[Call]:
    yield from whole_pairs(numbers)
    yield call(numbers.booleans(2, 3), numbers.booleans(3))


def mixed_dtypes(numbers: Numbers) -> Iterator[Call]:
    tensors = [
        np.ones(2, np.bool_), np.full(2, 3, np.uint8), np.full(2, 3, np.int8),
        np.full(2, 3, np.int32), np.full(2, 3, np.int64), np.full(2, 3, np.float32),
    ]  # fmt: skip
    for first in tensors:
        for second in [*tensors, *(tensor[0:1].reshape(()) for tensor in tensors), 2, 2.5]:
            yield call(first, second)


def bits(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.integers(-20, 20, 2, 3))
    yield call(numbers.booleans(3))


def moved_bits(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.integers(0, 20, 2, 3), numbers.integers(0, 5, 3))
    yield call(numbers.integers(0, 20, 2, 3), 2)


def near(numbers: Numbers) -> Iterator[Call]:
    yield call(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0 + 1e-6, 3.1]))
    yield call(SPECIAL, SPECIAL.copy(), equal_nan=True)
    yield call(np.array([1, 2]), np.array([1, 3]), rtol=0.0, atol=1.0)


def exponents(numbers: Numbers) -> Iterator[Call]:
    for exponent in (0, 1, 2, 3, -1, -2, 0.5, -0.5, 2.5, 4):
        yield call(numbers.between(0.5, 2, 2, 3), exponent)
    yield call(numbers.normal(2, 3), 3)
    yield call(2, numbers.normal(2, 3))
    yield call(2.5, numbers.normal())
    yield call(numbers.between(0.5, 2, 0), 2)


def edges_of_powers(numbers: Numbers) -> Iterator[Call]:
    bases, powers = np.array([-2.0, 0.0, 1.0, math.inf]), np.array([0.0, 1.0, 2.0, 3.0])
    yield call(bases.reshape(-1, 1), powers)
    yield call(bases, 0)
    yield call(bases, 2)
    yield call(np.array([0.0, 4.0]), 0.5)


def whole_powers(numbers: Numbers) -> Iterator[Call]:
    yield call(np.arange(-3, 4), np.array([[2], [3], [0]]))
    yield call(np.arange(-3, 4), 2)
    yield call(np.arange(-3, 4), 2.5)
    yield call(np.array([-2, -1, 1, 2]), np.array([-1, -3, -2, -1]))


def unary(name: str, low: float, high: float, special: bool = True, **options: object) -> Case:
    """A smooth function that is defined between two bounds."""
    options = {"integers": INTEGERS, **options}
    return Case(name, within(low, high), specials if special else None, **options)  # type: ignore[arg-type]


CASES = [
    Case("abs", away_from_kinks(), specials, integers=NUMBERS),
    Case("absolute", away_from_kinks()),
    Case("neg", within(-3, 3), specials, integers=NUMBERS),
    Case("negative", within(-3, 3)),
    Case("positive", within(-3, 3), integers=NUMBERS),
    Case("clone", within(-3, 3), integers=INTEGERS),
    Case("add", pairs(normal, normal), special_pairs, integers=INTEGERS),
    Case("add", pairs(normal, normal, alpha=2), integers=NUMBERS, label="alpha"),
    Case("add", with_numbers(1, 2.5), integers=INTEGERS, label="number"),
    Case("add", mixed_dtypes, gradient=False, label="promotion"),
    Case("div", mixed_dtypes, gradient=False, label="promotion"),
    Case("eq", mixed_dtypes, gradient=False, label="promotion"),
    Case("sub", pairs(normal, normal), special_pairs, integers=NUMBERS),
    Case("sub", pairs(normal, normal, alpha=-0.5), label="alpha"),
    Case("subtract", pairs(normal, normal), integers=NUMBERS),
    Case("rsub", pairs(normal, normal), integers=NUMBERS),
    Case("mul", pairs(normal, normal), special_pairs, integers=INTEGERS),
    Case("multiply", with_numbers(2, 0.5), integers=INTEGERS),
    Case("div", pairs(normal, nonzero), special_pairs, integers=INTEGERS),
    Case("divide", with_numbers(2, 0.5), integers=INTEGERS),
    Case("true_divide", pairs(normal, nonzero), integers=INTEGERS),
    Case("div", pairs(normal, nonzero, rounding_mode="floor"), gradient=False, label="floor"),
    Case("div", pairs(normal, nonzero, rounding_mode="trunc"), gradient=False, label="trunc"),
    Case("div", whole_pairs, gradient=False, label="integers"),
    Case(
        "div",
        lambda numbers: [
            call(*one.arguments, rounding_mode="trunc") for one in whole_pairs(numbers)
        ],
        gradient=False,
        label="trunc-integers",
    ),
    Case("floor_divide", pairs(normal, nonzero), special_pairs, gradient=False),
    Case("floor_divide", whole_pairs, gradient=False, label="integers"),
    Case("remainder", pairs(normal, nonzero), special_pairs, compare_gradient=False),
    Case("remainder", whole_pairs, gradient=False, label="integers"),
    Case("fmod", pairs(normal, nonzero), special_pairs, compare_gradient=False),
    Case("fmod", whole_pairs, gradient=False, label="integers"),
    Case("reciprocal", within(0.5, 3), specials, integers=INTEGERS),
    Case("maximum", pairs(normal, normal), tied_pairs, integers=INTEGERS),
    Case("minimum", pairs(normal, normal), tied_pairs, integers=INTEGERS),
    Case("maximum", special_pairs, gradient=False, label="special"),
    Case("minimum", special_pairs, gradient=False, label="special"),
    Case("fmax", pairs(normal, normal), special_pairs, integers=NUMBERS),
    Case("fmin", pairs(normal, normal), special_pairs, integers=NUMBERS),
    Case("clamp", bounds, special_bounds),
    Case("clamp", with_numbers(1, 1.5), integers=NUMBERS, label="number"),
    Case("clamp", bounds_with_nan, gradient=False, label="nan"),
    Case("clip", bounds),
    Case("clamp_min", with_numbers(1, 1.5), integers=NUMBERS),
    Case("clamp_max", with_numbers(1, 1.5), integers=NUMBERS),
    Case("lerp", interpolated),
    Case("addcmul", three),
    Case("addcdiv", three),
    Case("where", chosen),
    Case("frexp", within(-9, 9), lambda n: [call(np.array([0.0, 1e-38, 1e38]))]),
    Case("nextafter", pairs(normal, normal), gradient=False),
    Case("gcd", whole_pairs, gradient=False),
    Case("lcm", whole_pairs, gradient=False),
    Case("square", within(-3, 3), specials, integers=NUMBERS),
    unary("sqrt", 0.2, 3),
    unary("rsqrt", 0.2, 3),
    unary("exp", -3, 3),
    unary("exp2", -3, 3),
    unary("expm1", -3, 3),
    unary("log", 0.2, 3),
    unary("log2", 0.2, 3),
    unary("log10", 0.2, 3),
    unary("log1p", -0.7, 3),
    unary("sigmoid", -4, 4),
    unary("logit", 0.1, 0.9, special=False, integers=("bool",)),
    Case("logit", within(0.1, 0.9, eps=0.15), label="eps", compare_gradient=False),
    Case("pow", exponents, edges_of_powers),
    Case("pow", pairs(positive, normal), label="tensors"),
    Case("pow", whole_powers, gradient=False, label="integers"),
    Case("float_power", with_numbers(2, 2.5), integers=NUMBERS),
    Case("ldexp", pairs(normal, normal)),
    Case("logaddexp", pairs(normal, normal), tied_pairs),
    Case("logaddexp2", pairs(normal, normal)),
    Case("logaddexp", special_pairs, gradient=False, label="special"),
    Case("xlogy", pairs(normal, positive)),
    Case("xlogy", special_pairs, gradient=False, label="special"),
    unary("sin", -4, 4, special=False),
    unary("cos", -4, 4, special=False),
    unary("tan", -1.3, 1.3, special=False),
    unary("asin", -0.9, 0.9, integers=("bool",)),
    unary("acos", -0.9, 0.9, integers=("bool",)),
    unary("atan", -4, 4),
    unary("sinh", -3, 3),
    unary("cosh", -3, 3),
    unary("tanh", -3, 3),
    unary("asinh", -3, 3),
    unary("acosh", 1.2, 4, special=False),
    unary("atanh", -0.9, 0.9, integers=("bool",)),
    *(
        Case(name, within(-0.9, 0.9))
        for name in ("arcsin", "arccos", "arctan", "arcsinh", "arctanh")
    ),
    Case("arccosh", within(1.2, 3)),
    unary("sinc", -2.5, 2.5, special=False),
    unary("deg2rad", -200, 200),
    unary("rad2deg", -3, 3),
    Case("atan2", pairs(normal, nonzero), integers=INTEGERS),
    Case("arctan2", pairs(normal, nonzero)),
    Case("atan2", special_pairs, gradient=False, label="special"),
    Case("hypot", pairs(normal, nonzero)),
    Case("hypot", special_pairs, gradient=False, label="special"),
    unary("erf", -3, 3),
    unary("erfc", -3, 3),
    unary("erfinv", -0.9, 0.9, integers=("bool",)),
    unary("lgamma", 0.3, 6, special=False, float32_rtol=1e-4),
    unary("digamma", 0.3, 6, special=False, float32_rtol=1e-4),
    Case("polygamma", lambda numbers: [call(n, numbers.between(0.5, 4, 2, 3)) for n in (1, 2)],
         float32_rtol=1e-4),
    Case("sign", away_from_kinks(), specials, integers=INTEGERS),
    Case("sgn", away_from_kinks(), specials, integers=INTEGERS),
    Case("signbit", within(-3, 3), specials, integers=NUMBERS, gradient=False),
    Case("copysign", pairs(nonzero, nonzero), signed_zeros),
    Case("heaviside", pairs(nonzero, normal), gradient=False),
    Case("floor", away_from_kinks(), specials, integers=NUMBERS),
    Case("ceil", away_from_kinks(), specials, integers=NUMBERS),
    Case("trunc", away_from_kinks(), specials, integers=NUMBERS),
    Case("fix", away_from_kinks(), specials, integers=NUMBERS),
    Case("round", away_from_kinks(), specials, integers=NUMBERS),
    Case("round", away_from_kinks(decimals=1), gradient=False, label="decimals"),
    Case("round", away_from_kinks(decimals=-1), gradient=False, label="tens"),
    Case("frac", away_from_kinks(), finite_specials),
    Case("nan_to_num", within(-3, 3), specials, integers=NUMBERS),
    Case("nan_to_num", within(-3, 3, nan=1.0, posinf=2.0, neginf=-2.0), specials, label="values"),
    *(
        Case(name, pairs(normal, normal), special_pairs, integers=INTEGERS, gradient=False)
        for name in ("eq", "ne", "lt", "le", "gt", "ge", "not_equal", "less", "less_equal",
                     "greater", "greater_equal", "logical_and", "logical_or", "logical_xor")
    ),
    *(
        Case(name, within(-3, 3), specials, integers=INTEGERS, gradient=False)
        for name in ("isnan", "isinf", "isfinite", "isreal", "logical_not")
    ),
    Case("isposinf", specials, gradient=False, integers=()),
    Case("isneginf", specials, gradient=False, integers=()),
    Case("isclose", near, gradient=False),
    *(
        Case(name, whole_pairs_with_bools, gradient=False)
        for name in ("bitwise_and", "bitwise_or", "bitwise_xor")
    ),
    Case("bitwise_not", bits, gradient=False),
    Case("bitwise_left_shift", moved_bits, gradient=False),
    Case("bitwise_right_shift", moved_bits, gradient=False),
]  # fmt: skip
