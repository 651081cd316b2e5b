"""What this machine can do at most: arithmetic, and bytes from and to memory."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from time import perf_counter_ns

import numpy as np

from ..compiler.emitter import Emitter, Value, Variable, index, number, vector
from ..compiler.kernel import PARAMETERS, buffer_pointers, share
from ..compiler.target import Target, host
from ..ops import Array
from .cache import cached
from .executor import ALL_THREADS, Program, Step
from .machine_code import load, to_object
from .threads import get_num_threads

_GIGA = 1e9
_PATIENCE = 25_000_000  # nanoseconds of every measurement

# A multiply-add takes about four cycles, and a processor begins two in each: so many of them,
# independent of each other, keep it busy and fit in its registers.
_CHAINS = 12
_ROUNDS = 100_000

_MEMORY = 64 * 2**20  # bytes: more than most caches hold
_NEAR = 128 * 2**10  # bytes: less than the cache of a core holds
_PLACES = {"memory": (_MEMORY, 1), "near": (_NEAR, 64)}  # bytes, and how often they are moved
_AT_ONCE = 8  # vectors moved before the next test whether all are done


@dataclass(frozen=True)
class Peak:
    """What the machine reaches, as `peak` measures it.

    Attributes:
        threads: how many threads worked: as many as compiled functions use.
        operations: floating-point operations per second of all threads together, in float32;
            a multiply-add counts as two.
        operations_per_thread: the same of one thread that works alone.
        bytes: bytes per second between all threads and memory: those read, or those read and
            written by a copy, whichever are more.
        cached_bytes: the same with data that lie in the caches of the cores: what one thread
            reaches, times the threads.
    """

    threads: int
    operations: float
    operations_per_thread: float
    bytes: float
    cached_bytes: float

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return (
            f"{self.operations_per_thread / _GIGA:.0f} GFLOP/s per core, "
            f"{self.operations / _GIGA:.0f} on {threads}; "
            f"{self.bytes / _GIGA:.0f} GB/s from memory, "
            f"{self.cached_bytes / _GIGA:.0f} from the cores' caches"
        )


def peak() -> Peak:
    """Measure what this machine can do at most.

    It takes about a fifth of a second the first time, and nothing later. Native code works on
    as many threads as compiled functions use, and the best of several runs counts; a program
    that runs beside it lowers the figures.

    Raises:
        MissingExtra: llvmlite is missing or too old.
    """
    return _measured(get_num_threads())


@cache
def _measured(threads: int) -> Peak:
    target = host()
    names = ["calculate", "read_memory", "copy_memory", "read_near", "copy_near"]
    code = load(cached(f"peak of {target}", lambda: to_object(_written(target), target)), names)

    def bandwidth(place: str, sharing: int) -> float:
        size, rounds = _PLACES[place]
        data = np.ones(size // 4, np.float32)
        kernels = (code[f"{work}_{place}"] for work in ("read", "copy"))
        return rounds * size / min(_seconds(kernel, data, sharing) for kernel in kernels)

    memory = bandwidth("memory", threads)  # first: it gives threads time to spread over cores
    near = threads * bandwidth("near", 1)  # each core has a cache of its own
    operations = 2 * _CHAINS * _ROUNDS * target.lanes(4)
    room = np.ones(threads * target.lanes(4) * _AT_ONCE, np.float32)
    alone, together = (
        count * operations / _seconds(code["calculate"], room, count) for count in (1, threads)
    )
    return Peak(threads, max(alone, together), alone, memory, near)


def _seconds(kernel: int, data: Array, threads: int) -> float:
    """The shortest of several times that all threads, or one, take for a kernel."""
    program = Program(1, [Step(kernel, (0,), ALL_THREADS if threads > 1 else 1)])
    program.table[0] = data.ctypes.data
    segment = program.segment()
    end = perf_counter_ns() + _PATIENCE
    times = [segment.timed()[0]]
    while perf_counter_ns() < end:
        times.append(segment.timed()[0])
    return float(min(times)) / _GIGA


def _written(target: Target) -> str:
    """The kernels, in LLVM's language; each works on one buffer."""
    emitter = Emitter(target)
    _emit_calculate(emitter)
    for place, (size, rounds) in _PLACES.items():
        _emit_read(emitter, f"read_{place}", size, rounds)
        _emit_copy(emitter, f"copy_{place}", size, rounds)
    return emitter.text


def _emit_calculate(emitter: Emitter) -> None:
    """Every thread multiplies and adds, each for itself."""
    with emitter.function("calculate", PARAMETERS) as (table, operands, thread, _):
        (data,) = buffer_pointers(emitter, 1, table, operands)
        factor = emitter.load(_vector(emitter), data)
        chains = _zeros(emitter, _CHAINS)
        with emitter.loop(index(0), index(_ROUNDS)):
            for chain in chains:
                value = emitter.multiply_add(emitter.read(chain), factor, factor)
                emitter.assign(chain, value)
        _store_sum(emitter, chains, _place(emitter, data, thread, 0))


def _emit_read(emitter: Emitter, name: str, size: int, rounds: int) -> None:
    """The threads add up the buffer."""
    with emitter.function(name, PARAMETERS) as (table, operands, thread, threads):
        (data,) = buffer_pointers(emitter, 1, table, operands)
        sums = _zeros(emitter, _AT_ONCE)

        def add_block(block: Value) -> None:
            for position, total in enumerate(sums):
                value = emitter.load(total.type, _place(emitter, data, block, position))
                emitter.assign(total, emitter.add(emitter.read(total), value))

        start, stop = share(emitter, size // _block_bytes(emitter), thread, threads)
        _repeat(emitter, start, stop, rounds, add_block)
        _store_sum(emitter, sums, _place(emitter, data, start, 0))


def _emit_copy(emitter: Emitter, name: str, size: int, rounds: int) -> None:
    """The threads copy the first half of the buffer to the second."""
    blocks = size // 2 // _block_bytes(emitter)
    with emitter.function(name, PARAMETERS) as (table, operands, thread, threads):
        (data,) = buffer_pointers(emitter, 1, table, operands)

        def copy_block(block: Value) -> None:
            target = emitter.add(block, index(blocks))
            for position in range(_AT_ONCE):
                value = emitter.load(_vector(emitter), _place(emitter, data, block, position))
                emitter.store(value, _place(emitter, data, target, position))

        _repeat(emitter, *share(emitter, blocks, thread, threads), rounds, copy_block)


def _repeat(
    emitter: Emitter, start: Value, stop: Value, rounds: int, work: Callable[[Value], None]
) -> None:
    """Do work on every block, again and again."""
    with emitter.loop(index(0), index(rounds)), emitter.loop(start, stop) as block:
        work(block)


def _vector(emitter: Emitter) -> str:
    return vector("float", emitter.target.lanes(4))


def _block_bytes(emitter: Emitter) -> int:
    return _AT_ONCE * emitter.target.vector_bytes


def _place(emitter: Emitter, data: Value, block: Value, position: int) -> Value:
    """The address of a vector of a block."""
    first = emitter.multiply(block, index(_AT_ONCE))
    return emitter.address(data, _vector(emitter), emitter.add(first, index(position)))


def _zeros(emitter: Emitter, count: int) -> list[Variable]:
    return [emitter.variable(number(0, _vector(emitter))) for _ in range(count)]


def _store_sum(emitter: Emitter, variables: list[Variable], place: Value) -> None:
    """Store what the variables add up to, so that LLVM does not leave out what they take."""
    total = emitter.read(variables[0])
    for variable in variables[1:]:
        total = emitter.add(total, emitter.read(variable))
    emitter.store(total, place)
