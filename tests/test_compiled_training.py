"""Training, evaluating and predicting with compiled programs, and what cannot be compiled."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fathom
from fathom import FathomError, nn
from fathom.compiled import CompiledFunction
from fathom.data import DataLoader, TensorDataset
from fathom.errors import MissingExtra
from fathom.optim.lr_scheduler import OneCycleLR
from fathom.train import Callback, NonFiniteLossError, Trainer

RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(90, 16)).astype(np.float32)
LABELS = (INPUTS @ RANDOM.normal(size=(16, 3))).argmax(1)
# Four batches of 16 and one of 6; two of 16 and one of 8.
TRAIN, VALIDATION = (INPUTS[:70], LABELS[:70]), (INPUTS[50:], LABELS[50:])


def make_model() -> nn.Module:
    fathom.manual_seed(2)
    # A bias before a normalization has a gradient of 0 but for rounding, which Adam enlarges.
    return nn.Sequential(
        nn.Linear(16, 12, bias=False), nn.BatchNorm1d(12), nn.Dropout(0.2), nn.ReLU(),
        nn.Linear(12, 3),
    )  # fmt: skip


def make_trainer(model: nn.Module | None = None, **options: Any) -> Trainer:
    settings = {"loss": "cross_entropy", "batch_size": 16, "seed": 0, "quiet": True, **options}
    return Trainer(model or make_model(), **settings)


def both(**options: Any) -> tuple[Trainer, Trainer]:
    """A trainer that compiles and one that does not, after the same training."""
    trainers = make_trainer(**options), make_trainer(compile=False, **options)
    for trainer in trainers:
        trainer.fit(TRAIN, VALIDATION, epochs=3)
    return trainers


def assert_equal(one: Trainer, other: Trainer, tolerance: float = 1e-5) -> None:
    for name, figures in one.history.items():
        if name != "seconds":
            np.testing.assert_allclose(figures, other.history[name], rtol=tolerance, err_msg=name)
    for name, value in one.model_state().items():
        theirs = other.model_state()[name]
        np.testing.assert_allclose(value, theirs, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.fixture
def recordings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shape of the first tensor of each call that is recorded."""
    shapes: list[tuple[int, ...]] = []
    record = CompiledFunction._record

    def note(self: Any, signature: Any, args: Any, kwargs: Any, tensors: Any) -> Any:
        shapes.append(tensors[0].shape)
        return record(self, signature, args, kwargs, tensors)

    monkeypatch.setattr(CompiledFunction, "_record", note)
    return shapes


@pytest.mark.parametrize(
    "options",
    [
        {"metrics": ["accuracy", "f1"]},
        {"accumulate": 2, "clip_norm": 0.5, "optimizer": "sgd", "lr": 0.1},
        {"schedule": lambda optimizer: OneCycleLR(optimizer, 0.05, total_steps=15)},
    ],
    ids=["metrics", "accumulated", "schedule"],
)
def test_compiled_and_eager_training_agree(options: dict[str, Any]) -> None:
    compiled, eager = both(**options)
    assert_equal(compiled, eager)
    for evaluated, expected in zip(
        compiled.evaluate(TRAIN).values(), eager.evaluate(TRAIN).values(), strict=True
    ):
        assert evaluated == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(compiled.predict(INPUTS), eager.predict(INPUTS), atol=1e-5)


def test_only_batches_of_the_usual_size_are_recorded(recordings: list[tuple[int, ...]]) -> None:
    trainer = make_trainer(optimizer="sgd")
    trainer.fit(TRAIN, VALIDATION, epochs=3)
    trainer.predict(INPUTS)
    assert recordings == [(16, 16)] * 3  # training, validation, prediction


def test_a_batch_that_is_alone_is_evaluated_without_a_program(
    recordings: list[tuple[int, ...]],
) -> None:
    trainer = make_trainer()
    trainer.predict(INPUTS[:9])
    trainer.evaluate((INPUTS[:16], LABELS[:16]))
    assert recordings == []


def test_nothing_is_recorded_where_nothing_shall_be_compiled(
    recordings: list[tuple[int, ...]], tmp_path: Path
) -> None:
    trainer = make_trainer(compile=False)
    trainer.fit(TRAIN, VALIDATION, epochs=1)
    trainer.predict(INPUTS)
    assert recordings == []
    assert trainer.config["compile"] is False


def loss_that_looks(output: Any, target: Any) -> Any:
    loss = nn.functional.cross_entropy(output, target)
    return loss if loss.item() < 100 else loss * 0.5


def loss_that_branches(output: Any, target: Any) -> Any:
    loss = nn.functional.cross_entropy(output, target)
    return loss * 0.5 if loss > 100 else loss


class UsesNumPy(nn.Module):
    """A model whose inputs go through NumPy."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 3)

    def forward(self, inputs: Any) -> Any:
        return self.linear(fathom.from_numpy(np.tanh(inputs.numpy())))


class Counts(nn.Module):
    """A model that counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 3)
        self.calls = 0

    def forward(self, inputs: Any) -> Any:
        self.calls += 1
        return self.linear(inputs)


def fit_and_predict(trainer: Trainer) -> None:
    trainer.fit(TRAIN, VALIDATION, epochs=2)
    trainer.predict(INPUTS)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"loss": loss_that_looks}, r"test_compiled_training\.py:\d+: item\(\) needs the values"),
        ({"loss": loss_that_branches}, r"test_compiled_training\.py:\d+: the truth of a tensor"),
        ({"model": UsesNumPy}, r"test_compiled_training\.py:\d+: numpy\(\) needs the values"),
        ({"model": Counts}, "'calls' of a Counts changed"),
    ],
    ids=["item", "if", "NumPy", "counter"],
)
def test_what_cannot_be_recorded_goes_on_eagerly_after_one_warning(
    options: dict[str, Any], reason: str
) -> None:
    trainers = []
    for compile in (False, True):
        fathom.manual_seed(3)
        given = {name: kind() if name == "model" else kind for name, kind in options.items()}
        trainers.append(make_trainer(compile=compile, **given))
    eager, trainer = trainers
    eager.fit(TRAIN, VALIDATION, epochs=2)
    with pytest.warns(RuntimeWarning, match=f"going on eagerly.*{reason}") as caught:
        fit_and_predict(trainer)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert_equal(trainer, eager, 1e-6)


def test_without_llvmlite_training_goes_on_eagerly(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise MissingExtra("fathom.compile needs llvmlite: install it with …")

    monkeypatch.setattr(CompiledFunction, "_record", fail)
    trainer = make_trainer()
    with pytest.warns(RuntimeWarning, match="going on eagerly.*needs llvmlite: install") as caught:
        fit_and_predict(trainer)
    assert len(caught) == 1
    (eager := make_trainer(compile=False)).fit(TRAIN, VALIDATION, epochs=2)
    assert_equal(trainer, eager, 0)


def test_batches_that_differ_in_plain_values_are_not_compiled_for_ever() -> None:
    class TakesNames(UsesNumPy):
        def forward(self, inputs: Any, names: Any) -> Any:
            return self.linear(inputs)

    batches = [
        (fathom.tensor(INPUTS[:4]), [f"picture {number}"], fathom.tensor(LABELS[:4]))
        for number in range(20)
    ]
    trainer = make_trainer(TakesNames())
    with pytest.warns(RuntimeWarning, match="8 programs were made for batches that differ"):
        trainer.fit(batches, epochs=1)
    assert trainer.steps == 20


def test_a_label_that_is_no_class_is_named_as_in_eager_mode() -> None:
    with pytest.raises(FathomError, match="or give the model more outputs") as raised:
        make_trainer().fit((INPUTS, LABELS + 1), epochs=1)
    assert raised.value.__notes__ == ["in epoch 1, batch 1"]


def test_a_loss_that_is_no_number_is_found_in_its_batch() -> None:
    inputs = INPUTS[:70].copy()
    inputs[40, 3] = np.nan
    batches = [
        (fathom.tensor(inputs[start : start + 10]), fathom.tensor(LABELS[start : start + 10]))
        for start in range(0, 70, 10)
    ]
    with pytest.raises(NonFiniteLossError, match="epoch 1, batch 5"):
        make_trainer().fit(batches, epochs=1)


def test_a_callback_that_wants_gradients_learns_how_to_get_them() -> None:
    class Gradients(Callback):
        def on_batch_end(self, trainer: Trainer, loss: float) -> None:
            assert trainer.model[0].weight.grad.isfinite().all()

    with pytest.raises(FathomError, match="gradient") as raised:
        make_trainer(callbacks=[Gradients()]).fit(TRAIN, epochs=1)
    assert "compile=False" in raised.value.__notes__[0]
    make_trainer(callbacks=[Gradients()], compile=False).fit(TRAIN, epochs=1)


def test_a_checkpoint_holds_what_a_program_laid_out_its_own_way(tmp_path: Path) -> None:
    fathom.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 40), nn.ReLU(), nn.Linear(40, 24), nn.Linear(24, 3))
    trainer = make_trainer(model)
    trainer.fit(DataLoader(TensorDataset(*TRAIN), 35), epochs=2)
    weights = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    assert not all(value._node.value.flags.c_contiguous for value in model.parameters())
    trainer.save(tmp_path / "checkpoint.safetensors")
    saved = fathom.load(tmp_path / "checkpoint.safetensors")
    for name, value in weights.items():
        np.testing.assert_array_equal(saved["model"][name], value)
    moments = [np.asarray(trainer.optimizer.state[one]["exp_avg"]) for one in model.parameters()]
    for number, moment in enumerate(moments):
        kept = saved["optimizer"]["state"]
        kept = kept.get(number, kept.get(str(number)))
        np.testing.assert_array_equal(kept["exp_avg"], moment)


def test_anomaly_mode_trains_eagerly(recordings: list[tuple[int, ...]]) -> None:
    with fathom.autograd.detect_anomaly(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make_trainer().fit(TRAIN, epochs=1)
    assert recordings == []
