"""Folders of several safetensors files, with an index that says what is in which.

The index is JSON: ``{"metadata": {…}, "weight_map": {tensor: file}}``. The names of files in
it are names and no paths, so an index cannot lead out of its folder.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import FileFormatError, MissingFileError
from .files import PathLike, open_to_read
from .stored import StoredTensor

_INDEX = ".safetensors.index.json"
# An index names each tensor; even a million of them take less.
_LONGEST = 1 << 28

Contents = tuple[dict[str, StoredTensor], dict[str, str]]


def is_sharded(path: PathLike) -> bool:
    """Whether the path is a folder, or an index file."""
    return os.path.isdir(path) or os.fspath(path).endswith(_INDEX)


def read_shards(path: PathLike, read: Callable[[Path], Contents]) -> Contents:
    """Read the files that an index names, as one.

    Args:
        path: the index file, or the folder that it lies in.
        read: what reads one of the files.

    Raises:
        MissingFileError: there is no index, or a file that it names is not there.
        FileFormatError: the index is damaged or hostile, or not of these files.
    """
    index = _find_index(Path(path))
    places, metadata = _read_index(index)
    tensors: dict[str, StoredTensor] = {}
    for file in dict.fromkeys(places.values()):
        found, texts = read(index.parent / file)
        metadata |= texts
        expected = {name for name, place in places.items() if place == file}
        if expected != set(found):
            name = min(expected ^ set(found))
            where = "lacks" if name in expected else "has besides what the index says"
            raise FileFormatError(f"{str(index)!r}: {file!r} {where} tensor {name!r}")
        tensors |= found
    return {name: tensors[name] for name in places}, metadata


def _find_index(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(path.glob(f"*{_INDEX}"))
    if len(found) != 1:
        raise MissingFileError(
            f"cannot read the folder {str(path)!r}: it has {len(found)} files *{_INDEX}, "
            f"and should have one"
        )
    return found[0]


def _read_index(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    with open_to_read(path) as file:
        content = file.read(_LONGEST)
    try:
        index = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{str(path)!r} is not JSON ({error})") from None
    match index:
        case {"weight_map": dict(places)} if all(_is_name(place) for place in places.values()):
            pass
        case _:
            raise FileFormatError(
                f"{str(path)!r} has no 'weight_map' from the names of tensors to the names of "
                f"files beside it"
            )
    notes = index.get("metadata")
    texts = {key: str(note)[:200] for key, note in notes.items()} if isinstance(notes, dict) else {}
    return places, texts


def _is_name(place: Any) -> bool:
    return (
        isinstance(place, str)
        and place.endswith(".safetensors")
        and not any(sign in place for sign in ("/", "\\", ":", "\0"))
    )
