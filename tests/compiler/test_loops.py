import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fathom.compiler.kernel import (
    Access,
    Apply,
    Body,
    Instruction,
    Literal,
    Load,
    LoadAt,
    Position,
    Reduce,
    Store,
)
from fathom.compiler.loops import LoopKernel, simplified
from fathom.ops import Add, Cast, Divide, Exp, Less, Log, Multiply, Negative, Sqrt, Subtract, Where

from .native import access, run, unset

FLOAT, INT64, BOOL = np.dtype("float32"), np.dtype("int64"), np.dtype(bool)


class Writer:
    """Puts a kernel together from arrays: NumPy's broadcasting, one method for each action."""

    def __init__(self, *shape, reduced=()):
        self.shape, self.reduced = shape, reduced
        self.arrays, self.instructions, self.stores = [], [], []

    def _buffer(self, array):
        self.arrays.append(array)
        return access(len(self.arrays) - 1, np.broadcast_to(array, self.shape))

    def _add(self, action, dtype):
        self.instructions.append(Instruction(action, np.dtype(dtype)))
        return len(self.instructions) - 1

    def load(self, array):
        return self._add(Load(self._buffer(array)), array.dtype)

    def literal(self, value, dtype=FLOAT):
        return self._add(Literal(value), dtype)

    def position(self, axis, stride=1, offset=0):
        return self._add(Position(axis, stride, offset), INT64)

    def apply(self, op, *operands):
        dtypes = [self.instructions[operand].dtype for operand in operands]
        return self._add(Apply(op, operands), op.result_dtype(*dtypes))

    def reduce(self, kind, operand):
        dtype = INT64 if kind.startswith("first") else self.instructions[operand].dtype
        return self._add(Reduce(kind, operand), dtype)

    def store(self, operand, array=None):
        """Store in a new array of the space's shape (of size 1 where reduced), or in a view."""
        if array is None:
            array = unset(self.shape, self.instructions[operand].dtype)
        self.stores.append(Store(operand, self._buffer(array)))
        return len(self.arrays) - 1

    def store_row(self, operand):
        shape = [1 if axis in self.reduced else size for axis, size in enumerate(self.shape)]
        return self.store(operand, unset(shape, self.instructions[operand].dtype))

    @property
    def kernel(self):
        body = Body(tuple(self.instructions), tuple(self.stores))
        buffers = tuple(array.dtype for array in self.arrays)
        return LoopKernel(buffers, tuple(self.shape), tuple(self.reduced), body)

    def run(self, threads=(1, 3)):
        """The stored arrays, the same for any number of threads."""
        kernel = self.kernel
        first, *others = (
            run(kernel, *self.arrays, threads=count if kernel.is_shareable else 1)
            for count in threads
        )
        for other in others:
            for one, two in zip(first, other, strict=True):
                np.testing.assert_array_equal(one, two)
        results = [first[store.access.buffer] for store in self.stores]
        return results[0] if len(results) == 1 else results


def random(*shape, dtype=FLOAT, seed=0):
    generator = np.random.default_rng(seed)
    if dtype.kind == "f":
        return generator.standard_normal(shape).astype(dtype)
    return generator.integers(0, 2 if dtype.kind == "b" else 100, shape).astype(dtype)


def test_a_chain_is_computed_with_broadcasting():
    a, b, c = random(7, 45), random(45, seed=1), random(7, 1, seed=2)
    kernel = Writer(7, 45)
    total = kernel.apply(Add(), kernel.load(a), kernel.load(b))
    kernel.store(kernel.apply(Multiply(), total, kernel.load(c)))
    np.testing.assert_array_equal(kernel.run(), (a + b) * c)


@pytest.mark.parametrize("size", [1, 3, 16, 64, 65, 200, 1000])
def test_a_line_of_any_length_is_covered(size):
    a = random(size)
    kernel = Writer(size)
    kernel.store(kernel.apply(Negative(), kernel.load(a)))
    np.testing.assert_array_equal(kernel.run(threads=(1, 2, 7)), -a)


def test_a_single_number_has_no_axes():
    a = np.array(2.5, FLOAT)
    kernel = Writer()
    kernel.store(kernel.apply(Exp(), kernel.load(a)))
    np.testing.assert_allclose(kernel.run(), np.exp(a), rtol=1e-6)


def test_an_empty_space_does_nothing():
    kernel = Writer(0, 4)
    kernel.store(kernel.load(np.zeros((0, 4), FLOAT)))
    assert kernel.run().shape == (0, 4)


def test_several_results_are_stored_in_one_pass_over_memory():
    p, g, m, v = (random(100, 37, seed=seed) for seed in range(4))
    v = abs(v)
    kernel = Writer(100, 37)
    grad, mean, square = kernel.load(g), kernel.load(m), kernel.load(v)
    decay, rest = kernel.literal(0.9), kernel.literal(0.1)
    mean = kernel.apply(
        Add(), kernel.apply(Multiply(), mean, decay), kernel.apply(Multiply(), grad, rest)
    )
    squared = kernel.apply(Multiply(), grad, grad)
    square = kernel.apply(
        Add(), kernel.apply(Multiply(), square, decay), kernel.apply(Multiply(), squared, rest)
    )
    step = kernel.apply(Divide(), mean, kernel.apply(Sqrt(), square))
    kernel.store(kernel.apply(Subtract(), kernel.load(p), step))
    kernel.store(mean)
    kernel.store(square)
    new_p, new_m, new_v = kernel.run()
    expected_m = 0.9 * m + 0.1 * g
    expected_v = 0.9 * v + 0.1 * g * g
    np.testing.assert_allclose(new_m, expected_m, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(new_v, expected_v, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(new_p, p - new_m / np.sqrt(new_v), rtol=1e-5, atol=1e-6)


def test_a_result_may_overwrite_what_it_is_computed_from():
    x = random(9, 300)
    kernel = Writer(9, 300, reduced=(1,))
    number = kernel.load(x)
    mean = kernel.reduce("sum", number)
    kernel.store(kernel.apply(Subtract(), number, mean))
    # The store goes where the load comes from.
    kernel.stores[0] = Store(kernel.stores[0].operand, kernel.instructions[0].action.access)
    buffers = run(kernel.kernel, *kernel.arrays)
    np.testing.assert_allclose(buffers[0], x - x.sum(1, keepdims=True), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "bool"])
def test_views_are_read_and_written_where_they_lie(dtype):
    a = random(20, 33, dtype=np.dtype(dtype))
    for part in (
        lambda x: x[::2, ::3],
        lambda x: x.T,
        lambda x: x[::-1, ::-1],
        lambda x: x[3:, 2:5],
    ):
        kernel = Writer(*part(a).shape)
        kernel.store(kernel.load(part(a)))
        np.testing.assert_array_equal(kernel.run(), part(a))

        target = unset((20, 33), a.dtype)
        kernel = Writer(*part(a).shape)
        kernel.store(kernel.load(part(a).copy(order="C")), part(target))
        result = kernel.run()
        part(target)[...] = part(a)
        np.testing.assert_array_equal(result.view(np.uint8), target.view(np.uint8))


def test_dtypes_of_several_widths_meet():
    small, wide = random(50), random(50, dtype=np.dtype("float64"))
    labels, mask = random(50, dtype=INT64), random(50, dtype=BOOL)
    kernel = Writer(50)
    number = kernel.apply(Cast(np.dtype("float64")), kernel.load(small))
    number = kernel.apply(Add(), number, kernel.load(wide))
    label = kernel.apply(Cast(np.dtype("float64")), kernel.load(labels))
    kernel.store(kernel.apply(Where(), kernel.load(mask), number, label))
    kernel.store(kernel.apply(Less(), label, number))
    chosen, less = kernel.run()
    expected = small.astype("float64") + wide
    np.testing.assert_array_equal(chosen, np.where(mask, expected, labels))
    np.testing.assert_array_equal(less, labels < expected)


@pytest.mark.parametrize("shape", [(70, 33), (3, 70, 33), (512, 128)])
def test_transposes_are_copied(shape):
    a = random(*shape)
    b = random(*shape[:-2], shape[-1], shape[-2], seed=1)
    kernel = Writer(*b.shape)
    kernel.store(kernel.apply(Add(), kernel.load(a.swapaxes(-1, -2)), kernel.load(b)))
    np.testing.assert_array_equal(kernel.run(), a.swapaxes(-1, -2) + b)


def test_positions_count_along_an_axis():
    kernel = Writer(5, 40)
    row, column = kernel.position(0, 100, 7), kernel.position(1, -2)
    kernel.store(kernel.apply(Add(), row, column))
    i, j = np.indices((5, 40))
    np.testing.assert_array_equal(kernel.run(), 100 * i + 7 - 2 * j)


def gathered(table, rows, wrap):
    """The rows of a table that indices say, and the report."""
    kernel = Writer(len(rows), table.shape[1])
    index = kernel.load(rows[:, None])
    kernel.arrays += [table, np.zeros(4, INT64)]
    place = Access(1, 0, (0, 1))
    action = LoadAt(place, ((index, table.shape[1], len(table)),), wrap, status=2, number=5)
    kernel.store(kernel._add(action, table.dtype))
    buffers = run(kernel.kernel, *kernel.arrays)
    return buffers[3], buffers[2].tolist()


def test_elements_are_gathered_by_an_index_for_each():
    table, chosen = random(30), np.random.default_rng(0).integers(0, 30, (7, 21))
    kernel = Writer(7, 21)
    index = kernel.load(chosen)
    kernel.arrays += [table, np.zeros(4, INT64)]
    action = LoadAt(Access(1, 0, (0, 0)), ((index, 1, 30),), False, status=2, number=0)
    kernel.store(kernel._add(action, FLOAT))
    np.testing.assert_array_equal(kernel.run(), table[chosen])


def test_rows_are_gathered_by_index():
    table, rows = random(30, 20), np.array([3, 0, 29, 3, 17])
    result, status = gathered(table, rows, wrap=False)
    np.testing.assert_array_equal(result, table[rows])
    assert status == [0, 0, 0, 0]
    result, status = gathered(table, rows - 30, wrap=True)
    np.testing.assert_array_equal(result, table[rows])
    assert status == [0, 0, 0, 0]


def test_an_index_outside_is_reported_and_reads_nothing_outside():
    table = random(30, 20)
    for wrong, wrap in ((30, False), (-1, False), (-31, True), (10**12, True)):
        result, status = gathered(table, np.array([1, 2, wrong, 3, 99]), wrap)
        assert status[:3] == [6, wrong, 30]
        np.testing.assert_array_equal(result[[0, 1, 3]], table[[1, 2, 3]])


# Reductions

SHAPES = [
    ((6, 10), (1,)),
    ((6, 1000), (1,)),
    ((1000, 6), (0,)),
    ((64, 128), (0,)),
    ((3, 5, 70), (1,)),
    ((3, 5, 70), (0, 2)),
    ((4, 33, 20), (1, 2)),
    ((2000,), (0,)),
    ((5, 1), (1,)),
    ((2, 1, 3), (0, 1, 2)),
]
KINDS = {
    "sum": np.sum,
    "largest": np.max,
    "smallest": np.min,
    "first largest": np.argmax,
    "first smallest": np.argmin,
}


def flattened(x, reduced):
    """The array with its reduced axes as one, last."""
    kept = [axis for axis in range(x.ndim) if axis not in reduced]
    moved = x.transpose(*kept, *reduced)
    return moved.reshape([x.shape[axis] for axis in kept] + [-1])


def reduced_by_numpy(kind, x, reduced):
    result = KINDS[kind](flattened(x, reduced), axis=-1)
    shape = [1 if axis in reduced else size for axis, size in enumerate(x.shape)]
    return result.reshape(shape)


@pytest.mark.parametrize(("shape", "reduced"), SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8"])
def test_reductions_give_what_numpy_gives(shape, reduced, dtype):
    x = random(*shape, dtype=np.dtype(dtype))
    kernel = Writer(*shape, reduced=reduced)
    number = kernel.load(x)
    for kind in KINDS:
        kernel.store_row(kernel.reduce(kind, number))
    for kind, result in zip(KINDS, kernel.run(), strict=True):
        expected = reduced_by_numpy(kind, x, reduced)
        if kind == "sum":
            np.testing.assert_allclose(result, expected.astype(dtype), rtol=1e-5, atol=1e-4)
        else:
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(("shape", "reduced"), SHAPES)
@pytest.mark.parametrize("chance", [0.02, 0.5, 0.99])
def test_reductions_of_bools_ask_for_any_and_all(shape, reduced, chance):
    x = np.random.default_rng(0).random(shape) < chance
    kernel = Writer(*shape, reduced=reduced)
    number = kernel.load(x)
    kinds = [kind for kind in KINDS if kind != "sum"]
    for kind in kinds:
        kernel.store_row(kernel.reduce(kind, number))
    for kind, result in zip(kinds, kernel.run(), strict=True):
        np.testing.assert_array_equal(result, reduced_by_numpy(kind, x, reduced))


@pytest.mark.parametrize(("shape", "reduced"), SHAPES)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_nan_and_infinities_win_as_in_numpy(shape, reduced):
    generator = np.random.default_rng(1)
    choices = [np.nan, np.inf, -np.inf, 1.0, -1.0]
    for weights in ([0.01, 0, 0.01, 0.49, 0.49], [0, 0, 1, 0, 0], [0, 1, 0, 0, 0], [1, 0, 0, 0, 0]):
        x = generator.choice(choices, shape, p=weights).astype(FLOAT)
        kernel = Writer(*shape, reduced=reduced)
        number = kernel.load(x)
        for kind in KINDS:
            kernel.store_row(kernel.reduce(kind, number))
        for kind, result in zip(KINDS, kernel.run(), strict=True):
            np.testing.assert_array_equal(result, reduced_by_numpy(kind, x, reduced))


def test_long_sums_are_as_accurate_as_pairwise_ones():
    for shape, reduced in (((300_000,), (0,)), ((100_000, 3), (0,)), ((300, 2, 1000), (0, 2))):
        x = np.random.default_rng(0).random(shape, FLOAT)
        kernel = Writer(*shape, reduced=reduced)
        kernel.store_row(kernel.reduce("sum", kernel.load(x)))
        exact = x.sum(reduced, dtype="float64", keepdims=True)
        np.testing.assert_allclose(kernel.run(), exact, rtol=5e-7)


def test_a_sum_of_nothing_is_zero():
    kernel = Writer(5, 0, reduced=(1,))
    kernel.store_row(kernel.reduce("sum", kernel.load(np.zeros((5, 0), FLOAT))))
    np.testing.assert_array_equal(kernel.run(), np.zeros((5, 1)))


@pytest.mark.parametrize("shape", [(64, 10), (7, 100), (3, 3000), (2, 9000)])
@pytest.mark.parametrize("axis", [0, 1])
def test_log_softmax_is_one_kernel(shape, axis):
    x = random(*shape) * 5
    kernel = Writer(*shape, reduced=(axis,))
    number = kernel.load(x)
    shifted = kernel.apply(Subtract(), number, kernel.reduce("largest", number))
    total = kernel.reduce("sum", kernel.apply(Exp(), shifted))
    logs = kernel.apply(Subtract(), shifted, kernel.apply(Log(), total))
    kernel.store(logs)
    kernel.store(kernel.apply(Exp(), logs))
    kernel.store_row(kernel.apply(Log(), total))
    result, probabilities, log_total = kernel.run()
    wide = x.astype("float64")
    expected = wide - wide.max(axis, keepdims=True)
    expected_total = np.log(np.exp(expected).sum(axis, keepdims=True))
    expected -= expected_total
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(probabilities, np.exp(expected), rtol=1e-4)
    np.testing.assert_allclose(log_total, expected_total, rtol=1e-5, atol=1e-6)


def test_what_does_not_vary_is_reduced_as_often_as_it_is_met():
    x = random(6, 1)
    kernel = Writer(6, 40, reduced=(1,))
    kernel.store_row(kernel.reduce("sum", kernel.load(x)))
    np.testing.assert_allclose(kernel.run(), 40 * x, rtol=1e-6)


def test_results_and_their_sum_take_one_pass():
    x = random(40, 70)
    kernel = Writer(40, 70, reduced=(0,))
    squared = kernel.apply(Multiply(), number := kernel.load(x), number)
    kernel.store(squared)
    kernel.store_row(kernel.reduce("sum", squared))
    squares, total = kernel.run()
    np.testing.assert_array_equal(squares, x * x)
    np.testing.assert_allclose(total, (x * x).sum(0, keepdims=True), rtol=1e-5)
    assert str(kernel.kernel).count("for ") == 2


# Any kernel

UNARY = [Negative(), Exp()]
BINARY = [Add(), Subtract(), Multiply()]


@st.composite
def programs(draw):
    """A kernel with random axes, views, operations and reductions, and what it should give."""
    rank = draw(st.integers(1, 4))
    shape = tuple(draw(st.integers(1, 9)) for _ in range(rank))
    shape = (*shape[:-1], draw(st.sampled_from([shape[-1], 17, 40, 400])))
    reduced = tuple(axis for axis in range(rank) if draw(st.booleans()))
    order = draw(st.permutations(range(rank)))
    shape = tuple(shape[axis] for axis in order)
    kernel = Writer(*shape, reduced=reduced)
    values = []  # the number of the instruction, its value

    def view():
        """A broadcast, permuted, sliced, turned part of an array."""
        sizes = [draw(st.sampled_from([size, size, 1])) for size in shape]
        steps = [draw(st.sampled_from([1, 1, 2, -1])) for _ in shape]
        places = draw(st.permutations(range(rank)))
        seed = draw(st.integers(0, 99))
        array = random(*(sizes[axis] * abs(steps[axis]) for axis in places), seed=seed)
        return array.transpose(np.argsort(places))[tuple(slice(None, None, step) for step in steps)]

    for _ in range(draw(st.integers(1, 3))):
        array = view()
        values.append((kernel.load(array), array.astype("float64")))
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["unary", "binary", "sum", "largest", "smallest"]))
        number, value = draw(st.sampled_from(values))
        other, second = draw(st.sampled_from(values))
        if kind == "unary":
            op = draw(st.sampled_from(UNARY))
            bounded = np.clip(value, -20, 20)
            if op == Exp() and not np.array_equal(bounded, value):
                continue
            values.append((kernel.apply(op, number), op.evaluate(value)))
        elif kind == "binary":
            op = draw(st.sampled_from(BINARY))
            values.append((kernel.apply(op, number, other), op.evaluate(value, second)))
        elif reduced:
            full = np.broadcast_to(value, shape)
            values.append((kernel.reduce(kind, number), reduced_by_numpy(kind, full, reduced)))
    expected = []
    for number, value in values[-3:]:
        rows = [1 if axis in reduced else size for axis, size in enumerate(shape)]
        is_row = all(np.shape(value)[axis] == 1 for axis in reduced)
        if is_row and draw(st.booleans()):
            kernel.store_row(number)
            expected.append(np.broadcast_to(value, rows))
        else:
            kernel.store(number)
            expected.append(np.broadcast_to(value, shape))
    return kernel, expected


@settings(max_examples=40, deadline=None)
@given(programs())
def test_random_kernels_give_what_numpy_gives(program):
    kernel, expected = program
    results = kernel.run()
    results = results if isinstance(results, list) else [results]
    for result, value in zip(results, expected, strict=True):
        scale = max(abs(value).max(), 1) * 100
        np.testing.assert_allclose(result, value, rtol=1e-4, atol=1e-6 * scale)


# Describing


def test_axes_walked_through_as_one_become_one():
    a, b = random(4, 5, 6), random(4, 5, 6)
    kernel = Writer(4, 5, 6)
    kernel.store(kernel.apply(Add(), kernel.load(a), kernel.load(b)))
    assert simplified(kernel.kernel).shape == (120,)
    kernel = Writer(4, 5, 6, reduced=(1, 2))
    kernel.store_row(kernel.reduce("sum", kernel.load(a)))
    assert simplified(kernel.kernel).shape == (4, 30)
    assert simplified(kernel.kernel).reduced == (1,)


def test_a_full_reduction_is_not_shared():
    kernel = Writer(1000, reduced=(0,))
    kernel.store_row(kernel.reduce("sum", kernel.load(random(1000))))
    assert not kernel.kernel.is_shareable


def test_a_kernel_is_printed_as_loops():
    kernel = Writer(64, 1000, reduced=(1,))
    number = kernel.load(random(64, 1000))
    shifted = kernel.apply(Subtract(), number, kernel.reduce("largest", number))
    kernel.store(kernel.apply(Exp(), shifted))
    assert str(kernel.kernel) == (
        "for i < 64:\n"
        "    for j < 1000 by 16:\n"
        "        v0 = b0[1000*i + j]  # float32\n"
        "    v1 = largest of v0  # float32\n"
        "    for j < 1000 by 16:\n"
        "        v0 = b0[1000*i + j]  # float32\n"
        "        v2 = Subtract(v0, v1)  # float32\n"
        "        v3 = Exp(v2)  # float32\n"
        "        b1[1000*i + j] = v3"
    )
