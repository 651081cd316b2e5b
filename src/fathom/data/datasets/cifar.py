"""CIFAR-10."""

import os
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...errors import FileFormatError, MissingFileError
from ...formats.files import PathLike, open_to_read
from .image_dataset import ImageDataset
from .sources import Source

_FOLDER = "cifar-10-batches-bin"
_ARCHIVE = "cifar-10-binary.tar.gz"
_BATCHES = {
    True: tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    False: ("test_batch.bin",),
}
# A label, then 32x32 pixels of red, of green and of blue.
_RECORD = 1 + 3 * 32 * 32
_LARGEST_FILE = 10_000 * _RECORD


class CIFAR10(ImageDataset):
    """Photographs of ten kinds: 50,000 training and 10,000 test images of 32x32 pixels.

    Read from the binary version, which holds no pickles.

    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    Args:
        root, train, transform, target_transform, download: as for `MNIST`; images are uint8
            tensors of shape (N, 3, 32, 32) before the transform.

    Raises:
        MissingFileError: the files are not found, and shall not be downloaded.
        DownloadError: they cannot be downloaded.
        FileFormatError: they are damaged.
    """

    source: ClassVar[Source] = Source(
        "CIFAR-10",
        "cifar10",
        ("https://www.cs.toronto.edu/~kriz/",),
        {_ARCHIVE: "md5:c32a1d4ab5d03f1284b67883e8d87530"},
        (_FOLDER, f"cifar10/{_FOLDER}"),
    )
    class_names: ClassVar[tuple[str, ...]] = (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    )

    def __init__(
        self,
        root: PathLike | None = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = True,
    ) -> None:
        records = np.concatenate(self._read(root, _BATCHES[train], download))
        images = records[:, 1:].reshape(-1, 3, 32, 32)
        super().__init__(images, records[:, 0], self.class_names, transform, target_transform)
        self.train = train

    def _read(
        self, root: PathLike | None, names: tuple[str, ...], download: bool
    ) -> list["np.ndarray[Any, Any]"]:
        try:
            paths = [self.source.find(name, root, download=False) for name in names]
        except MissingFileError:
            return _read_archive(self.source.find(_ARCHIVE, root, download), names)
        return [_read_batch(path) for path in paths]


def _read_batch(path: Path) -> "np.ndarray[Any, Any]":
    with open_to_read(path) as file:
        return _records(file.read(_LARGEST_FILE + 1), str(path))


def _read_archive(path: Path, names: tuple[str, ...]) -> list["np.ndarray[Any, Any]"]:
    """The records of some files of the archive, which is not unpacked on the disk."""
    found = {}
    with open_to_read(path) as file:
        try:
            with tarfile.open(fileobj=file, mode="r:*") as archive:
                for member in archive:
                    name = os.path.basename(member.name)
                    content = archive.extractfile(member) if name in names else None
                    if content is not None:
                        data = content.read(_LARGEST_FILE + 1)
                        found[name] = _records(data, f"{path}:{member.name}")
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise FileFormatError(f"'{path}' is a damaged archive: {error}") from None
    if missing := [name for name in names if name not in found]:
        raise FileFormatError(f"'{path}' lacks {', '.join(missing)}")
    return [found[name] for name in names]


def _records(data: bytes, name: str) -> "np.ndarray[Any, Any]":
    if not data or len(data) % _RECORD or len(data) > _LARGEST_FILE:
        raise FileFormatError(
            f"'{name}' is not a file of CIFAR-10: its length is not that of 1 to 10,000 records "
            f"of {_RECORD} bytes"
        )
    return np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
