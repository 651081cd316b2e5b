"""The safetensors format: a JSON header, then the bytes of the tensors, and no code.

A file holds the header's length as a little-endian 64-bit integer, the header, and the
tensors' bytes without gaps. The header maps each name to dtype, shape and the range of its
bytes. Nothing in it is believed before it has been compared with the file's size.

Source: https://huggingface.co/docs/safetensors
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, FileFormatError
from ..tensor import Tensor
from .files import PathLike, atomic_write, open_to_read
from .shards import is_sharded, read_shards
from .stored import ELEMENT_TYPES, ByteSource, ElementType, StoredTensor, narrowed, stored

# The format's names of the element types, and PyTorch's.
_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
    "C64": "complex64",
}
_DTYPES = {name: ELEMENT_TYPES[element] for name, element in _NAMES.items()}
_CODES = {element: name for name, element in _NAMES.items()}

# The limit that the format's own library sets.
LONGEST_HEADER = 100_000_000


@dataclass(frozen=True)
class _Entry:
    name: str
    element: ElementType
    shape: tuple[int, ...]
    start: int
    stop: int


def read_safetensors(
    path: PathLike, *, widen: bool = False, mmap: bool = False
) -> dict[str, Tensor]:
    """Read a safetensors file as tensors by name, in the order in which their bytes lie.

    Args:
        path: the file; or a folder with ``model.safetensors.index.json`` or an index file
            itself, whose parts are then read as one.
        widen: whether float16 and bfloat16 become float32, which holds all their values.
        mmap: whether the tensors lie in the file and are read when they are used; the file
            must not be written to meanwhile.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        FileFormatError: it is no safetensors file, or a damaged or hostile one.
        DTypeError: it holds an element type that Fathom has not.
    """
    tensors, _ = read_with_metadata(path, widen=widen, mmap=mmap)
    return tensors


def read_with_metadata(
    path: PathLike, *, widen: bool = False, mmap: bool = False
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file as `read_safetensors` does, with the texts beside the tensors."""
    stored, metadata = read_stored(path, mmap=mmap)
    try:
        return {name: one.tensor(name, widen) for name, one in stored.items()}, metadata
    except DTypeError as error:
        raise DTypeError(f"{os.fspath(path)!r}: {error}") from None


def read_stored(
    path: PathLike, *, mmap: bool = False
) -> tuple[dict[str, StoredTensor], dict[str, str]]:
    """Read a safetensors file's tensors as they lie in it, and the texts beside them."""
    if is_sharded(path):
        return read_shards(path, lambda shard: read_stored(shard, mmap=mmap))
    with open_to_read(path) as file:
        try:
            source = ByteSource(file, mmap)
            header, start = _read_header(source)
            metadata, entries = _parse_header(header, source.size - start)
            tensors = {entry.name: _read_tensor(source, start, entry) for entry in entries}
        except (_Damage, EOFError) as damage:
            raise FileFormatError(
                f"{os.fspath(path)!r} is not a sound safetensors file: {damage}"
            ) from None
    return tensors, metadata


def write_safetensors(
    path: PathLike,
    tensors: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
    *,
    narrow: str | None = None,
) -> None:
    """Write tensors (or arrays) by name to a safetensors file, whole or not at all.

    Args:
        path: the file.
        tensors: the tensors by name.
        metadata: texts to put beside the tensors.
        narrow: ``"float16"`` or ``"bfloat16"``: what float32 tensors are rounded to.

    Raises:
        DTypeError: the format has no such element type.
        ArgumentError: `narrow` is something else, or a name is not a text.
        FileAccessError: the file cannot be written.
    """
    if narrow not in (None, "float16", "bfloat16"):
        raise ArgumentError(f"narrow must be 'float16' or 'bfloat16', got {narrow!r}")
    entries = [(name, _to_write(name, tensor, narrow)) for name, tensor in tensors.items()]
    # The widest first, so that all of them lie where the processor likes them.
    entries.sort(key=lambda entry: (-entry[1].element.lies_as.itemsize, entry[0]))
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for name, tensor in entries:
        stop = position + tensor.array.nbytes
        header[name] = {
            "dtype": _CODES[tensor.element.name],
            "shape": list(tensor.shape),
            "data_offsets": [position, stop],
        }
        position = stop
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic_write(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in entries:
            file.write(np.ascontiguousarray(tensor.array).reshape(-1).view(np.uint8).data)


def _to_write(name: str, tensor: Any, narrow: str | None) -> StoredTensor:
    if not isinstance(name, str) or name == "__metadata__":
        raise ArgumentError(f"a safetensors file cannot hold a tensor under the name {name!r}")
    one = stored(tensor, name)
    if one.element.name not in _CODES:
        raise DTypeError(
            f"tensor {name!r} has dtype {one.element.name}, which a safetensors file cannot hold"
        )
    return narrowed(one, ELEMENT_TYPES[narrow]) if narrow else one


class _Damage(Exception):
    """What is wrong with the file."""


def _read_header(source: ByteSource) -> tuple[dict[str, Any], int]:
    """The header, and where in the file the tensors' bytes start."""
    if source.size < 8:
        raise _Damage(f"it has {source.size} bytes, too few for a header")
    length = int.from_bytes(source.read_bytes(0, 8), "little")
    if length > min(source.size - 8, LONGEST_HEADER):
        raise _Damage(f"its header claims {length} bytes, but the file has {source.size}")
    try:
        header = json.loads(
            source.read_bytes(8, length).decode(), object_pairs_hook=_without_duplicates
        )
    except (ValueError, RecursionError) as error:
        raise _Damage(f"its header is not JSON ({error})") from None
    if not isinstance(header, dict):
        raise _Damage("its header is not a JSON object")
    return header, 8 + length


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name occurs twice")
    return result


def _parse_header(header: dict[str, Any], size: int) -> tuple[dict[str, str], list[_Entry]]:
    """The texts and the tensors that a header describes, checked against the bytes there are."""
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _Damage("its metadata are not texts by name")
    entries = [_parse_entry(name, description) for name, description in header.items()]
    entries.sort(key=lambda entry: (entry.start, entry.stop))
    edges = [0, *(edge for entry in entries for edge in (entry.start, entry.stop)), size]
    for before, after in list(pairwise(edges))[::2]:
        if before != after:
            raise _Damage(
                f"its tensors overlap, leave a gap or reach beyond the end "
                f"(byte {before} is followed by byte {after} of {size})"
            )
    return metadata, entries


def _parse_entry(name: str, description: Any) -> _Entry:
    match description:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [start, stop], **rest}:
            pass
        case _:
            raise _Damage(f"tensor {name!r} is not described by dtype, shape and data_offsets")
    if rest or not all(type(number) is int and number >= 0 for number in (*shape, start, stop)):
        raise _Damage(f"tensor {name!r} has a shape or range that is not of whole numbers")
    if not start <= stop < 2**63:
        raise _Damage(f"tensor {name!r} lies from byte {start} to {stop}")
    if dtype not in _DTYPES:
        raise _Damage(f"tensor {name!r} has the unknown dtype {dtype[:20]!r}")
    element = _DTYPES[dtype]
    # The product of hostile sizes may itself be huge, hence the bound on their number.
    if len(shape) > 64 or math.prod(shape) * element.lies_as.itemsize != stop - start:
        raise _Damage(
            f"tensor {name!r} of {dtype} in a shape of {len(shape)} sizes does not fill "
            f"its {stop - start} bytes"
        )
    return _Entry(name, element, tuple(shape), start, stop)


def _read_tensor(source: ByteSource, offset: int, entry: _Entry) -> StoredTensor:
    raw = source.read(offset + entry.start, entry.stop - entry.start)
    try:
        array = raw.view(entry.element.lies_as).reshape(entry.shape)
    except ValueError:
        raise _Damage(f"tensor {entry.name!r} has an impossible shape") from None
    return StoredTensor(entry.element, array)
