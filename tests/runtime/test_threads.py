"""Threads share work without losing any, and come and go quietly."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from fathom.errors import ArgumentError, FathomError
from fathom.runtime import threads
from fathom.runtime.threads import Pool, get_num_threads, set_num_threads

from .programs import rotated, rotating, workers


@pytest.fixture(autouse=True)
def _two_threads() -> None:
    before = get_num_threads()
    set_num_threads(2)
    yield
    set_num_threads(before)


@pytest.mark.parametrize("number", [2, 3, 4, 5, 8])
def test_no_thread_runs_ahead_of_a_barrier(number: int) -> None:
    set_num_threads(number)
    array, spare = np.arange(1000.0), np.zeros(1000)
    segment = rotating(array, spare)
    calls = 200 if number == 2 else 5
    for _ in range(calls):
        segment.run()
    np.testing.assert_array_equal(array, rotated(10 * calls))
    assert len(workers()) == number - 1


@pytest.mark.parametrize("pause", [0.0, 0.0001, 0.0002, 0.0003, 0.002])
def test_threads_wake_up_again_whenever_they_fell_asleep(pause: float) -> None:
    array, spare = np.arange(1000.0), np.zeros(1000)
    segment = rotating(array, spare, 1)
    for _ in range(60):
        segment.run()
        stop = time.perf_counter() + pause
        while time.perf_counter() < stop:
            pass
    np.testing.assert_array_equal(array, rotated(60))


def test_idle_threads_use_no_time() -> None:
    rotating(np.arange(1000.0), np.zeros(1000)).run()
    time.sleep(0.05)
    before = time.process_time()
    time.sleep(0.2)
    assert time.process_time() - before < 0.02


def test_several_python_threads_may_call_at_once() -> None:
    arrays = [np.arange(1000.0) for _ in range(4)]

    def call(array: np.ndarray) -> None:
        segment = rotating(array, np.zeros(1000))
        for _ in range(25):
            segment.run()

    callers = [threading.Thread(target=call, args=(array,)) for array in arrays]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for array in arrays:
        np.testing.assert_array_equal(array, rotated(250))


def test_the_number_of_threads_can_change_between_and_during_calls() -> None:
    array = np.arange(1000.0)
    segment = rotating(array, np.zeros(1000))
    changing = threading.Thread(target=lambda: [set_num_threads(n) for n in (1, 3, 2) * 5])
    changing.start()
    for _ in range(100):
        segment.run()
    changing.join()
    np.testing.assert_array_equal(array, rotated(1000))
    set_num_threads(1)
    assert get_num_threads() == 1
    assert workers() == []


@pytest.mark.parametrize("number", [0, -1, 1.5, "2", True, None])
def test_the_number_of_threads_must_make_sense(number: object) -> None:
    with pytest.raises(ArgumentError, match=f"set_num_threads.*{number}"):
        set_num_threads(number)
    assert get_num_threads() == 2


def test_a_system_that_is_out_of_threads_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "fathom worker 3":
            raise RuntimeError("can't start new thread")
        start(thread)

    segment = rotating(np.arange(1000.0), np.zeros(1000))
    set_num_threads(5)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(FathomError, match=r"5 threads: can't start.*set_num_threads"):
        segment.run()
    assert workers() == []
    set_num_threads(3)
    segment.run()


def python(code: str) -> str:
    """What a fresh Python prints that runs the code with the names in `programs`."""
    names = "import os, signal, sys, threading, time\nfrom runtime.programs import *\n"
    done = subprocess.run(
        [sys.executable, "-c", names + code],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_forked_process_has_threads_of_its_own() -> None:
    printed = python(
        """
set_num_threads(2)
array = np.arange(1000.0)
segment = rotating(array, np.zeros(1000))
segment.run()
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        segment.run()
        assert len(workers()) == 1
        np.testing.assert_array_equal(array, rotated(20))
        sys.exit()
    children.append(child)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
segment.run()
np.testing.assert_array_equal(array, rotated(20))
print("done")
"""
    )
    assert printed == "done\n"


def test_a_process_may_fork_while_another_of_its_threads_calls() -> None:
    printed = python(
        """
import warnings
warnings.simplefilter("ignore")
set_num_threads(2)
segment = rotating(np.arange(1000.0), np.zeros(1000))
going_on = True
def call():
    while going_on:
        segment.run()
caller = threading.Thread(target=call)
caller.start()
for _ in range(10):
    child = os.fork()
    if child == 0:
        array = np.arange(1000.0)
        rotating(array, np.zeros(1000)).run()
        np.testing.assert_array_equal(array, rotated(10))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
going_on = False
caller.join()
print("done")
"""
    )
    assert printed == "done\n"


@pytest.mark.parametrize("pause", [0, 0.01])
def test_the_interpreter_exits_with_threads_awake_and_asleep(pause: float) -> None:
    printed = python(
        f"""
set_num_threads(3)
rotating(np.arange(1000.0), np.zeros(1000)).run()
time.sleep({pause})
print("done")
"""
    )
    assert printed == "done\n"


def test_the_interpreter_exits_while_a_daemon_thread_calls() -> None:
    printed = python(
        """
set_num_threads(2)
segment = rotating(np.arange(1000.0), np.zeros(1000))
def call():
    while True:
        segment.run()
threading.Thread(target=call, daemon=True).start()
time.sleep(0.05)
print("done")
"""
    )
    assert printed == "done\n"


def test_an_interrupted_program_can_be_called_again() -> None:
    printed = python(
        """
set_num_threads(2)
array = np.arange(1000.0)
segment = rotating(array, np.zeros(1000), 100)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.003)
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
interruptions = 0
while interruptions < 20:
    try:
        while True:
            segment.run()
    except KeyboardInterrupt:
        interruptions += 1
signal.setitimer(signal.ITIMER_REAL, 0)
array[:] = np.arange(1000.0)
segment.run()
np.testing.assert_array_equal(array, rotated(100))
print("done")
"""
    )
    assert printed == "done\n"


@pytest.mark.parametrize(("value", "number"), [("1", 1), ("3", 3)])
def test_the_environment_says_how_many_threads_there_are(
    value: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert Pool().threads == number


@pytest.mark.parametrize("value", ["", "0", "many"])
def test_by_default_there_is_a_thread_for_each_core(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert 1 <= Pool().threads <= len(os.sched_getaffinity(0))


def test_without_semaphores_there_is_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "can_sleep", lambda: False)
    assert Pool().threads == 1
    set_num_threads(4)
    assert get_num_threads() == 1
