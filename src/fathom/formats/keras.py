"""The weights in Keras's files: arrays by the names of their layers, and nothing else.

A ``.weights.h5`` file is an HDF5 file with an array ``layers/dense/vars/0`` for each variable. A
``.keras`` file is a zip archive of one, beside descriptions of the model in JSON, which are not
looked at: no class that a file names is made, and no code in it is run. Links to other files,
compressed arrays and arrays that lie elsewhere are refused.

Source: https://keras.io/api/models/model_saving_apis/
"""

import io
import os
import struct
from typing import Any

from ..errors import FileFormatError, MissingExtra
from ..tensor import Tensor
from .files import PathLike, open_to_read
from .stored import ELEMENT_TYPES, StoredTensor

_DEEPEST = 32
_MOST_OBJECTS = 1_000_000


class _Damage(Exception):
    """What is wrong with the file."""


def read_keras(path: PathLike, *, widen: bool = False) -> dict[str, Tensor]:
    """Read the weights of a ``.keras`` or ``.weights.h5`` file, by their paths in it.

    Args:
        path: the file.
        widen: whether float16, which Fathom has not, becomes float32.

    Returns:
        Tensors as Keras lays them out, under names such as ``layers/dense/vars/0``;
        `fathom.models.load_keras` brings them into a model.

    Raises:
        MissingFileError, FileAccessError, FileFormatError: the file cannot be read.
        DTypeError: it holds an element type that Fathom has not.
        MissingExtra: h5py is not installed.
    """
    stored = read_keras_stored(path)
    return {name: one.tensor(name, widen) for name, one in stored.items()}


def read_keras_stored(path: PathLike) -> dict[str, StoredTensor]:
    """Read the weights as they lie in the file."""
    try:
        import h5py
    except ImportError:
        raise MissingExtra(
            "reading Keras's files needs h5py: pip install 'fathom-dl[keras]'"
        ) from None
    with open_to_read(path) as file:
        content = file.read()
    try:
        if content[:4] == b"PK\x03\x04":
            content = _weights_of_archive(content)
        with h5py.File(io.BytesIO(content), "r") as root:
            return dict(_Walk(h5py, len(content)).tensors(root))
    except _Damage as damage:
        reason = str(damage)
    except Exception as error:
        # A damaged file makes the library raise almost anything.
        reason = f"{type(error).__name__}: {error}"
    raise FileFormatError(f"{os.fspath(path)!r} cannot be read as a file of Keras's: {reason}")


def _weights_of_archive(content: bytes) -> bytes:
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            member = archive.getinfo("model.weights.h5")
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > len(content):
                raise _Damage("its weights are compressed")
            return archive.read(member)
    except KeyError:
        raise _Damage("its archive has no model.weights.h5") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        raise _Damage(f"it is not a sound zip archive ({error})") from None


class _Walk:
    """Goes through the groups of a file, each once.

    Args:
        h5py: the package.
        size: the size of the file, which bounds that of its arrays together.
    """

    def __init__(self, h5py: Any, size: int) -> None:
        self._h5py = h5py
        self._left = size
        self._seen: set[Any] = set()

    def tensors(self, group: Any, path: str = "", depth: int = 0) -> Any:
        """The arrays in a group and below it, with their paths."""
        if depth > _DEEPEST or len(self._seen) > _MOST_OBJECTS:
            raise _Damage("its groups nest too deeply, or are too many")
        for name in sorted(group):
            place = f"{path}/{name}" if path else name
            if not isinstance(group.get(name, getlink=True), self._h5py.HardLink):
                raise _Damage(f"{place[:80]!r} is a link to somewhere else")
            found = group[name]
            info = self._h5py.h5o.get_info(found.id)
            identity = (info.fileno, info.addr)
            if identity in self._seen:
                raise _Damage(f"{place[:80]!r} is in two places")
            self._seen.add(identity)
            if isinstance(found, self._h5py.Group):
                yield from self.tensors(found, place, depth + 1)
            elif isinstance(found, self._h5py.Dataset):
                yield place, self._read(found, place)

    def _read(self, dataset: Any, place: str) -> StoredTensor:
        element = ELEMENT_TYPES.get(dataset.dtype.newbyteorder("=").name)
        if element is None or dataset.dtype.kind not in "fiub":
            raise _Damage(f"{place[:80]!r} is no array of numbers")
        size = dataset.dtype.itemsize * dataset.size if dataset.shape is not None else -1
        if dataset.is_virtual or dataset.external or dataset.compression or size < 0:
            raise _Damage(f"{place[:80]!r} is compressed, or lies somewhere else")
        self._left -= size
        if dataset.id.get_storage_size() != size or self._left < 0:
            raise _Damage(f"{place[:80]!r} claims {size} bytes, which the file has not")
        array = dataset[()]
        if element.name == "bool":
            array = array.view("u1")
        return StoredTensor(
            element, array.astype(element.lies_as, copy=False).reshape(dataset.shape)
        )
