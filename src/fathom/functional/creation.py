"""Tensors made from numbers rather than from other tensors."""

import math
from typing import Any

import numpy as np

from ..arrays import to_array
from ..devices import Device
from ..errors import ArgumentError
from ..ops import Array
from ..promotion import DType, float32, int64, is_floating, supported
from ..tape import Node
from ..tensor import Number, Tensor, cast, tensor_method, wrap
from .arguments import size_from, with_name

__all__ = [
    "arange",
    "as_tensor",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "scalar_tensor",
    "tensor",
    "zeros",
    "zeros_like",
]


def made_of(array: Array, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor on an array that nobody else writes."""
    if device is not None:
        Device(device)
    result = wrap(Node(array))
    return result.requires_grad_() if requires_grad else result


def tensor(
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor with a copy of the given numbers.

    Args:
        data: a number, nested sequences, a NumPy array or a tensor.
        dtype: the element type; by default float32 for Python floats, int64 for Python
            integers, bool for Python bools, and an array's own dtype.
        device: where it is: always the CPU.
        requires_grad: whether `backward` shall compute a gradient for it.
        pin_memory: accepted for PyTorch's sake.

    Raises:
        ShapeError: the nested sequences are not of equal length.
        DTypeError: the dtype is none of Fathom's.
    """
    return made_of(to_array(data, dtype), device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """The data as a tensor: a tensor of this dtype itself, anything else copied.

    Args:
        data: a tensor, a number, nested sequences or a NumPy array.
        dtype: the element type; by default as for `tensor`.
        device: where it is: always the CPU.
    """
    if isinstance(data, Tensor):
        return data if dtype is None else cast(data, supported(dtype))
    return tensor(data, dtype=dtype, device=device)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The data as a tensor; see `as_tensor`."""
    result = as_tensor(obj, dtype, device)
    return result.requires_grad_() if requires_grad else result


def from_numpy(ndarray: Array) -> Tensor:
    """A tensor with a copy of an array: unlike PyTorch's, it does not share its memory."""
    return tensor(ndarray)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor with a copy of what another library offers through DLPack."""
    return tensor(np.from_dlpack(ext_tensor))


def scalar_tensor(
    s: Number, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor without dimensions; float32 by default, whatever the number."""
    return tensor(s, dtype=float32 if dtype is None else dtype, requires_grad=requires_grad)


def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given shape with every element equal to `fill_value`.

    Args:
        size: the shape.
        fill_value: the value of every element.
        dtype: the element type; by default that of the number.
        device: where it is: always the CPU.
        requires_grad: whether `backward` shall compute a gradient for it.
    """
    value = to_array(fill_value, dtype)
    return made_of(np.full(size_from((size,)), value), device, requires_grad)


def _filled(
    size: tuple[Any, ...], value: Number, dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    kind = float32 if dtype is None else supported(dtype)
    shape = size_from(size)
    # Zeros cost nothing until they are read.
    array = np.full(shape, value, kind) if value else np.zeros(shape, kind)
    return made_of(array, device, requires_grad)


@with_name("size")
def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of the given shape, as separate sizes or a sequence, filled with 0."""
    return _filled(size, 0, dtype, device, requires_grad)


@with_name("size")
def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of the given shape, as separate sizes or a sequence, filled with 1."""
    return _filled(size, 1, dtype, device, requires_grad)


@with_name("size")
def empty(
    *size: Any,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of the given shape whose elements are to be set; they are 0 until then."""
    return _filled(size, 0, dtype, device, requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of another's shape and dtype with every element equal to `fill_value`."""
    kind = input.dtype if dtype is None else dtype
    return full(input.shape, fill_value, dtype=kind, device=device, requires_grad=requires_grad)


def zeros_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of another's shape and dtype filled with 0."""
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of another's shape and dtype filled with 1."""
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad)


empty_like = zeros_like


@tensor_method
def new_full(
    self: Tensor,
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given shape and this one's dtype, every element equal to `fill_value`."""
    kind = self.dtype if dtype is None else dtype
    return full(size, fill_value, dtype=kind, device=device, requires_grad=requires_grad)


@tensor_method
@with_name("size")
def new_zeros(
    self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of the given shape and this one's dtype filled with 0."""
    kind = self.dtype if dtype is None else dtype
    return _filled(size, 0, kind, device, requires_grad)


@tensor_method
@with_name("size")
def new_ones(
    self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of the given shape and this one's dtype filled with 1."""
    kind = self.dtype if dtype is None else dtype
    return _filled(size, 1, kind, device, requires_grad)


@tensor_method
@with_name("size")
def new_empty(
    self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of the given shape and this one's dtype whose elements are to be set."""
    kind = self.dtype if dtype is None else dtype
    return _filled(size, 0, kind, device, requires_grad)


@tensor_method
def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of this one's dtype with a copy of the given numbers."""
    kind = self.dtype if dtype is None else dtype
    return tensor(data, dtype=kind, device=device, requires_grad=requires_grad)


def arange(
    start: Number = 0,
    end: Number | None = None,
    step: Number = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers from `start` up to but without `end`, `step` apart.

    Args:
        start: the first number; with one argument it is the end, and 0 the start.
        end: where to stop.
        step: the distance, not 0.
        dtype: the element type; by default int64 for integers, else float32.
        device: where it is: always the CPU.
        requires_grad: whether `backward` shall compute a gradient for it.
    """
    if end is None:
        start, end = 0, start
    numbers = [value.item() if isinstance(value, Tensor) else value for value in (start, end, step)]
    first, last, distance = numbers
    if distance == 0:
        raise ArgumentError("arange: the step is 0")
    if (last - first) * distance < 0:
        raise ArgumentError(f"arange: steps of {distance} do not lead from {first} to {last}")
    whole = not any(isinstance(value, float) for value in numbers)
    kind = (int64 if whole else float32) if dtype is None else supported(dtype)
    if kind == int64 and abs(distance) >= 1:
        first, last, distance = int(first), int(last), int(distance)
    count = math.ceil((last - first) / distance)
    values = np.arange(count) * distance + first
    return made_of(to_array(values, kind), device, requires_grad)


def linspace(
    start: Number,
    end: Number,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers at equal distances from `start` to `end`, both included.

    Args:
        start, end: the first and the last number.
        steps: how many.
        dtype: the element type; float32 by default.
        device: where it is: always the CPU.
        requires_grad: whether `backward` shall compute a gradient for it.
    """
    if steps < 0:
        raise ArgumentError(f"linspace: the number of steps is not negative, got {steps}")
    kind = float32 if dtype is None else supported(dtype)
    return made_of(to_array(_evenly(start, end, steps, kind), kind), device, requires_grad)


def _evenly(start: Number, end: Number, steps: int, kind: DType) -> Array:
    """Numbers at equal distances; where they shall be integers, from an integer to another."""
    number = float if is_floating(kind) else int
    return np.linspace(number(start), number(end), steps)


def logspace(
    start: Number,
    end: Number,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers at equal ratios from base ** start to base ** end, both included.

    Args:
        start, end: the exponents of the first and the last number.
        steps: how many.
        base: what is raised to the exponents.
        dtype: the element type; float32 by default.
        device: where it is: always the CPU.
        requires_grad: whether `backward` shall compute a gradient for it.
    """
    if steps < 0:
        raise ArgumentError(f"logspace: the number of steps is not negative, got {steps}")
    kind = float32 if dtype is None else supported(dtype)
    values = np.power(float(base), _evenly(start, end, steps, kind))
    return made_of(to_array(values, kind), device, requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A matrix of n rows and m columns (n by default) with 1 on the diagonal and 0 elsewhere."""
    kind = float32 if dtype is None else supported(dtype)
    rows, columns = size_from((n, n if m is None else m))
    return made_of(np.eye(rows, columns, dtype=kind), device, requires_grad)
