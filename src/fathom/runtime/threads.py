"""The threads that run native programs: how many there are, and their life."""

import atexit
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from ..errors import ArgumentError, FathomError
from .native import native
from .team import can_sleep, team_memory

_LONGEST_WAIT = 1.0  # seconds


class Team:
    """The calling thread and the workers that take up its jobs (see `team.py`).

    Args:
        threads: how many they are together.

    Attributes:
        address: where the team's memory lies, as jobs name it.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.memory = team_memory(threads)
        self.address = self.memory.ctypes.data
        self._workers: list[threading.Thread] = []
        try:
            for thread in range(1, threads):
                self._hire(thread)
        except RuntimeError as error:
            self.stop()
            raise FathomError(
                f"cannot start {threads} threads: {error}; ask set_num_threads for fewer"
            ) from error

    def _hire(self, thread: int) -> None:
        name = f"fathom worker {thread}"
        worker = threading.Thread(target=self._serve, args=(thread,), name=name, daemon=True)
        worker.start()
        self._workers.append(worker)

    def _serve(self, thread: int) -> None:
        native().serve(self.address, thread)  # `self` keeps the memory alive meanwhile

    def stop(self, timeout: float | None = None) -> None:
        """Send the workers home and wait for them."""
        native().give_job(self.address, 0)
        for worker in self._workers:
            worker.join(timeout)


class Pool:
    """The one team of the process, made when it is first needed.

    Attributes:
        lock: held by the Python thread whose job the team does.
        address: where the team's memory lies; 0 as long as there is none.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.address = 0
        self._team: Team | None = None
        self._threads: int | None = None

    @property
    def threads(self) -> int:
        """How many threads the team has, or will have."""
        if self._threads is None:
            self._threads = _default_threads()
        return self._threads

    def start(self) -> int:
        """Make the team and give its address; the caller holds the lock."""
        self._team = Team(self.threads)
        self.address = self._team.address
        return self.address

    def resize(self, threads: int) -> None:
        """Let the next team have so many threads."""
        with self.lock:
            if threads != self._threads:
                self._threads = threads
                self._dismiss()

    def close(self) -> None:
        """Stop all workers; whoever still runs native code does so alone."""
        if self.suspend():
            self._threads = 1
            self.lock.release()

    def suspend(self) -> bool:
        """Take the lock and stop all workers, unless a job takes very long."""
        is_idle = self.lock.acquire(timeout=_LONGEST_WAIT)
        if is_idle:
            self._dismiss(_LONGEST_WAIT)
        return is_idle

    def forget(self) -> None:
        """Begin anew in a process where the workers do not exist."""
        self.lock = threading.Lock()
        self._team, self.address = None, 0

    def _dismiss(self, timeout: float | None = None) -> None:
        team, self._team, self.address = self._team, None, 0
        if team is not None:
            team.stop(timeout)


pool = Pool()
atexit.register(pool.close)


def _before_fork() -> None:
    global _is_suspended  # noqa: PLW0603
    _is_suspended = pool.suspend()


def _after_fork() -> None:
    if _is_suspended:
        pool.lock.release()


# A process is copied with one thread only, so it had better have no others; both have new
# workers when they need them.
_is_suspended = False
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=pool.forget
    )


def get_num_threads() -> int:
    """How many threads compiled functions use."""
    return pool.threads


def set_num_threads(number: int) -> None:
    """Let compiled functions use so many threads.

    More than there are processor cores makes them slower. Where the system lacks the
    semaphores that idle threads sleep on (macOS, Windows), they always use one.

    Raises:
        ArgumentError: `number` is not a positive integer.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ArgumentError(f"set_num_threads: expected a positive integer, got {number!r}")
    pool.resize(number if can_sleep() else 1)


def _default_threads() -> int:
    """As many as the environment variable OMP_NUM_THREADS says, or one per core."""
    if not can_sleep():
        return 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdecimal() and int(wanted) > 0 else _usable_cores()


def _usable_cores() -> int:
    """The cores that this process may run on; those that one core pretends to be count once."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    processors = os.sched_getaffinity(0)
    try:
        return len(set(_siblings(processors)))
    except OSError:
        return len(processors)


def _siblings(processors: Iterable[int]) -> Iterable[str]:
    for processor in processors:
        folder = Path(f"/sys/devices/system/cpu/cpu{processor}/topology")
        yield (folder / "thread_siblings_list").read_text()
