"""From the bytes of an ONNX file to its graph and its tensors; nothing in it is believed.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..formats.files import PathLike, open_to_read
from ..ops import Array
from ..promotion import DTYPES, DType
from .errors import MalformedModel, UnsupportedModel
from .package import onnx_package

# ONNX's numbers of the element types that Fathom has.
ELEMENT_TYPES: dict[int, DType] = {
    1: np.dtype(np.float32),
    2: np.dtype(np.uint8),
    3: np.dtype(np.int8),
    5: np.dtype(np.int16),
    6: np.dtype(np.int32),
    7: np.dtype(np.int64),
    9: np.dtype(np.bool_),
    11: np.dtype(np.float64),
}
assert set(ELEMENT_TYPES.values()) == set(DTYPES)

# Each of these numbers is a float32 after widening.
_HALF_TYPES = {10: "float16", 16: "bfloat16"}
# Where the elements of a tensor lie that are not written as raw bytes.
_FIELDS = {1: "float_data", 7: "int64_data", 11: "double_data"}


def read_model(source: PathLike | bytes) -> tuple[Any, Path | None]:
    """The model that a file or its content holds, and the folder of its external data.

    Args:
        source: the path of a file, or the content of one.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        MalformedModel: it is no ONNX model.
        MissingExtra: the package `onnx` is not installed.
    """
    onnx = onnx_package()
    if isinstance(source, bytes):
        content, folder, name = source, None, "these bytes are"
    else:
        with open_to_read(source) as file:
            content = file.read()
        folder, name = Path(os.path.realpath(source)).parent, f"{os.fspath(source)!r} is"
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:  # DecodeError, of a package that is onnx's own business
        raise MalformedModel(f"{name} no ONNX model: {error}") from None
    if not model.HasField("graph") or not model.opset_import:
        raise MalformedModel(
            f"{name} no ONNX model, or only the beginning of one: there is "
            f"{'no graph' if not model.HasField('graph') else 'no version of the operators'} in it"
        )
    return model, folder


def element_type(number: int, what: str, *, widen: bool = False) -> DType:
    """The element type with a number of ONNX's.

    Args:
        number: the number.
        what: whose it is, for the message.
        widen: whether float16 and bfloat16 become float32.

    Raises:
        UnsupportedModel: Fathom has no such type.
    """
    if number in ELEMENT_TYPES:
        return ELEMENT_TYPES[number]
    if number in _HALF_TYPES and widen:
        return ELEMENT_TYPES[1]
    name = _name_of_type(number)
    hint = "; pass widen=True to have float32 instead" if number in _HALF_TYPES else ""
    raise UnsupportedModel(f"{what} has element type {name}, which Fathom has not{hint}")


def read_tensor(tensor: Any, folder: Path | None, what: str, *, widen: bool = False) -> Array:
    """The array in a tensor of a model, whose size has been compared with its data's.

    Args:
        tensor: the `TensorProto`.
        folder: where external data may lie; without it there may be none.
        what: its name, for messages.
        widen: whether float16 and bfloat16 become float32.

    Raises:
        MalformedModel: the data are fewer or more than the shape asks for, or lie where they
            may not.
        UnsupportedModel: Fathom has no such element type.
    """
    dtype = element_type(tensor.data_type, what, widen=widen)
    shape = tuple(tensor.dims)
    if min(shape, default=0) < 0:
        raise MalformedModel(f"{what} has the impossible shape {shape}")
    count = math.prod(shape)
    half = _HALF_TYPES.get(tensor.data_type)
    stored = np.dtype("<u2") if half else dtype.newbyteorder("<")
    if tensor.data_location == 1:
        flat = _external(tensor, folder, what, stored, count)
    elif tensor.HasField("raw_data"):
        if len(tensor.raw_data) != count * stored.itemsize:
            raise MalformedModel(
                f"{what} has {len(tensor.raw_data)} bytes, but its shape {shape} and dtype "
                f"{half or dtype} ask for {count * stored.itemsize}"
            )
        flat = np.frombuffer(tensor.raw_data, stored)
    else:
        values = getattr(tensor, _FIELDS.get(tensor.data_type, "int32_data"))
        if len(values) != count:
            raise MalformedModel(
                f"{what} has {len(values)} elements, but its shape {shape} asks for {count}"
            )
        flat = np.array(values, np.int64 if stored.kind in "iub" else dtype).astype(stored)
    if half == "float16":
        flat = flat.view("<f2")
    elif half == "bfloat16":
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    return flat.astype(dtype).reshape(shape)


def _external(tensor: Any, folder: Path | None, what: str, stored: DType, count: int) -> Array:
    """The elements of a tensor that lie in a file of their own."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if folder is None:
        raise MalformedModel(
            f"{what} lies in the file {location!r} beside the model, but the model was given as "
            f"bytes; give its path"
        )
    path = Path(os.path.realpath(folder / location))
    # Also what a symbolic link leads to must lie within.
    if not location or "\0" in location or not path.is_relative_to(os.path.realpath(folder)):
        raise MalformedModel(f"{what} lies in {location!r}, which is outside the model's folder")
    try:
        offset, length = int(entries.get("offset", 0)), count * stored.itemsize
        claimed = int(entries.get("length", length))
    except ValueError:
        raise MalformedModel(f"{what} lies at a place that is no number: {entries}") from None
    with open_to_read(path) as file:
        size = os.fstat(file.fileno()).st_size
        if claimed != length or not 0 <= offset <= offset + length <= size:
            raise MalformedModel(
                f"{what} needs {length} bytes, but the model says that it is the {claimed} bytes "
                f"from {offset} on of {location!r}, which has {size}"
            )
        file.seek(offset)
        return np.frombuffer(file.read(length), stored)


def _name_of_type(number: int) -> str:
    try:
        return str(onnx_package().TensorProto.DataType.Name(number)).lower()
    except ValueError:
        return f"number {number}"
