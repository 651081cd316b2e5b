import numpy as np
import pytest

from fathom.compiler.kernel import Access
from fathom.compiler.sort import ArgSortKernel, SearchSortedKernel
from fathom.ops import ArgSort, SearchSorted

from .native import access, run, unset

INT64 = np.dtype("int64")


def sorting(x, axis, descending, threads=1):
    result = unset(x.shape, INT64)
    kernel = ArgSortKernel(
        (x.dtype, INT64), x.shape, axis, descending, access(0, x), access(1, result)
    )
    return run(kernel, x, result, threads=threads)[1]


def sample(shape, dtype="float32", seed=0):
    numbers = np.random.default_rng(seed).standard_normal(shape) * 20
    return (numbers > 0) if dtype == "bool" else numbers.astype("int64").astype(dtype)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "uint8", "bool"])
def test_equal_elements_keep_their_order(dtype, descending):
    x = sample((3, 70), dtype)
    expected = ArgSort(1, descending).evaluate(x)
    np.testing.assert_array_equal(sorting(x, 1, descending), expected)
    np.testing.assert_array_equal(sorting(x, 1, descending, threads=2), expected)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 33, 100])
def test_lines_of_any_length_are_sorted(length, descending):
    x = sample((length, 3)).T
    expected = ArgSort(1, descending).evaluate(x)
    np.testing.assert_array_equal(sorting(x, 1, descending), expected)


def test_any_axis_may_be_sorted():
    x = sample((4, 20, 3)).transpose(1, 2, 0)
    for axis in range(3):
        expected = ArgSort(axis).evaluate(x)
        np.testing.assert_array_equal(sorting(x, axis, False, threads=2), expected)


@pytest.mark.parametrize("descending", [False, True])
def test_nan_is_the_largest(descending):
    x = sample((2, 30))
    x[0, [3, 8]], x[0, 5], x[0, 6], x[1] = np.nan, np.inf, -np.inf, np.nan
    expected = ArgSort(1, descending).evaluate(x)
    np.testing.assert_array_equal(sorting(x, 1, descending), expected)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_there_may_be_nothing_to_sort(shape):
    for axis in range(len(shape)):
        assert sorting(sample(shape), axis, False).shape == shape


def found(sequences, values, right, threads=1):
    result = unset(values.shape, INT64)
    shown = np.broadcast_to(sequences, (*values.shape[:-1], sequences.shape[-1]))
    kernel = SearchSortedKernel(
        (sequences.dtype, values.dtype, INT64),
        right,
        values.shape,
        sequences.shape[-1],
        access(0, shown),
        access(1, values),
        access(2, result),
    )
    return run(kernel, sequences, values, result, threads=threads)[2]


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8"])
@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 30])
def test_values_find_their_place_beside_equal_ones(size, dtype, right):
    sequence, values = np.sort(sample(size, dtype)), sample((4, 9), dtype, seed=1)
    expected = SearchSorted(right).evaluate(sequence, values)
    np.testing.assert_array_equal(found(sequence, values, right), expected)
    np.testing.assert_array_equal(found(sequence, values, right, threads=3), expected)


@pytest.mark.parametrize("right", [False, True])
def test_each_row_of_values_is_sought_in_its_own_sequence(right):
    sequences, values = np.sort(sample((3, 4, 20)), -1), sample((3, 4, 5), seed=1)
    expected = SearchSorted(right).evaluate(sequences, values)
    np.testing.assert_array_equal(found(sequences, values, right), expected)


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("shape", [(), (0,), (2, 0)])
def test_there_may_be_one_value_or_none(shape, right):
    sequence, values = np.arange(9.0), np.full(shape, 3.0)
    expected = SearchSorted(right).evaluate(sequence, values)
    np.testing.assert_array_equal(found(sequence, values, right), expected)


@pytest.mark.parametrize("right", [False, True])
def test_nan_is_sought_behind_all_numbers(right):
    sequence = np.array([-np.inf, 0.0, 1.0, np.inf, np.nan, np.nan])
    values = np.array([np.nan, np.inf, -np.inf, 0.5])
    expected = SearchSorted(right).evaluate(sequence, values)
    np.testing.assert_array_equal(found(sequence, values, right), expected)


def test_kernels_read_well():
    float32 = np.dtype("float32")
    rows, line = Access(0, 0, (30, 1)), Access(0, 0, (1,))
    sort = ArgSortKernel((float32, INT64), (4, 30), 1, True, rows, Access(1, 0, (30, 1)))
    assert str(sort) == (
        "for i < 4, j < 30:\n    b1[30*i + j] = argsort(b0[30*i + 0..29], descending)[j]  # float32"
    )
    search = SearchSortedKernel(
        (float32, float32, INT64), False, (5,), 30, line, Access(1, 0, (1,)), Access(2, 0, (1,))
    )
    assert str(search) == (
        "for i < 5:\n    b2[i] = searchsorted(b0[0..29], b1[i], left)  # float32"
    )
