"""The estimators for scikit-learn."""

import pickle
import sys
from functools import partial
from typing import Any

import numpy as np
import pytest

import fathom
from fathom import nn, optim
from fathom.compiled import CompiledFunction
from fathom.errors import MissingExtra
from fathom.models import mlp
from fathom.train import NonFiniteLossError

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_estimator,
    check_sample_weight_equivalence_on_dense_data,
)

from fathom.sklearn import Classifier, Regressor

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(90, 6)).astype(np.float32)
LABELS = np.array(["ash", "elm", "oak"])[(X @ RANDOM.normal(size=(6, 3))).argmax(1)]
NUMBERS = X[:, 0] - 0.5 * X[:, 1] * X[:, 2]
BOTH = pytest.mark.parametrize("kind", [Classifier, Regressor])

ROUNDING = (
    "training computes in float32, in which a sample of weight 2 and two samples give sums that "
    "are rounded differently"
)


def fitted(kind: Any, *args: Any, **options: Any) -> Any:
    """An estimator after a short training."""
    settings = {"max_iter": 8, "tol": None, "lr": 0.01, "random_state": 0, **options}
    return kind(*args, **settings).fit(X, LABELS if kind is Classifier else NUMBERS)


def parameters(estimator: Any) -> list[np.ndarray]:
    return [parameter.detach().numpy() for parameter in estimator.model_.parameters()]


def assert_same(one: Any, other: Any, tolerance: float = 0.0) -> None:
    for mine, theirs in zip(parameters(one), parameters(other), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


def network_in_float64(features: int, outputs: int) -> nn.Module:
    return mlp([features, 8, outputs]).double()


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


@BOTH
def test_scikit_learn_finds_an_estimator_of_its_kind(kind: Any) -> None:
    check_estimator(
        kind((8,), lr=0.05, max_iter=40, tol=None),
        expected_failed_checks={"check_sample_weight_equivalence_on_dense_data": ROUNDING},
        on_skip=None,
    )


@BOTH
def test_in_float64_a_weight_counts_like_repeated_samples(kind: Any) -> None:
    estimator = kind(network_in_float64, max_iter=20, tol=None)
    check_sample_weight_equivalence_on_dense_data(kind.__name__, estimator)


@BOTH
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_training_is_what_pytorch_makes_of_the_same_batches(kind: Any, optimizer: str) -> None:
    torch = pytest.importorskip("torch")
    outputs = 3 if kind is Classifier else 1
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, outputs))
    settings = {"batch_size": 40, "max_iter": 3, "shuffle": False, "optimizer": optimizer}
    estimator = fitted(kind, model, **settings)

    theirs = torch.nn.Sequential(
        torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, outputs)
    )
    theirs.load_state_dict(
        {name: torch.tensor(value.numpy()) for name, value in model.state_dict().items()}
    )
    classes = torch.tensor(np.unique(LABELS, return_inverse=True)[1])
    target = classes if kind is Classifier else torch.tensor(NUMBERS)[:, None]
    loss = torch.nn.functional.cross_entropy if kind is Classifier else torch.nn.functional.mse_loss
    optimize = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[optimizer](
        theirs.parameters(), lr=0.01
    )
    for _ in range(3):
        for rows in (slice(0, 40), slice(40, 80), slice(80, 90)):
            optimize.zero_grad()
            loss(theirs(torch.tensor(X[rows])), target[rows]).backward()
            optimize.step()
    for mine, other in zip(parameters(estimator), theirs.parameters(), strict=True):
        np.testing.assert_allclose(mine, other.detach().numpy(), rtol=1e-4, atol=1e-5)


@BOTH
def test_one_program_trains_on_all_batches_and_does_what_eager_steps_do(
    kind: Any, recordings: list[tuple[int, ...]]
) -> None:
    settings = {"batch_size": 40, "max_iter": 70}  # batches of 40, 40 and 10
    compiled = fitted(kind, (5,), **settings)
    assert recordings == [(40, 6)]
    eager = fitted(kind, (5,), compile=False, **settings)
    assert recordings == [(40, 6)]
    assert_same(compiled, eager, tolerance=1e-3)
    np.testing.assert_allclose(compiled.loss_curve_, eager.loss_curve_, rtol=1e-3)


def test_short_trainings_are_not_compiled(recordings: list[tuple[int, ...]]) -> None:
    fitted(Classifier).predict(X)
    assert not recordings


def test_parts_are_compiled_when_there_have_been_many(recordings: list[tuple[int, ...]]) -> None:
    classifier = Classifier((4,), batch_size=30, random_state=0)
    for _ in range(80):
        classifier.partial_fit(X, LABELS, classes=np.unique(LABELS))
    classifier.partial_fit(X[:7], LABELS[:7])
    assert recordings == [(30, 6)]


def test_many_predictions_are_compiled(recordings: list[tuple[int, ...]]) -> None:
    classifier = fitted(Classifier, batch_size=16)
    many = np.tile(X, (10, 1))
    np.testing.assert_allclose(
        classifier.predict_proba(many)[-90:], classifier.predict_proba(X), rtol=1e-5
    )
    assert recordings == [(16, 6)]


@BOTH
def test_partial_fits_are_epochs_of_a_fit(kind: Any) -> None:
    whole = fitted(kind)
    parts = kind(lr=0.01, random_state=0)
    options = {"classes": np.unique(LABELS)} if kind is Classifier else {}
    for _ in range(8):
        parts.partial_fit(X, LABELS if kind is Classifier else NUMBERS, **options)
    assert_same(whole, parts)
    assert parts.n_iter_ == 8
    assert parts.loss_curve_ == whole.loss_curve_


def test_parts_need_to_know_all_classes() -> None:
    with pytest.raises(ValueError, match="classes=…, at its first call"):
        Classifier().partial_fit(X, LABELS)
    classifier = Classifier().partial_fit(X[:5], ["oak"] * 5, classes=np.unique(LABELS))
    assert list(classifier.classes_) == ["ash", "elm", "oak"]
    with pytest.raises(ValueError, match=r"labels \['fir'\]"):
        classifier.partial_fit(X[:1], ["fir"])
    with pytest.raises(ValueError, match="began with the classes"):
        classifier.partial_fit(X[:1], ["oak"], classes=["oak", "fir"])
    with pytest.raises(ValueError, match="compute class_weight="):
        Classifier(class_weight="balanced").partial_fit(X, LABELS, classes=np.unique(LABELS))
    with pytest.raises(ValueError, match="early_stopping=False"):
        Regressor(early_stopping=True).partial_fit(X, NUMBERS)


def test_probabilities_are_those_of_the_model() -> None:
    classifier = fitted(Classifier)
    logits = classifier.model_(fathom.from_numpy(X))
    expected = fathom.softmax(logits, 1).detach().numpy()
    np.testing.assert_allclose(classifier.predict_proba(X), expected, rtol=1e-5)
    np.testing.assert_allclose(classifier.predict_log_proba(X), np.log(expected), rtol=1e-4)
    assert (classifier.predict(X) == classifier.classes_[expected.argmax(1)]).all()
    assert classifier.score(X, LABELS) > 0.6


def test_predictions_have_the_dtype_of_the_samples() -> None:
    regressor = fitted(Regressor)
    assert regressor.predict(X).dtype == np.float32
    assert regressor.predict(X.astype(np.float64)).dtype == np.float64
    with pytest.raises(ValueError, match="infinity"):
        regressor.predict(np.full((1, 6), 1e300))


def test_class_weights_say_what_is_worth_how_much() -> None:
    rare = np.where(X[:, 0] + 0.3 * X[:, 1] > 1.5, "yes", "no")
    plain, balanced, equal = (
        Classifier((), lr=0.01, max_iter=30, tol=None, random_state=0, class_weight=weights)
        for weights in (None, "balanced", {"yes": 90 / (rare == "yes").sum() / 2,
                                           "no": 90 / (rare == "no").sum() / 2})
    )  # fmt: skip
    for classifier in (plain, balanced, equal):
        classifier.fit(X, rare)
    assert_same(balanced, equal, tolerance=1e-6)
    found = [(classifier.predict(X) == "yes").sum() for classifier in (plain, balanced)]
    assert found[1] > found[0]
    weights = np.where(rare == "yes", equal.class_weight["yes"], equal.class_weight["no"])
    assert_same(balanced, clone(plain).fit(X, rare, sample_weight=weights), tolerance=1e-6)


@pytest.mark.parametrize("compile", [False, True], ids=["eager", "compiled"])
def test_early_stopping_keeps_the_best_model(compile: bool) -> None:
    digits, labels = load_digits(return_X_y=True)
    classifier = Classifier(
        (32,), lr=0.02, max_iter=60, early_stopping=True, n_iter_no_change=3, random_state=0,
        compile=compile,
    ).fit(digits[:800] / 16, labels[:800])  # fmt: skip
    scores = classifier.validation_scores_
    assert len(scores) == classifier.n_iter_ < 60
    assert max(scores) > 0.9
    # The same 80 samples are held out again by a classifier of the same seed.
    order = np.random.RandomState(0)
    order.randint(2**31 - 1)
    _, held_out, _, their_labels = train_test_split(
        digits[:800] / 16, labels[:800], test_size=0.1, random_state=order, stratify=labels[:800]
    )
    assert classifier.score(held_out, their_labels) == pytest.approx(max(scores))


def test_a_regressor_stops_early_too() -> None:
    regressor = Regressor(
        (16,), lr=0.02, max_iter=300, early_stopping=True, n_iter_no_change=5, random_state=0,
        compile=False,
    ).fit(X, NUMBERS)  # fmt: skip
    assert len(regressor.validation_scores_) == regressor.n_iter_ < 300
    assert regressor.score(X, NUMBERS) > 0.5


def test_training_ends_when_the_loss_no_longer_falls() -> None:
    classifier = fitted(Classifier, tol=1e9, n_iter_no_change=2)
    assert classifier.n_iter_ == 4  # the first epoch, and three that are no better
    with pytest.warns(ConvergenceWarning, match="raise max_iter, or set tol=None"):
        fitted(Classifier, tol=1e-6)


def test_a_copy_of_a_given_module_is_trained() -> None:
    model = nn.Sequential(
        nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 4, 2), nn.BatchNorm2d(4), nn.Flatten(),
        nn.Dropout(0.2), nn.Linear(8, 3),
    )  # fmt: skip
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    classifier = fitted(Classifier, model, batch_size=40)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert_same(classifier, clone(classifier).fit(X, LABELS))  # dropout is drawn from the seed too
    assert not classifier.model_.training


def test_a_function_makes_a_model_that_fits_the_data() -> None:
    regressor = fitted(Regressor, network_in_float64)
    assert regressor.model_[1].weight.shape == (8, 6)
    assert regressor.model_[1].weight.dtype == np.float64


def test_a_model_that_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match=r"gave shape \(90, 2\), expected \(90, 3\), a logit for"):
        fitted(Classifier, nn.Linear(6, 2))
    with pytest.raises(ValueError, match="model is 'resnet18'; expected the sizes of hidden"):
        fitted(Classifier, "resnet18")
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        fitted(Regressor, batch_size=0)
    with pytest.raises(ValueError, match="all samples have a weight of 0"):
        fitted(Classifier, class_weight=dict.fromkeys(LABELS, 0))
    with pytest.raises(NonFiniteLossError, match="epoch"):
        fitted(Regressor, optimizer="sgd", lr=1e6)


@pytest.mark.parametrize("optimizer", ["adamw", partial(optim.SGD, momentum=0.9)])
def test_optimizers_are_names_or_make_an_optimizer(optimizer: Any) -> None:
    classifier = fitted(Classifier, optimizer=optimizer, weight_decay=0.1)
    assert classifier.loss_curve_[-1] < classifier.loss_curve_[0]


@pytest.mark.parametrize("loss", ["l1_loss", "smooth_l1_loss", "huber_loss"])
def test_regressors_have_a_choice_of_losses(loss: str) -> None:
    curve = fitted(Regressor, loss=loss).loss_curve_
    assert curve[-1] < curve[0]


def test_several_numbers_are_predicted_at_once() -> None:
    several = np.stack([NUMBERS, -NUMBERS, X[:, 3]], 1)
    regressor = Regressor(lr=0.01, max_iter=60, tol=None, random_state=0).fit(X, several)
    assert regressor.predict(X).shape == (90, 3)
    assert regressor.score(X, several) > 0.8
    regressor.set_params(warm_start=True)
    with pytest.raises(ValueError, match="y has 1 numbers for each sample, before it had 3"):
        regressor.fit(X, NUMBERS)


@BOTH
def test_a_pickle_goes_on_where_the_estimator_stands(kind: Any) -> None:
    estimator = fitted(kind, nn.Sequential(nn.Linear(6, 9), nn.Dropout(0.5), nn.Linear(9, 3))
                       if kind is Classifier else (9,), batch_size=40)  # fmt: skip
    other = pickle.loads(pickle.dumps(estimator))
    target = LABELS if kind is Classifier else NUMBERS
    np.testing.assert_array_equal(estimator.predict(X), other.predict(X))
    assert_same(estimator.partial_fit(X, target), other.partial_fit(X, target))


def test_a_warm_start_goes_on() -> None:
    whole = fitted(Classifier, max_iter=8)
    halves = fitted(Classifier, max_iter=4, warm_start=True).fit(X, LABELS)
    assert_same(whole, halves)
    assert halves.n_iter_ == 8


def test_what_others_draw_is_left_alone() -> None:
    fathom.manual_seed(5)
    expected = fathom.rand(3).numpy()
    fathom.manual_seed(5)
    first = fitted(Classifier)
    np.testing.assert_array_equal(fathom.rand(3), expected)
    assert_same(first, fitted(Classifier))
    assert (parameters(first)[0] != parameters(fitted(Classifier, random_state=1))[0]).all()


def test_grid_search_and_pipelines_work() -> None:
    classifier = Classifier(max_iter=15, tol=None, random_state=0, compile=False)
    pipeline = make_pipeline(StandardScaler(), classifier)
    grid = {"classifier__lr": [1e-5, 0.05], "classifier__model": [(), (8,)]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, LABELS)
    assert search.best_params_["classifier__lr"] == 0.05
    assert cross_val_score(search.best_estimator_, X, LABELS, cv=2).mean() > 0.7
    assert repr(search.best_estimator_[-1]).startswith("Classifier(")


def test_losses_are_printed_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    classifier = fitted(Classifier, max_iter=2, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"epoch 2: loss {classifier.loss_curve_[1]:.6f}"


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("fathom.sklearn")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtra, match=r"pip install 'fathom-dl\[sklearn\]'"):
        __import__("fathom.sklearn")
