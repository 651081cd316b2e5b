"""The kernels of convolutions: every shape, layout, dtype and grouping gives NumPy's numbers."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fathom import ops
from fathom.compiler.convolution import ConvolutionKernel
from fathom.compiler.convolving import Factor, convolving
from fathom.compiler.image_layouts import laid_out, weight_order
from fathom.compiler.kernel import Apply, Body, Instruction, Load, Position, Product, Store
from fathom.compiler.lower import lower
from fathom.compiler.margins import with_margins
from fathom.compiler.parts import ConvolutionWeightGradientInParts, parts_of
from fathom.compiler.target import host
from fathom.graph import Graph, Input, Vertex
from fathom.ops import (
    Convolution,
    ConvolutionInputGradient,
    ConvolutionWeightGradient,
    Place,
    Spec,
)

from .native import access, run, unset

INT64 = np.dtype("int64")


def images_last(values):
    """A copy whose channels lie side by side."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(values, 1, -1)), -1, 1)


def weights_last(values):
    """A copy whose output channels lie side by side, then its input channels."""
    moved = np.ascontiguousarray(np.moveaxis(values, (0, 1), (-1, -2)))
    return np.moveaxis(moved, (-1, -2), (0, 1))


def plain(values):
    """A copy that lies row by row."""
    return np.ascontiguousarray(values)


def factor(number, values):
    return Factor(access(number, values), values.shape)


def product_only(dtype, stored):
    return Body((Instruction(Product(), dtype),), (Store(0, stored),))


def native(op, first, second, threads=1, body=None, extra=(), layout=None):
    """What the kernels of an operation give, and the kernels.

    Args:
        op: the operation, as users know it: with its padding.
        first, second: its operands, as they lie.
        body: makes the body, of the access to the result; the plain product if not given.
        extra: further buffers of the body.
        layout: lays the result out; by default like images, or weights, of convolutions.
    """
    expected = op.infer(Spec(first.shape, first.dtype), Spec(second.shape, second.dtype))
    inner, first, second = padded(op, first, second)
    if layout is None:
        layout = weights_last if isinstance(op, ConvolutionWeightGradient) else images_last
    result = layout(unset(expected.shape, expected.dtype))
    operands = (first, second, result, *extra)
    stored = access(2, result)
    bodies = body(stored) if body else product_only(result.dtype, stored)
    kernels = list(
        convolving(
            tuple(operand.dtype for operand in operands),
            inner,
            factor(0, first),
            factor(1, second),
            bodies,
        )
    )
    memory = result
    for kernel in kernels:
        _, _, memory, *_ = run(kernel, first, second, result, *extra, threads=threads)
        whole = result
        while whole.base is not None:
            whole = whole.base
        whole[...] = memory.reshape(whole.shape)
    return result, kernels


def padded(op, first, second):
    """The operation inside the margins that the compiler gives its first operand."""
    if isinstance(op, ConvolutionWeightGradientInParts):
        return op, first, second
    inputs = [Input(Spec(values.shape, values.dtype)) for values in (first, second)]
    spec = op.infer(*(vertex.spec for vertex in inputs))
    (output,) = with_margins(Graph(inputs, [Vertex(op, tuple(inputs), spec, "")])).outputs
    placed = output.operands[0].op
    if isinstance(placed, Place):
        first = like(placed.evaluate(first), first)
    return output.op, first, second


def like(values, model):
    """A copy whose axes lie in the order of the model's."""
    order = sorted(range(values.ndim), key=lambda axis: -model.strides[axis])
    return np.ascontiguousarray(values.transpose(order)).transpose(np.argsort(order))


def operands_of(kind, convolution, x, weight, seed=0):
    """An operation, and its operands in the layouts that the compiler gives them."""
    spec = convolution.infer(Spec(x.shape, x.dtype), Spec(weight.shape, weight.dtype))
    grad = np.random.default_rng(seed).normal(size=spec.shape).astype(x.dtype)
    match kind:
        case "forward":
            return convolution, images_last(x), weights_last(weight)
        case "input gradient":
            op = ConvolutionInputGradient(convolution, x.shape[2:])
            return op, images_last(grad), weights_last(weight)
    op = ConvolutionWeightGradient(convolution, weight.shape[2:])
    return op, images_last(x), images_last(grad)


KINDS = ("forward", "input gradient", "weight gradient")


def check(kind, convolution, x, weight, threads=1):
    op, first, second = operands_of(kind, convolution, x, weight)
    result, kernels = native(op, first, second, threads)
    expected = op.evaluate(first, second)
    tolerance = {4: 3e-5, 8: 1e-13}[x.itemsize] * max(np.abs(expected).max(initial=0), 1)
    np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance * 4)
    return kernels


def random(shape, channels, kernel, groups=1, dtype="float32"):
    """Images, and a weight of so many output channels."""
    generator = np.random.default_rng(1)
    x = generator.normal(size=shape).astype(dtype)
    weight = generator.normal(size=(channels, shape[1] // groups, *kernel)).astype(dtype)
    return x, weight


def convolution(rank=2, stride=1, padding=0, dilation=1, groups=1):
    return Convolution((stride,) * rank, ((padding, padding),) * rank, (dilation,) * rank, groups)


@st.composite
def problems(draw):
    """A convolution with images and a weight that fit it."""
    rank = draw(st.sampled_from([1, 2, 2, 2, 3]))
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    channels = groups * draw(st.sampled_from([1, 1, 2, 5]))
    outputs = groups * draw(st.sampled_from([1, 1, 2, 17]))
    small = st.integers(1, 3)
    kernel = tuple(draw(small) for _ in range(rank))
    stride = tuple(draw(small) for _ in range(rank))
    dilation = tuple(draw(small) for _ in range(rank))
    padding = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(rank))
    sizes = tuple(
        max(step * (size - 1) + 1 - sum(around), 1) + draw(st.integers(0, 6))
        for size, step, around in zip(kernel, dilation, padding, strict=True)
    )
    batch = draw(st.integers(0, 3))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    x, weight = random((batch, channels, *sizes), outputs, kernel, groups, dtype)
    return Convolution(stride, padding, dilation, groups), x, weight


@settings(max_examples=25, deadline=None, derandomize=True)
@given(problem=problems(), kind=st.sampled_from(KINDS), threads=st.integers(1, 2))
def test_gives_the_numbers_of_random_problems(problem, kind, threads):
    check(kind, *problem, threads)


PATHS = {
    "first layer": (convolution(padding=1), (2, 1, 9, 28), 32, (3, 3)),
    "color images": (convolution(stride=2, padding=3), (1, 3, 19, 20), 18, (7, 7)),
    "long rows": (convolution(padding=1), (2, 6, 5, 33), 40, (3, 3)),
    "small images": (convolution(padding=1), (3, 20, 4, 4), 33, (3, 3)),
    "strided": (convolution(stride=2, padding=1), (2, 18, 9, 8), 20, (3, 3)),
    "single places": (convolution(), (2, 20, 5, 6), 34, (1, 1)),
    "groups": (convolution(padding=1, groups=3), (2, 12, 6, 5), 51, (3, 3)),
    "depthwise": (convolution(padding=1, groups=37), (2, 37, 7, 20), 37, (3, 3)),
    "depthwise, strided": (convolution(stride=2, padding=1, groups=20), (2, 20, 7, 9), 20, (3, 3)),
    "several kernels for each channel": (convolution(groups=5), (2, 5, 6, 6), 10, (3, 2)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", PATHS)
def test_every_number_of_threads_gives_the_same_bits(path, kind):
    op, shape, channels, kernel = PATHS[path]
    x, weight = random(shape, channels, kernel, op.groups)
    check(kind, op, x, weight, 2)
    results = [native(*operands_of(kind, op, x, weight), threads)[0] for threads in (1, 2)]
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


@pytest.mark.parametrize("kind", KINDS)
def test_operands_may_lie_row_by_row(kind):
    op, first, second = operands_of(kind, convolution(padding=1), *random((2, 5, 6, 7), 9, (3, 3)))
    result, _ = native(op, plain(first), plain(second), layout=plain)
    np.testing.assert_allclose(result, op.evaluate(first, second), atol=1e-4)


def test_long_sums_are_added_up_in_parts():
    op, *operands = operands_of(
        "weight gradient", convolution(padding=1), *random((24, 40, 28, 28), 36, (3, 3))
    )
    result, (kernel,) = native(op, *operands, threads=2)
    assert kernel.tiling(host()).chunk < 24
    np.testing.assert_allclose(result, op.evaluate(*operands), atol=1e-2)


@pytest.mark.parametrize(("channels", "groups"), [(10, 1), (20, 20)])
def test_parts_of_a_batch_give_gradients_of_their_own(channels, groups):
    given = convolution(groups=groups)
    whole, x, grad = operands_of(
        "weight gradient", given, *random((8, channels, 18, 18), 20, (3, 3), groups)
    )
    assert parts_of(whole, x.shape, grad.shape) == 4
    op = ConvolutionWeightGradientInParts(whole, 4)
    result, _ = native(op, x, grad, 2, layout=parts_beside_channels)
    np.testing.assert_allclose(result, op.evaluate(x, grad), atol=1e-3)
    np.testing.assert_allclose(result.sum(0), whole.evaluate(x, grad), atol=1e-3)


def parts_beside_channels(values):
    """A copy over (parts, O, C, *kernel) whose parts lie next to its output channels."""
    moved = np.ascontiguousarray(np.moveaxis(values, (2, 0, 1), (-3, -2, -1)))
    return np.moveaxis(moved, (-3, -2, -1), (2, 0, 1))


def test_nothing_is_copied_between_convolutions():
    specs = [
        Spec(shape, np.dtype("float32")) for shape in ((2, 1, 9, 9), (20, 1, 3, 3), (7, 20, 3, 3))
    ]
    x, first, second = map(Input, specs)
    spec = convolution(padding=1).infer(x.spec, first.spec)
    hidden = Vertex(convolution(padding=1), (x, first), spec, "")
    active = Vertex(ops.Relu(), (hidden,), spec, "")
    spec = convolution(padding=1).infer(active.spec, second.spec)
    output = Vertex(convolution(padding=1), (active, second), spec, "")
    total = Vertex(ops.Sum((0, 2, 3)), (output,), Spec((7,), spec.dtype), "")
    weights = {
        weight: laid_out(weight.shape, weight_order(convolution(), 4)) for weight in (first, second)
    }
    plan = lower(Graph([x, first, second], [total]), weights, {})
    sums = [step for step in plan.steps if isinstance(step.kernel, ConvolutionKernel)]
    assert len(sums) == 2
    assert all(step.kernel.first.strides[-2] == 1 for step in sums)
    # Beside them: the zeros around each image, the copy of the first one, and the sum.
    others = [step for step in plan.steps if step not in sums]
    assert len([step for step in others if len(step.operands) > 1]) == 2


def test_a_kernel_of_one_place_is_a_matrix_product():
    (kernel,) = check("forward", convolution(), *random((2, 5, 6, 7), 9, (1, 1)))
    assert not isinstance(kernel, ConvolutionKernel)
    assert (kernel.rows, kernel.inner, kernel.columns) == (84, 5, 9)


def test_a_stride_gives_the_input_gradient_a_kernel_for_each_kind_of_place():
    kernels = check("input gradient", convolution(stride=2), *random((1, 3, 9, 9), 4, (3, 3)))
    assert len(kernels) == 4


def bodies(bias, residual, dtype, long):
    """relu(product + bias + residual) + where the channel is, at the second axis."""

    def make(stored):
        instructions = [
            Instruction(Product(), dtype),
            Instruction(Load(bias), dtype),
            Instruction(Apply(ops.Add(), (0, 1)), dtype),
            Instruction(Load(residual), dtype),
            Instruction(Apply(ops.Add(), (2, 3)), dtype),
            Instruction(Apply(ops.Relu(), (4,)), dtype),
            Instruction(Position(1, 2, 5), INT64),
            Instruction(Position(3, 100, 0), INT64),
            Instruction(Apply(ops.Add(), (6, 7)), INT64),
            Instruction(Apply(ops.Cast(dtype), (8,)), dtype),
            Instruction(Apply(ops.Add(), (5, 9)), dtype),
        ]
        for _ in range(60 if long else 0):
            last = len(instructions) - 1
            instructions.append(Instruction(Apply(ops.Negative(), (last,)), dtype))
        return Body(tuple(instructions), (Store(len(instructions) - 1, stored),))

    return make


@pytest.mark.parametrize(
    ("kind", "stride", "groups", "long"),
    list(product(("forward", "input gradient"), (1, 2), (1, 2), (False, True))),
)
def test_the_body_runs_at_every_place(kind, stride, groups, long):
    given = convolution(stride=stride, padding=1, groups=groups)
    x, weight = random((2, 6, 7, 5), 36, (3, 3), groups)
    op, first, second = operands_of(kind, given, x, weight)
    expected = op.evaluate(first, second)
    channels = expected.shape[1]
    bias = np.linspace(-1, 1, channels, dtype="float32")
    spread = np.broadcast_to(bias[:, None, None], expected.shape)
    residual = images_last(
        np.cos(np.arange(expected.size, dtype="float32")).reshape(expected.shape)
    )
    body = bodies(access(3, spread), access(4, residual), x.dtype, long)
    result, _ = native(op, first, second, 2, body, (bias, residual))
    places = 2 * np.arange(channels)[:, None, None] + 5 + 100 * np.arange(expected.shape[3])
    np.testing.assert_allclose(
        result, np.maximum(expected + spread + residual, 0) + places, atol=1e-3
    )


def test_prints_its_sums():
    (kernel,) = check("forward", convolution(), *random((2, 5, 9, 7), 20, (3, 3)))
    assert kernel.operations == 2 * 2 * 20 * 7 * 5 * 5 * 9
    lines = str(kernel).splitlines()
    assert lines[0].startswith("for i < 1, j < 2, k < 7, l < 5, m < 20:  # tiles of ")
    assert lines[1].startswith("    product = sum over n < 3, o < 15 of b0[")
    assert lines[-1] == "    b2[700*j + 100*k + 20*l + m] = v0"
