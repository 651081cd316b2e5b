"""Keeps object code on disk, for the next process that needs it.

Only this user's own files are trusted, nothing in them is unpickled, and a file that is not
exactly what was written is made anew. Where nothing can be kept, everything works without.
"""

import hashlib
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_LARGEST = 256 * 2**20  # bytes that the folder may hold
_KEPT_AT_CLEANING = 0.75
_WRITES_BETWEEN_CLEANINGS = 64
_FORMAT = b"fathom code 1\n"
_DIGEST_BYTES = 32
_SUFFIX = ".code"

_writes = 0


def cached(key: str, build: Callable[[], bytes]) -> bytes:
    """What `build` gives, from the disk where this version of Fathom kept it before.

    Args:
        key: says everything that decides what `build` gives; its hash names the file.
        build: makes the content.
    """
    name = hashlib.blake2b(f"{_makers()}\n{key}".encode(), digest_size=20).hexdigest()
    path = folder() / (name + _SUFFIX)
    content = _read(path)
    if content is None:
        content = build()
        _write(path, content)
    return content


def folder() -> Path:
    """Where code is kept: the folder ``code`` in what the environment variable FATHOM_CACHE
    names, or in ``fathom`` in the user's folder for caches."""
    if os.environ.get("FATHOM_CACHE"):
        return Path(os.environ["FATHOM_CACHE"], "code")
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA", home)
    elif sys.platform == "darwin":
        root = os.path.join(home, "Library", "Caches")
    else:
        root = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(root):  # as the standard says
            root = os.path.join(home, ".cache")
    return Path(root, "fathom", "code")


@cache
def _makers() -> str:
    """When and how large all that turns descriptions into code was written: our modules, and
    llvmlite (asking it for its version would load it)."""
    package = Path(__file__).parent.parent
    files = [
        path for room in ("ops", "compiler", "runtime") for path in (package / room).glob("*.py")
    ]
    found = find_spec("llvmlite")
    if found is not None and found.origin is not None:
        files.append(Path(found.origin))
    stats = ((path, os.stat(path)) for path in sorted(files))
    return "\n".join(f"{path} {status.st_size} {status.st_mtime_ns}" for path, status in stats)


def _read(path: Path) -> bytes | None:
    """The content of a file, unless it is missing, damaged or another user's."""
    try:
        if not _is_ours(os.lstat(path.parent)):
            return None
        with open(path, "rb", opener=_without_links) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or not _is_ours(status):
                return None
            written = file.read()
    except OSError:
        return None
    with suppress(OSError):
        os.utime(path)  # what was used lately is kept longest
    content = written[len(_FORMAT) + _DIGEST_BYTES :]
    return content if written == _sealed(path.name, content) else None


def _write(path: Path, content: bytes) -> None:
    """Keep a content where that is possible; other processes see all of it or nothing."""
    global _writes  # noqa: PLW0603
    draft = path.with_name(f"{path.stem}.{os.urandom(8).hex()}{_SUFFIX}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(os.lstat(path.parent)):
            return
        if _writes % _WRITES_BETWEEN_CLEANINGS == 0:
            _remove_the_oldest(path.parent)
        _writes += 1
        with open(draft, "xb", opener=_without_links) as file:
            file.write(_sealed(path.name, content))
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            draft.unlink()


def _sealed(name: str, content: bytes) -> bytes:
    """A content as its file holds it: behind a digest that covers the file's name too."""
    digest = hashlib.blake2b(content, digest_size=_DIGEST_BYTES, key=name.encode()).digest()
    return _FORMAT + digest + content


def _is_ours(status: os.stat_result) -> bool:
    """Whether nobody else could have written a file, or into a folder."""
    if not hasattr(os, "geteuid"):  # Windows: the user's folders are the user's alone
        return True
    others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == os.geteuid() and not others_write and not stat.S_ISLNK(status.st_mode)


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def _remove_the_oldest(directory: Path) -> None:
    """Delete the files used longest ago where all together are too large."""
    with os.scandir(directory) as entries:
        ours = [(entry.path, entry.stat()) for entry in entries if entry.name.endswith(_SUFFIX)]
    total = sum(status.st_size for _, status in ours)
    if total <= _LARGEST:
        return
    for path, status in sorted(ours, key=lambda file: file[1].st_mtime):
        if total <= _LARGEST * _KEPT_AT_CLEANING:
            return
        os.unlink(path)
        total -= status.st_size
