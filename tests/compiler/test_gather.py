import numpy as np
import pytest

from fathom.compiler.gather import GatherKernel
from fathom.compiler.kernel import Access
from fathom.ops import Index

from .native import access, run, unset

STATUS = np.dtype("int64")


def gathered(where, x, *indices, threads=1):
    """The result and the report of a kernel that reads from views of row-major arrays."""
    shape = np.broadcast_shapes(*(index.shape for index in indices))
    front, back = where.whole_axes(x.ndim)
    selected = (*(x.shape[axis] for axis in front), *shape, *(x.shape[axis] for axis in back))
    result = unset(selected, x.dtype)
    arrays = [x, result, np.zeros(3, STATUS), *indices]
    kernel = GatherKernel(
        tuple(array.dtype for array in arrays),
        where,
        x.shape,
        access(0, x),
        shape,
        tuple(
            access(3 + number, np.broadcast_to(index, shape))
            for number, index in enumerate(indices)
        ),
        access(1, result),
        status=2,
        number=4,
    )
    _, result, status, *_ = run(kernel, *arrays, threads=threads)
    return result, status.tolist()


def check(where, x, *indices):
    for threads in (1, 3):
        result, status = gathered(where, x, *indices, threads=threads)
        np.testing.assert_array_equal(result, where.evaluate(x, *indices))
        assert status == [0, 0, 0]


def sample(shape, dtype="float32"):
    numbers = np.random.default_rng(0).standard_normal(shape) * 50
    return (numbers > 0) if dtype == "bool" else numbers.astype("int64").astype(dtype)


def places(size, shape, low=0, seed=1, dtype="int64"):
    return np.random.default_rng(seed).integers(low, size, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "uint8", "bool"])
@pytest.mark.parametrize("width", [1, 3, 64, 77])
def test_rows_are_read(dtype, width):
    check(Index((0,)), sample((9, width), dtype), places(9, (4, 5)))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint8", "int64"])
def test_indices_are_integers_of_any_kind(dtype):
    check(Index((0,)), sample((100, 2)), places(100, 20, dtype=dtype))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_any_axis_is_indexed(axis):
    x = sample((4, 5, 6))
    check(Index((axis,)), x, places(x.shape[axis], 11))
    check(Index((axis,)), x, places(x.shape[axis], ()))
    check(Index((axis,)), x, places(x.shape[axis], 0))


def test_several_axes_are_indexed_by_tensors_that_broadcast():
    x = sample((4, 5, 6, 7))
    check(Index((1, 2)), x, places(5, (3, 1)), places(6, 4))
    check(Index((0, 1, 2, 3)), x, *(places(size, 8) for size in x.shape))


def test_axes_apart_put_the_index_shape_first():
    x = sample((4, 5, 6, 7))
    check(Index((0, 2)), x, places(4, (2, 3)), places(6, 3))
    check(Index((3, 1)), x, places(7, 9), places(5, 9))


def test_negative_indices_count_from_the_end_where_they_may():
    x = sample((4, 5))
    check(Index((0, 1), wrap=True), x, places(4, 30, low=-4), places(5, 30, low=-5))


def test_value_and_indices_may_be_seen_in_another_order():
    x = sample((6, 5, 4)).transpose(2, 0, 1)
    for axis in range(3):
        check(Index((axis,)), x, places(4, (3, 2)).T)


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize(("wrong", "allowed"), [(9, False), (-1, True), (-10, False)])
def test_an_index_outside_is_reported_and_its_row_is_left(wrong, allowed, wrap):
    x = sample((9, 20))
    index = places(9, 6)
    index[3] = wrong
    result, status = gathered(Index((0,), wrap), x, index, threads=2)
    if allowed and wrap:
        assert status == [0, 0, 0]
        return
    assert status == [5, wrong, 9]
    kept = [0, 1, 2, 4, 5]
    np.testing.assert_array_equal(result[kept], x[index[kept]])
    np.testing.assert_array_equal(result[3], unset(20, "float32"))


def test_nothing_can_be_read_from_an_empty_axis():
    result, status = gathered(Index((0,)), sample((0, 3)), places(5, 2))
    assert status[0] == 5
    np.testing.assert_array_equal(result, unset((2, 3), "float32"))


def test_a_kernel_reads_well():
    float32, int64 = np.dtype("float32"), np.dtype("int64")
    kernel = GatherKernel(
        (float32, int64, float32, int64),
        Index((0,)),
        (100, 64),
        Access(0, 0, (64, 1)),
        (8, 5),
        (Access(1, 0, (5, 1)),),
        Access(2, 0, (320, 64, 1)),
        status=3,
        number=0,
    )
    assert str(kernel) == (
        "for i < 8, j < 5, k < 64:\n    b2[320*i + 64*j + k] = b0[64*b1[5*i + j] + k]  # float32"
    )
