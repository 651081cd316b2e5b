"""Copying rows out of a large array: the next rows are on their way while one is copied.

Rows in random order are met by no hardware's foresight; a batch of them waits for memory more than
it computes. So the function that copies asks for the rows that follow ahead of time.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FathomError
from ..ops import Array

if TYPE_CHECKING:
    from ..compiler.emitter import Emitter, Value

_AHEAD = 2  # rows
_CACHE_LINE = 64
# Smaller arrays are likely to be in the processor's own memory, where NumPy copies as fast.
_SMALLEST_ARRAY = 2**24
_SMALLEST_ROW = 512


def take_rows(array: Array, positions: Array) -> Array:
    """The rows of an array at given positions: ``array.take(positions, axis=0)``.

    Args:
        array: of one dimension or more.
        positions: int64, of shape (N,); negative ones count from the end.

    Raises:
        IndexError: a position is out of range.
    """
    if (
        array.nbytes >= _SMALLEST_ARRAY
        and array.flags.c_contiguous
        and positions.flags.c_contiguous
    ):
        row_bytes = array.nbytes // len(array)
        if row_bytes >= _SMALLEST_ROW and (copy := _native_copy()) is not None:
            rows = np.empty((len(positions), *array.shape[1:]), array.dtype)
            if copy(array, positions, rows, len(positions), row_bytes, len(array)):
                return rows
    return array.take(positions, axis=0)


@cache
def _native_copy() -> Callable[..., int] | None:
    """The native function; None where there is no compiler."""
    # Eager programs that take no rows of large arrays do without these modules.
    from ..compiler.emitter import Emitter
    from ..compiler.target import host
    from .cache import cached
    from .executor import address
    from .machine_code import load, to_object

    try:
        target = host()

        def build() -> bytes:
            emitter = Emitter(target)
            emit_copy(emitter)
            return to_object(emitter.text, target)

        code = load(cached(f"copy of rows for {target}", build), ["copy_rows"])
    except FathomError:
        return None
    types = [ctypes.c_void_p] * 3 + [ctypes.c_int64] * 3
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *types)(code["copy_rows"])
    keep = code  # as long as the function

    def copy(array: Array, positions: Array, rows: Array, *sizes: int) -> int:
        assert keep
        return function(address(array), address(positions), address(rows), *sizes)

    return copy


def emit_copy(emitter: "Emitter") -> None:
    """Write the function ``copy_rows``, which returns 1, or 0 if a position is out of range.

    A row has at least as many bytes as a vector.
    """
    from ..compiler.emitter import index, number, vector

    parameters = (
        ("source", "ptr noalias"), ("positions", "ptr noalias"), ("target", "ptr noalias"),
        ("count", "i64"), ("row_bytes", "i64"), ("rows", "i64"),
    )  # fmt: skip
    with emitter.function("copy_rows", parameters, "i64") as values:
        source, positions, target, count, row_bytes, rows = values
        wrong = emitter.variable(number(0, "i1"))
        with emitter.loop(index(0), count) as row:
            place = emitter.load("i64", emitter.address(positions, "i64", row))
            is_wrong = emitter.compare("uge", place, rows)
            emitter.assign(wrong, emitter.bits("or", emitter.read(wrong), is_wrong))
        is_wrong = emitter.read(wrong)
        copied = emitter.select(is_wrong, index(0), count)

        def start_of(row: "Value") -> "Value":
            place = emitter.load("i64", emitter.address(positions, "i64", row))
            return emitter.address(source, "i8", emitter.multiply(place, row_bytes))

        size = emitter.target.vector_bytes
        type = vector("i8", size)
        last_row = emitter.subtract(count, index(1))
        last_vector = emitter.subtract(row_bytes, index(size))

        def copy(begin: "Value", end: "Value", byte: "Value") -> None:
            emitter.store(
                emitter.load(type, emitter.address(begin, "i8", byte)),
                emitter.address(end, "i8", byte),
            )

        with emitter.loop(index(0), copied) as row:
            following = emitter.add(row, index(_AHEAD))
            is_inside = emitter.compare("slt", following, last_row)
            coming = start_of(emitter.select(is_inside, following, last_row))
            begin = start_of(row)
            end = emitter.address(target, "i8", emitter.multiply(row, row_bytes))
            with emitter.loop(index(0), last_vector, _CACHE_LINE) as line:
                # Asked for, not waited for: to read, to keep near, and data.
                hints = number(0, "i32"), number(0, "i32"), number(1, "i32")
                coming_line = emitter.address(coming, "i8", line)
                emitter.call("llvm.prefetch.p0", "void", coming_line, *hints)
                for start in range(0, _CACHE_LINE, size):
                    byte = emitter.add(line, index(start))
                    is_last = emitter.compare("sgt", byte, last_vector)
                    copy(begin, end, emitter.select(is_last, last_vector, byte))
            copy(begin, end, last_vector)
        emitter.give(emitter.convert("zext", emitter.compare("eq", copied, count), "i64"))
