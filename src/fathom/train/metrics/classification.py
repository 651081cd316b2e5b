"""Metrics of classification.

The model's output may be

- scores (logits or probabilities) of shape (N, C, …): the predicted class is the one with the
  highest score, the first of equals;
- logits of two classes, of shape (N,) or (N, 1): class 1 is predicted above `threshold`,
  which is 0, for logits; set it to 0.5 for probabilities;
- predicted classes: integers of the targets' shape.

Targets are classes, integers of shape (N, …), or one-hot rows or probabilities of the scores'
shape, of which the highest is taken.
"""

from typing import Any, Self

import numpy as np

from ...errors import ShapeError
from ...tensor import Tensor, constant
from .metric import Array, Figure, Metric, MetricError, array_of

AVERAGES = ("macro", "micro", "weighted", "binary", None)


class Accuracy(Metric):
    """The share of samples whose class was predicted: correct / all.

    Args:
        threshold: above it a lone logit means class 1.
    """

    name = "accuracy"

    def __init__(self, threshold: float = 0.0) -> None:
        self.threshold = threshold
        super().__init__()

    def reset(self) -> Self:
        self.state = {"correct": np.zeros((), np.int64), "count": np.zeros((), np.int64)}
        return self

    def update(self, output: Any, target: Any) -> None:
        predicted, actual, _ = classes_of(self.name, output, target, self.threshold)
        self.state["correct"] = self.state["correct"] + np.count_nonzero(predicted == actual)
        self.state["count"] = self.state["count"] + actual.size

    def compute(self) -> float:
        """The share so far, between 0 and 1."""
        self.require_samples(self.state["count"])
        return float(self.state["correct"] / self.state["count"])


class TopKAccuracy(Accuracy):
    """The share of samples whose class is among the k with the highest scores.

    A class counts as among them when fewer than k classes have a higher score, or an equal
    one and a lower number.

    Args:
        k: how many classes are looked at.
    """

    def __init__(self, k: int = 5) -> None:
        if k < 1:
            raise MetricError(f"top-k accuracy needs k of at least 1, got {k}")
        self.k = k
        self.name = f"top_{k}_accuracy"
        super().__init__()

    def update(self, output: Any, target: Any) -> None:
        scores = array_of(output)
        _, actual, classes = classes_of(self.name, output, target, self.threshold)
        if scores.ndim < 2 or scores.shape[1] < 2:
            raise ShapeError(
                f"{self.name} needs the scores of all classes, shape (N, C, …), "
                f"got shape {scores.shape}"
            )
        rows = np.moveaxis(scores, 1, -1).reshape(-1, classes)
        own = rows[np.arange(len(rows)), actual.ravel()][:, None]
        before = np.arange(classes) < actual.reshape(-1, 1)
        rank = ((rows > own) | ((rows == own) & before)).sum(1)
        # A score that is not a number has no rank.
        hits = (rank < self.k) & ~np.isnan(own[:, 0])
        self.state["correct"] = self.state["correct"] + np.count_nonzero(hits)
        self.state["count"] = self.state["count"] + actual.size


class ConfusionMatrix(Metric):
    """How often each class was taken for which: entry (i, j) counts samples of class i that
    were predicted as class j.

    Args:
        num_classes: the number of classes; by default as many as there are scores, or as the
            labels so far name.
        threshold: above it a lone logit means class 1.
    """

    name = "confusion_matrix"

    def __init__(self, num_classes: int | None = None, threshold: float = 0.0) -> None:
        self.num_classes = num_classes
        self.threshold = threshold
        super().__init__()

    def reset(self) -> Self:
        size = self.num_classes or 0
        self.state = {"counts": np.zeros((size, size), np.int64)}
        return self

    def update(self, output: Any, target: Any) -> None:
        predicted, actual, classes = classes_of(self.name, output, target, self.threshold)
        counts = self.state["counts"]
        if classes > len(counts):
            if self.num_classes is not None:
                raise MetricError(
                    f"{self.name} was made for {self.num_classes} classes, "
                    f"but there are {classes}; set num_classes={classes}"
                )
            missing = classes - len(counts)
            counts = np.pad(counts, ((0, missing), (0, missing)))
        size = len(counts)
        pairs = actual.ravel() * size + predicted.ravel()
        self.state["counts"] = counts + np.bincount(pairs, minlength=size * size).reshape(
            size, size
        )

    def compute(self) -> Figure:
        """The counts so far, an int64 tensor of shape (classes, classes)."""
        return constant(self.state["counts"])


class _PerClass(ConfusionMatrix):
    """A figure of each class, or an average of them."""

    measure: str

    def __init__(
        self,
        average: str | None = "macro",
        num_classes: int | None = None,
        threshold: float = 0.0,
        zero_division: float = 0.0,
    ) -> None:
        if average not in AVERAGES:
            raise MetricError(
                f"{self.measure}: average is {average!r}, expected 'macro', 'micro', 'weighted', "
                f"'binary' or None (for each class)"
            )
        self.average = average
        self.zero_division = zero_division
        prefix = {"macro": "", "binary": "", None: "per_class_"}.get(average, f"{average}_")
        self.name = prefix + self.measure
        super().__init__(num_classes, threshold)

    def ratio(self, counts: Array) -> tuple[Array, Array]:
        """Numerator and denominator of the figure, for each class."""
        raise NotImplementedError

    def compute(self) -> Figure:
        """The average so far, or with ``average=None`` a float64 tensor with one per class."""
        counts = self.state["counts"]
        self.require_samples(counts.sum())
        numerator, denominator = self.ratio(counts)
        if self.average == "micro":
            return float(_divide(numerator.sum(), denominator.sum(), self.zero_division))
        figures = _divide(numerator, denominator, self.zero_division)
        support = counts.sum(1)
        if self.average is None:
            return constant(figures)
        if self.average == "binary":
            if len(figures) > 2:
                raise MetricError(
                    f"{self.name}: average='binary' needs two classes, there are {len(figures)}; "
                    f"use 'macro'"
                )
            return float(figures[1]) if len(figures) == 2 else self.zero_division
        if self.average == "weighted":
            return float((figures * support).sum() / support.sum())
        occurs = support + counts.sum(0) > 0
        return float(figures[occurs].mean())


_OPTIONS = """

    Args:
        average: ``"macro"``, the mean over the classes that occur among targets or
            predictions; ``"weighted"``, the mean weighted by the targets of each class;
            ``"micro"``, the ratio of the sums over all classes; ``"binary"``, the figure of
            class 1 of two; None, a tensor with the figure of each class.
        num_classes: the number of classes; by default as many as there are scores.
        threshold: above it a lone logit means class 1.
        zero_division: the figure of a class whose denominator is zero.
    """


class Precision(_PerClass):
    __doc__ = (
        """How many of the samples predicted as a class belong to it: TP / (TP + FP).

    A class that is never predicted has a denominator of zero."""
        + _OPTIONS
    )

    measure = "precision"

    def ratio(self, counts: Array) -> tuple[Array, Array]:
        return np.diag(counts), counts.sum(0)


class Recall(_PerClass):
    __doc__ = (
        """How many of the samples of a class were found: TP / (TP + FN).

    A class without targets has a denominator of zero."""
        + _OPTIONS
    )

    measure = "recall"

    def ratio(self, counts: Array) -> tuple[Array, Array]:
        return np.diag(counts), counts.sum(1)


class F1(_PerClass):
    __doc__ = (
        """The harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN).

    A class that neither occurs nor is predicted has a denominator of zero."""
        + _OPTIONS
    )

    measure = "f1"

    def ratio(self, counts: Array) -> tuple[Array, Array]:
        return 2 * np.diag(counts), counts.sum(0) + counts.sum(1)


def _divide(numerator: Any, denominator: Any, otherwise: float) -> Any:
    safe = np.where(denominator == 0, 1, denominator)
    return np.where(denominator == 0, otherwise, numerator / safe)


def classes_of(
    name: str, output: Any, target: Any, threshold: float = 0.0
) -> tuple[Array, Array, int]:
    """The predicted and the actual classes, of one shape, and the number of classes.

    Raises:
        ShapeError: output and target do not fit each other.
        MetricError: a target is none of the classes.
    """
    scores, actual = array_of(output), array_of(target)
    if scores.dtype.kind != "f":
        if scores.shape != actual.shape:
            raise _misfit(name, scores, actual)
        actual = actual.astype(np.int64)
        classes = int(max(scores.max(initial=-1), actual.max(initial=-1))) + 1
        predicted = scores.astype(np.int64)
        if predicted.size and predicted.min() < 0:
            raise MetricError(f"{name}: classes count from 0, but {predicted.min()} is predicted")
    elif scores.ndim == 0:
        raise _misfit(name, scores, actual)
    elif scores.ndim == 1 or scores.shape[1] == 1:
        if actual.size != scores.size or len(actual) != len(scores):
            raise _misfit(name, scores, actual)
        classes = 2
        predicted = (scores > threshold).astype(np.int64).reshape(actual.shape)
    else:
        if scores.shape == actual.shape:
            actual = actual.argmax(1)
        elif actual.shape != (scores.shape[0], *scores.shape[2:]):
            raise _misfit(name, scores, actual)
        classes = scores.shape[1]
        predicted = scores.argmax(1)
    return predicted, _checked_classes(name, actual, classes), classes


def _checked_classes(name: str, actual: Array, classes: int) -> Array:
    labels = actual.astype(np.int64, copy=False)
    if actual.dtype.kind == "f" and not np.array_equal(labels, actual):
        raise MetricError(f"{name}: targets must be classes, whole numbers; got other numbers")
    # As numbers without a sign, negative ones are large.
    if labels.size and labels.view(np.uint64).max() >= classes:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise MetricError(
            f"{name}: a target is {wrong}, but the model has the {classes} classes "
            f"0 to {classes - 1}; number the labels from 0, or give the model more outputs"
        )
    return labels


def _misfit(name: str, scores: Array, actual: Array) -> ShapeError:
    return ShapeError(
        f"{name}: output of shape {scores.shape} and target of shape {actual.shape} do not fit; "
        f"expected scores (N, C, …) with classes (N, …), or logits (N,) with classes (N,)"
    )


def accuracy(output: Any, target: Any, threshold: float = 0.0) -> float:
    """The share of samples whose class was predicted; see `Accuracy`."""
    return float(Accuracy(threshold)(output, target))


def top_k_accuracy(output: Any, target: Any, k: int = 5) -> float:
    """The share of samples whose class is among the k highest scores; see `TopKAccuracy`."""
    return float(TopKAccuracy(k)(output, target))


def confusion_matrix(output: Any, target: Any, num_classes: int | None = None) -> Tensor:
    """How often each class (row) was taken for which (column); see `ConfusionMatrix`."""
    return ConfusionMatrix(num_classes)(output, target)  # type: ignore[return-value]


def precision(output: Any, target: Any, average: str | None = "macro", **options: Any) -> Figure:
    """TP / (TP + FP); see `Precision`."""
    return Precision(average, **options)(output, target)


def recall(output: Any, target: Any, average: str | None = "macro", **options: Any) -> Figure:
    """TP / (TP + FN); see `Recall`."""
    return Recall(average, **options)(output, target)


def f1(output: Any, target: Any, average: str | None = "macro", **options: Any) -> Figure:
    """2 TP / (2 TP + FP + FN); see `F1`."""
    return F1(average, **options)(output, target)
