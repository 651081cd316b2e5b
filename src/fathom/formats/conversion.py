"""Files of tensors, of whatever format, as one thing: what is in them, bit for bit."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import ArgumentError, FileFormatError
from .files import PathLike
from .keras import read_keras_stored
from .nested import flattened, unflattened
from .pytorch import read_pytorch_stored, write_pytorch
from .safetensors import read_stored, write_safetensors
from .shards import is_sharded
from .stored import StoredTensor

# The key under which `fathom.save` keeps how tensors nest.
_STRUCTURE = "fathom"


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        format: the name of its format.
        tree: nested dicts, lists and tuples of `StoredTensor` and plain values.
        metadata: the texts beside the tensors.
    """

    format: str
    tree: Any
    metadata: dict[str, str] = field(default_factory=dict)

    def tensors(self) -> dict[str, StoredTensor]:
        """The tensors by the names of their places, in the order of the file."""
        return {name: leaf for name, leaf in _leaves(self.tree, "") if _is_tensor(leaf)}

    def values(self) -> dict[str, Any]:
        """The plain values by the names of their places."""
        return {name: leaf for name, leaf in _leaves(self.tree, "") if not _is_tensor(leaf)}


def _is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, StoredTensor)


def _leaves(tree: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        parts = list(tree.items())
    elif isinstance(tree, list | tuple):
        parts = list(enumerate(tree))
    else:
        yield place or "tensor", tree
        return
    for key, part in parts:
        yield from _leaves(part, f"{place}.{key}" if place else str(key))


def format_of(path: PathLike) -> str:
    """The name of a file's format, by its extension.

    Raises:
        ArgumentError: no format has this extension.
    """
    name = os.fspath(path).lower()
    if is_sharded(path):
        return "safetensors"
    for extension, found in EXTENSIONS.items():
        if name.endswith(extension):
            return found
    raise ArgumentError(
        f"the name {os.fspath(path)!r} does not say which format it has; "
        f"there are {', '.join(EXTENSIONS)}"
    )


EXTENSIONS = {
    ".pt": "PyTorch",
    ".pth": "PyTorch",
    ".bin": "PyTorch",
    ".safetensors": "safetensors",
    ".onnx": "ONNX",
    ".weights": "Darknet",
    ".cfg": "Darknet's cfg",
    ".keras": "Keras",
    ".h5": "Keras",
}


def read_contents(path: PathLike, *, mmap: bool = True) -> Contents:
    """Read a file of PyTorch's, safetensors or Keras's, whichever its extension says.

    Args:
        path: the file.
        mmap: whether tensors are read only when they are looked at.

    Raises:
        MissingFileError, FileAccessError, FileFormatError: the file cannot be read.
        ArgumentError: no format, or one that says more than tensors, has this extension.
    """
    kind = format_of(path)
    read = _READERS.get(kind)
    if read is None:
        raise ArgumentError(f"{os.fspath(path)!r} of {kind} is no file of tensors by name")
    return read(path, mmap)


def _read_pytorch(path: PathLike, mmap: bool) -> Contents:
    return Contents("PyTorch", read_pytorch_stored(path, mmap=mmap))


def _read_safetensors(path: PathLike, mmap: bool) -> Contents:
    tensors, metadata = read_stored(path, mmap=mmap)
    try:
        tree = unflattened(tensors, metadata)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            f"{os.fspath(path)!r} is not a sound file of fathom.save: {error}"
        ) from None
    texts = {name: text for name, text in metadata.items() if name != _STRUCTURE}
    return Contents("safetensors", tree, texts)


def _read_keras(path: PathLike, mmap: bool) -> Contents:
    return Contents("Keras", read_keras_stored(path))


_READERS: dict[str, Callable[[PathLike, bool], Contents]] = {
    "PyTorch": _read_pytorch,
    "safetensors": _read_safetensors,
    "Keras": _read_keras,
}


def write_contents(path: PathLike, contents: Contents) -> None:
    """Write a file of PyTorch's or safetensors, whichever its extension says.

    What a safetensors file has no place for (how tensors nest, numbers, texts) is kept as
    `fathom.save` does; a file of PyTorch's has no place for metadata.

    Raises:
        ArgumentError: no format that can be written so has this extension.
        UnsupportedObject, DTypeError: the format cannot hold what there is.
        FileAccessError: the file cannot be written.
    """
    kind = format_of(path)
    if kind == "PyTorch":
        write_pytorch(path, contents.tree)
    elif kind == "safetensors" and not os.path.isdir(path):
        if _is_flat(contents.tree):
            write_safetensors(path, contents.tree, contents.metadata)
        else:
            tensors, structure = flattened(contents.tree)
            write_safetensors(path, tensors, contents.metadata | structure)
    else:
        raise ArgumentError(f"{os.fspath(path)!r}: files of {kind} cannot be written from tensors")


def _is_flat(tree: Any) -> bool:
    return isinstance(tree, dict) and all(
        isinstance(name, str) and _is_tensor(leaf) for name, leaf in tree.items()
    )
