"""The run folder: what a training leaves behind, and how to get its model back."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FileFormatError, MissingFileError
from ..formats import atomic_write, open_to_read
from ..nn import Module
from .callbacks import make_folder
from .checkpoint import PathLike, load_checkpoint
from .errors import TrainingError

if TYPE_CHECKING:
    pass

# A configuration or a history is text for people; one of this size is something else.
_LARGEST_JSON = 64 * 2**20


class RunFolder:
    """A folder with ``config.json``, ``last.safetensors``, ``best.safetensors``, ``log.csv``,
    ``history.json``, ``report.md`` and ``plots``.

    Args:
        path: the folder.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.last = self.path / "last.safetensors"
        self.best = self.path / "best.safetensors"
        self.log = self.path / "log.csv"
        self.history = self.path / "history.json"
        self.report = self.path / "report.md"
        self.plots = self.path / "plots"

    def prepare(self, config: Mapping[str, Any]) -> None:
        """Make the folder and write the configuration.

        Raises:
            FileAccessError: that is not possible, and would not be after hours of training.
        """
        make_folder(self.path)
        write_json(self.config, config)

    def write_history(self, history: Mapping[str, Any]) -> None:
        """Write the history."""
        write_json(self.history, history)


@dataclass
class Run:
    """A training read back from its run folder.

    Attributes:
        folder: the run folder.
        config: what ``config.json`` holds.
        history: the figures of each epoch.
        model: the model with the parameters of the best or last epoch, in evaluation mode.
        epoch: the number of epochs that the model was trained for.
    """

    folder: Path
    config: dict[str, Any]
    model: Module
    epoch: int
    history: dict[str, list[Any]] = field(default_factory=dict)


def load_run(folder: PathLike, which: str = "best") -> Run:
    """Read a run folder, and make its model again from ``config.json`` and a checkpoint.

    Nothing in the folder is executed: the model is made by `fathom.models.create` from the
    name and the options under ``"model"`` in the configuration.

    Args:
        folder: the run folder.
        which: ``"best"`` or ``"last"``, the checkpoint; the last where there is no best.

    Raises:
        MissingFileError: the folder or a file in it is missing.
        FileFormatError, CheckpointError: a file is damaged.
        TrainingError: the configuration does not name a model, or another one.
    """
    if which not in ("best", "last"):
        raise TrainingError(f"which is {which!r}, expected 'best' or 'last'")
    run = RunFolder(folder)
    if not run.path.is_dir():
        raise MissingFileError(
            f"there is no run folder {str(run.path)!r}; a training makes one with out="
        )
    config = read_json(run.config)
    model = model_from(config, run.config)
    file = run.best if which == "best" and run.best.exists() else run.last
    checkpoint = load_checkpoint(file)
    model.load_state_dict(checkpoint["model"])
    return Run(
        run.path, config, model.eval(), checkpoint["position"]["epoch"], checkpoint["history"]
    )


def model_from(config: Mapping[str, Any], path: PathLike = "config.json") -> Module:
    """The model that a configuration names, with new parameters."""
    from ..models import create

    described = config.get("model")
    if not isinstance(described, dict) or not isinstance(described.get("name"), str):
        raise TrainingError(
            f"{str(path)!r} does not name the model; give the trainer "
            f'config={{"model": {{"name": …, "options": {{…}}}}}}, or make the model yourself and '
            f"load the checkpoint with fathom.train.load_checkpoint"
        )
    options = described.get("options", {})
    if not isinstance(options, dict):
        raise FileFormatError(f"{str(path)!r}: the model's options are no JSON object")
    model: Module = create(described["name"], **options)
    return model


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all; NaN and infinity become null."""
    text = json.dumps(_finite(value), indent=2, ensure_ascii=False, default=str, allow_nan=False)
    with atomic_write(path) as file:
        file.write(text.encode() + b"\n")


def read_json(path: Path) -> dict[str, Any]:
    """The object that a JSON file holds.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        FileFormatError: it is no JSON object.
    """
    with open_to_read(path) as file:
        content = file.read(_LARGEST_JSON + 1)
    if len(content) > _LARGEST_JSON:
        raise FileFormatError(f"{str(path)!r} is too large for a file of settings")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{str(path)!r} is no JSON file: {error}") from None
    if not isinstance(value, dict):
        raise FileFormatError(f"{str(path)!r} holds no JSON object")
    return value


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value
