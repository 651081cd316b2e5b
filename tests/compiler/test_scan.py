import numpy as np
import pytest

from fathom.compiler.kernel import Access
from fathom.compiler.scan import ScanKernel
from fathom.ops import CumulativeLargest, CumulativeSmallest, CumulativeSum

from .native import access, run, unset

OPERATIONS = {"sum": CumulativeSum, "largest": CumulativeLargest, "smallest": CumulativeSmallest}
DTYPES = ["float32", "float64", "int8", "int32", "int64", "uint8", "bool"]


def scanned(kind, x, axis, threads=1):
    """The result of a kernel that reads a view of a row-major array."""
    result = unset(x.shape, x.dtype)
    kernel = ScanKernel((x.dtype, x.dtype), kind, x.shape, axis, access(0, x), access(1, result))
    return run(kernel, x, result, threads=threads)[1]


def sample(shape, dtype, seed=0):
    numbers = np.random.default_rng(seed).standard_normal(shape) * 50
    return (numbers > 0) if dtype == "bool" else numbers.astype("int64").astype(dtype)


@pytest.mark.parametrize("kind", OPERATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "axis"), [((9, 5), 1), ((2, 5, 71), 1)])
def test_it_gives_what_the_eager_operation_gives(kind, dtype, shape, axis):
    x = sample(shape, dtype)
    expected = OPERATIONS[kind](axis).evaluate(x)
    np.testing.assert_array_equal(scanned(kind, x, axis), expected)
    np.testing.assert_array_equal(scanned(kind, x, axis, threads=3), expected)


@pytest.mark.parametrize("kind", OPERATIONS)
def test_the_source_may_be_seen_in_another_order(kind):
    x = np.random.default_rng(1).standard_normal((6, 20, 3)).transpose(2, 0, 1)
    for axis in range(3):
        expected = OPERATIONS[kind](axis).evaluate(x)
        np.testing.assert_array_equal(scanned(kind, x, axis, threads=2), expected)


@pytest.mark.parametrize("kind", OPERATIONS)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1)])
def test_axes_may_be_empty_or_single(kind, shape):
    x = np.ones(shape, "float32")
    for axis in range(2):
        np.testing.assert_array_equal(scanned(kind, x, axis), OPERATIONS[kind](axis).evaluate(x))


@pytest.mark.parametrize("kind", OPERATIONS)
@pytest.mark.parametrize("shape", [(4, 7), (7, 33)])
def test_nan_stays_once_it_is_met(kind, shape):
    x = np.random.default_rng(2).standard_normal(shape).astype("float32")
    x[2, 3], x[0, 5], x[3, 0], x[3, 1] = np.nan, np.inf, -0.0, -np.inf
    for axis in range(2):
        np.testing.assert_array_equal(scanned(kind, x, axis), OPERATIONS[kind](axis).evaluate(x))


def test_the_sum_of_single_floats_is_carried_in_double():
    x = np.full((3, 20000), 0.1, "float32")
    np.testing.assert_array_equal(scanned("sum", x, 1), CumulativeSum(1).evaluate(x))
    np.testing.assert_array_equal(scanned("sum", x.T, 0), CumulativeSum(0).evaluate(x.T))


@pytest.mark.parametrize("axis", [0, 1])
def test_the_result_may_take_the_place_of_the_source(axis):
    x = np.arange(60.0).reshape(3, 20)
    place = Access(0, 0, (20, 1))
    kernel = ScanKernel((x.dtype,), "sum", x.shape, axis, place, place)
    np.testing.assert_array_equal(
        run(kernel, x)[0].reshape(x.shape), CumulativeSum(axis).evaluate(x)
    )


def test_a_kernel_reads_well():
    kernel = ScanKernel(
        (np.dtype("float32"),) * 2, "sum", (3, 20), 1, Access(0, 5, (1, 3)), Access(1, 0, (20, 1))
    )
    assert (
        str(kernel) == "for i < 3, j < 20:\n    b1[20*i + j] = sum(b0[i + 3*0..j + 5])  # float32"
    )
