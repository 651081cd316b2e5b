"""Native programs: errors, constants, call-backs, and numbers at the edges."""

import re

import numpy as np
import pytest
from compiler.watched import watched

import fathom
import fathom.nn.functional as F
from fathom.errors import IndexOutOfRange
from fathom.graph.recorder import record
from fathom.runtime.program import NativeProgram


def native(function, *arguments) -> tuple[NativeProgram, list[np.ndarray]]:
    """A function of tensors as a program, and the arrays of its inputs."""
    recording = record(function, arguments, {})
    arrays = [next(place.tensors(arguments))._node.value for place in recording.inputs]
    return NativeProgram(recording.graph, {}, {}), arrays


def test_a_program_runs_again_and_again_on_other_arrays():
    program, _ = native(lambda x: x * 2 + 1, fathom.ones(5))
    for start in range(3):
        array = np.arange(start, start + 5, dtype=np.float32)
        (result,) = program.run([array])
        np.testing.assert_array_equal(result, 2 * array + 1)


def test_an_index_out_of_range_names_operation_line_and_index():
    take = fathom.compile(lambda x, i: x.index_select(0, i))
    x = fathom.arange(4.0)
    with pytest.raises(IndexOutOfRange, match=r"Index.*test_program\.py:\d+.*index 7 .*4 elements"):
        take(x, fathom.tensor([0, 7, 2]))
    assert take(x, fathom.tensor([0, 3, 2])).tolist() == [0, 3, 2]


@pytest.mark.parametrize(
    "function",
    [
        lambda x, i: x[i],
        lambda x, i: x.gather(0, i),
        lambda x, i: F.embedding(i, x[:, None]),
        lambda x, i: x.index_add(0, i, x[: i.shape[0]]),
        lambda x, i: x.scatter(0, i, 1.0),
        lambda x, i: F.cross_entropy(x[None].expand(i.shape[0], -1), i),
    ],
)
@pytest.mark.parametrize("wrong", [4, -5, 2**40, -(2**62)])
def test_no_index_reaches_beyond_its_buffer(function, wrong):
    with watched(), pytest.raises(IndexError, match=re.escape(str(wrong))):
        fathom.compile(function)(fathom.arange(4.0), fathom.tensor([0, wrong]))


def test_programs_bring_their_constants():
    table = np.arange(7.0)

    def function(x):
        return x + fathom.tensor(table)

    compiled = fathom.compile(function)
    assert compiled(fathom.zeros(7, dtype=fathom.float64)).tolist() == table.tolist()
    assert compiled(fathom.ones(7, dtype=fathom.float64)).tolist() == (table + 1).tolist()


def test_call_backs_run_between_kernels():
    def function(x):
        square = fathom.tanh(x @ x.T) + fathom.eye(3, dtype=x.dtype) * 4
        return fathom.linalg.inv(fathom.linalg.inv(square) * 2) * 2 - square

    x = fathom.rand(3, 5, dtype=fathom.float64)
    program, arrays = native(function, x)
    assert [step.kernel is None for step in program.plan.steps].count(True) == 2
    (result,) = program.run(arrays)
    np.testing.assert_allclose(result, 0, atol=1e-9)


def test_an_exception_in_a_call_back_is_that_of_eager_mode():
    singular = fathom.zeros(3, 3)
    with pytest.raises(Exception) as eager:  # noqa: PT011
        fathom.linalg.inv(singular + 0)
    with pytest.raises(type(eager.value)):
        fathom.compile(lambda x: fathom.linalg.inv(x + 0))(singular)


def test_a_write_beside_a_buffer_would_be_noticed():
    program, arrays = native(lambda x: x * 2, fathom.ones(100))
    (output,) = program.plan.outputs
    output.size -= 1
    with watched(), pytest.raises(AssertionError, match="written beside"):
        program.run(arrays)


EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e30, -1e30, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "function",
    [
        fathom.add,
        fathom.sub,
        fathom.mul,
        fathom.div,
        fathom.fmod,
        fathom.remainder,
        fathom.floor_divide,
        fathom.pow,
        fathom.atan2,
        fathom.copysign,
        fathom.hypot,
        lambda a, b: (a > b, a >= b, a == b, a != b, a < b, a <= b),
        lambda a, b: fathom.where(a > b, a, b),
        lambda a, b: (a.sign(), b.abs(), -a, a.round(), a.floor(), b.ceil(), b.trunc()),
        lambda a, b: (a.sqrt(), b.log(), a.exp(), a.tanh(), b.sigmoid(), b.rsqrt()),
        lambda a, b: (a.isnan(), a.isinf(), a.isfinite(), a.signbit(), a.to(fathom.bool)),
        lambda a, b: (F.gelu(a), F.softplus(b), F.silu(a), F.elu(a)),
        lambda a, b: (a.amax(0), a.amin(1), a.sum(0), a.argmax(0), b.argmin(1)),
        lambda a, b: (a.expand(11, 11).cummax(1).values, b.sort(0).values),
        lambda a, b: (F.softmax(a, 0), F.log_softmax(b, 1), a.logsumexp(0)),
        lambda a, b: (a.expand(11, 11) @ b.expand(11, 11), a @ b, b.T @ b.T.T),
    ],
)
def test_edges_are_those_of_eager_mode(function, dtype):
    for one, other in at_edges(function, dtype):
        np.testing.assert_array_equal(np.signbit(other[one == 0]), np.signbit(one[one == 0]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "function",
    [
        fathom.maximum,
        fathom.minimum,
        lambda a, b: (a.clamp(-1, 1), b.clamp(min=0), a.relu(), F.relu6(b), F.hardtanh(a)),
    ],
)
def test_which_zero_is_larger_is_left_open(function, dtype):
    at_edges(function, dtype)


def at_edges(function, dtype):
    """Pairs of what a function gives eagerly and compiled, found to be equal."""
    a = fathom.tensor(np.array(EDGES, dtype)[:, None])
    b = fathom.tensor(np.array(EDGES, dtype)[None])
    expected, found = (
        [one.numpy() for one in (given if isinstance(given, tuple) else [given])]
        for given in (function(a, b), fathom.compile(function)(a, b))
    )
    pairs = list(zip(expected, found, strict=True))
    for one, other in pairs:
        assert one.dtype == other.dtype
        tolerance = 1e-6 if dtype == "float32" else 1e-13
        np.testing.assert_allclose(other, one, rtol=tolerance, atol=tolerance / 10)
    return [pair for pair in pairs if pair[0].dtype.kind == "f"]


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
def test_integers_wrap_around_as_in_eager_mode(dtype):
    limits = np.iinfo(dtype)
    values = np.array([limits.min, limits.min + 1, 0, 1, 3, limits.max - 1, limits.max], dtype)
    a, b = fathom.tensor(values[:, None]), fathom.tensor(values[None])

    def function(a, b):
        divisor = fathom.where(b == 0, fathom.ones_like(b), b)
        return [
            *(a + b, a - b, a * b, -a, a.abs(), a.square(), a.sum(0), (a * b).sum()),
            *(a // divisor, a % divisor, a & b, a | b, a ^ b, ~a, a << 1, a >> 1, a > b),
            *(a.to(fathom.int8), a.to(fathom.uint8), a.to(fathom.float32), a.to(fathom.bool)),
            *(a.cumsum(0), a.amax(0), b.argmin(1), a.expand(7, 7) @ b.expand(7, 7)),
        ]

    with np.errstate(all="ignore"):
        expected = function(a, b)
    for one, other in zip(expected, fathom.compile(function)(a, b), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(other.numpy(), one.numpy())
