"""The functions of compiled kernels are as accurate as their docstrings say."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fathom import ops
from fathom.compiler import mathematics

from .expressions import native

Precise = np.longdouble
Reference = Callable[..., np.ndarray]
SINGLE, DOUBLE = np.dtype("float32"), np.dtype("float64")


def stated_bound(name: str, dtype: np.dtype[Any]) -> float:
    """The error in ULP that the docstring of a function states."""
    text = " ".join((getattr(mathematics, name).__doc__ or "").split())
    bounds = re.search(r"[Aa]t most ([\d.]+) and ([\d.]+) ULP", text)
    assert bounds, f"{name} states no bound"
    return float(bounds[1 if dtype == SINGLE else 2])


def error_in_ulps(
    actual: np.ndarray, expected: np.ndarray, scale: np.ndarray | None = None
) -> np.ndarray:
    """How far numbers are off; what is smaller than normal numbers may be zero."""
    dtype = actual.dtype
    limits = np.finfo(dtype)
    rounded = expected.astype(dtype)
    unit = np.spacing(np.maximum(np.abs(rounded if scale is None else scale), limits.tiny))
    error = np.abs(actual - expected) / unit
    right = (actual == rounded) | (np.isnan(actual) & np.isnan(expected))
    right |= np.maximum(np.abs(actual), np.abs(expected)) < 2 * limits.tiny
    return np.where(right, np.where(np.isfinite(error), np.minimum(error, 0.5), 0), error)


def arguments(dtype: np.dtype[Any], *ranges: tuple[float, float], count: int = 8000) -> np.ndarray:
    """Normal numbers of any exponent, numbers from ranges, and those where all is different."""
    rng = np.random.default_rng(0)
    bits = np.dtype(f"u{dtype.itemsize}")
    anywhere = rng.integers(0, np.iinfo(bits).max, count, bits, endpoint=True).view(dtype)
    spread = [rng.uniform(low, high, count).astype(dtype) for low, high in ranges]
    limits = np.finfo(dtype)
    special = [0, 1, 0.5, 1.5, 2, math.pi, 88.722, 88.723, 709.78, 709.79, limits.max, math.inf]
    ends = np.array([*special, *(-x for x in special), math.nan], dtype)
    x = np.concatenate([anywhere, *spread, ends])
    return x[~(np.abs(x) < 2 * limits.tiny) | (x == 0)]


def check(name: str, dtype: np.dtype[Any], reference: Reference, *arrays: np.ndarray) -> None:
    (function,) = native(getattr(mathematics, name), [dtype] * len(arrays), dtype)
    with np.errstate(all="ignore"):
        expected = reference(*(array.astype(Precise) for array in arrays))
        actual = function(*arrays)
        errors = error_in_ulps(actual, expected)
    worst = np.argmax(np.where(np.isnan(errors), np.inf, errors))
    given = ", ".join(repr(array[worst]) for array in arrays)
    assert errors[worst] <= stated_bound(name, dtype), (
        f"{name}({given}) gives {actual[worst]!r}, which is {errors[worst]} ULP off"
    )


@np.errstate(all="ignore")
def precise_erf(x: np.ndarray) -> np.ndarray:
    """By the series of positive terms erf(x) = 2x/sqrt(pi) exp(-x^2) sum of (2x^2)^n/(2n+1)!!."""
    z = np.minimum(x * x, 40)
    term = np.ones_like(x)
    total = term.copy()
    for n in range(1, 180):
        term = term * (2 * z / (2 * n + 1))
        total += term
    value = 2 * x * np.exp(-z) * total / np.sqrt(Precise(math.pi))
    return np.where(np.abs(x) > 6, np.sign(x), value)


@np.errstate(all="ignore")
def precise_erfc(x: np.ndarray) -> np.ndarray:
    """By Laplace's continued fraction where 1 - erf(x) loses digits."""
    magnitude = np.abs(x)
    fraction = magnitude.copy()
    for n in range(200, 0, -1):
        fraction = magnitude + n / (2 * fraction)
    tail = np.exp(-x * x) / (fraction * np.sqrt(Precise(math.pi)))
    tail = np.where(magnitude > 100, 0, tail)
    return np.where(x < 1, 1 - precise_erf(np.minimum(x, 1)), tail)


ONE_OPERAND: dict[str, tuple[Reference, list[tuple[float, float]]]] = {
    "exp": (np.exp, [(-110, 100), (-1, 1), (-750, 720)]),
    "expm1": (np.expm1, [(-20, 90), (-1, 1), (-1e-3, 1e-3)]),
    "tanh": (np.tanh, [(-10, 10), (-1, 1), (-0.01, 0.01)]),
    "log": (np.log, [(0, 10), (0.5, 2), (0.99, 1.01)]),
    "log1p": (np.log1p, [(-1, 10), (-0.5, 1), (-0.01, 0.01)]),
    "log2": (np.log2, [(0, 10), (0.5, 2), (0.99, 1.01)]),
    "log10": (np.log10, [(0, 10), (0.5, 2), (0.99, 1.01)]),
    "sin": (np.sin, [(-4, 4), (-1e3, 1e3), (-1e5, 1e5), (-1e6, 1e6)]),
    "cos": (np.cos, [(-4, 4), (-1e3, 1e3), (-1e5, 1e5), (-1e6, 1e6)]),
    "arctan": (np.arctan, [(-4, 4), (-1, 1), (-1e3, 1e3)]),
    "arcsin": (np.arcsin, [(-1, 1), (0.45, 0.55)]),
    "arcsinh": (np.arcsinh, [(-4, 4), (-1, 1), (-1e3, 1e3)]),
    "erf": (precise_erf, [(-4, 4), (-1, 1)]),
    "erfc": (precise_erfc, [(-4, 4), (0, 10), (9, 28)]),
}


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
@pytest.mark.parametrize("name", ONE_OPERAND)
def test_error_is_within_the_stated_bound(name: str, dtype: np.dtype[Any]) -> None:
    reference, ranges = ONE_OPERAND[name]
    x = arguments(dtype, *ranges)
    if name in ("sin", "cos"):  # the reference has no more digits of pi than this takes
        x = x[~(np.abs(x) > 1e6)]
    check(name, dtype, reference, x)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
@pytest.mark.parametrize(("name", "reference"), [("arctan2", np.arctan2), ("hypot", np.hypot)])
def test_error_for_two_operands(name: str, reference: Reference, dtype: np.dtype[Any]) -> None:
    x, y = arguments(dtype, (-3, 3)), arguments(dtype, (-3, 3))
    rng = np.random.default_rng(1)
    for partner in (rng.permutation(y), -y, rng.permutation(y[-25:]).repeat(x.size // 25 + 1)):
        check(name, dtype, reference, x, partner[: x.size])


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
def test_error_of_powers(dtype: np.dtype[Any]) -> None:
    rng = np.random.default_rng(3)
    a = arguments(dtype, (0, 3), (0.9, 1.1), (0, 100))
    b = rng.permutation(arguments(dtype, (-3, 3), (-100, 100), (-20, 20)))
    check("power", dtype, np.power, a, b)
    with np.errstate(all="ignore"):
        whole = b.round()
    check("power", dtype, np.power, -np.abs(a), whole)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
def test_error_of_erfinv_is_within_the_stated_bound(dtype: np.dtype[Any]) -> None:
    x = arguments(dtype, (-1, 1), (0.99, 1), (-0.01, 0.01))
    (function,) = native(mathematics.erfinv, [dtype], dtype)
    with np.errstate(all="ignore"):
        y = function(x)
        inside = np.abs(x) < 1
        at, given = np.abs(y[inside]).astype(Precise), np.abs(x[inside]).astype(Precise)
        missed = np.where(given < 0.5, precise_erf(at) - given, (1 - given) - precise_erfc(at))
        slope = 2 / np.sqrt(Precise(math.pi)) * np.exp(-at * at)
        errors = np.abs(missed) / slope / np.spacing(y[inside])
    assert np.abs(errors).max() <= stated_bound("erfinv", dtype)
    assert (np.sign(y[inside]) == np.sign(x[inside])).all()
    np.testing.assert_array_equal(y[x == 1], math.inf)
    np.testing.assert_array_equal(y[x == -1], -math.inf)
    assert np.isnan(y[~(np.abs(x) <= 1)]).all()


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
def test_error_of_logaddexp_is_within_the_stated_bound(dtype: np.dtype[Any]) -> None:
    rng = np.random.default_rng(2)
    a = arguments(dtype, (-10, 10), (-1, 1))
    with np.errstate(all="ignore"):
        near = (a + rng.uniform(-3, 3, a.size)).astype(dtype)
    for b in (rng.permutation(a), near, a):
        (function,) = native(mathematics.logaddexp, [dtype] * 2, dtype)
        with np.errstate(all="ignore"):
            expected = np.logaddexp(a.astype(Precise), b.astype(Precise))
            scale = np.maximum(np.maximum(np.abs(a), np.abs(b)), np.abs(expected).astype(dtype))
            scale[~np.isfinite(scale)] = 1
            errors = error_in_ulps(function(a, b), expected, scale)
        assert errors.max() <= stated_bound("logaddexp", dtype)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
@pytest.mark.parametrize(
    "name", ["expm1", "tanh", "log1p", "sin", "arctan", "arcsin", "arcsinh", "erf"]
)
def test_odd_functions_keep_the_sign_of_zero(name: str, dtype: np.dtype[Any]) -> None:
    (function,) = native(getattr(mathematics, name), [dtype], dtype)
    zeros = function(np.array([0.0, -0.0], dtype))
    np.testing.assert_array_equal(zeros, 0)
    np.testing.assert_array_equal(np.signbit(zeros), [False, True])


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
def test_logarithms_of_whole_powers_are_whole(dtype: np.dtype[Any]) -> None:
    largest = 10 if dtype == SINGLE else 22  # what the dtype holds exactly
    (log2,) = native(ops.LogBase(2).expression, [dtype], dtype)
    (log10,) = native(ops.LogBase(10).expression, [dtype], dtype)
    powers = np.arange(-100, 100)
    np.testing.assert_array_equal(log2(np.ldexp(dtype.type(1), powers)), powers)
    exponents = np.arange(largest + 1)
    np.testing.assert_array_equal(
        log10(np.array([10**n for n in exponents.tolist()], dtype)), exponents
    )


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
def test_sine_and_cosine_of_huge_angles(dtype: np.dtype[Any]) -> None:
    x = np.array([1e5, 1.1e5, 1e6, 1.1e6, 1e10, -3e20, 1e38], dtype)
    for op in (ops.Sin(), ops.Cos()):
        (function,) = native(op.expression, [dtype], dtype)
        expected = op.compute(x.astype(np.float64))
        np.testing.assert_allclose(function(x), expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
@pytest.mark.parametrize(
    "op",
    [
        ops.Exp(), ops.Expm1(), ops.Log(), ops.Log1p(), ops.LogBase(2), ops.LogBase(10),
        ops.Sigmoid(), ops.Sin(), ops.Cos(), ops.Arcsin(), ops.Arctan(), ops.Tanh(),
        ops.Arcsinh(), ops.Erf(), ops.Erfc(), ops.Erfinv(), ops.Sqrt(),
    ],
    ids=lambda op: op.name,
)  # fmt: skip
def test_expressions_agree_with_evaluation(op: ops.Elementwise, dtype: np.dtype[Any]) -> None:
    x = arguments(dtype, (-5, 5), (-1, 1), count=500)
    x = x[~(np.abs(x) > 1e6) | np.isinf(x)] if op.name in ("Sin", "Cos") else x
    with np.errstate(all="ignore"):
        expected = op.compute(x)
        for function in native(op.expression, [dtype], dtype, (1, 4) if dtype == SINGLE else (8,)):
            np.testing.assert_allclose(
                function(x),
                expected,
                rtol=1e-6 if dtype == SINGLE else 3e-15,
                atol=2 * np.finfo(dtype).tiny,
            )
