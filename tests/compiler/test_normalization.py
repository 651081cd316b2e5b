"""Normalization as kernels: few passes over memory, and sums that no number of threads changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fathom
import fathom.nn.functional as F
from fathom import nn
from fathom.compiler.image_layouts import channels_last
from fathom.ops import Variance

from .plans import check, plan_of, results_of, with_gradient

ORDERS = [None, channels_last(4)]


def images(shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def batch_norm(x):
    return F.batch_norm(x, None, None, training=True)


@given(
    st.tuples(st.integers(2, 20), st.integers(1, 20), st.integers(1, 20), st.integers(1, 9)),
    st.sampled_from(ORDERS),
)
@settings(max_examples=8, deadline=None)
def test_batch_normalization(shape, order):
    function = with_gradient(batch_norm)
    check(function, images(shape), images(shape, seed=1), order=order, tolerance=1e-8)


@pytest.mark.parametrize("order", ORDERS)
def test_weights_and_what_follows(order):
    weight, bias = (fathom.tensor(images(5, seed=seed)) for seed in (2, 3))

    def function(x):
        return F.relu(F.batch_norm(x, None, None, weight, bias, training=True))

    shape = (20, 5, 12, 12)
    check(
        with_gradient(function), images(shape), images(shape, seed=1), order=order, tolerance=1e-8
    )


@pytest.mark.parametrize("order", ORDERS)
def test_a_training_step_reads_its_images_few_times(order):
    shape = (16, 32, 28, 28)
    x, weight = images(shape, np.float32), images(shape, np.float32, seed=1)
    module = nn.BatchNorm2d(32)

    def step(x, weight):
        result = F.relu(module(x))
        return result, *fathom.autograd.grad(result, [x, *module.parameters()], weight.detach())

    plan, *_ = plan_of(step, x, weight, order=order)
    size = x.size
    # Sums; the result with the sums of the gradient; the gradient.
    passes = [s for s in plan.steps if any(buffer.size == size for buffer in s.operands)]
    of_all = [s for s in passes if s.kernel.operations >= size]
    assert len(of_all) <= 3


@pytest.mark.parametrize("mean", [0, 1e3, -1e4])
def test_the_variance_is_exact_far_from_zero(mean):
    x = (images((32, 4, 16, 16)) + mean).astype(np.float32)
    x[0] += 50  # a part whose mean is far from the others'
    plan, *_ = plan_of(lambda x: x.var((0, 2, 3), correction=0), x)
    direct = x.astype(np.float64).var((0, 2, 3))
    np.testing.assert_allclose(results_of(plan, [x])[0], direct, rtol=1e-4)

    def spread(x):
        return Variance((0, 2, 3))(x)

    plan, *_ = plan_of(spread, x)
    np.testing.assert_allclose(results_of(plan, [x])[0], direct, rtol=1e-4)


def test_evaluation_is_one_kernel():
    module = nn.BatchNorm2d(8).eval()

    def evaluated(x):
        with fathom.no_grad():
            return F.relu(module(x))

    plan, *_ = plan_of(evaluated, images((4, 8, 6, 6), np.float32))
    assert len([step for step in plan.steps if step.kernel.work > 16]) == 1


@pytest.mark.parametrize(
    "function",
    [
        F.instance_norm,
        lambda x: F.group_norm(x, 2),
        lambda x: F.layer_norm(x, (5, 6)),
        lambda x: F.local_response_norm(x, 3),
    ],
)
@pytest.mark.parametrize("order", ORDERS)
def test_other_normalization(function, order):
    shape = (3, 4, 5, 6)
    check(
        with_gradient(function), images(shape), images(shape, seed=1), order=order, tolerance=1e-8
    )
