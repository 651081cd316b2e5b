import numpy as np
import pytest

from fathom.compiler.kernel import Access
from fathom.compiler.scatter import ScatterKernel
from fathom.ops import (
    AddAtIndex,
    AssignIndex,
    Index,
    LargestAtIndex,
    MultiplyAtIndex,
    SmallestAtIndex,
)

from .native import access, run, unset

STATUS = np.dtype("int64")
OPERATIONS = {
    "assign": AssignIndex,
    "multiply": MultiplyAtIndex,
    "largest": LargestAtIndex,
    "smallest": SmallestAtIndex,
}


def scattered(kind, where, start, values, *indices, threads=1):
    """The result and the report of a kernel that is given views of row-major arrays.

    `start` is the value before, or for zeros just its shape.
    """
    shape = start if isinstance(start, tuple) else start.shape
    index_shape = np.broadcast_shapes(*(index.shape for index in indices))
    front, back = where.whole_axes(len(shape))
    selected = (*(shape[axis] for axis in front), *index_shape, *(shape[axis] for axis in back))
    result = unset(shape, values.dtype)
    arrays = [result, values, np.zeros(3, STATUS), *indices]
    if not isinstance(start, tuple):
        arrays.append(start)
    kernel = ScatterKernel(
        tuple(array.dtype for array in arrays),
        where,
        shape,
        access(0, result),
        index_shape,
        tuple(
            access(3 + number, np.broadcast_to(index, index_shape))
            for number, index in enumerate(indices)
        ),
        access(1, np.broadcast_to(values, selected)),
        2,
        4,
        kind,
        None if isinstance(start, tuple) else access(len(arrays) - 1, start),
    )
    result, _, status, *_ = run(kernel, *arrays, threads=threads)
    return result, status.tolist()


def check(kind, where, start, values, *indices):
    if kind == "add":
        expected = AddAtIndex(start.shape, where).evaluate(values, *indices)
        start = start.shape
    else:
        with np.errstate(all="ignore"):
            expected = OPERATIONS[kind](where).evaluate(start, values, *indices)
    for threads in (1, 3):
        result, status = scattered(kind, where, start, values, *indices, threads=threads)
        np.testing.assert_array_equal(result, expected)
        assert status == [0, 0, 0]


def sample(shape, dtype="float32", seed=0):
    numbers = np.random.default_rng(seed).standard_normal(shape) * 50
    return (numbers > 0) if dtype == "bool" else numbers.astype("int64").astype(dtype)


def places(size, shape, low=0, seed=1):
    return np.random.default_rng(seed).integers(low, size, shape)


@pytest.mark.parametrize("kind", ["add", *OPERATIONS])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "uint8", "bool"])
def test_rows_named_repeatedly_are_met_one_after_the_other(kind, dtype):
    x, values = sample((6, 83), dtype), sample((4, 5, 83), dtype, seed=2)
    check(kind, Index((0,)), x, values, places(6, (4, 5)))


@pytest.mark.parametrize("kind", ["add", *OPERATIONS])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_any_axis_is_indexed(kind, axis):
    x, where = sample((4, 5, 18)), Index((axis,))
    for shape in [(), (0,), (4, 3)]:
        index = places(x.shape[axis], shape)
        check(kind, where, x, sample(where.evaluate(x, index).shape, seed=2), index)


@pytest.mark.parametrize("kind", ["add", *OPERATIONS])
@pytest.mark.parametrize("axes", [(1, 2), (0, 2), (3, 0), (0, 1, 2, 3), (3, 1)])
def test_several_axes_are_indexed_by_tensors_that_broadcast(kind, axes):
    x, where = sample((3, 4, 2, 5)), Index(axes, wrap=True)
    shapes = [(4, 1), (3,), (4, 3), ()]
    indices = [
        places(x.shape[axis], shape, low=-x.shape[axis], seed=axis)
        for axis, shape in zip(axes, shapes, strict=False)
    ]
    check(kind, where, x, sample(where.evaluate(x, *indices).shape, seed=2), *indices)


@pytest.mark.parametrize("kind", ["add", *OPERATIONS])
@pytest.mark.parametrize("shape", [(), (33,), (7, 1), (1, 1, 33)])
def test_values_broadcast_to_the_named_places(kind, shape):
    check(kind, Index((0,)), sample((6, 33)), sample(shape[-2:], seed=2), places(6, 7))


@pytest.mark.parametrize("kind", OPERATIONS)
def test_the_value_before_and_the_values_may_be_seen_in_another_order(kind):
    values = sample((33, 7), seed=2).T
    check(kind, Index((0,)), sample((33, 6)).T, values, places(6, 7))
    check(kind, Index((0,)), np.broadcast_to(np.float32(3), (6, 33)), values, places(6, 7))
    check(kind, Index((1,)), np.broadcast_to(sample(20), (33, 20)), values.T, places(20, 7))


@pytest.mark.parametrize("kind", ["largest", "smallest"])
def test_nan_wins(kind):
    x, values = sample((4, 20)), sample((6, 20), seed=2)
    x[1], values[:, 3] = np.nan, np.nan
    check(kind, Index((0,)), x, values, np.array([0, 1, 2, 2, 1, 0]))


@pytest.mark.parametrize("shape", [(6,), (6, 20), (2, 6)])
def test_a_value_may_be_changed_in_place(shape):
    axis = shape.index(6)
    x, index, where = sample(shape), places(6, 9), Index((axis,))
    values = sample(where.evaluate(x, index).shape, seed=2)
    value = access(0, x)
    kernel = ScatterKernel(
        (x.dtype, values.dtype, index.dtype, STATUS),
        where,
        shape,
        value,
        index.shape,
        (access(2, index),),
        access(1, values),
        3,
        0,
        "add",
        start=value,
    )
    expected = x + AddAtIndex(shape, where).evaluate(values, index)
    np.testing.assert_array_equal(run(kernel, x, values, index, np.zeros(3, STATUS))[0], expected)


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize(("wrong", "allowed"), [(9, False), (-1, True), (-10, False)])
def test_an_index_outside_is_reported_and_nothing_is_written_there(wrong, allowed, wrap):
    x, values, index = sample((9, 20)), sample((6, 20), seed=2), places(9, 6)
    index[3] = wrong
    result, status = scattered("assign", Index((0,), wrap), x, values, index, threads=2)
    if allowed and wrap:
        assert status == [0, 0, 0]
        return
    assert status == [5, wrong, 9]
    kept = [0, 1, 2, 4, 5]
    expected = AssignIndex(Index((0,))).evaluate(x, values[kept], index[kept])
    np.testing.assert_array_equal(result, expected)


def test_only_columns_can_be_shared_by_threads():
    def kernel(shape):
        values = Access(1, 0, (*(() if len(shape) == 1 else (shape[1],)), 1))
        strides = values.strides
        return ScatterKernel(
            (np.dtype("float32"), np.dtype("float32"), STATUS, STATUS),
            Index((0,)),
            shape,
            Access(0, 0, strides),
            (5,),
            (Access(2, 0, (1,)),),
            values,
            3,
            0,
            "add",
            None,
        )

    assert kernel((9, 64)).is_shareable
    assert not kernel((9,)).is_shareable
    assert str(kernel((9, 64))) == (
        "for i < 9, j < 64:\n"
        "    b0[64*i + j] = 0\n"
        "for i < 5, j < 64:\n"
        "    b0[64*b2[i] + j] += b1[64*i + j]  # float32"
    )
