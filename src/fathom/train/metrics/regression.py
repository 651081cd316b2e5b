"""Metrics of regression; output and target have one shape."""

from typing import Any, Self

import numpy as np

from ...errors import ShapeError
from .metric import Array, Metric, array_of


class MeanAbsoluteError(Metric):
    """The mean of |output - target| over all elements."""

    name = "mean_absolute_error"

    def reset(self) -> Self:
        self.state = {"total": np.zeros(()), "count": np.zeros((), np.int64)}
        return self

    def update(self, output: Any, target: Any) -> None:
        predicted, actual = _pair(self.name, output, target)
        self.state["total"] = self.state["total"] + self.deviation(predicted - actual).sum()
        self.state["count"] = self.state["count"] + actual.size

    def deviation(self, difference: Array) -> Array:
        """What is averaged, for each element."""
        return np.abs(difference)

    def compute(self) -> float:
        """The mean so far."""
        self.require_samples(self.state["count"])
        return float(self.state["total"] / self.state["count"])


class MeanSquaredError(MeanAbsoluteError):
    """The mean of (output - target)² over all elements."""

    name = "mean_squared_error"

    def deviation(self, difference: Array) -> Array:
        return np.square(difference)


class R2Score(Metric):
    """The share of the targets' variance that the output explains.

    R² = 1 - Σ (target - output)² / Σ (target - mean of targets)², for each column, and the
    mean over the columns. A column of equal targets has no variance: its R² is 1 where the
    output is exact, else 0. The variance is merged batch by batch with the formula of Chan,
    Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances" (1979), which does not cancel where the mean is large.
    """

    name = "r2"

    def reset(self) -> Self:
        self.state = {
            "count": np.zeros((), np.int64),
            "mean": np.zeros(()),
            "variation": np.zeros(()),
            "residual": np.zeros(()),
        }
        return self

    def update(self, output: Any, target: Any) -> None:
        predicted, actual = _pair(self.name, output, target)
        if not actual.size:
            return
        predicted = predicted.reshape(len(predicted), -1)
        actual = actual.reshape(len(actual), -1)
        state, samples = self.state, len(actual)
        count = state["count"] + samples
        mean = actual.mean(0)
        shift = mean - state["mean"]
        state["variation"] = (
            state["variation"]
            + np.square(actual - mean).sum(0)
            + np.square(shift) * (state["count"] * samples / count)
        )
        state["mean"] = state["mean"] + shift * (samples / count)
        state["residual"] = state["residual"] + np.square(actual - predicted).sum(0)
        state["count"] = count

    def compute(self) -> float:
        """R² so far: 1 is exact, 0 is as good as the mean, below 0 is worse."""
        self.require_samples(self.state["count"])
        variation, residual = self.state["variation"], self.state["residual"]
        constant_column = variation == 0
        score = 1 - residual / np.where(constant_column, 1, variation)
        exact = np.where(residual == 0, 1.0, 0.0)
        return float(np.where(constant_column, exact, score).mean())


def _pair(name: str, output: Any, target: Any) -> tuple[Array, Array]:
    predicted = array_of(output).astype(np.float64)
    actual = array_of(target).astype(np.float64)
    if predicted.shape == (*actual.shape, 1):
        predicted = predicted.reshape(actual.shape)
    if predicted.shape != actual.shape:
        raise ShapeError(
            f"{name}: output has shape {predicted.shape}, target has shape {actual.shape}; "
            f"reshape one of them, e.g. target.reshape{predicted.shape}"
        )
    return predicted, actual


def mean_absolute_error(output: Any, target: Any) -> float:
    """The mean of |output - target|."""
    return float(MeanAbsoluteError()(output, target))


def mean_squared_error(output: Any, target: Any) -> float:
    """The mean of (output - target)²."""
    return float(MeanSquaredError()(output, target))


def r2_score(output: Any, target: Any) -> float:
    """The share of the targets' variance that the output explains; see `R2Score`."""
    return float(R2Score()(output, target))
