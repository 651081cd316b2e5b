"""`fathom.save` and `fathom.load`: nested dicts and lists of tensors in one file.

The file is a safetensors file. Its tensors are named after their place (``model.0.weight``),
so that other programs can read them; how they nest, and all that is not a tensor, stands as
JSON in the metadata under ``fathom``. No object is pickled, and nothing in a file is run.

In the JSON, None, bools, numbers, texts and lists stand for themselves. Everything else is an
object with one key, which says what it is: ``{"tensor": name}``, ``{"float": "nan"}``,
``{"tuple": […]}``, ``{"dict": [[key, value], …]}``, ``{"OrderedDict": [[key, value], …]}``.
"""

import json
import math
import os
from collections import OrderedDict
from typing import Any

from ..errors import FileFormatError
from ..tensor import Tensor
from .files import PathLike, open_to_read
from .pytorch import is_pytorch, read_pytorch
from .safetensors import read_with_metadata, write_safetensors
from .stored import StoredTensor, UnsupportedObject

_KEY = "fathom"
_DEEPEST = 200


def save(obj: Any, f: PathLike) -> None:
    """Save nested dicts, lists and tuples of tensors and plain values, whole or not at all.

    Args:
        obj: tensors, None, bools, numbers, texts, and dicts, lists and tuples of them: a
            ``state_dict()``, or a dict of several. Tensors are saved without their history.
        f: the file to write.

    Raises:
        UnsupportedObject: something else is in it; the message names its place.
        FileAccessError: the file cannot be written.
    """
    tensors, metadata = flattened(obj)
    write_safetensors(f, tensors, metadata)


def flattened(obj: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The tensors of an object by the names of their places, and the text that says the rest.

    Raises:
        UnsupportedObject: something is in it that a file cannot hold.
    """
    writer = _Writer()
    structure = writer.encode(obj, ())
    text = json.dumps(structure, allow_nan=False, separators=(",", ":"))
    return writer.tensors, {_KEY: text}


def unflattened(tensors: dict[str, Any], metadata: dict[str, str]) -> Any:
    """The inverse of `flattened`; without its text, the tensors by name as they are.

    Raises:
        ValueError, RecursionError: the text is damaged.
    """
    if _KEY not in metadata:
        return tensors
    return _decode(json.loads(metadata[_KEY]), tensors)


def load(
    f: PathLike, map_location: Any = None, *, weights_only: bool = True, widen: bool = False
) -> Any:
    """Load what `save` saved; any other safetensors file as a dict of tensors.

    What `torch.save` saved is loaded too, as by `fathom.formats.read_pytorch`.

    Args:
        f: the file.
        map_location, weights_only: accepted for PyTorch's sake; tensors are on the CPU, and a
            file holds no code.
        widen: whether float16 and bfloat16, which Fathom has not, become float32.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        FileFormatError: it was written neither by `save` nor by PyTorch, or is damaged.
    """
    if not os.path.isdir(f) and _is_pytorch(f):
        return read_pytorch(f, widen=widen)
    tensors, metadata = read_with_metadata(f, widen=widen)
    try:
        return unflattened(tensors, metadata)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            f"{os.fspath(f)!r} is not a sound file of fathom.save: {error}"
        ) from None


def _is_pytorch(path: PathLike) -> bool:
    with open_to_read(path) as file:
        return is_pytorch(file.read(16))


class _Writer:
    """Turns an object into JSON values, and collects its tensors on the way."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor | StoredTensor] = {}

    def encode(self, value: Any, path: tuple[Any, ...]) -> Any:
        if len(path) > _DEEPEST:
            raise UnsupportedObject(
                f"{_describe(path[:3])}… nests more than {_DEEPEST} levels deep, or holds itself"
            )
        if isinstance(value, Tensor | StoredTensor):
            return {"tensor": self._collect(value, path)}
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, float):
            # JSON has no word for infinity and for what is not a number.
            return float(value) if math.isfinite(value) else {"float": repr(float(value))}
        if isinstance(value, int):
            return int(value)
        if isinstance(value, dict):
            kind = "OrderedDict" if isinstance(value, OrderedDict) else "dict"
            return {kind: [self._encode_item(key, value[key], path) for key in value]}
        if type(value) in (list, tuple):
            parts = [self.encode(part, (*path, index)) for index, part in enumerate(value)]
            return {"tuple": parts} if type(value) is tuple else parts
        raise UnsupportedObject(
            f"{_describe(path)} is of type {type(value).__qualname__}, which a file cannot hold; "
            f"{_advice(value)}"
        )

    def _encode_item(self, key: Any, value: Any, path: tuple[Any, ...]) -> list[Any]:
        if not (key is None or isinstance(key, str | int | float)):
            raise UnsupportedObject(
                f"{_describe(path)} has the key {key!r}; keys must be texts or numbers"
            )
        return [self.encode(key, path), self.encode(value, (*path, key))]

    def _collect(self, tensor: Tensor | StoredTensor, path: tuple[Any, ...]) -> str:
        plain = name = ".".join(map(str, path)) or "tensor"
        count = 1
        while name in self.tensors or name == "__metadata__":
            count += 1
            name = f"{plain}#{count}"
        self.tensors[name] = tensor
        return name


def _describe(path: tuple[Any, ...]) -> str:
    """A place in an object, as Python spells it: ``object['model'][0]``."""
    return "object" + "".join(f"[{key!r}]" for key in path)


def _advice(value: Any) -> str:
    if hasattr(value, "state_dict"):
        return "save its state_dict()"
    if hasattr(value, "__array__"):
        return "make it a tensor with fathom.tensor(), or a number with .item()"
    return "it can hold dicts, lists and tuples of tensors, numbers, texts, bools and None"


class _Malformed(ValueError):
    """What is wrong with the structure."""


def _decode(value: Any, tensors: dict[str, Any]) -> Any:
    """The inverse of `_Writer.encode`."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list():
            return [_decode(part, tensors) for part in value]
        case {"tensor": str(name)} if len(value) == 1 and name in tensors:
            return tensors[name]
        case {"float": "nan" | "inf" | "-inf" as number} if len(value) == 1:
            return float(number)
        case {"tuple": list(parts)} if len(value) == 1:
            return tuple([_decode(part, tensors) for part in parts])
        case {"dict": list(items)} if len(value) == 1:
            return dict(_decode_items(items, tensors))
        case {"OrderedDict": list(items)} if len(value) == 1:
            return OrderedDict(_decode_items(items, tensors))
    raise _Malformed(f"it holds {str(value)[:80]!r}, which means nothing")


def _decode_items(items: list[Any], tensors: dict[str, Any]) -> list[tuple[Any, Any]]:
    decoded = []
    for item in items:
        if not isinstance(item, list) or len(item) != 2:
            raise _Malformed(f"it holds a dict item {str(item)[:80]!r}")
        key = _decode(item[0], tensors)
        if not (key is None or isinstance(key, str | int | float)):
            raise _Malformed(f"it holds a dict key {str(item[0])[:80]!r}")
        decoded.append((key, _decode(item[1], tensors)))
    return decoded
