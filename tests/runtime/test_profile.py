"""Where the time of a compiled function goes."""

import numpy as np
import pytest

import fathom
from fathom import nn
from fathom.errors import ArgumentError
from fathom.nn import functional as F

layer = nn.Linear(64, 32)
optimizer = fathom.optim.SGD(layer.parameters(), lr=0.01)


@fathom.compile
def step(x, y):
    optimizer.zero_grad()
    loss = F.mse_loss(fathom.relu(layer(x)), y)
    loss.backward()
    optimizer.step()
    return loss


@pytest.fixture(scope="module")
def profile():
    return step.profile(fathom.randn(48, 64), fathom.randn(48, 32), repetitions=5)


def test_every_step_is_timed_and_counted(profile):
    assert all(measured.seconds > 0 for measured in profile.steps)
    assert sum(measured.share for measured in profile.steps) == pytest.approx(1)
    assert profile.call > 0
    assert profile.repetitions == 5
    products = [m for m in profile.steps if m.outlined.title.startswith("product")]
    assert products[0].operations == 2 * 48 * 64 * 32
    assert products[0].bytes >= 4 * (48 * 64 + 64 * 32 + 48 * 32)
    for measured in profile.steps:
        assert 1 <= measured.threads <= fathom.get_num_threads()
        assert measured.least >= 0


def test_the_table_shows_rates_and_the_users_code(profile):
    text = str(profile)
    assert text.startswith("step, median of 5 calls\n")
    assert "GFLOP/s" in text
    assert "loss = F.mse_loss(fathom.relu(layer(x)), y)" in text
    assert "optimizer.step()" in text
    assert str(profile.peak) in text


def test_profiling_calls_the_function():
    count = fathom.zeros(1)

    @fathom.compile
    def add():
        count.add_(1)

    add.profile(repetitions=3)
    called = count.item()
    assert called == 2 + 2 * 3
    add()
    assert count.item() == called + 1


def test_call_backs_are_timed():
    @fathom.compile
    def inverted(x):
        return (fathom.linalg.inv(x) * 2).exp()

    profile = inverted.profile(fathom.eye(20), repetitions=3)
    (called,) = [m for m in profile.steps if m.outlined.kernel is None]
    assert called.seconds > 0
    assert called.operations == 0
    assert "by NumPy" in str(profile)
    np.testing.assert_allclose(inverted(fathom.eye(3)).numpy(), np.exp(2 * np.eye(3)), rtol=1e-6)


def test_functions_without_steps_have_a_profile():
    unchanged = fathom.compile(lambda x: x)
    assert "a call" in str(unchanged.profile(fathom.ones(3), repetitions=2))


def test_a_profile_needs_a_repetition():
    with pytest.raises(ArgumentError, match="one repetition or more, got 0"):
        step.profile(fathom.randn(48, 64), fathom.randn(48, 32), repetitions=0)
