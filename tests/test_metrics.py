"""Metrics: hand-computed figures, scikit-learn's figures, and batches against the whole."""

import numpy as np
import pytest

import fathom
from fathom import FathomError
from fathom.train import metrics
from fathom.train.metrics import (
    F1,
    Accuracy,
    ConfusionMatrix,
    MeanOf,
    Metric,
    MetricError,
    Precision,
    R2Score,
    Recall,
    TopKAccuracy,
    metric_named,
)

RANDOM = np.random.default_rng(0)
SCORES = RANDOM.normal(size=(200, 5)).astype(np.float32)
LABELS = RANDOM.integers(0, 5, 200)
# Class 4 is never the target, and never has the highest score.
FOUR_OF_FIVE = np.concatenate([SCORES[:, :4], np.full((200, 1), -9, np.float32)], 1)
FOUR_LABELS = LABELS % 4

# Three classes; predicted 0 0 1 1 2 0, actual 0 1 1 1 2 2.
PREDICTED = fathom.tensor([0, 0, 1, 1, 2, 0])
ACTUAL = fathom.tensor([0, 1, 1, 1, 2, 2])


def test_hand_computed_figures_of_three_classes() -> None:
    assert metrics.accuracy(PREDICTED, ACTUAL) == pytest.approx(4 / 6)
    assert metrics.confusion_matrix(PREDICTED, ACTUAL).tolist() == [[1, 0, 0], [1, 2, 0], [1, 0, 1]]
    per_class = {"average": None}
    np.testing.assert_allclose(metrics.precision(PREDICTED, ACTUAL, **per_class), [1 / 3, 1, 1])
    np.testing.assert_allclose(metrics.recall(PREDICTED, ACTUAL, **per_class), [1, 2 / 3, 1 / 2])
    np.testing.assert_allclose(metrics.f1(PREDICTED, ACTUAL, **per_class), [1 / 2, 4 / 5, 2 / 3])
    assert metrics.precision(PREDICTED, ACTUAL) == pytest.approx(7 / 9)
    assert metrics.recall(PREDICTED, ACTUAL, "weighted") == pytest.approx(4 / 6)
    assert metrics.f1(PREDICTED, ACTUAL, "micro") == pytest.approx(4 / 6)


def test_hand_computed_figures_of_regression() -> None:
    output, target = fathom.tensor([1.0, 2.0, 4.0]), fathom.tensor([1.0, 4.0, 7.0])
    assert metrics.mean_absolute_error(output, target) == pytest.approx(5 / 3)
    assert metrics.mean_squared_error(output, target) == pytest.approx(13 / 3)
    assert metrics.r2_score(output, target) == pytest.approx(1 - 13 / 18)


def test_top_k_counts_the_k_highest_scores_and_breaks_ties_by_number() -> None:
    scores = fathom.tensor([[0.1, 0.5, 0.4], [1.0, 1.0, 1.0], [3.0, 2.0, 1.0]])
    target = fathom.tensor([2, 2, 0])
    assert metrics.top_k_accuracy(scores, target, k=1) == pytest.approx(1 / 3)
    assert metrics.top_k_accuracy(scores, target, k=2) == pytest.approx(2 / 3)
    assert metrics.top_k_accuracy(scores, target, k=3) == 1
    assert metrics.top_k_accuracy(SCORES, LABELS, k=1) == metrics.accuracy(SCORES, LABELS)


def test_lone_logits_mean_two_classes() -> None:
    target = fathom.tensor([1, 0, 1, 0])
    logits = fathom.tensor([2.0, -1.0, -0.5, 0.5])
    for shape in ((4,), (4, 1)):
        assert metrics.accuracy(logits.reshape(shape), target) == 0.5
        assert metrics.accuracy(logits.reshape(shape), target.reshape(shape)) == 0.5
    assert metrics.precision(logits, target, "binary") == 0.5
    assert metrics.accuracy(fathom.sigmoid(logits), target.float(), threshold=0.5) == 0.5


def test_one_hot_targets_and_pictures_of_classes() -> None:
    one_hot = np.eye(5, dtype=np.float32)[LABELS]
    assert metrics.accuracy(SCORES, one_hot) == metrics.accuracy(SCORES, LABELS)
    pixels = SCORES.reshape(2, 10, 10, 5).transpose(0, 3, 1, 2)
    labels = LABELS.reshape(2, 10, 10)
    assert metrics.accuracy(pixels, labels) == metrics.accuracy(SCORES, LABELS)
    assert metrics.top_k_accuracy(pixels, labels, 3) == metrics.top_k_accuracy(SCORES, LABELS, 3)


def test_a_class_without_denominator_has_the_given_figure() -> None:
    for measure in (metrics.precision, metrics.recall, metrics.f1):
        for otherwise in (0.0, 1.0):
            figures = measure(FOUR_OF_FIVE, FOUR_LABELS, None, zero_division=otherwise)
            assert figures.shape == (5,)
            assert figures[4].item() == otherwise
        # It does not count in the mean over the classes that occur.
        figures = measure(FOUR_OF_FIVE, FOUR_LABELS, None)
        assert measure(FOUR_OF_FIVE, FOUR_LABELS) == pytest.approx(figures[:4].mean().item())


@pytest.mark.parametrize("average", ["macro", "micro", "weighted", None])
@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_figures_are_those_of_scikit_learn(name: str, average: str | None) -> None:
    reference = pytest.importorskip("sklearn.metrics")
    theirs = getattr(reference, f"{name}_score")
    for scores, labels in ((SCORES, LABELS), (FOUR_OF_FIVE, FOUR_LABELS)):
        expected = theirs(labels, scores.argmax(1), average=average, zero_division=0)
        got = np.asarray(getattr(metrics, name)(scores, labels, average))
        np.testing.assert_allclose(got[: np.size(expected)] if average is None else got, expected)


def test_counts_and_errors_are_those_of_scikit_learn() -> None:
    reference = pytest.importorskip("sklearn.metrics")
    np.testing.assert_array_equal(
        metrics.confusion_matrix(SCORES, LABELS),
        reference.confusion_matrix(LABELS, SCORES.argmax(1)),
    )
    assert metrics.top_k_accuracy(SCORES, LABELS, 2) == pytest.approx(
        reference.top_k_accuracy_score(LABELS, SCORES, k=2)
    )
    target = SCORES + RANDOM.normal(size=SCORES.shape)
    for ours, theirs in (
        ("mean_absolute_error", "mean_absolute_error"),
        ("mean_squared_error", "mean_squared_error"),
        ("r2_score", "r2_score"),
    ):
        expected = getattr(reference, theirs)(target, SCORES)
        assert getattr(metrics, ours)(SCORES, target) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "name",
    ["accuracy", "top-2", "precision", "recall", "f1", "confusion-matrix", "mae", "mse", "r2"],
)
def test_batches_give_the_figure_of_the_whole_and_survive_a_save(name: str) -> None:
    regression = name in ("mae", "mse", "r2")
    target = SCORES * 0.5 + 1 if regression else LABELS
    metric, resumed = metric_named(name), metric_named(name)
    for start in range(0, 200, 30):
        metric.update(SCORES[start : start + 30], target[start : start + 30])
        resumed = metric_named(name)
        resumed.load_state_dict(metric.state_dict())
    np.testing.assert_allclose(metric.compute(), metric_named(name)(SCORES, target), rtol=1e-12)
    np.testing.assert_array_equal(metric.compute(), resumed.compute())
    other = metric(SCORES[:7], target[:7])  # used as a function, it keeps what it has counted
    np.testing.assert_array_equal(metric.compute(), resumed.compute())
    metric.reset().update(SCORES[:7], target[:7])
    np.testing.assert_array_equal(metric.compute(), other)


def test_r2_does_not_cancel_where_the_mean_is_large() -> None:
    target = 1e8 + RANDOM.normal(size=1000)
    output = target + 0.1 * RANDOM.normal(size=1000)
    metric = R2Score()
    for part in np.array_split(np.arange(1000), 9):
        metric.update(output[part], target[part])
    expected = 1 - np.square(target - output).sum() / np.square(target - target.mean()).sum()
    assert metric.compute() == pytest.approx(expected, rel=1e-6)


def test_r2_of_targets_without_variance() -> None:
    constant = fathom.ones(4)
    assert metrics.r2_score(constant, constant) == 1
    assert metrics.r2_score(constant * 2, constant) == 0


def test_a_function_is_averaged_over_samples() -> None:
    metric = MeanOf(lambda output, target: (output - target).abs().mean(), name="distance")
    metric.update(fathom.tensor([1.0, 2.0, 3.0]), fathom.zeros(3))
    metric.update(fathom.tensor([10.0]), fathom.zeros(1))
    assert metric.compute() == pytest.approx(4.0)


def test_names_are_found_whatever_their_spelling_and_the_nearest_are_offered() -> None:
    assert isinstance(metric_named("Mean_Absolute-Error"), Metric)
    assert metric_named("top-7").name == "top_7_accuracy"
    with pytest.raises(FathomError, match="did you mean 'accuracy'"):
        metric_named("acuracy")


def test_a_label_outside_the_classes_is_named() -> None:
    with pytest.raises(MetricError, match="a target is 5, but the model has the 5 classes 0 to 4"):
        metrics.accuracy(SCORES[:2], [5, 0])
    with pytest.raises(MetricError, match="a target is -1"):
        metrics.f1(SCORES[:2], [-1, 0])


def test_misfits_and_missing_samples_raise() -> None:
    with pytest.raises(FathomError, match=r"\(200, 5\) and target of shape \(7,\)"):
        metrics.accuracy(SCORES, LABELS[:7])
    with pytest.raises(FathomError, match="reshape one of them"):
        metrics.mean_squared_error(SCORES, SCORES[:, :2])
    for metric in (Accuracy(), Precision(), Recall(), F1(), R2Score(), TopKAccuracy(2)):
        with pytest.raises(MetricError, match="no sample"):
            metric.compute()
    with pytest.raises(MetricError, match="average is 'mean'"):
        F1("mean")
    with pytest.raises(MetricError, match="set num_classes=5"):
        ConfusionMatrix(3).update(SCORES, LABELS)
