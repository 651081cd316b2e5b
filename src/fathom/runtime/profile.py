"""Measures where the time of a compiled function goes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from time import perf_counter_ns

import numpy as np

from ..compiler.traffic import bytes_moved
from .outline import Outline, OutlinedStep
from .peak import Peak, peak
from .program import NativeProgram
from .table import table

# What a step moves with each thread lies in the cache of the thread's core up to this size.
_CACHED_BYTES = 512 * 2**10

_NANO, _MICRO, _MILLI, _GIGA = 1e-9, 1e-6, 1e-3, 1e9
_HEADINGS = ("step", "what it does", "time", "share", "rate", "of peak", "threads", "code")
_LEFT = (1, 7)


@dataclass(frozen=True)
class StepProfile:
    """What was measured of a step.

    Attributes:
        outlined: the step.
        seconds: how long it takes.
        share: the part of the time of all steps.
        operations: how many floating-point operations it does.
        bytes: how many bytes it reads and writes.
        threads: how many threads share it.
        peak: what the machine can do.
    """

    outlined: OutlinedStep
    seconds: float
    share: float
    operations: int
    bytes: int
    threads: int
    peak: Peak

    @property
    def least(self) -> float:
        """The seconds that the machine would need at its peak: to calculate, or to move data
        if that takes longer."""
        return max(self._calculating, self._moving)

    @property
    def share_of_peak(self) -> float:
        """How near the step comes to that."""
        return self.least / self.seconds if self.seconds else 0.0

    @property
    def rate(self) -> str:
        """What it does in a second, of that which takes longer at the peak."""
        if not self.seconds or not self.least:
            return "–"
        if self._calculating > self._moving:
            return f"{self.operations / self.seconds / _GIGA:.1f} GFLOP/s"
        return f"{self.bytes / self.seconds / _GIGA:.1f} GB/s"

    @property
    def _calculating(self) -> float:
        written = self.outlined.step.written
        widest = max((b.dtype.itemsize for b in written if b.dtype.kind == "f"), default=4)
        return self.operations * (widest / 4) / self.peak.operations

    @property
    def _moving(self) -> float:
        is_near = self.bytes <= _CACHED_BYTES * self.peak.threads
        return self.bytes / (self.peak.cached_bytes if is_near else self.peak.bytes)


@dataclass(frozen=True)
class Profile:
    """Where the time of a compiled function goes; printed, it is a table.

    Attributes:
        name: the function's.
        steps: the steps in order.
        call: the seconds that a call takes, all included.
        overhead: those of them that pass outside of the steps: in Python, and until threads wake.
        repetitions: how often it was called; every time given is a median.
        peak: what the machine can do.
    """

    name: str
    steps: tuple[StepProfile, ...]
    call: float
    overhead: float
    repetitions: int
    peak: Peak

    @property
    def native(self) -> float:
        """The seconds that all steps take."""
        return sum(step.seconds for step in self.steps)

    @property
    def least(self) -> float:
        """The seconds that all steps would take at the machine's peak."""
        return sum(step.least for step in self.steps)

    def __str__(self) -> str:
        rows = [_HEADINGS, *(row for step in self.steps for row in _rows(step))]
        return (
            f"{self.name}, median of {self.repetitions} calls\n\n"
            f"{table(rows, _LEFT)}\n\n"
            f"a call       {written(self.call)}\n"
            f"all steps    {written(self.native)}, timed one by one\n"
            f"around them  {written(self.overhead)}, in Python and until the threads wake\n"
            f"at the peak  {written(self.least)} for all steps\n"
            f"the machine  {self.peak}"
        )


def _rows(profile: StepProfile) -> Iterator[tuple[str, ...]]:
    """A row for the step, and one more for every further line of code."""
    outlined = profile.outlined
    first, *others = [f"{line}  {line.text}" for line in outlined.lines] or [""]
    yield (
        str(outlined.number),
        outlined.title,
        written(profile.seconds),
        f"{100 * profile.share:.1f} %",
        profile.rate,
        f"{100 * profile.share_of_peak:.0f} %" if profile.least else "–",
        str(profile.threads),
        first,
    )
    for line in others:
        yield (*[""] * (len(_HEADINGS) - 1), line)


def written(seconds: float) -> str:
    """A time in words: ``"28.1 µs"``."""
    if seconds >= _MILLI:
        return f"{seconds / _MILLI:.2f} ms"
    return f"{seconds / _MICRO:.1f} µs"


def measure(
    name: str, native: NativeProgram, call: Callable[[], object], repetitions: int
) -> Profile:
    """Measure a program while it is called.

    Args:
        name: the function's.
        native: the program.
        call: calls it.
        repetitions: how often; it is called twice as often.
    """
    machine = peak()
    calls = [_nanoseconds(call) for _ in range(repetitions)]
    outside, rows = [], []
    with native.timed() as times:
        for _ in range(repetitions):
            whole = _nanoseconds(call)
            rows.append(times.copy())
            outside.append(whole - times.sum())
    seconds = np.median(rows, axis=0) * _NANO
    steps = [
        _profiled(outlined, time, seconds.sum(), machine)
        for outlined, time in zip(Outline(native.plan).steps, seconds.tolist(), strict=True)
    ]
    return Profile(
        name,
        tuple(steps),
        median(calls) * _NANO,
        float(median(outside)) * _NANO,
        repetitions,
        machine,
    )


def _profiled(outlined: OutlinedStep, seconds: float, total: float, machine: Peak) -> StepProfile:
    step = outlined.step
    return StepProfile(
        outlined,
        seconds,
        seconds / total if total else 0.0,
        step.kernel.operations if step.kernel is not None else 0,
        bytes_moved(step),
        machine.threads if step.is_shared else 1,
        machine,
    )


def _nanoseconds(call: Callable[[], object]) -> int:
    start = perf_counter_ns()
    call()
    return perf_counter_ns() - start
