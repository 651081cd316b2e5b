"""Runs a kernel's machine code on arrays, and watches that it writes nowhere else."""

import ctypes
from functools import cache

import numpy as np

from fathom.compiler.emitter import Emitter
from fathom.compiler.kernel import Access, Kernel
from fathom.compiler.target import host
from fathom.runtime.machine_code import Code, load, to_object

_GUARD = 128  # bytes, at least, on either side of a buffer
_PATTERN = 0xA5


def run(kernel: Kernel, *arrays: np.ndarray, threads: int = 1) -> list[np.ndarray]:
    """What the buffers hold after a kernel has run as every one of `threads`, in turn.

    Each buffer is the whole row-major array of which an array is a view (see `access`); the
    arrays stay as they are.
    """
    arrays = tuple(map(_memory, arrays))
    assert [array.dtype for array in arrays] == list(kernel.buffers)
    guarded = [_guarded(array) for array in arrays]
    scratch = _guarded(np.zeros(kernel.scratch(host()) * threads, np.uint8), alignment=64)
    table = np.array([inner.ctypes.data for _, inner in [*guarded, scratch]], np.int64)
    operands = np.arange(len(table))
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 2)
    native = function(_compiled(kernel)["kernel"])
    for thread in range(threads):
        native(table.ctypes.data, operands.ctypes.data, thread, threads)
    for outer, inner in [*guarded, scratch]:
        start = inner.ctypes.data - outer.ctypes.data
        assert (outer[:start] == _PATTERN).all(), f"{kernel} wrote before a buffer"
        assert (outer[start + inner.nbytes :] == _PATTERN).all(), f"{kernel} wrote behind a buffer"
    return [inner.reshape(array.shape) for (_, inner), array in zip(guarded, arrays, strict=True)]


def access(buffer: int, array: np.ndarray) -> Access:
    """How a kernel walks through a view of a row-major array."""
    start = array.__array_interface__["data"][0] - _memory(array).__array_interface__["data"][0]
    strides = tuple(stride // array.itemsize for stride in array.strides)
    return Access(buffer, start // array.itemsize, strides)


def unset(shape: int | tuple[int, ...], dtype: object) -> np.ndarray:
    """An array whose numbers are none that a kernel gives."""
    array = np.empty(shape, dtype)
    array.reshape(-1).view(np.uint8)[:] = 0x7B
    return array


def _memory(array: np.ndarray) -> np.ndarray:
    """The row-major array that a view is a part of."""
    while isinstance(array.base, np.ndarray) and array.base.dtype == array.dtype:
        array = array.base
    return array


def _guarded(array: np.ndarray, alignment: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Bytes that hold a pattern, and in their midst a copy of the array.

    Args:
        alignment: what the copy's address is a multiple of; by default of nothing but an element.
    """
    outer = np.full(array.nbytes + 4 * _GUARD, _PATTERN, np.uint8)
    start = _GUARD
    start += -(outer.ctypes.data + start) % (alignment or 64)
    start += 0 if alignment else array.itemsize
    inner = outer[start : start + array.nbytes].view(array.dtype)
    inner[:] = array.reshape(-1)
    return outer, inner


@cache
def _compiled(kernel: Kernel) -> Code:
    emitter = Emitter(host())
    kernel.emit(emitter, "kernel")
    return load(to_object(emitter.text, host()), ["kernel"])
