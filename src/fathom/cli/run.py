"""Trainers for settings, and for run folders that there are already."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .settings import Settings

if TYPE_CHECKING:
    from ..data.datasets import Splits
    from ..train import Trainer


def make_trainer(settings: Settings, data: "Splits", samples: int, folder: Path) -> "Trainer":
    """A trainer whose run folder is `folder`.

    Args:
        settings: what to train, and how.
        data: the data set.
        samples: the number of training samples.
        folder: the run folder.
    """
    from .. import models
    from ..functional.random import manual_seed
    from ..train import EarlyStopping, TensorBoardLogger, Trainer

    config = settings.as_config(data)
    manual_seed(settings.seed)
    model = models.create(config["model"]["name"], **config["model"]["options"])
    optimizer = settings.make_optimizer(model.parameters())
    steps = math.ceil(samples / settings.batch_size)
    callbacks: list[Any] = []
    if settings.patience is not None:
        callbacks.append(EarlyStopping(patience=settings.patience))
    if settings.tensorboard:
        callbacks.append(TensorBoardLogger(folder / "tensorboard"))
    return Trainer(
        model,
        "cross_entropy",
        optimizer,
        ["accuracy"],
        settings.make_schedule(optimizer, steps),
        callbacks,
        batch_size=settings.batch_size,
        seed=settings.seed,
        out=folder,
        config=config,
        compile=not settings.eager,
    )


def trainer_of_run(folder: Path, checkpoint: str, eager: bool = False) -> "tuple[Trainer, Splits]":
    """The trainer of a run folder with the model of a checkpoint, and the data set.

    Args:
        folder: the run folder.
        checkpoint: ``"best"`` or ``"last"``.
        eager: whether the model is not compiled.
    """
    settings = replace(Settings.of_run(folder), eager=eager)
    data = settings.load_data()
    trainer = make_trainer(settings, data, len(data.train), folder)
    take_checkpoint(trainer, folder, checkpoint)
    return trainer, data


def take_checkpoint(trainer: "Trainer", folder: Path, which: str = "best") -> int:
    """Give the trainer the model and the history of its run folder; return the model's epoch."""
    from ..train import load_run

    run = load_run(folder, which)
    trainer.model.load_state_dict(run.model.state_dict())
    trainer.history = load_run(folder, "last").history
    return run.epoch


def labels_of(data: Any) -> "np.ndarray[Any, Any]":
    """The labels of a data set in memory."""
    return np.asarray(data.targets if hasattr(data, "targets") else data.tensors[-1])


def scale(values: "np.ndarray[Any, Any]", scaling: dict[str, Any]) -> "np.ndarray[Any, Any]":
    """Raw values as the model of a run takes them.

    Args:
        values: pixels or features, of shape (N, C, H, W) or (N, F).
        scaling: what ``config.json`` says: the value that becomes 1, or mean and deviation.
    """
    from ..data.transforms import Normalize

    values = values.astype(np.float32)
    if "maximum" in scaling:
        return values / np.float32(scaling["maximum"])
    return Normalize(scaling["mean"], scaling["std"]).apply(values)
