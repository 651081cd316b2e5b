"""Native code by which threads take up a job together, meet at barriers, and sleep.

A team is a block of memory that all its threads share. Thread 0 is whoever calls `run_job`;
each of the others is inside `serve`, where it waits for jobs: for some time by looking again
and again, which lets it start within a fraction of a microsecond, and then asleep.

A job is a block of 64-bit words: the address of its team, the address of the function
``void (ptr job, ptr team, i64 thread, i64 threads)`` that every thread is to call, and what
that function takes from there.
"""

import ctypes
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..compiler.emitter import Emitter, Value, index, number
from .linker import c_function
from .processor import flush_denormals, pause, restore_denormals

# What different threads write lies 128 bytes apart: processors move lines of 64 bytes between
# their caches, and often two neighbours at once.
_LINE = 16  # words

# The first line of a team: what never changes.
_THREADS, _ROUNDS, _MEMBER_WORDS, _SEM_WAIT, _SEM_POST, _YIELD, _CLOCK, _PATIENCE = range(8)
_LOOKS = 8
# The second line: the number of jobs given so far, and the latest.
_JOBS, _JOB = _LINE, _LINE + 1
# Then lines for each thread: whether it sleeps, its semaphore, how often it was at a barrier,
# and a line for each round of the barrier.
_MEMBERS = 2 * _LINE
_ASLEEP, _SEMAPHORE, _MEETINGS, _FLAGS = 0, _LINE, 2 * _LINE, 3 * _LINE

_PATIENCE_NANOSECONDS = 200_000

# How often a thread at a barrier looks for another one before it lets others have its core.
# About a millisecond: where it did so early, the system took two threads of the team for idle
# and left them on one core, each waiting for the other to give way (measured: a step of 75 µs
# took 155). With more threads than cores there is nothing better.
_LOOKS_ALONE, _LOOKS_CROWDED = 20_000, 100
_LOOKS_FOR_JOB = 100  # before the next look at the clock

JOB_TEAM, JOB_FUNCTION, JOB_WORDS = 0, 1, 2


def can_sleep() -> bool:
    """Whether the system has what threads need to sleep: POSIX's unnamed semaphores."""
    semaphore = (ctypes.c_int64 * _LINE)()
    try:
        return bool(ctypes.CDLL(None).sem_init(semaphore, 0, 0) == 0)
    except (AttributeError, OSError, TypeError):
        return False


def has_clock() -> bool:
    """Whether the system has the clock that native code reads: POSIX's."""
    return hasattr(time, "CLOCK_MONOTONIC")


def _processors() -> int:
    """How many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def team_memory(threads: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The memory of a team of so many threads."""
    rounds = (threads - 1).bit_length()
    member_words = _FLAGS + rounds * _LINE
    words = _MEMBERS + threads * member_words
    whole = np.zeros(words + _LINE, np.int64)
    memory = whole[-(whole.ctypes.data // 8) % _LINE :][:words]
    memory[[_THREADS, _ROUNDS, _MEMBER_WORDS]] = threads, rounds, member_words
    memory[_PATIENCE] = _PATIENCE_NANOSECONDS
    memory[_LOOKS] = _LOOKS_ALONE if threads <= _processors() else _LOOKS_CROWDED
    if has_clock():
        memory[_CLOCK] = c_function("clock_gettime")
    if threads > 1:
        memory[_SEM_WAIT] = c_function("sem_wait")
        memory[_SEM_POST] = c_function("sem_post")
        memory[_YIELD] = c_function("sched_yield")
        for thread in range(threads):
            semaphore = memory[_MEMBERS + thread * member_words + _SEMAPHORE :]
            ctypes.CDLL(None).sem_init(ctypes.c_void_p(semaphore.ctypes.data), 0, 0)
    return memory


def emit_team(emitter: Emitter) -> None:
    """Write the functions `run_job`, `give_job`, `serve`, `barrier` and `nanoseconds`."""
    _emit_nanoseconds(emitter)
    _emit_barrier(emitter)
    _emit_give_job(emitter)
    _emit_run_job(emitter)
    _emit_serve(emitter)


def _emit_nanoseconds(emitter: Emitter) -> None:
    """i64 nanoseconds(ptr team): the time by a clock that never jumps."""
    with emitter.function("nanoseconds", (("team", "ptr"),), "i64") as (team,):
        parts = emitter.variable(number(0, "<2 x i64>"))
        clock = number(getattr(time, "CLOCK_MONOTONIC", 0), "i32")
        emitter.call_address(_field(emitter, team, _CLOCK, "ptr"), "i32", clock, parts.place)
        whole = emitter.read(parts)
        seconds = emitter.multiply(emitter.extract(whole, 0), index(1_000_000_000))
        emitter.give(emitter.add(seconds, emitter.extract(whole, 1)))


def _emit_barrier(emitter: Emitter) -> None:
    """void barrier(ptr team, i64 thread): returns when all threads of the team have called it.

    In round r each thread tells the thread 2^r places after it that it is here, and waits for
    the one as far before it; after the last round each has heard of all. (D. Hensgen,
    R. Finkel, U. Manber: Two algorithms for barrier synchronization, 1988.) Flags count up, so
    none is ever reset.
    """
    with emitter.function("barrier", (("team", "ptr"), ("thread", "i64"))) as (team, thread):
        me = _member(emitter, team, thread)
        place = _word(emitter, me, _MEETINGS)
        meeting = emitter.add(emitter.load("i64", place), index(1))
        emitter.store(meeting, place)
        threads = _field(emitter, team, _THREADS)
        with emitter.loop(index(0), _field(emitter, team, _ROUNDS)) as round:
            emitter.store_shared(meeting, _flag(emitter, me, round))
            before = emitter.subtract(thread, emitter.bits("shl", index(1), round))
            around = emitter.add(before, threads)
            partner = emitter.select(emitter.compare("slt", before, index(0)), around, before)
            flag = _flag(emitter, _member(emitter, team, partner), round)

            def has_come(flag: Value = flag) -> Value:
                return emitter.compare("sge", emitter.load_shared("i64", flag), meeting)

            looks = _field(emitter, team, _LOOKS)
            _look_until(emitter, has_come, looks, lambda: _let_others_run(emitter, team))


def _emit_give_job(emitter: Emitter) -> None:
    """void give_job(ptr team, ptr job): give the other threads a job; null sends them home."""
    with emitter.function("give_job", (("team", "ptr"), ("job", "ptr"))) as (team, job):
        emitter.store(job, _word(emitter, team, _JOB))
        jobs = _word(emitter, team, _JOBS)
        # Either this thread sees that another has fallen asleep, or that one sees the job:
        # both store, and then load what the other stores.
        emitter.exchange(emitter.add(emitter.load("i64", jobs), index(1)), jobs)
        with emitter.loop(index(1), _field(emitter, team, _THREADS)) as thread:
            member = _member(emitter, team, thread)
            asleep = _word(emitter, member, _ASLEEP)
            seen = emitter.load_shared("i64", asleep)
            with emitter.when(emitter.compare("ne", seen, index(0))):
                was_asleep = emitter.exchange(index(0), asleep)
                with emitter.when(emitter.compare("ne", was_asleep, index(0))):
                    semaphore = _word(emitter, member, _SEMAPHORE)
                    post = _field(emitter, team, _SEM_POST, "ptr")
                    emitter.call_address(post, "i32", semaphore)


def _emit_run_job(emitter: Emitter) -> None:
    """void run_job(ptr job): do a job with all threads of its team, and return when it is done.

    No denormal numbers come up meanwhile: they count as zero.
    """
    with emitter.function("run_job", (("job", "ptr"),)) as (job,):
        team = _field(emitter, job, JOB_TEAM, "ptr")
        threads = _field(emitter, team, _THREADS)
        together = emitter.compare("sgt", threads, index(1))
        before = flush_denormals(emitter)
        with emitter.when(together):
            emitter.call("give_job", "void", team, job)
        function = _field(emitter, job, JOB_FUNCTION, "ptr")
        emitter.call_address(function, "void", job, team, index(0), threads)
        with emitter.when(together):
            emitter.call("barrier", "void", team, index(0))
        restore_denormals(emitter, before)


def _emit_serve(emitter: Emitter) -> None:
    """void serve(ptr team, i64 thread): do jobs as that thread until sent home."""
    with emitter.function("serve", (("team", "ptr"), ("thread", "i64"))) as (team, thread):
        before = flush_denormals(emitter)
        done = emitter.variable(index(0))
        threads = _field(emitter, team, _THREADS)
        with emitter.repeat() as home:
            _wait_for_job(emitter, team, thread, emitter.read(done))
            emitter.assign(done, emitter.add(emitter.read(done), index(1)))
            job = _field(emitter, team, _JOB, "ptr")
            emitter.leave(home, emitter.compare("eq", job, Value("null", "ptr")))
            function = _field(emitter, job, JOB_FUNCTION, "ptr")
            emitter.call_address(function, "void", job, team, thread, threads)
            emitter.call("barrier", "void", team, thread)
        restore_denormals(emitter, before)


def _wait_for_job(emitter: Emitter, team: Value, thread: Value, done: Value) -> None:
    """Wait until more jobs have been given than this thread has done."""
    jobs = _word(emitter, team, _JOBS)
    started = emitter.variable(emitter.call("nanoseconds", "i64", team))

    def has_come() -> Value:
        return emitter.compare("ne", emitter.load_shared("i64", jobs), done)

    def be_patient() -> None:
        now = emitter.call("nanoseconds", "i64", team)
        waited = emitter.subtract(now, emitter.read(started))
        with emitter.when(emitter.compare("sgt", waited, _field(emitter, team, _PATIENCE))):
            _sleep(emitter, team, _member(emitter, team, thread), has_come)

    _look_until(emitter, has_come, index(_LOOKS_FOR_JOB), be_patient)


def _sleep(emitter: Emitter, team: Value, me: Value, has_come: Callable[[], Value]) -> None:
    """Sleep until `give_job` wakes this thread, unless a job has come meanwhile."""
    asleep = _word(emitter, me, _ASLEEP)
    emitter.exchange(index(1), asleep)
    is_woken = emitter.variable(index(1))
    with emitter.when(has_come()):
        was_asleep = emitter.exchange(index(0), asleep)
        emitter.assign(is_woken, emitter.bits("xor", was_asleep, index(1)))
    with emitter.when(emitter.compare("ne", emitter.read(is_woken), index(0))):
        wait = _field(emitter, team, _SEM_WAIT, "ptr")
        with emitter.repeat() as awake:  # a signal may interrupt the sleep
            result = emitter.call_address(wait, "i32", _word(emitter, me, _SEMAPHORE))
            emitter.leave(awake, emitter.compare("eq", result, number(0, "i32")))


def _look_until(
    emitter: Emitter,
    has_come: Callable[[], Value],
    looks: Value,
    otherwise: Callable[[], None],
) -> None:
    """Look again and again whether something has come; after some looks do something else."""
    with emitter.repeat() as seen:
        with emitter.loop(index(0), looks):
            emitter.leave(seen, has_come())
            pause(emitter)
        otherwise()


def _let_others_run(emitter: Emitter, team: Value) -> None:
    emitter.call_address(_field(emitter, team, _YIELD, "ptr"), "i32")


def _word(emitter: Emitter, base: Value, place: int) -> Value:
    """The address of a word."""
    return emitter.address(base, "i64", index(place))


def _field(emitter: Emitter, base: Value, place: int, type: str = "i64") -> Value:
    """What a word holds."""
    return emitter.load(type, _word(emitter, base, place))


def _member(emitter: Emitter, team: Value, thread: Value) -> Value:
    """The address of a thread's lines."""
    words = emitter.multiply(thread, _field(emitter, team, _MEMBER_WORDS))
    return emitter.address(_word(emitter, team, _MEMBERS), "i64", words)


def _flag(emitter: Emitter, member: Value, round: Value) -> Value:
    """The address of a thread's flag for a round of the barrier."""
    words = emitter.multiply(round, index(_LINE))
    return emitter.address(_word(emitter, member, _FLAGS), "i64", words)
