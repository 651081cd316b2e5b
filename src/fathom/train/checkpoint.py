"""Checkpoints: the state of a training as a file, whole and checked."""

import os
from collections.abc import Mapping
from typing import Any

from ..errors import FileFormatError
from ..formats import load, save
from .errors import CheckpointError

_KIND = "fathom checkpoint"
_VERSION = 1
_PARTS = {
    "model": Mapping,
    "optimizer": Mapping,
    "random_key": object,
    "position": Mapping,
    "running": Mapping,
    "history": Mapping,
    "callbacks": list,
}

PathLike = str | os.PathLike[str]


def save_checkpoint(path: PathLike, state: Mapping[str, Any]) -> None:
    """Write the state of a training, whole or not at all.

    Args:
        path: the file; one that is there is replaced once the new one is safe on the disk.
        state: what `Trainer.state_dict` returned.

    Raises:
        FileAccessError: the file cannot be written.
    """
    save({"kind": _KIND, "version": _VERSION, **state}, path)


def load_checkpoint(path: PathLike) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote. Nothing in the file is executed.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        CheckpointError: it is damaged, or no checkpoint.
    """
    name = os.fspath(path)
    try:
        state = load(path)
    except FileFormatError as error:
        raise CheckpointError(
            f"{name!r} is no sound checkpoint: {error}; resume from another one, such as "
            f"'best.safetensors' beside 'last.safetensors'"
        ) from None
    if not isinstance(state, dict) or state.get("kind") != _KIND:
        raise CheckpointError(
            f"{name!r} holds no checkpoint of a Trainer; weights alone are read with "
            f"model.load_state_dict(fathom.load({name!r}))"
        )
    if state.get("version") != _VERSION:
        raise CheckpointError(
            f"{name!r} is a checkpoint of version {state.get('version')!r}, this Fathom reads "
            f"version {_VERSION}"
        )
    for part, kind in _PARTS.items():
        if not isinstance(state.get(part), kind) or state[part] is None:
            raise CheckpointError(f"{name!r} is no sound checkpoint: its part {part!r} is missing")
    return state
