"""Tensors as they lie in files, whose element types are more than those that Fathom computes with.

What reads and writes files does so in terms of these, so that a conversion from one format to
another keeps every bit; the user gets tensors made of them.
"""

import mmap
import os
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from ..errors import DTypeError, FathomError
from ..promotion import DTYPES, DType, float32
from ..tape import Node
from ..tensor import Tensor, wrap

Array = np.ndarray[Any, Any]


class UnsupportedObject(FathomError, TypeError):
    """An object that a file cannot hold."""


@dataclass(frozen=True)
class ElementType:
    """An element type of files.

    Attributes:
        name: PyTorch's name for it.
        lies_as: the little-endian NumPy dtype of the same size that its bits are kept in.
        dtype: Fathom's dtype that it is read as; None where there is none.
        is_half: whether it is a float of sixteen bits, which float32 can hold.
    """

    name: str
    lies_as: DType
    dtype: DType | None
    is_half: bool = False

    def __repr__(self) -> str:
        return self.name


_PLAIN = {"bool": "u1"} | {
    str(dtype): dtype.newbyteorder("<").str for dtype in DTYPES if dtype.kind != "b"
}
_FOREIGN = {
    "uint16": "<u2",
    "uint32": "<u4",
    "uint64": "<u8",
    "complex64": "<c8",
    "complex128": "<c16",
    "float8_e4m3fn": "u1",
    "float8_e5m2": "u1",
    "float8_e8m0fnu": "u1",
}
ELEMENT_TYPES: dict[str, ElementType] = {
    **{name: ElementType(name, np.dtype(lies), np.dtype(name)) for name, lies in _PLAIN.items()},
    "float16": ElementType("float16", np.dtype("<f2"), None, is_half=True),
    "bfloat16": ElementType("bfloat16", np.dtype("<u2"), None, is_half=True),
    **{name: ElementType(name, np.dtype(lies), None) for name, lies in _FOREIGN.items()},
}


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor as it lies in a file.

    Attributes:
        element: the type of its elements.
        array: their bits, as `ElementType.lies_as`; perhaps a view of what others share.
        requires_grad: whether the file says that a gradient is wanted.
    """

    element: ElementType
    array: Array
    requires_grad: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of every dimension."""
        return self.array.shape

    def tensor(self, name: str, widen: bool = False) -> Tensor:
        """The same as a tensor.

        Args:
            name: what to call it in an error.
            widen: whether float16 and bfloat16 become float32, which holds all their values.

        Raises:
            DTypeError: Fathom has no such element type.
        """
        tensor = wrap(Node(self._values(name, widen)))
        if self.requires_grad and tensor.dtype.kind == "f":
            tensor.requires_grad = True
        return tensor

    def _values(self, name: str, widen: bool) -> Array:
        if self.element.dtype == np.bool_:
            return self.array != 0
        if self.element.dtype is not None:
            array = self.array if self.array.flags.aligned else self.array.copy()
            return array.astype(self.element.dtype, copy=False)
        if not (self.element.is_half and widen):
            advice = (
                "; read it with widen=True to get float32"
                if self.element.is_half
                else ", which Fathom has not"
            )
            raise DTypeError(f"tensor {name!r} has dtype {self.element.name}{advice}")
        if self.element.name == "float16":
            return self.array.astype(float32)
        # The upper half of a float32.
        return (self.array.astype(np.uint32) << np.uint32(16)).view(float32)


def stored(value: Any, name: str = "tensor") -> StoredTensor:
    """A tensor or an array as it shall lie in a file.

    Args:
        value: a `StoredTensor`, which stays as it is, a tensor or an array.
        name: what to call it in an error.

    Raises:
        DTypeError: it has an element type that no file can hold.
    """
    if isinstance(value, StoredTensor):
        return value
    array = np.asarray(value.detach() if isinstance(value, Tensor) else value)
    element = ELEMENT_TYPES.get(array.dtype.newbyteorder("=").name)
    if element is None:
        raise DTypeError(f"tensor {name!r} has dtype {array.dtype}, which cannot be written")
    if element.dtype == np.bool_:
        array = array.view(np.uint8)
    requires_grad = isinstance(value, Tensor) and value.requires_grad
    return StoredTensor(element, array.astype(element.lies_as, copy=False), requires_grad)


def narrowed(tensor: StoredTensor, element: ElementType) -> StoredTensor:
    """A float32 tensor in sixteen bits, rounded to the nearest and halves to even.

    Args:
        tensor: the tensor; what is not float32 stays as it is.
        element: float16 or bfloat16.
    """
    if tensor.element.name != "float32":
        return tensor
    if element.name == "float16":
        with np.errstate(over="ignore"):
            return StoredTensor(element, tensor.array.astype("<f2"))
    bits = np.ascontiguousarray(tensor.array).view("<u4").reshape(tensor.shape)
    rounded = (bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))) >> np.uint32(
        16
    )
    # What is not a number stays none, whichever of its bits are cut off.
    quiet = (bits >> np.uint32(16)) | np.uint32(0x40)
    halves = np.where(np.isnan(tensor.array), quiet, rounded)
    return StoredTensor(element, halves.astype("<u2"))


class ByteSource:
    """The bytes of an open file, copied where they are asked for, or mapped into memory.

    Args:
        file: the file.
        mapped: whether arrays shall show the file itself and be filled when they are looked at.
            The file must then stay as it is; one that `atomic_write` replaces does.
    """

    def __init__(self, file: BinaryIO, mapped: bool) -> None:
        self.size = os.fstat(file.fileno()).st_size
        self._file = file
        self._map = np.frombuffer(self.window(), np.uint8) if mapped and self.size else None

    def window(self) -> mmap.mmap:
        """The whole file, which must not be empty, as bytes that are read when looked at."""
        return mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def read(self, start: int, count: int) -> Array:
        """`count` bytes from byte `start` on, which must be there.

        Raises:
            EOFError: they are not there.
        """
        if not 0 <= start <= start + count <= self.size:
            raise EOFError(f"bytes {start} to {start + count} of {self.size}")
        if self._map is not None:
            return self._map[start : start + count]
        raw = np.empty(count, np.uint8)
        self._file.seek(start)
        if self._file.readinto(raw) != count:  # type: ignore[attr-defined]
            raise EOFError(f"the file ends before byte {start + count}")
        return raw

    def read_bytes(self, start: int, count: int) -> bytes:
        """The same as bytes."""
        return self.read(start, count).tobytes()
