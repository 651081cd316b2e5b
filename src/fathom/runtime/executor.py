"""Runs programs: tables of steps that call kernels on buffers."""

import ctypes
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..errors import FathomError
from .native import native
from .steps import Job
from .team import JOB_TEAM, has_clock
from .threads import Team, pool

Words = np.ndarray[Any, np.dtype[np.int64]]

ALL_THREADS = 2**31
_ALONE = Team(1)  # the calling thread only


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

    Whoever makes a program keeps the buffers and the kernels' code alive.

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

    def job(self, first: int, last: int, times: int) -> Job:
        """These steps as native code takes them."""
        return Job(
            table=self.table.ctypes.data,
            operands=self._operands.ctypes.data,
            steps=self._rows.ctypes.data,
            first=first,
            last=last,
            times=times,
        )


class _JobAddress(ctypes.c_void_p):
    """The address of a job, which keeps alive what lies there."""

    def __init__(self, job: Words, program: Program) -> None:
        super().__init__(job.ctypes.data)
        self._kept = job, program


class Segment:
    """A part of a program, prepared to be run.

    Attributes:
        run: runs the steps; other Python threads go on meanwhile. Threads share the steps that
            may be shared; a segment without such steps leaves the other threads alone.
    """

    run: Callable[[], None]

    def __init__(self, program: Program, first: int, last: int) -> None:
        self._program, self._first, self._last = program, first, last
        self._is_shared = any(step.threads > 1 for step in program.steps[first:last])
        self._native = native()
        self._run_job = self._native.run_job
        self._job = self._prepared(self._native.steps, 0)
        self._words = self._job.data
        self._start = _JobAddress(self._job, program)
        # The bare call, for programs that take no longer than a frame of Python's.
        self.run = self._run_shared if self._is_shared else partial(self._run_job, self._start)

    def _run_shared(self) -> None:
        with pool.lock:
            self._words[JOB_TEAM] = pool.address or pool.start()
            self._run_job(self._start)

    def timed(self) -> Words:
        """Run the steps and give the time that each took, in nanoseconds.

        All threads meet after every step, so the sum is a little more than `run` takes.

        Raises:
            FathomError: the system has no clock for that (Windows).
        """
        if not has_clock():
            raise FathomError("profile: this system has no clock_gettime to time native code with")
        times: Words = np.zeros(self._last - self._first + 1, np.int64)
        job = self._prepared(self._native.timed_steps, times.ctypes.data - 8 * self._first)
        with pool.lock:
            if self._is_shared:
                job[JOB_TEAM] = pool.address or pool.start()
            self._run_job(job.ctypes.data)
        return np.diff(times)

    def _prepared(self, function: int, times: int) -> Words:
        """A job as `run_job` takes it, for the calling thread alone."""
        fields = self._program.job(self._first, self._last, times)
        return np.array((_ALONE.address, function, *fields), np.int64)


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
