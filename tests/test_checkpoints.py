"""Checkpoints: an interrupted training ends bit for bit where the uninterrupted one ends."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fathom
from fathom import FathomError, nn
from fathom.data import DataLoader, TensorDataset
from fathom.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, ReduceLROnPlateau
from fathom.train import (
    Callback,
    Checkpoint,
    CheckpointError,
    EarlyStopping,
    Trainer,
    TrainingError,
    load_checkpoint,
    load_run,
)

RANDOM = np.random.default_rng(0)
INPUTS = fathom.tensor(RANDOM.normal(size=(70, 6)).astype(np.float32))
LABELS = fathom.tensor(RANDOM.integers(0, 3, 70))
VALIDATION = (INPUTS[:20], LABELS[:20])
EPOCHS = 3


@pytest.fixture(autouse=True)
def _without_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fathom.train.trainer.write_report", lambda *_: None)


class StopAt(Callback):
    """Interrupts the training after a batch of an epoch, as Ctrl-C does."""

    def __init__(self, epoch: int = -1, batch: int = -1) -> None:
        self.place = (epoch, batch)

    def on_batch_end(self, trainer: Trainer, loss: float) -> None:
        if (trainer.epoch, trainer.batch) == self.place:
            trainer.interrupt()


def make_trainer(
    out: Path | None, stop: StopAt, seed: int = 5, restore_best: bool = False, **options: Any
) -> Trainer:
    fathom.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)
    )
    settings: dict[str, Any] = {
        "optimizer": fathom.optim.Adam(model.parameters(), lr=0.01),
        "schedule": lambda optimizer: CosineAnnealingLR(optimizer, 5),
        "compile": False,
        **options,
    }
    return Trainer(
        model,
        "cross_entropy",
        metrics=["accuracy", "f1"],
        callbacks=[EarlyStopping(restore_best=restore_best), stop],
        batch_size=16,
        seed=1,
        out=out,
        quiet=True,
        **settings,
    )


def loader_with_noise() -> DataLoader:
    """A loader that shuffles, and whose transform draws random numbers for every batch."""
    return DataLoader(
        TensorDataset(INPUTS, LABELS),
        16,
        shuffle=True,
        transform=lambda inputs: inputs + fathom.rand(*inputs.shape) * 0,
    )


def assert_equal_state(one: Trainer, other: Trainer) -> None:
    first, second = one.state_dict(), other.state_dict()
    for name, tensor in first["model"].items():
        np.testing.assert_array_equal(tensor, second["model"][name], err_msg=name)
    for number, state in first["optimizer"]["state"].items():
        for key, tensor in state.items():
            np.testing.assert_array_equal(tensor, second["optimizer"]["state"][number][key])
    np.testing.assert_array_equal(first["random_key"], second["random_key"])
    assert first["schedule"] == second["schedule"]
    for name in first["history"].keys() - {"seconds"}:
        assert first["history"][name] == second["history"][name], name


PLACES = [(0, 1), (0, 5), (1, 3), (2, 4), (2, 5)]
VARIANTS: dict[str, Callable[[], dict[str, Any]]] = {
    "plain": dict,
    "accumulated": lambda: {"accumulate": 2, "clip_norm": 1.0},
    "one-cycle": lambda: {"schedule": lambda optimizer: OneCycleLR(optimizer, 0.1, total_steps=15)},
    "restoring the best": lambda: {"restore_best": True},
    "compiled": lambda: {"compile": True, "clip_norm": 1.0},
    "plateau": lambda: {"schedule": lambda optimizer: ReduceLROnPlateau(optimizer, patience=0)},
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("place", PLACES)
def test_a_resumed_training_ends_where_the_uninterrupted_one_ends(
    place: tuple[int, int], variant: str, tmp_path: Path
) -> None:
    whole = make_trainer(None, StopAt(), **VARIANTS[variant]())
    whole.callbacks += [Callback(), Checkpoint(tmp_path / "whole")]
    whole.fit((INPUTS, LABELS), VALIDATION, EPOCHS)
    begun = make_trainer(tmp_path, StopAt(*place), **VARIANTS[variant]())
    begun.fit((INPUTS, LABELS), VALIDATION, EPOCHS)
    assert begun.is_interrupted
    assert begun.epoch == place[0]
    # Another process: other parameters, another random key, another loader.
    resumed = make_trainer(tmp_path, StopAt(), seed=99, **VARIANTS[variant]())
    fathom.rand(13)
    history = resumed.fit((INPUTS, LABELS), VALIDATION, EPOCHS, resume=True)
    assert history["epoch"] == [1, 2, 3]
    assert resumed.steps == whole.steps
    assert_equal_state(whole, resumed)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_continues_at_its_batch_however_far_it_has_prepared(
    workers: int, tmp_path: Path
) -> None:
    trainers = []
    for stop in (StopAt(), StopAt(1, 2)):
        trainer = make_trainer(None, stop)
        loader = DataLoader(TensorDataset(INPUTS, LABELS), 16, shuffle=True, num_workers=workers)
        trainer.fit(loader, epochs=EPOCHS)
        trainers.append(trainer)
    trainers[1].save(tmp_path / "interrupted.safetensors")
    resumed = make_trainer(None, StopAt(), seed=8)
    loader = DataLoader(TensorDataset(INPUTS, LABELS), 16, shuffle=True)
    resumed.fit(loader, epochs=EPOCHS, resume=tmp_path / "interrupted.safetensors")
    assert_equal_state(trainers[0], resumed)


def test_batches_in_a_list_are_continued_too(tmp_path: Path) -> None:
    batches = [
        [INPUTS[start : start + 16], LABELS[start : start + 16]] for start in range(0, 70, 16)
    ]
    whole = make_trainer(None, StopAt())
    whole.fit(batches, epochs=2)
    begun = make_trainer(None, StopAt(1, 2))
    begun.fit(batches, epochs=2)
    begun.save(tmp_path / "checkpoint")
    resumed = make_trainer(None, StopAt(), seed=8)
    resumed.fit(batches, epochs=2, resume=tmp_path / "checkpoint")
    assert_equal_state(whole, resumed)


@pytest.mark.parametrize("compile", [False, True])
def test_a_training_interrupted_during_validation_repeats_the_validation(
    compile: bool, tmp_path: Path
) -> None:
    class Interrupting(list[Any]):
        """Batches that interrupt a training when they are read for the second time."""

        trainer: Trainer | None = None

        def __iter__(self) -> Any:
            for batch in super().__iter__():
                if self.trainer is not None and self.trainer.epoch == 1:
                    self.trainer.interrupt()
                yield batch

    batches = Interrupting([VALIDATION, VALIDATION])
    whole = make_trainer(None, StopAt(), compile=compile)
    whole.fit((INPUTS, LABELS), batches, epochs=2)
    begun = make_trainer(None, StopAt(), compile=compile)
    batches.trainer = begun
    begun.fit((INPUTS, LABELS), batches, epochs=2)
    assert (begun.epoch, begun.batch) == (1, 5)
    begun.save(tmp_path / "checkpoint")
    resumed = make_trainer(None, StopAt(), seed=8, compile=compile)
    resumed.fit((INPUTS, LABELS), batches, epochs=2, resume=tmp_path / "checkpoint")
    assert_equal_state(whole, resumed)


def test_a_killed_training_goes_on_from_its_last_checkpoint(tmp_path: Path) -> None:
    class Killed(BaseException):
        """Stands for the end of the process."""

    class Kill(StopAt):
        def on_batch_end(self, trainer: Trainer, loss: float) -> None:
            if (trainer.epoch, trainer.batch) == self.place:
                raise Killed

    whole = make_trainer(None, StopAt())
    whole.fit((INPUTS, LABELS), epochs=2)
    begun = make_trainer(None, StopAt())
    begun.callbacks[1:] = [Checkpoint(tmp_path, every=2), Kill(1, 3)]
    with pytest.raises(Killed):
        begun.fit((INPUTS, LABELS), epochs=2)
    assert load_checkpoint(tmp_path / "last.safetensors")["position"]["batch"] == 2
    resumed = make_trainer(None, StopAt(), seed=8)
    resumed.callbacks[1:] = [Checkpoint(tmp_path, every=2), Kill()]
    resumed.fit((INPUTS, LABELS), epochs=2, resume=tmp_path / "last.safetensors")
    assert_equal_state(whole, resumed)


def test_resuming_a_finished_training_does_nothing_but_can_go_further(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, StopAt())
    trainer.fit((INPUTS, LABELS), epochs=1)
    again = make_trainer(tmp_path, StopAt(), seed=8)
    again.fit((INPUTS, LABELS), epochs=1, resume=True)
    assert_equal_state(trainer, again)
    assert again.fit((INPUTS, LABELS), epochs=2, resume=True)["epoch"] == [1, 2]


def test_resume_true_starts_anew_where_there_is_nothing_yet(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "new", StopAt())
    assert trainer.fit((INPUTS, LABELS), epochs=1, resume=True)["epoch"] == [1]
    with pytest.raises(CheckpointError, match="needs a run folder"):
        make_trainer(None, StopAt()).fit((INPUTS, LABELS), resume=True)


def test_damaged_and_foreign_files_are_refused_with_a_reason(tmp_path: Path) -> None:
    trainer = make_trainer(None, StopAt())
    trainer.fit((INPUTS, LABELS), epochs=1)
    path = tmp_path / "checkpoint.safetensors"
    trainer.save(path)
    content = path.read_bytes()
    for damaged in (b"", content[:100], content[: len(content) // 2], b"\xff" * 500):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="no sound checkpoint"):
            load_checkpoint(path)
    fathom.save(trainer.model.state_dict(), path)
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        load_checkpoint(path)
    fathom.save({"kind": "fathom checkpoint", "version": 9}, path)
    with pytest.raises(CheckpointError, match="version 9"):
        load_checkpoint(path)
    fathom.save({"kind": "fathom checkpoint", "version": 1, "model": {}}, path)
    with pytest.raises(CheckpointError, match="'optimizer' is missing"):
        load_checkpoint(path)
    with pytest.raises(FathomError, match="there is no file"):
        load_checkpoint(tmp_path / "nothing")


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    trainer = make_trainer(None, StopAt())
    trainer.fit((INPUTS, LABELS), epochs=1)
    path = tmp_path / "checkpoint.safetensors"
    trainer.save(path)
    model = nn.Sequential(nn.Linear(6, 9), nn.Linear(9, 3))
    others = [
        make_trainer(None, StopAt(), schedule=None),
        make_trainer(None, StopAt(), optimizer="sgd"),
        Trainer(
            model,
            "cross_entropy",
            callbacks=[EarlyStopping(), StopAt()],
            quiet=True,
            metrics=["accuracy", "f1"],
            schedule=lambda one: CosineAnnealingLR(one, 5),
        ),
        Trainer(trainer.model, "cross_entropy", quiet=True),
    ]
    for other in others:
        with pytest.raises(FathomError):
            other.fit((INPUTS, LABELS), epochs=2, resume=path)
    # Every single value that is missing or of another kind is an error of ours too.
    state = trainer.state_dict()
    for part in ("model", "optimizer", "position", "history", "callbacks", "metrics", "schedule"):
        broken = {**state, part: [3]}
        with pytest.raises(FathomError):
            make_trainer(None, StopAt()).load_state_dict(broken)


def test_a_run_is_read_back_with_its_model(tmp_path: Path) -> None:
    config = {"model": {"name": "mlp", "options": {"sizes": [6, 5, 3]}}}
    model = fathom.models.create("mlp", sizes=[6, 5, 3])
    trainer = Trainer(model, "cross_entropy", out=tmp_path, config=config, quiet=True)
    trainer.fit((INPUTS, LABELS), VALIDATION, epochs=2)
    for which in ("best", "last"):
        run = load_run(tmp_path, which)
        assert run.config["optimizer"] == "Adam"
        assert run.history["epoch"][: run.epoch] == list(range(1, run.epoch + 1))
        assert not run.model.training
    np.testing.assert_array_equal(run.model(INPUTS).detach(), trainer.predict(INPUTS))


def test_a_run_folder_that_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(FathomError, match="there is no run folder"):
        load_run(tmp_path / "nothing")
    with pytest.raises(FathomError, match=r"config\.json"):
        load_run(tmp_path)
    for content, message in (
        ("{", "is no JSON file"),
        ("[1]", "holds no JSON object"),
        ("{}", "does not name the model"),
        ('{"model": {"name": "mpl"}}', "mlp"),
        ('{"model": {"name": "mlp", "options": 3}}', "options"),
    ):
        (tmp_path / "config.json").write_text(content)
        with pytest.raises(FathomError, match=message):
            load_run(tmp_path)
    with pytest.raises(TrainingError, match="expected 'best' or 'last'"):
        load_run(tmp_path, "first")
