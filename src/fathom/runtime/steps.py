"""Native code that runs a program: step after step, each a call of a kernel.

A step is a row of four 64-bit words: the address of its kernel, where its operands begin, how
many threads share it at most, and whether they meet before it.
"""

from typing import NamedTuple

from ..compiler.emitter import Emitter, Value, index
from .team import JOB_WORDS

STEP_WORDS = 4
_KERNEL, _OPERANDS, _THREADS, _BARRIER = range(STEP_WORDS)


class Job(NamedTuple):
    """What the functions find in a job, behind what each has: addresses, and numbers of steps.

    Attributes:
        table: the addresses of the buffers.
        operands: numbers of buffers, a row of them for each step.
        steps: the rows of the steps.
        first: the step to begin with.
        last: the step to stop before.
        times: takes a time for each step, and one for the start.
    """

    table: int
    operands: int
    steps: int
    first: int
    last: int
    times: int


_PARAMETERS = (("job", "ptr"), ("team", "ptr"), ("thread", "i64"), ("threads", "i64"))


def emit_steps(emitter: Emitter) -> None:
    """Write the functions `steps` and `timed_steps`, which do a `Job` with a team.

    The second writes the time after each step, when all threads have done their parts.
    """
    with emitter.function("steps", _PARAMETERS) as (job, team, thread, threads):
        fields = _fields(emitter, job)
        with emitter.loop(fields.first, fields.last) as number:
            _emit_step(emitter, fields, number, team, thread, threads)
    with emitter.function("timed_steps", _PARAMETERS) as (job, team, thread, threads):
        fields = _fields(emitter, job)
        is_first = emitter.compare("eq", thread, index(0))
        _emit_time(emitter, fields, fields.first, team, is_first)
        with emitter.loop(fields.first, fields.last) as number:
            _emit_step(emitter, fields, number, team, thread, threads)
            emitter.call("barrier", "void", team, thread)
            _emit_time(emitter, fields, emitter.add(number, index(1)), team, is_first)


class _Fields(NamedTuple):
    table: Value
    operands: Value
    steps: Value
    first: Value
    last: Value
    times: Value


def _fields(emitter: Emitter, job: Value) -> _Fields:
    types = ("ptr", "ptr", "ptr", "i64", "i64", "ptr")
    return _Fields(
        *(
            emitter.load(type, emitter.address(job, "i64", index(JOB_WORDS + place)))
            for place, type in enumerate(types)
        )
    )


def _emit_step(
    emitter: Emitter, job: _Fields, number: Value, team: Value, thread: Value, threads: Value
) -> None:
    row = emitter.address(job.steps, "i64", emitter.multiply(number, index(STEP_WORDS)))

    def word(place: int, type: str = "i64") -> Value:
        return emitter.load(type, emitter.address(row, "i64", index(place)))

    with emitter.when(emitter.compare("ne", word(_BARRIER), index(0))):
        emitter.call("barrier", "void", team, thread)
    sharing = emitter.intrinsic("smin", "i64", word(_THREADS), threads)
    with emitter.when(emitter.compare("slt", thread, sharing)):
        operands = emitter.address(job.operands, "i64", word(_OPERANDS))
        emitter.call_address(word(_KERNEL, "ptr"), "void", job.table, operands, thread, sharing)


def _emit_time(emitter: Emitter, job: _Fields, number: Value, team: Value, is_first: Value) -> None:
    with emitter.when(is_first):
        place = emitter.address(job.times, "i64", number)
        emitter.store(emitter.call("nanoseconds", "i64", team), place)
