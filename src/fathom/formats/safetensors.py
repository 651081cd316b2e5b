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
from typing import Any, BinaryIO

import numpy as np

from ..errors import DTypeError, FileFormatError
from ..promotion import DType
from ..tape import Node
from ..tensor import Tensor, wrap
from .files import PathLike, atomic_write, open_to_read

_DTYPES: dict[str, DType] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
# As they lie in the file; each half-precision number is a float32 after widening.
_HALF_DTYPES: dict[str, DType] = {"F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}
# Of these only the size is known.
_FOREIGN_SIZES = {"U16": 2, "U32": 4, "U64": 8, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1}

# The limit that the format's own library sets.
LONGEST_HEADER = 100_000_000


@dataclass(frozen=True)
class _Entry:
    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def read_safetensors(path: PathLike, *, widen: bool = False) -> dict[str, Tensor]:
    """Read a safetensors file as tensors by name, in the order in which their bytes lie.

    Args:
        path: the file.
        widen: whether float16 and bfloat16 become float32, which holds all their values.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        FileFormatError: it is no safetensors file, or a damaged or hostile one.
        DTypeError: it holds an element type that Fathom has not.
    """
    tensors, _ = read_with_metadata(path, widen=widen)
    return tensors


def read_with_metadata(
    path: PathLike, *, widen: bool = False
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file as `read_safetensors` does, with the texts beside the tensors."""
    with open_to_read(path) as file:
        try:
            header, start = _read_header(file)
            metadata, entries = _parse_header(header, os.fstat(file.fileno()).st_size - start)
            tensors = {entry.name: _read_tensor(file, start, entry, widen) for entry in entries}
        except _Damage as damage:
            raise FileFormatError(
                f"{os.fspath(path)!r} is not a sound safetensors file: {damage}"
            ) from None
        except DTypeError as error:
            raise DTypeError(f"{os.fspath(path)!r}: {error}") from None
    return tensors, metadata


def write_safetensors(
    path: PathLike, tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors (or arrays) by name to a safetensors file, whole or not at all.

    Args:
        path: the file.
        tensors: the tensors by name.
        metadata: texts to put beside the tensors.

    Raises:
        DTypeError: the format has no such element type.
        FileAccessError: the file cannot be written.
    """
    from safetensors.numpy import save

    arrays = {}
    for name, tensor in tensors.items():
        array = np.asarray(tensor.detach() if isinstance(tensor, Tensor) else tensor)
        if array.dtype.newbyteorder("<") not in _DTYPES.values():
            raise DTypeError(f"tensor {name!r} has dtype {array.dtype}, which cannot be written")
        arrays[name] = np.require(array, requirements="C")
    content = save(arrays, metadata=dict(metadata) if metadata else None)
    with atomic_write(path) as file:
        file.write(content)


class _Damage(Exception):
    """What is wrong with the file."""


def _read_header(file: BinaryIO) -> tuple[dict[str, Any], int]:
    """The header, and where in the file the tensors' bytes start."""
    size = os.fstat(file.fileno()).st_size
    if size < 8:
        raise _Damage(f"it has {size} bytes, too few for a header")
    length = int.from_bytes(file.read(8), "little")
    if length > min(size - 8, LONGEST_HEADER):
        raise _Damage(f"its header claims {length} bytes, but the file has {size}")
    try:
        header = json.loads(file.read(length).decode(), object_pairs_hook=_without_duplicates)
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
    item_size = _item_size(name, dtype)
    # The product of hostile sizes may itself be huge, hence the bound on their number.
    if len(shape) > 64 or math.prod(shape) * item_size != stop - start:
        raise _Damage(
            f"tensor {name!r} of {dtype} in a shape of {len(shape)} sizes does not fill "
            f"its {stop - start} bytes"
        )
    return _Entry(name, dtype, tuple(shape), start, stop)


def _item_size(name: str, dtype: str) -> int:
    known = _DTYPES.get(dtype) or _HALF_DTYPES.get(dtype)
    if known is None and dtype not in _FOREIGN_SIZES:
        raise _Damage(f"tensor {name!r} has the unknown dtype {dtype[:20]!r}")
    return known.itemsize if known else _FOREIGN_SIZES[dtype]


def _read_tensor(file: BinaryIO, offset: int, entry: _Entry, widen: bool) -> Tensor:
    if entry.dtype not in _DTYPES and not (widen and entry.dtype in _HALF_DTYPES):
        advice = (
            "; read it with widen=True to get float32"
            if entry.dtype in _HALF_DTYPES
            else ", which Fathom has not"
        )
        raise DTypeError(f"tensor {entry.name!r} has dtype {entry.dtype}{advice}")
    raw = np.empty(entry.stop - entry.start, np.uint8)
    file.seek(offset + entry.start)
    if file.readinto(raw) != raw.size:  # type: ignore[attr-defined]
        raise _Damage(f"it ends within tensor {entry.name!r}")
    try:
        return wrap(Node(_as_array(raw, entry.dtype).reshape(entry.shape)))
    except ValueError:
        raise _Damage(f"tensor {entry.name!r} has an impossible shape") from None


def _as_array(raw: "np.ndarray[Any, Any]", dtype: str) -> "np.ndarray[Any, Any]":
    if dtype == "F16":
        return raw.view(_HALF_DTYPES[dtype]).astype(np.float32)
    if dtype == "BF16":
        # The upper half of a float32.
        bits = raw.view(_HALF_DTYPES[dtype]).astype(np.uint32) << np.uint32(16)
        return bits.view(np.float32)
    if dtype == "BOOL":
        return raw != 0
    return raw.view(_DTYPES[dtype]).astype(_DTYPES[dtype].newbyteorder("="), copy=False)
