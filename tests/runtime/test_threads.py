"""Threads share work without losing any, and come and go quietly."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from kernels import kernels

from fathom.errors import ArgumentError
from fathom.runtime.executor import ALL_THREADS, Program, Segment, Step, address
from fathom.runtime.threads import get_num_threads, set_num_threads


@pytest.fixture(autouse=True)
def _two_threads() -> None:
    before = get_num_threads()
    set_num_threads(2)
    yield
    set_num_threads(before)


def rotating(array: np.ndarray, spare: np.ndarray, rounds: int = 10) -> Segment:
    """What moves 1000 numbers by 2 * rounds places and adds as much; threads must meet."""
    rotate = kernels()["rotate"]
    steps = [Step(rotate, (0, 1), ALL_THREADS, True), Step(rotate, (1, 0), ALL_THREADS, True)]
    program = Program(2, steps * rounds)
    program.table[:] = address(array), address(spare)
    program.arrays = array, spare  # which live as long as it does
    return program.segment()


def rotated(rounds: int) -> np.ndarray:
    return np.roll(np.arange(1000.0), 2 * rounds % 1000) + 2 * rounds


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("fathom worker")]


@pytest.mark.parametrize("threads", [2, 3, 4, 5, 8])
def test_no_thread_runs_ahead_of_a_barrier(threads: int) -> None:
    set_num_threads(threads)
    array, spare = np.arange(1000.0), np.zeros(1000)
    segment = rotating(array, spare)
    calls = 200 if threads == 2 else 5
    for _ in range(calls):
        segment.run()
    np.testing.assert_array_equal(array, rotated(10 * calls))
    assert len(workers()) == threads - 1


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


def python(code: str, **environment: str) -> str:
    """What a fresh Python prints that runs the code with this file's tools."""
    here = os.path.dirname(__file__)
    code = f"import signal, sys; sys.path.insert(0, {here!r})\nfrom test_threads import *\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, **environment},
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


@pytest.mark.parametrize(("value", "threads"), [("1", 1), ("3", 3)])
def test_the_environment_says_how_many_threads_there_are(value: str, threads: int) -> None:
    assert python("print(get_num_threads())", OMP_NUM_THREADS=value) == f"{threads}\n"


@pytest.mark.parametrize("value", ["", "0", "many"])
def test_by_default_there_is_a_thread_for_each_core(value: str) -> None:
    number = int(python("print(get_num_threads())", OMP_NUM_THREADS=value))
    assert 1 <= number <= len(os.sched_getaffinity(0))
