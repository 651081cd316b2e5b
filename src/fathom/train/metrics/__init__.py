"""Metrics: streaming objects (`update`, `compute`, `reset`), and plain functions."""

import re
from collections.abc import Callable
from typing import Any

from ...naming import look_up
from .classification import (
    F1,
    Accuracy,
    ConfusionMatrix,
    Precision,
    Recall,
    TopKAccuracy,
    accuracy,
    confusion_matrix,
    f1,
    precision,
    recall,
    top_k_accuracy,
)
from .metric import Figure, MeanOf, Metric, MetricError
from .regression import (
    MeanAbsoluteError,
    MeanSquaredError,
    R2Score,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
)

__all__ = [
    "F1",
    "Accuracy",
    "ConfusionMatrix",
    "Figure",
    "MeanAbsoluteError",
    "MeanOf",
    "MeanSquaredError",
    "Metric",
    "MetricError",
    "Precision",
    "R2Score",
    "Recall",
    "TopKAccuracy",
    "accuracy",
    "as_metric",
    "confusion_matrix",
    "f1",
    "mean_absolute_error",
    "mean_squared_error",
    "metric_named",
    "metrics",
    "precision",
    "r2_score",
    "recall",
    "top_k_accuracy",
]

_METRICS: dict[str, Callable[[], Metric]] = {
    "accuracy": Accuracy,
    "top-3": lambda: TopKAccuracy(3),
    "top-5": lambda: TopKAccuracy(5),
    "precision": Precision,
    "recall": Recall,
    "f1": F1,
    "confusion-matrix": ConfusionMatrix,
    "mae": MeanAbsoluteError,
    "mean-absolute-error": MeanAbsoluteError,
    "mse": MeanSquaredError,
    "mean-squared-error": MeanSquaredError,
    "r2": R2Score,
}


def metrics() -> list[str]:
    """The names under which `metric_named` finds a metric."""
    return list(_METRICS)


def metric_named(name: str) -> Metric:
    """A new metric by its name: ``"accuracy"``, ``"f1"``, ``"top-3"`` (any number), ``"mae"``.

    Raises:
        UnknownNameError: there is none of that name; the nearest names are offered.
    """
    if top := re.fullmatch(r"top[-_]?(\d+)([-_]accuracy)?", name.lower()):
        return TopKAccuracy(int(top[1]))
    return look_up("metric", name, _METRICS)()


def as_metric(metric: Any) -> Metric:
    """A metric from a metric, its name, its class, or a function of output and target."""
    if isinstance(metric, str):
        return metric_named(metric)
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, type) and issubclass(metric, Metric):
        return metric()
    if callable(metric):
        return _OF_FUNCTION[metric]() if metric in _OF_FUNCTION else MeanOf(metric)
    raise MetricError(
        f"{metric!r} is no metric; give a name such as 'accuracy', a Metric, or a function "
        f"of output and target"
    )


# The mean of a batch's F1 is not the F1 of all batches, so these functions stand for objects.
_OF_FUNCTION: dict[Any, Callable[[], Metric]] = {
    accuracy: Accuracy,
    top_k_accuracy: TopKAccuracy,
    precision: Precision,
    recall: Recall,
    f1: F1,
    confusion_matrix: ConfusionMatrix,
    mean_absolute_error: MeanAbsoluteError,
    mean_squared_error: MeanSquaredError,
    r2_score: R2Score,
}
