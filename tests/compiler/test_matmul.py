"""The kernel of matrix products: every shape, layout, dtype and processor gives NumPy's numbers."""

import ctypes
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fathom import ops
from fathom.compiler.emitter import Emitter
from fathom.compiler.kernel import (
    Access,
    Apply,
    Body,
    Instruction,
    Literal,
    Load,
    LoadAt,
    Position,
    Product,
    Store,
)
from fathom.compiler.matmul import MatMulKernel
from fathom.compiler.orientation import oriented, transposed, with_merged_batch
from fathom.compiler.target import host
from fathom.runtime.machine_code import load, to_object

FLOAT = np.dtype("float32")
GUARD = 64  # elements on both sides of every buffer

NARROW = [
    ("+avx2,+fma,+avx", 32, 16),
    ("", 16, 16),
]


class Guarded:
    """An array in memory of its own, with elements around it that nobody may touch."""

    def __init__(self, array, order=None):
        """Args: order: the dimensions as they lie in memory, the last one contiguous."""
        order = tuple(order or range(array.ndim))
        self.memory = np.full(array.size + 2 * GUARD, 77, array.dtype)
        inside = self.memory[GUARD : GUARD + array.size]
        laid = inside.reshape([array.shape[axis] for axis in order])
        self.array = laid.transpose(np.argsort(order))
        self.array[...] = array

    @property
    def strides(self):
        return tuple(stride // self.array.itemsize for stride in self.array.strides)

    def access(self, number, strides=None):
        return Access(number, GUARD, self.strides if strides is None else strides)

    def is_whole(self):
        guards = np.concatenate([self.memory[:GUARD], self.memory[-GUARD:]])
        return bool((guards == np.array(77, guards.dtype)).all())


@cache
def compiled(kernel, target):
    emitter = Emitter(target)
    kernel.emit(emitter, "kernel")
    code = load(to_object(emitter.text, target), ["kernel"])
    prototype = ctypes.CFUNCTYPE(
        None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
    )
    return code, prototype(code["kernel"])


def run(kernel, buffers, threads=1, target=None):
    """Run a kernel as so many threads would, one after the other."""
    target = target or host()
    code, function = compiled(kernel, target)
    guardeds = [buffer for buffer in buffers if isinstance(buffer, Guarded)]
    memory = [getattr(buffer, "memory", buffer) for buffer in buffers]
    scratch = kernel.scratch(target)
    if scratch:
        guarded = np.zeros(scratch * threads + 128, np.uint8)
        start = -guarded.ctypes.data % 64
        memory.append(guarded[start : start + scratch * threads])
    # The kernel's buffers are scattered over the table.
    numbers = np.arange(len(memory), dtype=np.int64)[::-1].copy()
    table = np.array([array.ctypes.data for array in memory[::-1]], np.uint64)
    for thread in range(threads):
        function(table.ctypes.data, numbers.ctypes.data, thread, threads)
    del code
    if scratch:
        assert not guarded[:start].any()
        assert not guarded[start + scratch * threads :].any()
    for guarded in guardeds:
        assert guarded.is_whole()


def plain(dtype, access):
    return Body((Instruction(Product(), dtype),), (Store(0, access),))


def product(first, second, result, body=None, buffers=None):
    """The kernel of ``first @ second``; strides of dimensions that are broadcast are 0."""
    *batch, rows, columns = result.array.shape

    def access(number, guarded):
        shape, strides = guarded.array.shape[:-2], guarded.strides
        missing = len(batch) - len(shape)
        leading = [0 if size == 1 else stride for size, stride in zip(shape, strides, strict=False)]
        return Access(number, GUARD, (*([0] * missing), *leading, *strides[-2:]))

    buffers = buffers or [first, second, result]
    return MatMulKernel(
        tuple(getattr(buffer, "array", buffer).dtype for buffer in buffers),
        tuple(batch),
        rows,
        columns,
        first.array.shape[-1],
        access(0, first),
        access(1, second),
        body or plain(result.array.dtype, result.access(2)),
    )


def operands(rows, inner, columns, dtype="float32", batch=(), orders=("n", "n", "n"), seed=0):
    """Three guarded matrices; an order is "n" (rows lie together) or "t" (columns do)."""
    random = np.random.default_rng(seed)
    dtype = np.dtype(dtype)

    def make(shape, order):
        values = random.normal(size=shape) if dtype.kind == "f" else random.integers(0, 9, shape)
        axes = list(range(len(shape)))
        if order == "t":
            axes[-2:] = axes[:-3:-1]
        return Guarded(values.astype(dtype), axes)

    shapes = (*batch, rows, inner), (*batch, inner, columns), (*batch, rows, columns)
    return [make(shape, order) for shape, order in zip(shapes, orders, strict=True)]


def check(first, second, result, kernel=None, threads=1, target=None):
    kernel = kernel or product(first, second, result)
    result.array[...] = 55
    run(kernel, [first, second, result], threads, target)
    tolerance = {"f": 1e-5 if result.array.dtype.itemsize == 4 else 1e-13}.get(
        result.array.dtype.kind, 0
    )
    expected = np.matmul(first.array.astype("float64"), second.array.astype("float64"))
    if result.array.dtype.kind != "f":
        expected = np.matmul(first.array, second.array)
    scale = max(np.sqrt(first.array.shape[-1]), 1)
    np.testing.assert_allclose(result.array, expected, rtol=0, atol=tolerance * scale * 8)


SHAPES = [
    (1, 1, 1),
    (1, 784, 128),
    (2, 5, 3),
    (64, 100, 10),
    (13, 1, 40),
    (29, 31, 47),
    (70, 130, 66),
    (1, 300, 1),
    (50, 300, 1),
    (5, 64, 1),
]


@pytest.mark.parametrize("orders", ["nnn", "ntn", "tnn", "ttn", "nnt"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gives_the_product_for_any_layout(shape, orders):
    check(*operands(*shape, orders=orders))


@pytest.mark.parametrize("orders", ["nnn", "ntn", "tnn", "ttn"])
@pytest.mark.parametrize("shape", [(1, 37, 20), (40, 37, 3), (29, 31, 47)], ids=str)
def test_the_transposed_problem_has_the_same_result(shape, orders):
    matrices = operands(*shape, orders=orders)
    check(*matrices, kernel=transposed(product(*matrices)))


@pytest.mark.parametrize("dtype", ["float64", "int64", "int32", "int8", "uint8"])
@pytest.mark.parametrize("orders", ["nnn", "ntn"])
def test_gives_the_product_for_other_dtypes(dtype, orders):
    check(*operands(9, 37, 21, dtype, orders=orders))


@pytest.mark.parametrize(("features", "width", "registers"), NARROW)
@pytest.mark.parametrize("orders", ["nnn", "ntn", "tnn"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gives_the_product_on_processors_with_narrower_vectors(
    features, width, registers, orders, dtype
):
    if not host().triple.startswith("x86_64"):
        pytest.skip("the features are those of x86")
    target = replace(
        host(),
        processor="x86-64",
        features=features,
        vector_bytes=width,
        vector_registers=registers,
    )
    for shape in ((13, 40, 37), (1, 70, 30), (20, 3, 1)):
        check(*operands(*shape, dtype, orders=orders), target=target)


@pytest.mark.parametrize("threads", [2, 3, 7])
@pytest.mark.parametrize("orders", ["nnn", "ntn", "tnn"])
def test_every_number_of_threads_gives_the_same_bits(threads, orders):
    for shape in ((64, 50, 70), (1, 50, 300), (200, 20, 5)):
        first, second, result = operands(*shape, orders=orders)
        check(first, second, result)
        alone = result.array.copy()
        check(first, second, result, threads=threads)
        np.testing.assert_array_equal(result.array, alone)


def test_dot_products_take_vectors_of_the_sum():
    for shape in ((1, 300, 1), (20, 300, 1), (1, 300, 20)):
        matrices = operands(*shape, orders="ntn")
        kernel = oriented(product(*matrices))
        assert kernel.tiling(host()).along == "inner"
        check(*matrices, kernel=kernel)


def test_large_products_are_divided_into_groups_of_panels():
    for orders in ("nnn", "ttn"):
        matrices = operands(90, 900, 300, orders=orders)
        kernel = product(*matrices)
        assert kernel.scratch(host()) > 0
        check(*matrices, threads=2)


@pytest.mark.parametrize("orders", ["nnn", "ttn", "tnn"])
def test_long_sums_are_added_up_in_parts(orders):
    first, second, result = operands(70, 4200, 40, orders=orders)
    weights = Guarded(np.ones_like(result.array))
    kernel = product(first, second, result)
    assert kernel.tiling(host()).depth < 4200
    check(first, second, result, threads=2)
    rate = Guarded(np.full(1, 0.5, "float32"))
    momentum = Guarded(np.zeros_like(result.array))
    body = update_body(weights.access(2), rate.access(3, (0, 0)), momentum.access(4), False)
    buffers = [first, second, weights, rate, momentum]
    run(product(first, second, weights, body, buffers), buffers)
    np.testing.assert_allclose(weights.array, 1 - 0.5 * result.array, atol=1e-3)


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 4, 0), (0, 0, 0)])
def test_an_empty_result_is_left_alone(shape):
    check(*operands(*shape))


@pytest.mark.parametrize("orders", ["nnn", "ntn"])
def test_a_sum_over_nothing_is_zero(orders):
    check(*operands(5, 0, 20, orders=orders))


def test_batches_are_broadcast():
    random = np.random.default_rng(0)
    first = Guarded(random.normal(size=(3, 1, 4, 5)))
    second = Guarded(random.normal(size=(2, 5, 6)))
    result = Guarded(np.zeros((3, 2, 4, 6)))
    for threads in (1, 2, 5):
        check(first, second, result, threads=threads)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(0, 70), st.integers(1, 50)),
    batch=st.sampled_from([(), (), (3,), (2, 2)]),
    orders=st.text("nt", min_size=3, max_size=3),
    threads=st.integers(1, 3),
    orient=st.booleans(),
)
def test_gives_the_product_for_random_problems(shape, batch, orders, threads, orient):
    matrices = operands(*shape, "float64", batch, orders)
    kernel = product(*matrices)
    check(*matrices, kernel=oriented(kernel) if orient else kernel, threads=threads)


def test_strided_matrices_are_read_in_place():
    random = np.random.default_rng(0)
    memory = Guarded(random.normal(size=(40, 60)).astype("float32"))
    result = Guarded(np.zeros((10, 12), "float32"))
    kernel = MatMulKernel(
        (FLOAT, FLOAT, FLOAT),
        (),
        10,
        12,
        20,
        Access(0, GUARD, (120, 3)),
        Access(1, GUARD + 1, (60, 2)),
        plain(FLOAT, result.access(2)),
    )
    for one in (kernel, transposed(kernel)):
        result.array[...] = 0
        run(one, [memory, memory, result])
        first, second = memory.array[:20:2, :60:3], memory.array[:20, 1:25:2]
        np.testing.assert_allclose(result.array, first @ second, atol=1e-4)


def test_the_body_adds_a_bias_and_applies_an_activation():
    first, second, result = operands(33, 20, 45)
    bias = Guarded(np.linspace(-1, 1, 45, dtype="float32"))
    body = Body(
        (
            Instruction(Product(), FLOAT),
            Instruction(Load(bias.access(3, (0, 1))), FLOAT),
            Instruction(Apply(ops.Add(), (0, 1)), FLOAT),
            Instruction(Literal(0.0), FLOAT),
            Instruction(Apply(ops.Maximum(), (2, 3)), FLOAT),
        ),
        (Store(4, result.access(2)),),
    )
    buffers = [first, second, result, bias]
    kernel = product(first, second, result, body, buffers)
    expected = np.maximum(first.array @ second.array + bias.array, 0)
    for one in (kernel, transposed(kernel)):
        for threads in (1, 2):
            result.array[...] = 9
            run(one, buffers, threads)
            np.testing.assert_allclose(result.array, expected, atol=1e-4)


def update_body(weight, rate, momentum, long):
    """momentum = 0.9 * momentum + product; weight -= rate * momentum."""
    instructions = [
        Instruction(Product(), FLOAT),
        Instruction(Load(momentum), FLOAT),
        Instruction(Literal(0.9), FLOAT),
        Instruction(Apply(ops.Multiply(), (1, 2)), FLOAT),
        Instruction(Apply(ops.Add(), (3, 0)), FLOAT),
        Instruction(Load(rate), FLOAT),
        Instruction(Apply(ops.Multiply(), (4, 5)), FLOAT),
        Instruction(Load(weight), FLOAT),
        Instruction(Apply(ops.Subtract(), (7, 6)), FLOAT),
    ]
    for _ in range(60 if long else 0):
        last = len(instructions) - 1
        instructions.append(Instruction(Apply(ops.Negative(), (last,)), FLOAT))
    return Body(tuple(instructions), (Store(4, momentum), Store(len(instructions) - 1, weight)))


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("shape", [(20, 7, 45), (784, 1, 10), (3, 70, 3)])
def test_the_body_updates_buffers_in_place(shape, long):
    first, second, weight = operands(*shape, orders="tnn")
    momentum = Guarded(np.ones_like(weight.array))
    rate = Guarded(np.full(1, 0.5, "float32"))
    body = update_body(weight.access(2), rate.access(3, (0, 0)), momentum.access(4), long)
    buffers = [first, second, weight, rate, momentum]
    kernel = product(first, second, weight, body, buffers)
    start = weight.array.copy()
    for one in (kernel, transposed(kernel)):
        for threads in (1, 3):
            weight.array[...], momentum.array[...] = start, 1
            run(one, buffers, threads)
            expected = 0.9 + first.array @ second.array
            np.testing.assert_allclose(momentum.array, expected, atol=1e-4)
            np.testing.assert_allclose(weight.array, start - 0.5 * expected, atol=1e-4)


def test_the_body_may_use_positions_and_indices():
    first, second, result = operands(12, 5, 21)
    labels = Guarded(np.arange(12)[::-1] % 5)
    table = Guarded(np.arange(5 * 21, dtype="float32").reshape(5, 21))
    status = np.zeros(3, "int64")
    int64 = np.dtype("int64")
    body = Body(
        (
            Instruction(Product(), FLOAT),
            Instruction(Load(labels.access(3, (1, 0))), int64),
            Instruction(LoadAt(table.access(4, (0, 1)), ((1, 21, 5),), False, 5, 8), FLOAT),
            Instruction(Apply(ops.Add(), (0, 2)), FLOAT),
            Instruction(Position(1, 10, 3), int64),
            Instruction(Apply(ops.Cast(FLOAT), (4,)), FLOAT),
            Instruction(Apply(ops.Add(), (3, 5)), FLOAT),
        ),
        (Store(6, result.access(2)),),
    )
    buffers = [first, second, result, labels, table, status]
    kernel = product(first, second, result, body, buffers)
    expected = first.array @ second.array + table.array[labels.array] + 10 * np.arange(21) + 3
    for one in (kernel, transposed(kernel)):
        result.array[...] = 0
        run(one, buffers)
        np.testing.assert_allclose(result.array, expected, atol=1e-4)
        assert not status.any()
    labels.array[7] = 5
    for one in (kernel, transposed(kernel)):
        status[...] = 0
        run(one, buffers)
        assert status.tolist() == [9, 5, 5]


def test_the_body_reads_and_writes_bools():
    first, second, result = operands(9, 5, 21)
    keep = Guarded(np.random.default_rng(1).random((9, 21)) < 0.5)
    positive = Guarded(np.zeros((9, 21), bool))
    truth = np.dtype(bool)
    body = Body(
        (
            Instruction(Product(), FLOAT),
            Instruction(Load(keep.access(3)), truth),
            Instruction(Literal(0.0), FLOAT),
            Instruction(Apply(ops.Where(), (1, 0, 2)), FLOAT),
            Instruction(Apply(ops.Greater(), (0, 2)), truth),
        ),
        (Store(3, result.access(2)), Store(4, positive.access(4))),
    )
    buffers = [first, second, result, keep, positive]
    kernel = product(first, second, result, body, buffers)
    expected = first.array @ second.array
    for one in (kernel, transposed(kernel)):
        result.array[...], positive.array[...] = 9, False
        run(one, buffers, 2)
        np.testing.assert_allclose(result.array, np.where(keep.array, expected, 0), atol=1e-4)
        np.testing.assert_array_equal(positive.array, expected > 0)


def test_nan_and_infinity_meet_as_numpy_has_it():
    first, second, result = operands(4, 8, 20)
    first.array[1, 2], first.array[2, 3], second.array[3, 5] = np.nan, np.inf, 0
    run(product(first, second, result), [first, second, result])
    with np.errstate(invalid="ignore"):
        expected = np.matmul(first.array, second.array)
    np.testing.assert_allclose(result.array, expected, atol=1e-4)


def test_a_batch_that_shares_the_second_matrix_becomes_rows():
    random = np.random.default_rng(0)
    first = Guarded(random.normal(size=(3, 1, 4, 5)))
    second = Guarded(random.normal(size=(5, 6)))
    result = Guarded(np.zeros((3, 1, 4, 6)))
    kernel = with_merged_batch(product(first, second, result))
    assert (kernel.batch, kernel.rows) == ((), 12)
    check(first, second, result, kernel)


def test_a_batch_of_rows_becomes_a_matrix():
    random = np.random.default_rng(0)
    first = Guarded(random.normal(size=(7, 1, 5)))
    second = Guarded(random.normal(size=(5, 6)))
    result = Guarded(np.zeros((7, 1, 6)))
    kernel = with_merged_batch(product(first, second, result))
    assert (kernel.batch, kernel.rows) == ((), 7)
    check(first, second, result, kernel)


def test_a_batch_with_gaps_stays_one():
    random = np.random.default_rng(0)
    first = Guarded(random.normal(size=(2, 3, 4, 5)), (1, 0, 2, 3))
    second = Guarded(random.normal(size=(2, 1, 5, 6)))
    result = Guarded(np.zeros((2, 3, 4, 6)))
    kernel = with_merged_batch(product(first, second, result))
    assert kernel.batch == (2, 3)
    check(first, second, result, kernel)


def test_says_how_the_product_is_divided():
    kernel = product(*operands(64, 784, 128))
    assert kernel.operations == 2 * 64 * 784 * 128
    lines = str(kernel).splitlines()
    assert lines[0].startswith("for i < 64, j < 128:  # tiles of ")
    assert lines[1] == "    product = sum over k < 784 of b0[784*i + k + 64] * b1[128*k + j + 64]"
    assert lines[-1] == "    b2[128*i + j + 64] = v0"
