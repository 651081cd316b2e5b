"""Reads PyTorch's files: zip archives, and the form before PyTorch 1.6."""

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np

from ...errors import DTypeError, FileFormatError
from ...ops import Array
from ...tensor import Tensor
from ..files import PathLike, open_to_read
from ..stored import ELEMENT_TYPES, ByteSource, ElementType, StoredTensor
from .archive import Archive, is_archive
from .contents import check, transform
from .machine import Machine, Refusal
from .names import Names, Storage, StorageType

# The numbers that the older files begin with, pickled.
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_OLD_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def is_pytorch(start: bytes) -> bool:
    """Whether a file that starts with these bytes (sixteen at least) may be one of PyTorch's."""
    return is_archive(start) or start[:15] == _OLD_START


def read_pytorch(path: PathLike, *, widen: bool = False, mmap: bool = False) -> Any:
    """Read what `torch.save` saved: nested containers of tensors and plain values.

    Nothing that the file names is imported or called. Whole modules and other objects are
    refused; save their `state_dict()`.

    Args:
        path: the file, of today's form (a zip archive) or the one before PyTorch 1.6.
        widen: whether float16 and bfloat16, which Fathom has not, become float32.
        mmap: whether the tensors lie in the file and are read when they are used; the file
            must not be written to meanwhile.

    Returns:
        Dicts, lists, tuples and sets of tensors, numbers, texts and None. Tensors that share a
        storage in the file may share memory here too; since values never change, no tensor
        sees what is written to another.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        FileFormatError: it is not one of PyTorch's, is damaged or hostile, or holds objects.
        DTypeError: it holds an element type that Fathom has not.
    """
    contents = read_pytorch_stored(path, mmap=mmap)

    def tensor(one: StoredTensor, place: str) -> Tensor:
        return one.tensor(place, widen)

    try:
        return transform(contents, tensor, lambda element: element.dtype or element.name)
    except DTypeError as error:
        raise DTypeError(f"{os.fspath(path)!r}: {error}") from None


def read_pytorch_stored(path: PathLike, *, mmap: bool = False) -> Any:
    """Read what `torch.save` saved, with tensors as they lie in the file."""
    with open_to_read(path) as file:
        try:
            return _read(file, mmap)
        except (Refusal, EOFError) as refusal:
            raise FileFormatError(
                f"{os.fspath(path)!r} cannot be read as a file of PyTorch's: {refusal}"
            ) from None


def _read(file: BinaryIO, mapped: bool) -> Any:
    source = ByteSource(file, mapped)
    start = source.read_bytes(0, min(source.size, 16))
    if is_archive(start):
        return _read_archive(file, source)
    if start[:15] == _OLD_START:
        return _read_old(source)
    if start[:1] == b"\x80":
        raise Refusal("it is a pickle, but not one that torch.save wrote")
    raise Refusal(f"it starts with {start[:8].hex(' ') or 'nothing'}")


def _read_archive(file: BinaryIO, source: ByteSource) -> Any:
    archive = Archive(file, source)
    order = archive.read_text("byteorder", "little")
    if order not in ("little", "big"):
        raise Refusal(f"its byte order is {order[:20]!r}")
    storages: dict[str, Storage] = {}

    def find_storage(description: Any) -> Storage:
        element, key, count = _described(description)
        if key not in storages:
            raw = archive.read(f"data/{key}")
            storages[key] = _as_storage(raw, element, count, order)
        if storages[key].element is not element or len(storages[key].array) != count:
            raise Refusal(f"it describes storage {key[:20]!r} in two ways")
        return storages[key]

    pickle = archive.read("data.pkl").tobytes()
    contents = Machine(pickle, Names(source.size).table, find_storage).run()
    check(contents, len(pickle))
    return contents


def _read_old(source: ByteSource) -> Any:
    """The older form: pickles one after another, then the storages.

    What the pickle of the contents shows of a storage stands after it. So it is run twice: to
    find where it ends and which storages there are, and with the storages at hand.
    """
    pickles = _Pickles(source)
    if pickles.run() != _MAGIC or pickles.run() != _PROTOCOL:
        raise Refusal("it begins like an older file of PyTorch's, but is none")
    system = pickles.run()
    if not isinstance(system, dict):
        raise Refusal("it does not say which system wrote it")
    order = "little" if system.get("little_endian", True) is True else "big"
    start = pickles.position
    described: dict[str, tuple[ElementType, int]] = {}

    def note_storage(description: Any) -> Storage:
        element, key, count = _described(description)
        if described.setdefault(key, (element, count)) != (element, count):
            raise Refusal(f"it describes storage {key[:20]!r} in two ways")
        return Storage(element, np.broadcast_to(np.zeros((), element.lies_as), (count,)))

    pickles.run(Names(source.size, only_checks=True).table, note_storage)
    stop = pickles.position
    keys = pickles.run()
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(described):
        raise Refusal("the storages that it lists are not those of its tensors")
    storages = {}
    position = pickles.position
    for key in keys:
        element, count = described[str(key)]
        if int.from_bytes(source.read_bytes(position, 8), "little", signed=True) != count:
            raise Refusal(f"storage {str(key)[:20]!r} has not the {count} elements it should have")
        size = count * element.lies_as.itemsize
        storages[str(key)] = _as_storage(source.read(position + 8, size), element, count, order)
        position += 8 + size
    pickles.position = start
    names = Names(source.size).table
    contents = pickles.run(names, lambda description: storages[_described(description)[1]])
    check(contents, stop - start)
    return contents


def _no_storage(description: Any) -> None:
    raise Refusal("it has a storage where none belongs")


class _Pickles:
    """The pickles at the start of an older file, one after another.

    Args:
        source: the file.

    Attributes:
        position: where the next one starts.
    """

    def __init__(self, source: ByteSource) -> None:
        self.position = 0
        self._window = source.window()

    def run(
        self,
        names: Mapping[str, Any] = MappingProxyType({}),
        find_storage: Callable[[Any], Any] = _no_storage,
    ) -> Any:
        """What the next pickle describes."""
        machine = Machine(self._window, names, find_storage, self.position)
        result = machine.run()
        self.position = machine.position
        return result


def _described(description: Any) -> tuple[ElementType, str, int]:
    """The element type, the key and the number of elements of a storage."""
    match description:
        case ("storage", StorageType(element), str(key), str(), int(count)):
            pass
        case ("storage", StorageType(element), str(key), str(), int(count), None):
            pass
        case _:
            raise Refusal("it refers to something that is no storage of numbers")
    if type(count) is not int or not 0 <= count < 2**48:
        raise Refusal(f"storage {key[:20]!r} has an impossible number of elements")
    return element or ELEMENT_TYPES["uint8"], key, count


def _as_storage(raw: Array, element: ElementType, count: int, order: str) -> Storage:
    if raw.size != count * element.lies_as.itemsize:
        raise Refusal(
            f"a storage of {count} elements of {element.name} has {raw.size} bytes in the file"
        )
    array = raw.view(element.lies_as)
    if order == "big":
        array = array.byteswap()
    return Storage(element, array)
