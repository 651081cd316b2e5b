"""Compiled functions under stress: many threads, forks, interruptions, and very many steps."""

import gc
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import fathom
import fathom.compiler.schedule
from fathom.nn.functional import cross_entropy, mse_loss
from fathom.tensor import Tensor


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(fathom.compiler.schedule, "WORTH_SHARING", 0)
    before = fathom.get_num_threads()
    fathom.set_num_threads(2)
    yield
    fathom.set_num_threads(before)


def training(seed: int, *, is_compiled: bool) -> tuple[fathom.nn.Module, Callable[[], Tensor]]:
    """A small classifier, and a step that trains it always with the same batch."""
    fathom.manual_seed(seed)
    model = fathom.nn.Sequential(
        fathom.nn.Linear(20, 33), fathom.nn.Tanh(), fathom.nn.Linear(33, 5)
    )
    optimizer = fathom.optim.Adam(model.parameters(), lr=0.01)
    x, y = fathom.randn(17, 20), fathom.arange(17) % 5

    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    compiled = fathom.compile(step) if is_compiled else step
    return model, lambda: compiled(x, y)


def at_once(*works: Callable[[], object]) -> None:
    """Run functions in threads of their own, and raise what they raise."""
    raised: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def repeated(work: Callable[[], object], times: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            work()

    return run


def test_many_threads_train_models_of_their_own() -> None:
    steps, threads = 20, 4
    compiled = [training(seed, is_compiled=True) for seed in range(threads)]
    eager = [training(seed, is_compiled=False) for seed in range(threads)]
    at_once(*(repeated(step, steps) for _, step in compiled))
    for (model, _), (other, step) in zip(compiled, eager, strict=True):
        repeated(step, steps)()
        for one, two in zip(model.parameters(), other.parameters(), strict=True):
            np.testing.assert_allclose(one.tolist(), two.tolist(), rtol=1e-3, atol=1e-4)


def test_the_number_of_threads_changes_while_threads_call() -> None:
    double = fathom.compile(lambda x: (x * 2).sum(0))
    square = fathom.compile(lambda x: fathom.tanh(x @ x.T))

    def check(seed: int) -> None:
        x = fathom.from_numpy(np.random.default_rng(seed).normal(size=(seed + 2, 9)))
        for _ in range(10):
            np.testing.assert_allclose(double(x).numpy(), (x.numpy() * 2).sum(0), atol=1e-9)
            product = x.numpy() @ x.numpy().T
            np.testing.assert_allclose(square(x).numpy(), np.tanh(product), atol=1e-9)

    def change() -> None:
        for number in [1, 3, 2, 4] * 2:
            fathom.set_num_threads(number)

    at_once(change, *(lambda seed=seed: check(seed) for seed in range(3)))


def test_an_argument_may_get_another_value_while_a_program_reads_it() -> None:
    x = fathom.ones(50_000)
    total = fathom.compile(lambda x: x.sin().cos().sin().cos().amax() - x.sin().cos().sin().cos())
    going_on = True

    def exchange() -> None:
        while going_on:
            with fathom.no_grad():
                x.add_(1)

    def check() -> None:
        nonlocal going_on
        try:
            for _ in range(100):
                assert not total(x).any()
        finally:
            going_on = False

    at_once(exchange, check)


def test_several_threads_count_with_one_state() -> None:
    count = fathom.zeros((), dtype=fathom.int64)

    @fathom.compile
    def add() -> None:
        with fathom.no_grad():
            count.add_(1)

    add()
    at_once(*[repeated(add, 200)] * 4)
    assert count.item() == 801


def test_a_hundred_thousand_steps_leave_memory_as_it_was() -> None:
    fathom.set_num_threads(1)
    model = fathom.nn.Linear(4, 2)
    optimizer = fathom.optim.Adam(model.parameters(), lr=1e-3)

    @fathom.compile
    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    x, y = fathom.randn(3, 4), fathom.randn(3, 2)
    repeat = repeated(lambda: step(x, y), 1000)
    repeat()
    before = resident()
    for _ in range(100):
        repeat()
    assert resident() - before < 2**20
    gc.collect()
    tracemalloc.start()
    try:
        repeat()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        repeat()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 1000  # less than a byte for each step


def resident() -> int:
    """How many bytes of memory the process takes up."""
    if not os.path.exists("/proc/self/statm"):
        return 0
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


SCRIPT = """
import os, signal, sys, threading, warnings
import numpy as np, fathom, fathom.compiler.schedule
warnings.simplefilter("ignore")
fathom.compiler.schedule.WORTH_SHARING = 0
fathom.set_num_threads(2)
model = fathom.nn.Linear(20, 30)
optimizer = fathom.optim.SGD(model.parameters(), lr=0.1)
@fathom.compile
def step(x):
    optimizer.zero_grad()
    loss = (model(x) ** 2).mean()
    loss.backward()
    optimizer.step()
    return loss
x = fathom.ones(40, 20)
first = step(x).item()
"""


def python(code: str) -> str:
    """What a fresh Python prints that trains a small model, and then runs the code."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + code],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_training_goes_on_after_a_fork_on_both_sides() -> None:
    printed = python(
        """
child = os.fork()
losses = [step(x).item() for _ in range(20)]
fresh = fathom.compile(lambda x: x.tanh())(x)  # compiled after the fork
assert losses == sorted(losses, reverse=True) and losses[0] < first
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print("done")
"""
    )
    assert printed == "done\n"


def test_an_interrupted_training_goes_on() -> None:
    printed = python(
        """
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.003)
interruptions = 0
while interruptions < 30:
    try:
        while True:
            step(x)
    except KeyboardInterrupt:
        interruptions += 1
signal.setitimer(signal.ITIMER_REAL, 0)
losses = [step(x).item() for _ in range(3)]  # rounding errors by now
assert all(0 <= loss < 1e-6 * first for loss in losses)
print("done")
"""
    )
    assert printed == "done\n"


def test_the_interpreter_exits_while_a_daemon_thread_trains() -> None:
    printed = python(
        """
def train():
    while True:
        step(x)
threading.Thread(target=train, daemon=True).start()
import time; time.sleep(0.05)
print("done")
"""
    )
    assert printed == "done\n"
