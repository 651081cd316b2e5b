"""Runs programs: tables of steps that call kernels on buffers."""

import ctypes
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from .native import native
from .steps import Job
from .team import JOB_TEAM
from .threads import Team, pool

Words = np.ndarray[Any, np.dtype[np.int64]]

ALL_THREADS = 2**31


class Step(NamedTuple):
    """One call of a kernel.

    Attributes:
        kernel: the address of its function, ``void (ptr table, ptr operands, i64 thread,
            i64 threads)``.
        operands: the numbers of the buffers it works on.
        threads: how many threads share it at most; for 1 the calling thread does it alone.
        barrier: whether threads meet before it, so that all steps before are done.
    """

    kernel: int
    operands: tuple[int, ...]
    threads: int = 1
    barrier: bool = False


class Program:
    """Steps that work on a table of buffers.

    Args:
        buffers: how many there are.
        steps: what is done, in this order.

    Attributes:
        table: the address of each buffer, which the program's owner writes.
    """

    def __init__(self, buffers: int, steps: Sequence[Step]) -> None:
        self.table: Words = np.zeros(buffers, np.int64)
        self.steps = tuple(steps)
        self._operands: Words = np.array([n for step in steps for n in step.operands], np.int64)
        starts = np.cumsum([0, *(len(step.operands) for step in steps)])
        rows = [
            (step.kernel, start, step.threads, step.barrier)
            for step, start in zip(steps, starts[:-1], strict=True)
        ]
        self._rows: Words = np.array(rows, np.int64)

    def segment(self, first: int = 0, last: int | None = None) -> "Segment":
        """What runs the steps from `first` up to but without `last`."""
        return Segment(self, first, len(self.steps) if last is None else last)

    def _job(self, function: int, first: int, last: int, times: Words | None = None) -> Words:
        fields = Job(
            table=self.table.ctypes.data,
            operands=self._operands.ctypes.data,
            steps=self._rows.ctypes.data,
            first=first,
            last=last,
            times=0 if times is None else times.ctypes.data - 8 * first,
        )
        return np.array((_alone().address, function, *fields), np.int64)


class Segment:
    """A part of a program, prepared to be run.

    Attributes:
        run: runs the steps; other Python threads go on meanwhile. Threads share the steps
            that may be shared; a segment without such steps leaves the other threads alone.
    """

    run: Callable[[], None]

    def __init__(self, program: Program, first: int, last: int) -> None:
        self._program, self._first, self._last = program, first, last
        self._is_shared = any(step.threads > 1 for step in program.steps[first:last])
        self._job = program._job(native().steps, first, last)
        self.run = self._runner(self._job)

    def timed(self) -> Words:
        """Run the steps and give the time that each took, in nanoseconds.

        All threads meet after every step, so the sum is a little more than `run` takes.
        """
        times: Words = np.zeros(self._last - self._first + 1, np.int64)
        job = self._program._job(native().timed_steps, self._first, self._last, times)
        self._runner(job)()
        return np.diff(times)

    def _runner(self, job: Words) -> Callable[[], None]:
        run_job, start = native().run_job, ctypes.c_void_p(job.ctypes.data)
        if not self._is_shared:
            return partial(run_job, start)

        words = memoryview(job)

        def run() -> None:
            with pool.lock:
                words[JOB_TEAM] = pool.address or pool.start()
                run_job(start)

        return run


@cache
def _alone() -> Team:
    """The team of the calling thread only."""
    return Team(1)


def address(array: np.ndarray[Any, Any]) -> int:
    """Where an array's first element lies: `array.ctypes.data`, eight times as fast."""
    return _word_at(id(array) + _DATA).value


def _address_by_attribute(array: np.ndarray[Any, Any]) -> int:
    return int(array.ctypes.data)


# NumPy's C interface promises that an array's object begins with this pointer.
_DATA = object.__basicsize__
_word_at = ctypes.c_size_t.from_address
if any(address(probe) != probe.ctypes.data for probe in (np.zeros(3), np.zeros((4, 4))[1:])):
    address = _address_by_attribute
