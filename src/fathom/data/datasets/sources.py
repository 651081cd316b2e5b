"""Where the files of published data sets are found, and where they are downloaded from."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import DownloadError, MissingFileError
from ...formats.files import PathLike

# Debian's packages of data sets install here.
SYSTEM_FOLDER = Path("/usr/share/datasets")


@dataclass(frozen=True)
class Source:
    """A published collection of files.

    Attributes:
        name: what messages call it.
        folder: its folder's name under a data directory.
        mirrors: addresses of folders that hold the files, in the order they are tried.
        hashes: for each file its published checksum, ``"md5:…"`` or ``"sha256:…"``.
        other_folders: where other programs put the files under a data directory.
    """

    name: str
    folder: str
    mirrors: tuple[str, ...]
    hashes: dict[str, str]
    other_folders: tuple[str, ...] = ()

    def find(self, file_name: str, root: PathLike | None, download: bool) -> Path:
        """The path of a file: found on this machine, or else downloaded.

        Looked for, with ``.gz`` and without, in `root`, in the folder that the environment
        variable FATHOM_DATA names, in /usr/share/datasets and in the user's cache, each with
        this collection's folder. Files that are found are taken as they are.

        Args:
            file_name: the published name.
            root: a data directory; downloads go there too.
            download: whether to download a file that is not found.

        Raises:
            MissingFileError: it is not found, and shall not be downloaded.
            DownloadError: no mirror gives it, or what it gives has another checksum.
        """
        folders = list(self._folders(root))
        for folder in folders:
            for candidate in (folder / file_name, folder / file_name.removesuffix(".gz")):
                if candidate.is_file():
                    return candidate
        if not download:
            raise MissingFileError(
                f"{self.name}: {file_name} is in none of {', '.join(map(str, folders))}; "
                f"let FATHOM_DATA name the folder that holds {self.folder}/, or allow download"
            )
        target = Path(root) / self.folder if root is not None else cache_folder() / self.folder
        return fetch(file_name, self.mirrors, self.hashes[file_name], target)

    def _folders(self, root: PathLike | None) -> Iterator[Path]:
        names = (self.folder, *self.other_folders)
        if root is not None:
            yield Path(root)
            yield from (Path(root) / name for name in names)
        if os.environ.get("FATHOM_DATA"):
            yield from (Path(os.environ["FATHOM_DATA"]) / name for name in names)
        yield SYSTEM_FOLDER / self.folder
        yield cache_folder() / self.folder


def cache_folder() -> Path:
    """The user's cache of downloads."""
    from pooch import os_cache  # type: ignore[import-untyped]

    return Path(os_cache("fathom"))


def fetch(file_name: str, mirrors: Sequence[str], known_hash: str, folder: Path) -> Path:
    """Download a file from the first mirror that gives it, with the right checksum, whole.

    Args:
        file_name: its name there and here.
        mirrors: addresses of folders, each with a slash at the end.
        known_hash: ``"md5:…"`` or ``"sha256:…"``.
        folder: where to put it; made if it is missing.

    Raises:
        DownloadError: no mirror gives the file; nothing is left in the folder.
    """
    import logging

    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    downloader = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(), chunk_size=1 << 16, timeout=30
    )
    failures = []
    for mirror in mirrors:
        try:
            path = pooch.retrieve(
                url=mirror + file_name,
                known_hash=known_hash,
                fname=file_name,
                path=folder,
                downloader=downloader,
            )
        except (OSError, ValueError) as error:
            # Network errors of `requests` are OSErrors; a wrong checksum is a ValueError.
            failures.append(f"{mirror}: {_reason(error)}")
        else:
            return Path(path)
    raise DownloadError(
        f"{file_name} could not be downloaded to {folder} ({'; '.join(failures)})\n"
        f"put the file there by hand, or let FATHOM_DATA name the folder that holds it"
    )


def _reason(error: Exception) -> str:
    if isinstance(error, ValueError) and "hash" in str(error):
        return "the file has not the published checksum"
    return str(error)
