"""The IDX format, in which MNIST and its kin are published.

A file holds two zero bytes, a byte for the element type, a byte for the number of
dimensions, each size as a big-endian 32-bit integer, and then the elements, big-endian.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

import gzip
import io
import math
import os
import struct
import zlib
from typing import IO, Any, cast

import numpy as np

from ..errors import DTypeError, FileFormatError, ShapeError
from ..promotion import DType
from .files import PathLike, atomic_write, open_to_read

_DTYPES: dict[int, DType] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_CODES = {dtype.newbyteorder("="): code for code, dtype in _DTYPES.items()}

GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 20


def read_idx(path: PathLike) -> "np.ndarray[Any, Any]":
    """Read an IDX file, gzip-compressed or not, as an array in the machine's byte order.

    Args:
        path: the file; whether it is compressed is seen from its first bytes.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        FileFormatError: it is no IDX file, or its length differs from what its header says.
    """
    with open_to_read(path) as file:
        start = file.read(2)
        file.seek(0)
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if start == GZIP_MAGIC else file
        try:
            return _read(stream, os.fspath(path))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FileFormatError(
                f"{os.fspath(path)!r} is damaged: its gzip compression cannot be undone ({error})"
            ) from None


def _read(stream: IO[bytes], name: str) -> "np.ndarray[Any, Any]":
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES:
        raise FileFormatError(
            f"{name!r} is not an IDX file: it starts with {magic.hex(' ') or 'nothing'}, and "
            f"should with 00 00, the element type (08, 09, 0b … 0e) and the number of dimensions"
        )
    dtype, rank = _DTYPES[magic[2]], magic[3]
    sizes = stream.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise FileFormatError(f"{name!r} ends within its header of {rank} sizes")
    shape = struct.unpack(f">{rank}I", sizes)
    promised = math.prod(shape) * dtype.itemsize
    # In pieces, so that memory grows with what is there and not with what is promised.
    data = bytearray()
    while len(data) <= promised and (piece := stream.read(min(CHUNK, promised + 1 - len(data)))):
        data += piece
    if len(data) != promised:
        found = f"{len(data)}" if len(data) < promised else "more"
        raise FileFormatError(
            f"{name!r} promises {promised} bytes of {dtype.newbyteorder('=')} in shape {shape}, "
            f"but holds {found}"
        )
    try:
        array = np.frombuffer(data, dtype).reshape(shape)
    except ValueError as error:  # more dimensions than NumPy has
        raise FileFormatError(f"{name!r} has shape {shape}: {error}") from None
    return array.astype(dtype.newbyteorder("="), copy=False)


def write_idx(path: PathLike, array: Any) -> None:
    """Write an array or tensor as an IDX file, gzip-compressed where the name ends in .gz.

    Args:
        path: the file.
        array: uint8, int8, int16, int32, float32 or float64, of at most 255 dimensions.

    Raises:
        DTypeError: IDX has no such element type.
        FileAccessError: the file cannot be written.
    """
    array = np.asarray(array)
    if array.dtype.newbyteorder("=") not in _CODES:
        names = ", ".join(map(str, _CODES))
        raise DTypeError(f"an IDX file cannot hold {array.dtype}; it can hold {names}")
    if any(size >= 2**32 for size in array.shape):
        raise ShapeError(f"an IDX file cannot hold shape {array.shape}: a size is 2^32 or more")
    code = _CODES[array.dtype.newbyteorder("=")]
    header = struct.pack(f">2x2B{array.ndim}I", code, array.ndim, *array.shape)
    content = header + array.astype(_DTYPES[code], copy=False).tobytes()
    if os.fspath(path).endswith(".gz"):
        buffer = io.BytesIO()
        # No name and no time, so that the same array gives the same file.
        with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as stream:
            stream.write(content)
        content = buffer.getvalue()
    with atomic_write(path) as file:
        file.write(content)
