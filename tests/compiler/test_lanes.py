"""Expressions of operations, as native code, give what NumPy's evaluation gives."""

import math
from typing import Any

import numpy as np
import pytest

from fathom import ops
from fathom.compiler.emitter import Emitter, index
from fathom.compiler.lanes import Lanes, literal_lanes
from fathom.compiler.target import host

from .expressions import native

FLOATING = "float32 float64"
SIGNED = "int8 int16 int32 int64"
INTEGER = f"uint8 {SIGNED}"
NUMBERS = f"{INTEGER} {FLOATING}"
ALL = f"bool {NUMBERS}"


def special_values(dtype: np.dtype[Any]) -> np.ndarray:
    """Values at which functions of this dtype tend to be wrong."""
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        near_zero = [v for v in (-65, -33, -9, -8, -3, -2, -1) if v >= limits.min]
        near_zero += [0, 1, 2, 3, 5, 7, 8, 9, 31, 32, 33, 63, 64, 65]
        return np.array([limits.min, limits.min + 1, *near_zero, limits.max - 1, limits.max], dtype)
    limits = np.finfo(dtype)
    positive = [
        0.0,
        limits.tiny,
        1e-9,
        0.3,
        0.5,
        1.0,
        1.5,
        2.0,
        2.5,
        3.0,
        100.7,
        2.0**33,
        limits.max,
    ]
    values = [*positive, *(-v for v in positive), math.inf, -math.inf, math.nan]
    return np.array(values, dtype)


def operands(dtypes: list[np.dtype[Any]], count: int = 100) -> list[np.ndarray]:
    """All pairs of special values, and random ones; a third operand varies by itself."""
    rng = np.random.default_rng(0)
    values = [special_values(dtype) for dtype in dtypes]
    met = [grid.ravel() for grid in np.meshgrid(*values[:2])]
    met += [np.resize(value, met[0].size) for value in values[2:]]
    drawn = []
    for dtype in dtypes:
        numbers = rng.normal(0, 5, count)
        drawn.append((np.abs(numbers) if dtype.kind == "u" else numbers).astype(dtype))
    return [np.concatenate(pair) for pair in zip(met, drawn, strict=True)]


def assert_same(actual: np.ndarray, expected: np.ndarray, ulps: float, arrays: Any) -> None:
    """Equal numbers, or neighbours by so many units in the last place."""
    same = actual == expected
    if expected.dtype.kind == "f":
        same |= np.isnan(actual) & np.isnan(expected)
        with np.errstate(all="ignore"):
            same |= np.abs(actual - expected) <= ulps * np.spacing(np.abs(expected))
    if not same.all():
        where = np.argmin(same)
        given = ", ".join(str(array[where]) for array in arrays)
        pytest.fail(f"({given}) gives {actual[where]}, NumPy gives {expected[where]}")


def check(
    op: ops.Elementwise, dtypes: list[np.dtype[Any]], ulps: float, arrays: Any = None
) -> None:
    """Compare an op's expression with its evaluation."""
    arrays = arrays or operands(dtypes)
    with np.errstate(all="ignore"):
        expected = op.compute(*arrays)
    result = op.result_dtype(*dtypes)
    assert expected.dtype == result
    # The dtypes differ in their instructions; that lanes may be few is shown by some of them.
    lane_counts = (1, 4, 16) if dtypes[-1] in ("float32", "int32", "bool") else (16,)
    for function in native(op.expression, dtypes, result, lane_counts):
        assert_same(function(*arrays), expected, ulps, arrays)


UNARY = [
    (ops.Negative(), f"{INTEGER} {FLOATING}"),
    (ops.Absolute(), ALL),
    (ops.Relu(), ALL.replace("bool ", "")),
    (ops.Sign(), NUMBERS),
    (ops.Floor(), NUMBERS),
    (ops.Ceil(), NUMBERS),
    (ops.Truncate(), NUMBERS),
    (ops.Round(), FLOATING),
    (ops.Exponent(), FLOATING),
    (ops.Sqrt(), FLOATING),
    (ops.Clone(), ALL),
    (ops.Detach(), ALL),
    (ops.IsNan(), ALL),
    (ops.IsFinite(), ALL),
    (ops.SignBit(), FLOATING),
    (ops.LogicalNot(), ALL),
    (ops.BitwiseNot(), f"bool {INTEGER}"),
]
BINARY = [
    (ops.Add(), ALL),
    (ops.Subtract(), NUMBERS),
    (ops.Multiply(), ALL),
    (ops.Divide(), FLOATING),
    (ops.Maximum(), ALL),
    (ops.Minimum(), ALL),
    (ops.BoundBelow(), NUMBERS),
    (ops.BoundAbove(), NUMBERS),
    (ops.Equal(), ALL),
    (ops.NotEqual(), ALL),
    (ops.Less(), ALL),
    (ops.LessEqual(), ALL),
    (ops.Greater(), ALL),
    (ops.GreaterEqual(), ALL),
    (ops.LogicalAnd(), ALL),
    (ops.LogicalOr(), ALL),
    (ops.LogicalXor(), ALL),
    (ops.BitwiseAnd(), f"bool {INTEGER}"),
    (ops.BitwiseOr(), f"bool {INTEGER}"),
    (ops.BitwiseXor(), f"bool {INTEGER}"),
    (ops.ShiftLeft(), INTEGER),
    (ops.ShiftRight(), INTEGER),
]


def dtypes(names: str) -> list[np.dtype[Any]]:
    return [np.dtype(name) for name in names.split()]


def cases(table: list[tuple[ops.Elementwise, str]]) -> Any:
    return [
        pytest.param(op, np.dtype(name), id=f"{op.name}-{name}")
        for op, names in table
        for name in names.split()
    ]


@pytest.mark.parametrize(("op", "dtype"), cases(UNARY))
def test_unary_expressions_are_exact(op: ops.Elementwise, dtype: np.dtype[Any]) -> None:
    check(op, [dtype], ulps=0)


@pytest.mark.parametrize(("op", "dtype"), cases(BINARY))
def test_binary_expressions_are_exact(op: ops.Elementwise, dtype: np.dtype[Any]) -> None:
    check(op, [dtype, dtype], ulps=0)


DIVISIONS = [(ops.FloorDivide(), NUMBERS), (ops.Remainder(), NUMBERS)]


@pytest.mark.parametrize(("op", "dtype"), cases(DIVISIONS))
def test_divisions_round_down(op: ops.Elementwise, dtype: np.dtype[Any]) -> None:
    arrays = operands([dtype, dtype])
    if dtype.kind != "f":
        arrays = [array[arrays[1] != 0] for array in arrays]
    check(op, [dtype, dtype], ulps=0, arrays=arrays)


@pytest.mark.parametrize("dtype", dtypes(INTEGER), ids=str)
def test_dividing_integers_by_zero_does_not_stop_the_process(dtype: np.dtype[Any]) -> None:
    (function,) = native(lambda a, b: a // b + a % b, [dtype, dtype], dtype)
    function(np.array([1, 0, 100], dtype), np.zeros(3, dtype))


@pytest.mark.parametrize("dtype", dtypes(NUMBERS), ids=str)
def test_powers(dtype: np.dtype[Any]) -> None:
    arrays = operands([dtype, dtype])
    if dtype.kind == "i":  # NumPy's absolute value of the most negative number is negative
        arrays = [array[arrays[1] != np.iinfo(dtype).min] for array in arrays]
    check(ops.Power(), [dtype, dtype], ulps=1, arrays=arrays)


@pytest.mark.parametrize("dtype", dtypes(FLOATING), ids=str)
def test_multiply_add_is_rounded_once(dtype: np.dtype[Any]) -> None:
    (function,) = native(ops.MultiplyAdd().expression, [dtype] * 3, dtype)
    tiny = np.finfo(dtype).eps
    x = np.array([1 + tiny], dtype)
    assert function(x, x, -x * x) == tiny * tiny


@pytest.mark.parametrize("dtype", dtypes(ALL), ids=str)
def test_where(dtype: np.dtype[Any]) -> None:
    check(ops.Where(), [np.dtype(bool), dtype, dtype], ulps=0)


@pytest.mark.parametrize("source", dtypes(ALL), ids=str)
def test_casts(source: np.dtype[Any]) -> None:
    for target in dtypes(ALL):
        arrays = operands([source])
        if source.kind == "f" and target.kind in "iu":
            # What NumPy makes of numbers outside depends on the processor.
            limits = np.iinfo(target)
            arrays[0] = arrays[0][(arrays[0] >= limits.min) & (arrays[0] < limits.max)]
        check(ops.Cast(target), [source], ulps=0, arrays=arrays)


def test_numbers_that_an_integer_cannot_hold_become_its_most_negative() -> None:
    x = np.array([math.nan, math.inf, -math.inf, 2.0**31, -(2.0**40)], np.float32)
    (function,) = native(lambda x: x.cast(np.dtype("int32")), [x.dtype], np.dtype("int32"))
    np.testing.assert_array_equal(function(x), np.iinfo(np.int32).min)


@pytest.mark.parametrize("dtype", dtypes(NUMBERS), ids=str)
def test_python_numbers_take_the_dtype_of_the_lanes(dtype: np.dtype[Any]) -> None:
    x = special_values(dtype)
    (function,) = native(lambda x: 3 * x + 2 - (7 - x), [dtype], dtype)
    with np.errstate(all="ignore"):
        assert_same(function(x), 3 * x + 2 - (7 - x), 1, [x])


def test_a_single_lane_is_repeated_beside_several() -> None:
    dtype = np.dtype("float32")

    def expression(x: Lanes) -> Lanes:
        one = literal_lanes(x.emitter, 10, dtype, 1)
        return (one > x).select(one - x, one)

    (function,) = native(expression, [dtype], dtype)
    np.testing.assert_array_equal(function(np.array([1, 12], dtype)), [9, 10])


def test_bools_count_as_numbers_beside_numbers() -> None:
    dtype = np.dtype("float32")
    (function,) = native(lambda x: x * (x > 2) + (x > 3) - ((x > 4) - x), [dtype], dtype)
    np.testing.assert_array_equal(function(np.array([1, 3, 5], dtype)), [1, 6, 10])


def test_what_is_rare_is_computed_where_it_is_needed() -> None:
    dtype = np.dtype("int32")
    for function in native(
        lambda x: x.replace_where(x > 9, lambda: -x), [dtype], dtype, (1, 4, 16)
    ):
        x = np.arange(13, dtype=dtype)
        np.testing.assert_array_equal(function(x), np.where(x > 9, -x, x))


def test_lanes_of_different_dtypes_do_not_meet() -> None:
    emitter = Emitter(host())
    one = literal_lanes(emitter, 1, np.dtype("float32"), 4)
    two = literal_lanes(emitter, 1, np.dtype("float64"), 4)
    with pytest.raises(ops.DTypeError, match="float32 meet lanes of float64"):
        one + two


def test_a_fraction_does_not_meet_integers() -> None:
    with pytest.raises(ops.DTypeError, match=r"int32 meet 0\.5"):
        literal_lanes(Emitter(host()), 1, np.dtype("int32"), 4) * 0.5


def test_lanes_have_no_truth_while_compiling() -> None:
    emitter = Emitter(host())
    with (
        emitter.function("f", (("x", "i32"),)) as (x,),
        pytest.raises(TypeError, match="select"),
    ):
        bool(Lanes(emitter, x, np.dtype("int32")) > 0)


def test_an_operation_without_expression_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Gcd has no expression"):
        ops.Gcd().expression(index(0), index(1))
