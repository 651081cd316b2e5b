"""The trainer: training, evaluating, predicting, and what it says when it cannot."""

import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fathom
from fathom import FathomError, nn
from fathom.data import DataLoader, TensorDataset
from fathom.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau, StepLR
from fathom.train import (
    Callback,
    Checkpoint,
    CSVLogger,
    EarlyStopping,
    NonFiniteLossError,
    TensorBoardLogger,
    Trainer,
    TrainingError,
    write_report,
)

RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(90, 16)).astype(np.float32)
LABELS = (INPUTS @ RANDOM.normal(size=(16, 3))).argmax(1)
TRAIN, VALIDATION = (INPUTS[:70], LABELS[:70]), (INPUTS[70:], LABELS[70:])


def make_model() -> nn.Module:
    fathom.manual_seed(2)
    return nn.Sequential(nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 3))


def make_trainer(**options: Any) -> Trainer:
    settings = {
        "loss": "cross_entropy", "batch_size": 16, "seed": 0, "compile": False, "quiet": True,
        **options,
    }  # fmt: skip
    return Trainer(make_model(), **settings)


def parameters_of(trainer: Trainer) -> list[Any]:
    return [parameter.detach().numpy().copy() for parameter in trainer.model.parameters()]


def assert_equal_parameters(one: Trainer, other: Trainer) -> None:
    for first, second in zip(parameters_of(one), parameters_of(other), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(("compile", "tolerance"), [(False, 0.0), (True, 1e-6)])
def test_training_is_the_loop_that_one_would_write(compile: bool, tolerance: float) -> None:
    trainer = make_trainer(optimizer="sgd", lr=0.1, clip_norm=0.5, compile=compile)
    loader = DataLoader(TensorDataset(*TRAIN), 16)
    history = trainer.fit(loader, epochs=2)
    model = make_model()
    optimizer = fathom.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(2):
        total = 0.0
        for inputs, target in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), target)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            total += loss.item() * len(target)
        losses.append(total / 70)
    assert history["loss"] == pytest.approx(losses, rel=tolerance or 1e-12)
    for ours, theirs in zip(parameters_of(trainer), model.parameters(), strict=True):
        np.testing.assert_allclose(ours, theirs.detach(), rtol=tolerance, atol=tolerance)


def test_a_model_learns_and_the_history_tells() -> None:
    trainer = make_trainer(lr=0.02, metrics=["accuracy", "f1", "confusion-matrix", "top-2"])
    history = trainer.fit(TRAIN, VALIDATION, epochs=15)
    assert list(history) == [
        "epoch", "loss", "accuracy", "f1", "confusion_matrix", "top_2_accuracy",
        "val_loss", "val_accuracy", "val_f1", "val_confusion_matrix", "val_top_2_accuracy",
        "lr", "seconds",
    ]  # fmt: skip
    assert all(len(values) == 15 for values in history.values())
    assert history["accuracy"][-1] > 0.9
    assert np.sum(history["val_confusion_matrix"][-1]) == 20
    json.dumps(history)
    figures = trainer.evaluate(VALIDATION)
    assert figures["accuracy"] == history["val_accuracy"][-1]
    assert figures["loss"] == history["val_loss"][-1]


def test_data_may_be_tensors_arrays_a_data_set_or_a_loader() -> None:
    tensors = tuple(map(fathom.tensor, TRAIN))
    forms = [TRAIN, tensors, TensorDataset(*tensors),
             DataLoader(TensorDataset(*tensors), 16, shuffle=True)]  # fmt: skip
    trainers = []
    for data in forms:
        trainers.append(make_trainer())
        trainers[-1].fit(data, epochs=2)
    for other in trainers[1:]:
        assert_equal_parameters(trainers[0], other)


def test_predictions_come_in_the_order_of_the_data_and_leave_the_mode_alone() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(16, 3))
    trainer = Trainer(model, "cross_entropy", batch_size=16, quiet=True)
    expected = model.eval()(fathom.tensor(INPUTS)).detach()
    model.train()
    key = fathom.default_generator.get_state()
    dataset = TensorDataset(INPUTS, LABELS)
    for data in (INPUTS, fathom.tensor(INPUTS), (INPUTS,), (INPUTS, LABELS), dataset):
        np.testing.assert_allclose(trainer.predict(data), expected, rtol=1e-5, atol=1e-6)
    assert model.training
    np.testing.assert_array_equal(key, fathom.default_generator.get_state())


def test_several_inputs_go_to_the_model_one_by_one() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(16, 1)

        def forward(self, first: Any, second: Any) -> Any:
            return self.linear(first + second)

    trainer = Trainer(Sum(), nn.MSELoss(), metrics=["mae", "r2"], quiet=True)
    target = INPUTS.sum(1, keepdims=True)
    trainer.fit((INPUTS, INPUTS, target), epochs=1)
    assert trainer.predict((INPUTS, INPUTS, target)).shape == (90, 1)


def test_accumulated_batches_are_one_large_batch() -> None:
    large, small = make_trainer(optimizer="sgd"), make_trainer(optimizer="sgd", accumulate=2)
    large.fit(DataLoader(TensorDataset(INPUTS[:64], LABELS[:64]), 32), epochs=2)
    small.fit(DataLoader(TensorDataset(INPUTS[:64], LABELS[:64]), 16), epochs=2)
    for one, other in zip(parameters_of(large), parameters_of(small), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    assert large.steps == small.steps == 4
    # The last step of an epoch takes what batches are left.
    rest = make_trainer(optimizer="sgd", accumulate=4)
    rest.fit(DataLoader(TensorDataset(*TRAIN), 16), epochs=1)
    assert rest.steps == 2


def test_gradients_are_clipped_by_value() -> None:
    trainer = make_trainer(optimizer="sgd", lr=1.0, clip_value=1e-4)
    before = parameters_of(trainer)
    trainer.fit(DataLoader(TensorDataset(*TRAIN), 70), epochs=1)
    steps = [abs(a - b).max() for a, b in zip(before, parameters_of(trainer), strict=True)]
    assert max(steps) == pytest.approx(1e-4, rel=1e-2)


def test_schedules_go_forward_by_epoch_or_by_step() -> None:
    by_epoch = make_trainer(lr=0.1, schedule=lambda optimizer: StepLR(optimizer, 1, gamma=0.5))
    assert by_epoch.fit(TRAIN, epochs=3)["lr"] == pytest.approx([0.1, 0.05, 0.025])
    by_step = make_trainer(schedule=lambda optimizer: OneCycleLR(optimizer, 0.1, total_steps=10))
    by_step.fit(TRAIN, epochs=2)
    assert by_step.schedule.last_epoch == 10
    chosen = make_trainer(
        schedule=lambda optimizer: StepLR(optimizer, 5, gamma=0.5), schedule_every="step", lr=0.1
    )
    assert chosen.fit(TRAIN, epochs=2)["lr"] == pytest.approx([0.05, 0.025])


def test_reduce_on_plateau_is_given_the_validation_loss() -> None:
    trainer = make_trainer(schedule=lambda optimizer: ReduceLROnPlateau(optimizer, patience=0))
    history = trainer.fit(TRAIN, VALIDATION, epochs=2)
    assert trainer.schedule.best == min(history["val_loss"])
    history = (trainer := make_trainer(schedule=ReduceLROnPlateau)).fit(TRAIN, epochs=2)
    assert trainer.schedule.best == min(history["loss"])


def test_validation_does_not_change_the_training() -> None:
    with_it, without_it = make_trainer(), make_trainer()
    shuffled = DataLoader(TensorDataset(*VALIDATION), 7, shuffle=True)
    with_it.fit(TRAIN, shuffled, epochs=3)
    without_it.fit(TRAIN, epochs=3)
    assert_equal_parameters(with_it, without_it)


def test_early_stopping_waits_and_restores_the_best() -> None:
    class Figures(Callback):
        """Writes a figure of its own, and keeps the parameters of each epoch."""

        def __init__(self) -> None:
            self.parameters: list[Any] = []

        def on_epoch_end(self, trainer: Trainer, figures: Any) -> None:
            figures["quality"] = [1.0, 3.0, 2.0, 2.5, 3.05, 9.0][trainer.epoch - 1]
            self.parameters.append(parameters_of(trainer))

    figures = Figures()
    stopping = EarlyStopping("quality", patience=3, min_delta=0.1)
    trainer = make_trainer(callbacks=[figures, stopping])
    history = trainer.fit(TRAIN, epochs=9)
    assert history["epoch"] == [1, 2, 3, 4, 5]
    assert stopping.best == 3.0
    for best, restored in zip(figures.parameters[1], parameters_of(trainer), strict=True):
        np.testing.assert_array_equal(best, restored)
    with pytest.raises(TrainingError, match="monitors 'val_acuracy', which is no number"):
        make_trainer(callbacks=[EarlyStopping("val_acuracy")]).fit(TRAIN, epochs=1)


def test_callbacks_are_called_in_their_order() -> None:
    calls: list[str] = []

    class Notes(Callback):
        def on_fit_begin(self, trainer: Trainer) -> None:
            calls.append("fit")

        def on_epoch_begin(self, trainer: Trainer) -> None:
            calls.append(f"epoch {trainer.epoch}")

        def on_batch_end(self, trainer: Trainer, loss: float) -> None:
            calls.append(f"batch {trainer.batch}")

        def on_epoch_end(self, trainer: Trainer, figures: Any) -> None:
            calls.append(f"end {trainer.epoch}")

        def on_fit_end(self, trainer: Trainer) -> None:
            calls.append("done")

    make_trainer(callbacks=[Notes()], batch_size=35).fit(TRAIN, epochs=2)
    assert calls == [
        "fit", "epoch 0", "batch 1", "batch 2", "end 1",
        "epoch 1", "batch 1", "batch 2", "end 2", "done",
    ]  # fmt: skip


def test_a_checkpoint_among_the_callbacks_comes_last_and_is_resumed_from(tmp_path: Path) -> None:
    def make() -> Trainer:
        return make_trainer(callbacks=[Checkpoint(tmp_path), EarlyStopping(patience=3)])

    make().fit(TRAIN, epochs=1)
    (resumed := make()).fit(TRAIN, epochs=2, resume=True)
    (whole := make()).fit(TRAIN, epochs=2)
    assert resumed.callbacks[0].state_dict()["best"] == whole.callbacks[0].state_dict()["best"]
    assert_equal_parameters(resumed, whole)


class PressCtrlC(Callback):
    """Sends this process what Ctrl-C sends, once or twice."""

    def __init__(self, times: int = 1) -> None:
        self.times = times

    def on_batch_end(self, trainer: Trainer, loss: float) -> None:
        if trainer.epoch == 1 and trainer.batch == 2:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_stops_after_the_batch_and_leaves_a_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    trainer = make_trainer(callbacks=[PressCtrlC()], out=tmp_path, quiet=False)
    history = trainer.fit(TRAIN, epochs=3)
    assert history["epoch"] == [1]
    assert (trainer.epoch, trainer.batch) == (1, 2)
    assert "stopped in epoch 2 after batch 2" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is handler
    other = make_trainer(callbacks=[PressCtrlC(0)], out=tmp_path)
    assert other.fit(TRAIN, epochs=3, resume=True)["epoch"] == [1, 2, 3]


def test_a_second_ctrl_c_stops_at_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        make_trainer(callbacks=[PressCtrlC(2)]).fit(TRAIN, epochs=3)


def test_one_plain_line_for_each_epoch_where_the_output_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_trainer(metrics=["accuracy"], quiet=False).fit(TRAIN, VALIDATION, epochs=10)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("epoch  1/10  loss ")
    assert " val_accuracy " in lines[9]
    assert err == ""
    make_trainer().fit(TRAIN, epochs=1)
    assert capsys.readouterr().out == ""


def test_a_bar_and_one_line_for_each_epoch_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    trainer = make_trainer(quiet=False)
    trainer.progress.stream = Terminal()
    trainer.fit(TRAIN, epochs=2)
    text = trainer.progress.stream.getvalue()
    assert "0/5" in text
    lines = [line.split("\r")[-1] for line in text.split("\n")]
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2", ""]


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda output, target: 3.0, "the loss returned a float"),
        (nn.CrossEntropyLoss(reduction="none"), "one number is needed: use reduction='mean'"),
    ],
)
def test_a_loss_must_be_a_tensor_with_one_element(loss: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=message) as raised:
        make_trainer(loss=loss).fit(TRAIN, epochs=1)
    assert raised.value.__notes__ == ["in epoch 1, batch 1"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_no_number_names_epoch_and_batch(value: float) -> None:
    inputs = INPUTS[:70].copy()
    inputs[40, 3] = value
    with pytest.raises(NonFiniteLossError, match="epoch 1, batch 3; try a learning rate"):
        make_trainer().fit(DataLoader(TensorDataset(inputs, TRAIN[1]), 16), epochs=2)


def test_the_run_folder_holds_everything(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "some" / "run"
    trainer = make_trainer(out=out, metrics=["accuracy"], config={"classes": ["a", "b|c", "d"]})
    history = trainer.fit(TRAIN, VALIDATION, epochs=2)
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*")) == [
        "best.safetensors", "config.json", "history.json", "last.safetensors", "log.csv",
        "plots/confusion.png", "plots/curves.png", "plots/mistakes.png", "plots/weights.png",
        "report.md",
    ]  # fmt: skip
    config = json.loads((out / "config.json").read_text())
    assert config["optimizer"] == "Adam"
    assert config["epochs"] == 2
    assert json.loads((out / "history.json").read_text()) == history
    rows = (out / "log.csv").read_text().splitlines()
    assert rows[0].startswith("epoch,loss,accuracy,val_loss")
    assert float(rows[2].split(",")[1]) == history["loss"][1]
    report = (out / "report.md").read_text()
    assert f"| accuracy | {history['val_accuracy'][-1]:.4f} |" in report
    assert "| b\\|c |" in report
    for name in ("curves", "confusion", "mistakes", "weights"):
        assert f"(plots/{name}.png)" in report
    write_report(trainer, TRAIN, title="test")
    assert "|  | test |" in (out / "report.md").read_text()


def test_a_report_of_regression_without_validation_is_short(tmp_path: Path) -> None:
    trainer = Trainer(nn.Linear(16, 1), "mse_loss", out=tmp_path, quiet=True)
    data = (INPUTS, INPUTS.sum(1, keepdims=True))
    trainer.fit(data, epochs=1)
    assert "## Result" not in (tmp_path / "report.md").read_text()
    trainer.fit(data, data, epochs=1)
    report = (tmp_path / "report.md").read_text()
    assert "## Result" in report
    assert "## Classes" not in report


def test_a_report_without_matplotlib_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    make_trainer(out=tmp_path).fit(TRAIN, VALIDATION, epochs=1)
    report = (tmp_path / "report.md").read_text()
    assert "There are no plots: plots need matplotlib: pip install 'fathom-dl[plots]'" in report
    assert "## Classes" in report


def test_a_folder_that_cannot_be_written_is_an_error_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    trainer = make_trainer(out=tmp_path / "file" / "run", callbacks=[PressCtrlC(2)])
    with pytest.raises(FathomError, match="cannot make the folder"):
        trainer.fit(TRAIN, epochs=1)
    assert trainer.steps == 0


def test_a_full_disk_is_an_error_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    trainer = make_trainer(out=tmp_path / "run")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FathomError, match="No space left on device"):
        trainer.fit(TRAIN, epochs=1)
    assert trainer.steps == 0
    assert not list((tmp_path / "run").iterdir())


def test_a_tensorboard_log_holds_the_figures(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    make_trainer(callbacks=[TensorBoardLogger(tmp_path), CSVLogger(tmp_path / "log.csv")]).fit(
        TRAIN, epochs=2
    )
    (events,) = tmp_path.glob("events*")
    assert b"loss" in events.read_bytes()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((INPUTS[:0], LABELS[:0]), "the data set is empty"),
        ((INPUTS, LABELS[:9]), "90 and 9 samples"),
        (INPUTS, r"a batch must be \(inputs, target\)"),
        ([], "gives no batch"),
        (DataLoader(TensorDataset(INPUTS, LABELS), 100, drop_last=True), "drop_last"),
        (7, "train is a int; expected a DataLoader"),
        ((INPUTS, LABELS + 1), "or give the model more outputs"),
        ((INPUTS[:, :9], LABELS), "Linear '0' expects"),
    ],
)
def test_data_that_cannot_be_trained_on_say_why(data: Any, message: str) -> None:
    with pytest.raises(FathomError, match=message):
        make_trainer(metrics=["accuracy"]).fit(data, epochs=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "crossentropi"}, "did you mean 'cross_entropy'"),
        ({"loss": nn.CrossEntropyLoss}, r"give an instance: CrossEntropyLoss\(\)"),
        ({"loss": 3}, "the loss is a int"),
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"optimizer": 0.1}, "expected an optimizer"),
        ({"metrics": ["acuracy"]}, "did you mean 'accuracy'"),
        ({"metrics": ["accuracy", "accuracy"]}, "more than one metric is called accuracy"),
        ({"metrics": [3]}, "3 is no metric"),
        ({"accumulate": 0}, "at least 1"),
        ({"schedule_every": "batch"}, "expected 'epoch', 'step' or None"),
    ],
)
def test_wrong_arguments_say_what_is_expected(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FathomError, match=message):
        make_trainer(**options)
