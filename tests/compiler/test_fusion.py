"""What becomes one kernel, what is written in place, and where threads meet."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fathom
import fathom.compiler.schedule
import fathom.nn.functional as F
from fathom import nn
from fathom.compiler.matmul import MatMulKernel
from fathom.compiler.plan import Plan, Step
from fathom.graph.recorder import record
from fathom.runtime.compiled_program import CompiledProgram


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch):
    monkeypatch.setattr(fathom.compiler.schedule, "WORTH_SHARING", 0)
    before = fathom.get_num_threads()
    fathom.set_num_threads(2)
    yield
    fathom.set_num_threads(before)


def plan_of(function: Callable[..., Any], *arguments: Any) -> Plan:
    return CompiledProgram(record(function, arguments, {})).native.plan


def products(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if isinstance(step.kernel, MatMulKernel)]


x = fathom.arange(24.0).reshape(4, 6)
LARGE = fathom.ones(64, 48)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: fathom.tanh(x * 2 + 1) - x,
        lambda x: F.gelu(x).sum(),
        lambda x: F.softmax(x, -1),
        lambda x: F.log_softmax(x, 0),
        lambda x: F.layer_norm(x, x.shape[-1:]),
        lambda x: (fathom.sin(x), fathom.sin(x) * x),
        lambda x: x.T.flip(0)[1:] * 2,
        lambda x: x / x.norm(dim=1, keepdim=True),
        lambda x: x @ x.T,
    ],
    ids=[
        "elementwise",
        "reduced",
        "softmax",
        "log-softmax of columns",
        "layer norm",
        "two results",
        "movements",
        "normalized",
        "product",
    ],
)
def test_one_kernel(function):
    assert len(plan_of(function, x).steps) == 1


def test_movements_alone_are_one_copy():
    plan = plan_of(lambda x: x.T.reshape(2, 2, 6)[..., ::2].transpose(0, 1), x)
    assert len(plan.steps) <= 2


def test_a_product_takes_bias_and_activation_in():
    layer = nn.Linear(48, 32)
    (step,) = plan_of(lambda x: F.relu(layer(x)) * 2, LARGE).steps
    assert isinstance(step.kernel, MatMulKernel)


def test_an_optimizer_updates_within_the_product_that_gives_the_gradient():
    layer = nn.Linear(48, 32, bias=False)
    optimizer = fathom.optim.Adam(layer.parameters())

    def step(x):
        optimizer.zero_grad()
        layer(x).sin().sum().backward()
        optimizer.step()

    plan = plan_of(step, LARGE)
    updated = {buffer for buffer in plan.inputs if buffer.size == 48 * 32}
    assert len(updated) == 3  # the weight and two moments
    (writer,) = (step for step in plan.steps if {b.root for b in step.written} & updated)
    assert {b.root for b in writer.written} >= updated
    assert isinstance(writer.kernel, MatMulKernel)


def test_a_small_classifier_trains_in_few_kernels():
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = fathom.optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    plan = plan_of(step, fathom.ones(16, 784), fathom.arange(16) % 10)
    assert len(products(plan)) == 5  # two forward, three backward
    assert len(plan.steps) <= 12


def test_readers_of_one_value_do_not_wait_for_each_other():
    plan = plan_of(lambda x: (fathom.tanh(x @ x.T).sum(), fathom.tanh(x @ x.T) @ x), LARGE)
    assert len(products(plan)) == 2


def test_state_is_written_in_place():
    state = fathom.ones(5, 7)

    def step(x):
        with fathom.no_grad():
            state.mul_(0.5).add_(x)

    plan = plan_of(step, fathom.ones(5, 7))
    assert len(plan.steps) == 1
    assert all(output.shared_with in plan.inputs for output in plan.outputs)


def test_state_is_copied_at_the_end_where_its_old_value_is_still_read():
    state = fathom.arange(12.0).reshape(3, 4).clone()

    def step():
        old = state.clone()
        with fathom.no_grad():
            state.copy_(fathom.flip(state, [0, 1]) + 1)
        return old.cumsum(0)

    expected = state.numpy().copy()
    plan = plan_of(step)
    assert any(output.shared_with is None for output in plan.outputs)
    found = fathom.compile(step)()
    np.testing.assert_array_equal(found.numpy(), expected.cumsum(0))
    np.testing.assert_array_equal(state.numpy(), expected[::-1, ::-1] + 1)


def test_threads_meet_before_what_they_wrote_is_read():
    plan = plan_of(lambda x: fathom.tanh(x @ x.T) @ x, LARGE)
    first, second = plan.steps
    assert first.is_shared
    assert second.is_shared
    assert second.waits


def test_threads_do_not_meet_where_nothing_is_shared():
    plan = plan_of(lambda x, y: (fathom.tanh(x), y.amax(1)), LARGE, 2 * LARGE)
    assert [step.waits for step in plan.steps] == [False, False]


def test_one_thread_meets_nobody():
    fathom.set_num_threads(1)
    plan = plan_of(lambda x: fathom.tanh(x @ x.T) @ x, LARGE)
    assert not any(step.is_shared or step.waits for step in plan.steps)


def test_results_stay_when_the_number_of_threads_changes():
    function = fathom.compile(lambda x: fathom.tanh(x @ x.T / 100) @ x)
    found = []
    for threads in (2, 5, 1, 3):
        fathom.set_num_threads(threads)
        found.append(function(LARGE).numpy())
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)
