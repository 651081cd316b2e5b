"""Callbacks: what shall happen besides the training itself."""

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FileAccessError, MissingExtra
from ..formats import atomic_write
from .checkpoint import PathLike, save_checkpoint
from .errors import TrainingError

if TYPE_CHECKING:
    from .trainer import Trainer

Figures = Mapping[str, Any]


class Callback:
    """The base of all callbacks. Each method may be left as it is, and does nothing then.

    What a callback must know after a resume, it returns from `state_dict`.
    """

    def on_fit_begin(self, trainer: "Trainer") -> None:
        """Before the first epoch of a call of `Trainer.fit`, and after a checkpoint was read."""

    def on_epoch_begin(self, trainer: "Trainer") -> None:
        """Before the first batch of an epoch; ``trainer.epoch`` epochs are done."""

    def on_batch_end(self, trainer: "Trainer", loss: float) -> None:
        """After each training batch."""

    def on_epoch_end(self, trainer: "Trainer", figures: Figures) -> None:
        """After the validation; `figures` is what the history has got for the epoch."""

    def on_fit_end(self, trainer: "Trainer") -> None:
        """At the end of `Trainer.fit`, also when it was stopped."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint shall hold of this callback: tensors and plain values."""
        return {}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""


class _Best(Callback):
    """Knows the best figure so far.

    Args:
        monitor: the name of a figure in the history; None for the validation loss where
            there is one, else the loss.
        mode: ``"min"``, ``"max"``, or None: errors and losses are to be small, others large.
        min_delta: the least improvement that counts.
    """

    def __init__(
        self, monitor: str | None = None, mode: str | None = None, min_delta: float = 0.0
    ) -> None:
        if mode not in ("min", "max", None):
            raise TrainingError(f"mode is {mode!r}, expected 'min', 'max' or None")
        self.monitor = monitor
        self.mode = mode
        self.min_delta = min_delta
        self.best: float | None = None
        self.best_epoch = 0

    def improves(self, trainer: "Trainer", figures: Figures) -> bool:
        """Whether the epoch's figure is the best so far; it is noted then."""
        name = self.monitor or ("val_loss" if "val_loss" in figures else "loss")
        figure = figures.get(name)
        if not isinstance(figure, float):
            numbers = [key for key, value in figures.items() if isinstance(value, float)]
            raise TrainingError(
                f"{type(self).__name__} monitors {name!r}, which is no number of the history; "
                f"there are {', '.join(numbers)}"
            )
        mode = self.mode or ("min" if "loss" in name or "error" in name else "max")
        sign = 1 if mode == "max" else -1
        if math.isnan(figure):
            return False
        if self.best is None or sign * (figure - self.best) > self.min_delta:
            self.best, self.best_epoch = figure, trainer.epoch
            return True
        return False

    def on_fit_begin(self, trainer: "Trainer") -> None:
        if trainer.is_fresh:
            self.best, self.best_epoch = None, 0

    def state_dict(self) -> dict[str, Any]:
        """The best figure, and its epoch."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a best figure."""
        self.best, self.best_epoch = state_dict["best"], state_dict["best_epoch"]


class EarlyStopping(_Best):
    """Stops when a figure has not become better for `patience` epochs.

    Args:
        monitor: the name of a figure in the history; None for the validation loss where
            there is one, else the loss.
        patience: the number of epochs in a row without improvement that ends the training.
        min_delta: the least improvement that counts.
        mode: ``"min"``, ``"max"``, or None: errors and losses are to be small, others large.
        restore_best: whether the model gets the parameters of the best epoch in the end.
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 5,
        min_delta: float = 0.0,
        mode: str | None = None,
        restore_best: bool = True,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.restore_best = restore_best
        self.waited = 0
        self.best_model: dict[str, Any] | None = None

    def on_fit_begin(self, trainer: "Trainer") -> None:
        super().on_fit_begin(trainer)
        if trainer.is_fresh:
            self.waited, self.best_model = 0, None

    def on_epoch_end(self, trainer: "Trainer", figures: Figures) -> None:
        if self.improves(trainer, figures):
            self.waited = 0
            if self.restore_best:
                self.best_model = trainer.model_state()
            return
        self.waited += 1
        if self.waited >= self.patience:
            trainer.stop(
                f"no improvement for {self.waited} epochs; the best was epoch {self.best_epoch}"
            )

    def on_fit_end(self, trainer: "Trainer") -> None:
        if self.best_model is not None and not trainer.is_interrupted:
            trainer.model.load_state_dict(self.best_model)

    def state_dict(self) -> dict[str, Any]:
        """The best figure and model, and how long ago they were."""
        return {**super().state_dict(), "waited": self.waited, "best_model": self.best_model}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on waiting."""
        super().load_state_dict(state_dict)
        self.waited, self.best_model = state_dict["waited"], state_dict["best_model"]


class Checkpoint(_Best):
    """Keeps ``last.safetensors`` and ``best.safetensors`` in a folder.

    The last one is written before the first epoch, after each, and when the training is
    stopped. A file is always whole: the old one stays until the new one is on the disk.

    Args:
        folder: the folder; made if it is missing.
        monitor: the figure that says which epoch is best; None for the validation loss where
            there is one, else the loss.
        mode: ``"min"``, ``"max"``, or None: errors and losses are to be small, others large.
        every: after how many batches the last one is written too; None for only each epoch.
    """

    def __init__(
        self,
        folder: PathLike,
        monitor: str | None = None,
        mode: str | None = None,
        every: int | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.folder = Path(folder)
        self.every = every

    @property
    def last_file(self) -> Path:
        """The file of the last checkpoint."""
        return self.folder / "last.safetensors"

    @property
    def best_file(self) -> Path:
        """The file of the best checkpoint."""
        return self.folder / "best.safetensors"

    def on_fit_begin(self, trainer: "Trainer") -> None:
        super().on_fit_begin(trainer)
        make_folder(self.folder)
        if trainer.is_fresh:
            save_checkpoint(self.last_file, trainer.state_dict())

    def on_batch_end(self, trainer: "Trainer", loss: float) -> None:
        if self.every and trainer.batch % self.every == 0 and trainer.is_between_steps:
            save_checkpoint(self.last_file, trainer.state_dict())

    def on_epoch_end(self, trainer: "Trainer", figures: Figures) -> None:
        is_best = self.improves(trainer, figures)
        state = trainer.state_dict()
        save_checkpoint(self.last_file, state)
        if is_best:
            save_checkpoint(self.best_file, state)

    def on_fit_end(self, trainer: "Trainer") -> None:
        if trainer.is_interrupted:
            save_checkpoint(self.last_file, trainer.state_dict())


class CSVLogger(Callback):
    """Writes the history as a CSV file, one row for each epoch.

    Args:
        path: the file; it is whole at any time.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)

    def on_fit_begin(self, trainer: "Trainer") -> None:
        make_folder(self.path.parent)
        self._write(trainer.history)

    def on_epoch_end(self, trainer: "Trainer", figures: Figures) -> None:
        self._write(trainer.history)

    def _write(self, history: Mapping[str, list[Any]]) -> None:
        # What is no number (a confusion matrix) does not fit into a cell.
        columns = {
            name: values
            for name, values in history.items()
            if not any(isinstance(value, list) for value in values)
        }
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        with atomic_write(self.path) as file:
            file.write(text.getvalue().encode())


class TensorBoardLogger(Callback):
    """Writes the figures of each epoch for TensorBoard.

    Args:
        folder: the log folder.

    Raises:
        MissingExtra: tensorboardX is not installed.
    """

    def __init__(self, folder: PathLike) -> None:
        try:
            import tensorboardX  # type: ignore[import-untyped]  # noqa: F401 - an extra
        except ImportError:
            raise MissingExtra(
                "the TensorBoard log needs tensorboardX: pip install 'fathom-dl[tensorboard]'"
            ) from None
        self.folder = Path(folder)
        self._writer: Any = None

    def on_fit_begin(self, trainer: "Trainer") -> None:
        from tensorboardX import SummaryWriter

        make_folder(self.folder)
        # What a run that is resumed had written after its checkpoint is hidden.
        self._writer = SummaryWriter(str(self.folder), purge_step=trainer.epoch + 1)

    def on_epoch_end(self, trainer: "Trainer", figures: Figures) -> None:
        for name, figure in figures.items():
            if isinstance(figure, float):
                self._writer.add_scalar(name, figure, trainer.epoch)
        self._writer.flush()

    def on_fit_end(self, trainer: "Trainer") -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; raise `FileAccessError` where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileAccessError(
            f"cannot make the folder {str(folder)!r}: {error.strerror or error}"
        ) from None
