"""Pooling, padding and resizing as kernels, on images that lie in any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fathom
import fathom.nn.functional as F
from fathom.compiler.image_layouts import channels_last
from fathom.compiler.loops import LoopKernel

from .plans import check, plan_of, with_gradient

ORDERS = st.sampled_from([None, channels_last(4)])
DTYPES = st.sampled_from([np.float32, np.float64])


def images(shape, dtype=np.float32, seed=0):
    # Few different numbers, so that there are ties.
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(dtype)


def check_with_gradient(function, x, order=None, tolerance=0.0):
    result = function(fathom.tensor(x))
    weight = images(result.shape, x.dtype, seed=1)
    return check(with_gradient(function), x, weight, order=order, tolerance=tolerance)


@st.composite
def windows(draw):
    """Arguments of pooling, and sizes of images that they fit."""
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 4)))
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 3)))
    padding = tuple(draw(st.integers(0, size // 2)) for size in kernel)
    sizes = tuple(size + draw(st.integers(0, 6)) for size in kernel)
    return {"kernel_size": kernel, "stride": stride, "padding": padding}, sizes


@given(windows(), st.integers(1, 20), ORDERS, DTYPES, st.booleans())
@settings(max_examples=10, deadline=None)
def test_max_pooling(case, channels, order, dtype, ceil_mode):
    options, sizes = case
    x = images((2, channels, *sizes), dtype)
    check_with_gradient(lambda x: F.max_pool2d(x, **options, ceil_mode=ceil_mode), x, order)


@given(windows(), st.integers(1, 20), ORDERS, DTYPES, st.booleans())
@settings(max_examples=8, deadline=None)
def test_average_pooling(case, channels, order, dtype, counted):
    options, sizes = case
    x = images((2, channels, *sizes), dtype)

    def pooled(x):
        return F.avg_pool2d(x, **options, count_include_pad=counted)

    check_with_gradient(pooled, x, order, tolerance=1e-6)


def test_windows_with_gaps():
    check_with_gradient(lambda x: F.max_pool2d(x, 2, 3, dilation=2), images((2, 3, 8, 7)))


@pytest.mark.parametrize("function", [F.max_pool1d, F.avg_pool1d])
def test_sequences(function):
    check_with_gradient(lambda x: function(x, 3, 2, 1), images((2, 5, 11)), tolerance=1e-6)


def test_volumes():
    check_with_gradient(lambda x: F.max_pool3d(x, 2), images((2, 3, 4, 6, 4)))


@pytest.mark.parametrize("fill", [np.nan, -np.inf])
def test_windows_of_odd_numbers(fill):
    x = images((2, 3, 6, 6))
    x[:, 1] = fill
    x[0, 0, ::3, ::2] = fill
    check_with_gradient(lambda x: F.max_pool2d(x, 3, 2, 1), x)


def test_integers_and_places():
    x = images((2, 3, 6, 7), np.int64)
    check(lambda x: F.max_pool2d(x, 2, padding=1, return_indices=True), x)


def test_the_gradient_is_closed_under_differentiation():
    def curvature(x, weight):
        (gradient,) = fathom.autograd.grad(
            F.max_pool2d(x * x * x, 2), [x], weight.detach(), create_graph=True
        )
        return fathom.autograd.grad(gradient.sum(), [x])

    check(curvature, images((1, 2, 4, 6)), images((1, 2, 2, 3), seed=1))


@pytest.mark.parametrize("order", [None, channels_last(4)])
def test_pooling_of_positive_elements(order):
    def pooled(x):
        return F.max_pool2d(F.relu(x * 2 - 1), 2)

    check_with_gradient(pooled, images((2, 16, 8, 8)), order)


def test_the_largest_and_its_place_are_found_in_one_pass():
    x = images((2, 16, 8, 8))

    def pooled(x, weight):
        result = F.max_pool2d(F.relu(x), 2)
        (gradient,) = fathom.autograd.grad(result * result.exp(), [x], weight.detach())
        return result, gradient

    plan, *_ = plan_of(pooled, x, images((2, 16, 4, 4)), order=channels_last(4))
    assert len(plan.steps) <= 2
    assert all(isinstance(step.kernel, LoopKernel) for step in plan.steps)


@pytest.mark.parametrize("size", [1, 2, 3, (5, 4), (None, 3)])
@pytest.mark.parametrize("function", [F.adaptive_avg_pool2d, F.adaptive_max_pool2d])
def test_adaptive_pooling(function, size):
    x = images((2, 3, 6, 8))
    check_with_gradient(lambda x: function(x, size), x, tolerance=1e-5)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_padding(mode):
    check_with_gradient(lambda x: F.pad(x, (1, 2, 3, 0), mode=mode), images((2, 3, 5, 4)))


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic", "area"])
@pytest.mark.parametrize("factor", [2, 1.5])
def test_resizing(mode, factor):
    def resized(x):
        return F.interpolate(x, scale_factor=factor, mode=mode)

    check_with_gradient(resized, images((2, 3, 5, 4)), tolerance=1e-5)
