"""Writes files that `torch.load(weights_only=True)` reads."""

import io
import struct
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ops import Array
from ...tensor import Tensor
from ..files import PathLike, atomic_write
from ..stored import StoredTensor, UnsupportedObject, stored
from .names import STORAGES

if TYPE_CHECKING:
    from zipfile import ZipFile

_STORAGE_OF = {element: name for name, element in STORAGES.items()}
_DEEPEST = 100
# As in PyTorch's files: where the bytes of storages start, so that they can be mapped.
_ALIGNMENT = 64
_TIME = (1980, 1, 1, 0, 0, 0)


def write_pytorch(path: PathLike, obj: Any) -> None:
    """Write nested containers of tensors and plain values as `torch.save` does.

    Tensors that share their memory share a storage in the file.

    Args:
        path: the file, which is written as a whole or not at all.
        obj: tensors (or arrays), None, bools, numbers, texts, and dicts, lists and tuples of
            them: a ``state_dict()``, or a dict of several.

    Raises:
        UnsupportedObject: something else is in it.
        DTypeError: PyTorch's files have no such element type.
        FileAccessError: the file cannot be written.
    """
    from zipfile import ZIP_STORED, ZipFile

    pickle = _Pickle()
    pickle.add(obj, "object", 0)
    with atomic_write(path) as file, ZipFile(file, "w", ZIP_STORED) as archive:
        _add(archive, "data.pkl", pickle.finished())
        _add(archive, ".format_version", b"1")
        _add(archive, ".storage_alignment", str(_ALIGNMENT).encode())
        _add(archive, "byteorder", b"little")
        for key, array in enumerate(pickle.storages):
            _add(archive, f"data/{key}", array.reshape(-1).view(np.uint8).data)
        _add(archive, "version", b"3\n")


def _add(archive: "ZipFile", name: str, content: "bytes | memoryview[Any]") -> None:
    from zipfile import ZipInfo

    # No time of writing, so that the same contents give the same file.
    member = ZipInfo(f"archive/{name}", _TIME)
    assert archive.fp is not None
    # An extra field of nothing, as long as it takes for the content to start at a multiple.
    start = archive.fp.tell() + 30 + len(member.filename) + 4
    padding = -start % _ALIGNMENT
    member.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
    with archive.open(member, "w") as stream:
        stream.write(content)


class _Pickle:
    """A pickle of protocol 2, written one instruction after another.

    Attributes:
        storages: the arrays that the pickle refers to by their number.
    """

    def __init__(self) -> None:
        self.storages: list[Array] = []
        self._stream = io.BytesIO()
        self._numbers: dict[Any, int] = {}
        self._stream.write(b"\x80\x02")

    def finished(self) -> bytes:
        """The whole pickle."""
        return self._stream.getvalue() + b"."

    def add(self, value: Any, place: str, depth: int) -> None:
        """Write what makes a value; `place` says where it is, for errors."""
        if depth > _DEEPEST:
            raise UnsupportedObject(
                f"{place[:80]}… nests more than {_DEEPEST} levels deep, or holds itself"
            )
        write = self._stream.write
        if isinstance(value, Tensor | StoredTensor | np.ndarray):
            self._add_tensor(stored(value, place), place)
        elif value is None:
            write(b"N")
        elif isinstance(value, bool):
            write(b"\x88" if value else b"\x89")
        elif isinstance(value, int):
            self._add_number(int(value), place)
        elif isinstance(value, float):
            write(b"G" + struct.pack(">d", value))
        elif isinstance(value, str):
            self._add_text(str(value))
        elif isinstance(value, OrderedDict):
            self._add_ordered_dict()
            self._add_items(value, place, depth)
        elif isinstance(value, dict):
            write(b"}")
            self._add_items(value, place, depth)
        elif type(value) in (list, tuple):
            write(b"](" if type(value) is list else b"(")
            for index, part in enumerate(value):
                self.add(part, f"{place}[{index}]", depth + 1)
            write(b"e" if type(value) is list else b"t")
        else:
            raise UnsupportedObject(
                f"{place} is of type {type(value).__qualname__}, which a file cannot hold; it can "
                f"hold dicts, lists and tuples of tensors, numbers, texts, bools and None"
            )

    def _add_items(self, items: dict[Any, Any], place: str, depth: int) -> None:
        self._stream.write(b"(")
        for key, value in items.items():
            if not (key is None or isinstance(key, str | int | float)):
                raise UnsupportedObject(
                    f"{place} has the key {key!r}; keys must be texts or numbers"
                )
            self.add(key, place, depth + 1)
            self.add(value, f"{place}[{key!r}]", depth + 1)
        self._stream.write(b"u")

    def _add_number(self, value: int, place: str) -> None:
        if -(2**31) <= value < 2**31:
            self._stream.write(b"J" + struct.pack("<i", value))
            return
        content = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        if len(content) > 255:
            raise UnsupportedObject(f"{place} is a number of {len(content)} bytes, too long")
        self._stream.write(b"\x8a" + struct.pack("<B", len(content)) + content)

    def _add_text(self, text: str) -> None:
        content = text.encode("utf-8", "surrogatepass")
        self._stream.write(b"X" + struct.pack("<I", len(content)) + content)

    def _add_name(self, module: str, name: str) -> None:
        self._stream.write(f"c{module}\n{name}\n".encode())

    def _add_ordered_dict(self) -> None:
        self._add_name("collections", "OrderedDict")
        self._stream.write(b")R")

    def _add_tensor(self, tensor: StoredTensor, place: str) -> None:
        name = _STORAGE_OF.get(tensor.element.name)
        array = tensor.array
        key = self._number_of(array)
        write = self._stream.write
        rebuild = "_rebuild_tensor_v3" if name is None else "_rebuild_tensor_v2"
        self._add_name("torch._utils", rebuild)
        write(b"((")
        self._add_text("storage")
        if name is None:
            self._add_name("torch.storage", "UntypedStorage")
        else:
            self._add_name("torch", name)
        self._add_text(str(key))
        self._add_text("cpu")
        self._add_number(array.nbytes if name is None else array.size, place)
        write(b"tQ")
        self._add_number(0, place)
        strides = _contiguous_strides(array.shape)
        for numbers in (array.shape, strides):
            write(b"(")
            for number in numbers:
                self._add_number(number, place)
            write(b"t")
        write(b"\x88" if tensor.requires_grad else b"\x89")
        self._add_ordered_dict()
        if name is None:
            self._add_name("torch", tensor.element.name)
        write(b"tR")

    def _number_of(self, array: Array) -> int:
        """The number of the storage with these elements."""
        where = (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str)
        if where not in self._numbers or not array.size:
            self._numbers[where] = len(self.storages)
            self.storages.append(np.ascontiguousarray(array))
        return self._numbers[where]


def _contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))
