"""Runs native programs with a guard band around every buffer, and checks them after each call."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from fathom.graph import Constant, Input
from fathom.runtime.program import NativeProgram

_BAND = 192  # bytes on either side, three vectors of the widest
_PATTERN = 0xA5
_UNSET = 0x7B  # what memory holds before anything is written


@contextmanager
def watched() -> Iterator[None]:
    """While this is open, programs touch nothing but the buffers they work on, or raise.

    Every buffer lies in memory of its own, between bands that may not change; what is only
    read may not change either.
    """
    finish = NativeProgram.finish
    NativeProgram.finish = _finish_watched
    try:
        yield
    finally:
        NativeProgram.finish = finish


class _Guarded:
    """Memory of some bytes between two bands.

    Args:
        content: what it holds at first.
        alignment: what its address is a multiple of, and of no larger power of two.
    """

    def __init__(self, content: bytes, alignment: int) -> None:
        self._memory = np.full(len(content) + 2 * _BAND + 128, _PATTERN, np.uint8)
        start = _BAND - (self._memory.ctypes.data + _BAND) % -128
        self._start = start + alignment % 128
        self._stop = self._start + len(content)
        self.content[:] = np.frombuffer(content, np.uint8)

    @property
    def content(self) -> np.ndarray:
        return self._memory[self._start : self._stop]

    @property
    def address(self) -> int:
        return self._memory.ctypes.data + self._start

    @property
    def is_intact(self) -> bool:
        outside = (self._memory[: self._start], self._memory[self._stop :])
        return all((band == _PATTERN).all() for band in outside)


def _finish_watched(program: NativeProgram) -> list[np.ndarray]:
    plan, table = program.plan, program.table
    before = list(table)
    written = {buffer.root for step in plan.steps for buffer in step.written}
    guarded: dict[int, _Guarded] = {}
    numbers = {buffer: number for number, buffer in enumerate(plan.buffers)}
    for buffer, number in numbers.items():
        if buffer.shared_with is None:
            is_given = isinstance(buffer.source, Input | Constant)
            content = bytes([_UNSET]) * buffer.bytes
            if is_given and buffer.bytes:
                content = ctypes.string_at(before[number], buffer.bytes)
            alignment = buffer.dtype.itemsize if is_given or buffer.is_output else 64
            guarded[number] = _Guarded(content, alignment)
            table[number] = guarded[number].address
    for buffer, number in numbers.items():
        if buffer.shared_with is not None:
            table[number] = table[numbers[buffer.shared_with]]
    contents = {number: guard.content.tobytes() for number, guard in guarded.items()}
    for segment in program._segments:
        segment()
    table[:] = memoryview(np.array(before, np.int64))
    for buffer, number in numbers.items():
        if number not in guarded:
            continue
        guard = guarded[number]
        assert guard.is_intact, f"something was written beside {buffer}"
        if buffer not in written:
            assert guard.content.tobytes() == contents[number], f"{buffer} is only read"
        elif isinstance(buffer.source, Input | Constant):  # state, and reports of indices
            ctypes.memmove(before[number], guard.address, buffer.bytes)
    if program._reports[0]:
        program._raise_out_of_range()
    return [
        guarded[number].content.view(dtype).reshape(shape).copy()
        for number, shape, dtype in program._outputs
    ]
