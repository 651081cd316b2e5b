"""Kernels and programs for tests of the runtime, small enough to say what they do."""

import threading
from functools import cache

import numpy as np

from fathom.compiler.emitter import Emitter, index, number
from fathom.compiler.kernel import PARAMETERS, buffer_pointers, share
from fathom.compiler.target import host
from fathom.runtime.cache import cached
from fathom.runtime.executor import ALL_THREADS, Program, Segment, Step, address
from fathom.runtime.machine_code import Code, load, to_object
from fathom.runtime.threads import get_num_threads, set_num_threads

__all__ = [
    "get_num_threads",
    "kernels",
    "np",
    "rotated",
    "rotating",
    "set_num_threads",
    "workers",
]


@cache
def kernels() -> Code:
    """The kernels of this file.

    - nothing: returns.
    - add_one: adds 1 to each of the 1000 float64 of its buffer, shared by elements.
    - rotate: writes its first buffer of 1000 float64 to its second, one place further, plus 1.
    - take_part: in its buffer of int64, adds 1 at [thread], writes [10 + thread] = threads.
    - product: multiplies the float64 in its first two buffers into the third.
    - linger: divides the float64 in its buffer, for some hundred microseconds.
    """
    emitter = Emitter(host())
    with emitter.function("nothing", PARAMETERS):
        pass
    with emitter.function("add_one", PARAMETERS) as (table, operands, thread, threads):
        (array,) = buffer_pointers(emitter, 1, table, operands)
        with emitter.loop(*share(emitter, 1000, thread, threads)) as i:
            place = emitter.address(array, "double", i)
            emitter.store(emitter.add(emitter.load("double", place), number(1, "double")), place)
    with emitter.function("rotate", PARAMETERS) as (table, operands, thread, threads):
        source, goal = buffer_pointers(emitter, 2, table, operands)
        with emitter.loop(*share(emitter, 1000, thread, threads)) as i:
            following = emitter.remainder(emitter.add(i, index(1)), index(1000))
            value = emitter.load("double", emitter.address(source, "double", i))
            plus_one = emitter.add(value, number(1, "double"))
            emitter.store(plus_one, emitter.address(goal, "double", following))
    with emitter.function("take_part", PARAMETERS) as (table, operands, thread, threads):
        (array,) = buffer_pointers(emitter, 1, table, operands)
        place = emitter.address(array, "i64", thread)
        emitter.store(emitter.add(emitter.load("i64", place), index(1)), place)
        emitter.store(threads, emitter.address(place, "i64", index(10)))
    with emitter.function("product", PARAMETERS) as (table, operands, _, _):
        a, b, c = buffer_pointers(emitter, 3, table, operands)
        emitter.store(emitter.multiply(emitter.load("double", a), emitter.load("double", b)), c)
    with emitter.function("linger", PARAMETERS) as (table, operands, _, _):
        (place,) = buffer_pointers(emitter, 1, table, operands)
        value = emitter.variable(emitter.load("double", place))
        with emitter.loop(index(0), index(50_000)):
            emitter.assign(value, emitter.divide(emitter.read(value), number(1.1, "double")))
        emitter.store(emitter.read(value), place)
    names = ["nothing", "add_one", "rotate", "take_part", "product", "linger"]
    text = emitter.text
    return load(cached(text, lambda: to_object(text, host())), names)


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
