"""What a tensor is, and the same tensor in another dtype."""

import builtins
import math
from typing import Any

import numpy as np

from ..devices import Device
from ..errors import DTypeError
from ..ops import Clone, Expand, Reshape
from ..promotion import (
    DType,
    bool_,
    category,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    is_floating,
    promote_types,
    supported,
    uint8,
)
from ..tensor import Number, Tensor, cast, constant, promoted, tensor_method
from .arguments import axis_from, shape_from, with_name
from .creation import full_like

__all__ = [
    "can_cast",
    "detach",
    "fill",
    "finfo",
    "get_default_dtype",
    "iinfo",
    "is_complex",
    "is_floating_point",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "is_tensor",
    "numel",
    "promote_types",
    "result_type",
]


@tensor_method
def to(self: Tensor, *arguments: Any, **options: Any) -> Tensor:
    """The tensor in another dtype: ``x.to(dtype)``, ``x.to(device, dtype)``, ``x.to(other)``.

    The tensor itself is returned where nothing changes. `device` may name the CPU;
    `non_blocking` and `memory_format` are accepted for PyTorch's sake.

    Raises:
        DeviceError: another device than the CPU is named.
        DTypeError: the dtype is none of Fathom's.
    """
    dtype = options.pop("dtype", None)
    other = options.pop("other", None)
    device = options.pop("device", None)
    copy = options.pop("copy", False)
    unknown = set(options) - {"non_blocking", "memory_format"}
    if unknown:
        raise TypeError(f"to() has no argument {unknown.pop()!r}")
    for argument in arguments:
        if isinstance(argument, Tensor):
            other = argument
        elif isinstance(argument, str | Device) and not _names_a_dtype(argument):
            device = argument
        elif argument is not None and argument not in (True, False):
            dtype = argument
    if device is not None:
        Device(device)
    if dtype is None and other is not None:
        dtype = other.dtype
    result = self if dtype is None else cast(self, supported(dtype))
    return Clone()(result) if copy and result is self else result


def _names_a_dtype(argument: Any) -> builtins.bool:
    try:
        np.dtype(argument)
    except TypeError:
        return False
    return True


@tensor_method
def type(self: Tensor, dtype: Any = None) -> Any:
    """The tensor in another dtype; without an argument the name of its own."""
    return f"fathom.{self.dtype}" if dtype is None else cast(self, supported(dtype))


@tensor_method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of another."""
    return cast(self, other.dtype)


@tensor_method
def float(self: Tensor) -> Tensor:
    """The tensor as float32."""
    return cast(self, float32)


@tensor_method
def double(self: Tensor) -> Tensor:
    """The tensor as float64."""
    return cast(self, float64)


@tensor_method
def int(self: Tensor) -> Tensor:
    """The tensor as int32, rounded towards 0."""
    return cast(self, int32)


@tensor_method
def long(self: Tensor) -> Tensor:
    """The tensor as int64, rounded towards 0."""
    return cast(self, int64)


@tensor_method
def short(self: Tensor) -> Tensor:
    """The tensor as int16, rounded towards 0."""
    return cast(self, int16)


@tensor_method
def char(self: Tensor) -> Tensor:
    """The tensor as int8, rounded towards 0."""
    return cast(self, int8)


@tensor_method
def byte(self: Tensor) -> Tensor:
    """The tensor as uint8, rounded towards 0."""
    return cast(self, uint8)


@tensor_method
def bool(self: Tensor) -> Tensor:
    """The tensor as bool: False where elements are 0."""
    return cast(self, bool_)


@tensor_method
def cpu(self: Tensor) -> Tensor:
    """The tensor itself, which is on the CPU."""
    return self


@tensor_method
def cuda(self: Tensor, device: Any = None) -> Tensor:
    """Raises `DeviceError`: Fathom computes on the CPU."""
    Device("cuda" if device is None else device)
    return self


@tensor_method
def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor with its elements in row-major order in memory."""
    return self if is_contiguous(self) else Clone()(self)


@tensor_method
def is_contiguous(self: Tensor, memory_format: Any = None) -> builtins.bool:
    """Whether the elements lie in row-major order in memory."""
    flags = getattr(self._node.value, "flags", None)
    return flags is None or flags.c_contiguous


@tensor_method
def size(self: Tensor, dim: Any = None) -> Any:
    """The shape, or the size of one dimension."""
    return self.shape if dim is None else self.shape[axis_from(dim, self.ndim)]


@tensor_method
def stride(self: Tensor, dim: Any = None) -> Any:
    """How many elements neighbours along each dimension, or along one, are apart in memory."""
    value = np.asarray(self._node.value)
    strides = tuple(step // value.itemsize for step in value.strides)
    return strides if dim is None else strides[axis_from(dim, self.ndim)]


@tensor_method
def dim(self: Tensor) -> builtins.int:
    """The number of dimensions."""
    return self.ndim


@tensor_method
def ndimension(self: Tensor) -> builtins.int:
    """The number of dimensions."""
    return self.ndim


@tensor_method
def numel(input: Tensor) -> builtins.int:
    """The number of elements."""
    return math.prod(input.shape)


@tensor_method
def nelement(self: Tensor) -> builtins.int:
    """The number of elements."""
    return math.prod(self.shape)


@tensor_method
def element_size(self: Tensor) -> builtins.int:
    """The bytes that one element takes."""
    return self.dtype.itemsize


# Read like attributes: x.nbytes.
Tensor.itemsize = property(lambda self: self.dtype.itemsize)  # type: ignore[attr-defined]
Tensor.nbytes = property(lambda self: self.dtype.itemsize * numel(self))  # type: ignore[attr-defined]
Tensor.is_cpu = property(lambda self: True)  # type: ignore[attr-defined]
Tensor.is_cuda = property(lambda self: False)  # type: ignore[attr-defined]


@tensor_method
def is_floating_point(input: Tensor) -> builtins.bool:
    """Whether the dtype is float32 or float64."""
    return is_floating(input.dtype)


@tensor_method
def is_complex(input: Tensor) -> builtins.bool:
    """False: Fathom has no complex numbers."""
    return False


@tensor_method
def is_signed(input: Tensor) -> builtins.bool:
    """Whether the dtype has negative numbers."""
    return input.dtype.kind in "if"


@tensor_method
def is_nonzero(input: Tensor) -> builtins.bool:
    """Whether the only element differs from 0."""
    return input.item() != 0


@tensor_method
def is_same_size(input: Tensor, other: Tensor) -> builtins.bool:
    """Whether two tensors have the same shape."""
    return input.shape == other.shape


@tensor_method
def copy_(self: Tensor, src: Any, non_blocking: builtins.bool = False) -> Tensor:
    """Take over the elements of another tensor, broadcast and in this tensor's dtype."""
    source = src if isinstance(src, Tensor) else constant(src)
    source = cast(source, self.dtype)
    return self.rebind(source if source.shape == self.shape else Expand(self.shape)(source))


@tensor_method
def fill_(self: Tensor, value: Any) -> Tensor:
    """Set every element to a value, a number or a tensor without dimensions."""
    if isinstance(value, Tensor):
        return copy_(self, value)
    return self.rebind(full_like(self, value))


@tensor_method
def zero_(self: Tensor) -> Tensor:
    """Set every element to 0."""
    return fill_(self, 0)


@tensor_method
@with_name("size")
def sum_to_size(self: Tensor, *size: Any) -> Tensor:
    """The sum over the dimensions along which a tensor of the given shape would be broadcast."""
    shape = shape_from(size)
    added = self.ndim - len(shape)
    grown = [
        axis
        for axis in range(self.ndim)
        if axis < added or (shape[axis - added] == 1 and self.shape[axis] != 1)
    ]
    return Reshape(shape)(self.sum(grown)) if grown else self


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like another with every element equal to a value."""
    return fill_(input.clone(), value)


def detach(input: Tensor) -> Tensor:
    """The same value without its history: no gradient flows through it."""
    return input.detach()


def is_tensor(obj: Any) -> builtins.bool:
    """Whether an object is a tensor."""
    return isinstance(obj, Tensor)


def get_default_dtype() -> DType:
    """The dtype of Python floats: always float32."""
    return float32


def result_type(tensor1: Tensor | Number, tensor2: Tensor | Number) -> DType:
    """The dtype that an operation on two operands has."""
    return promoted((tensor1, tensor2))[0].dtype


def can_cast(from_: Any, to: Any) -> builtins.bool:
    """Whether a result of one dtype may be written in place into a tensor of another."""
    return category(supported(from_)) <= category(supported(to))


class finfo:  # noqa: N801 - PyTorch's name
    """The limits of a floating dtype, float32 by default.

    Attributes:
        bits: its size.
        eps: the distance from 1 to the next larger number.
        max, min: the largest and the smallest number.
        tiny: the smallest positive number with full precision; `smallest_normal` too.
        resolution: 10 to the power of minus the number of exact decimal digits.
        dtype: its name.
    """

    def __init__(self, type: Any = float32) -> None:
        dtype = supported(type)
        if not is_floating(dtype):
            raise DTypeError(f"finfo is for floating dtypes, not {dtype}; use iinfo")
        limits = np.finfo(dtype)
        self.dtype = str(dtype)
        self.bits = limits.bits
        self.eps = limits.eps.item()
        self.max = limits.max.item()
        self.min = limits.min.item()
        self.tiny = self.smallest_normal = limits.tiny.item()
        self.resolution = limits.resolution.item()


class iinfo:  # noqa: N801 - PyTorch's name
    """The limits of an integer dtype.

    Attributes:
        bits: its size.
        max, min: the largest and the smallest number.
        dtype: its name.
    """

    def __init__(self, type: Any) -> None:
        dtype = supported(type)
        if dtype.kind not in "iu":
            raise DTypeError(f"iinfo is for integer dtypes, not {dtype}; use finfo")
        limits = np.iinfo(dtype)
        self.dtype = str(dtype)
        self.bits = limits.bits
        self.max = limits.max
        self.min = limits.min
