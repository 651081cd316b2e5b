"""Opening files, so that every failure is an error that says which file and why."""

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import FileAccessError, MissingFileError

PathLike = str | os.PathLike[str]


@contextmanager
def open_to_read(path: PathLike) -> Iterator[BinaryIO]:
    """Open a file for reading bytes.

    Raises:
        MissingFileError: there is no such file.
        FileAccessError: it cannot be read.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        raise MissingFileError(f"there is no file {os.fspath(path)!r}") from None
    except (OSError, ValueError) as error:
        raise FileAccessError(f"cannot read {os.fspath(path)!r}: {_reason(error)}") from None
    with file:
        try:
            yield file
        except OSError as error:
            if isinstance(error, FileAccessError):
                raise
            raise FileAccessError(f"cannot read {os.fspath(path)!r}: {_reason(error)}") from error


@contextmanager
def atomic_write(path: PathLike) -> Iterator[BinaryIO]:
    """Write a file as a whole or not at all.

    The bytes go to a temporary file in the same folder, which is flushed to the disk and
    then renamed; the rename is flushed too. Whenever the machine stops, the path holds
    either what it held before or all that was written. If the block raises (also
    KeyboardInterrupt), nothing is left behind. A device or a pipe is written to directly.

    Args:
        path: where the file shall be; a file that is there is replaced, also behind a link.

    Raises:
        FileAccessError: the folder is missing or read-only, the disk is full, …
    """
    target = Path(os.path.realpath(path))
    with _naming(path):
        if target.exists() and not (target.is_file() or target.is_dir()):
            with open(target, "wb") as file:
                yield file
        else:
            with _replacing(target) as file:
                yield file


@contextmanager
def _naming(path: PathLike) -> Iterator[None]:
    """Let errors of writing say which file, as the caller spelled it."""
    try:
        yield
    except FileAccessError:
        raise
    except OSError as error:
        raise FileAccessError(f"cannot write {os.fspath(path)!r}: {_reason(error)}") from error


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    # The process id tells a later writer whether the file is still being written.
    temporary = target.with_name(f"{_prefix(target)}{os.getpid()}.{threading.get_ident():x}.tmp")
    try:
        _remove_leftovers(target)
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _flush_folder(target.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _prefix(target: Path) -> str:
    return f".{target.name[:100]}."


def _remove_leftovers(target: Path) -> None:
    """Remove what processes that were killed while writing this file have left."""
    if os.name != "posix":
        return  # elsewhere asking whether a process lives would end it
    prefix = _prefix(target)
    for entry in os.scandir(target.parent):
        if entry.name.startswith(prefix) and entry.name.endswith(".tmp"):
            process = entry.name[len(prefix) :].split(".")[0]
            if process.isdecimal() and not _is_alive(int(process)):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


def _flush_folder(folder: Path) -> None:
    """Let the disk note a rename; some file systems and platforms offer no such thing."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
