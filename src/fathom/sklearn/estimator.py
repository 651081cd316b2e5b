"""What the classifier and the regressor have in common."""

import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from math import ceil, inf
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,
    assert_all_finite,
    check_is_fitted,
    validate_data,
)

from ..errors import ArgumentError
from ..models import mlp
from ..nn import Linear, Module
from ..nn.init import xavier_uniform_
from ..optim import Optimizer, optimizer_named
from ..promotion import float32, is_floating
from ..tensor import Tensor, constant
from .training import Array, RandomNumbers, Samples, Training

Model = Module | Sequence[int] | Callable[[int, int], Module]


class Estimator(BaseEstimator):
    """A network that scikit-learn can train; see `Classifier` and `Regressor`."""

    model: Model
    activation: str
    optimizer: str | Callable[..., Optimizer]
    lr: float
    weight_decay: float
    batch_size: int
    max_iter: int
    tol: float | None
    n_iter_no_change: int
    shuffle: bool
    early_stopping: bool
    validation_fraction: float
    warm_start: bool
    random_state: Any
    verbose: bool
    compile: bool

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train until it no longer helps, from the beginning unless `warm_start` is set.

        Args:
            X: samples, of shape (N, features).
            y: what shall be predicted for each, of shape (N,); for a regressor also
                (N, outputs).
            sample_weight: how much each sample counts, of shape (N,).
        """
        self._require_numbers()
        is_first = not (self.warm_start and hasattr(self, "_training"))
        X, y = self._checked(X, y, is_first)
        if is_first:
            self._begin(X.shape[1], y)
        samples = self._samples(X, y, sample_weight)
        held_out = None
        if self.early_stopping:
            samples, held_out = self._split(samples)
        self._run_epochs(samples, held_out)
        return self

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Self:
        self._require_numbers()
        if self.early_stopping:
            raise ArgumentError(
                "partial_fit sees a part of the samples and cannot hold any out: set "
                "early_stopping=False"
            )
        is_first = not hasattr(self, "_training")
        X, y = self._checked(X, y, is_first)
        if is_first:
            self._begin(X.shape[1], y if classes is None else classes)
        samples = self._samples(X, y, sample_weight)
        # Parts that are smaller than a batch may differ in size, and are not worth a program.
        steps = ceil(len(X) / self.batch_size)
        is_compiled = len(X) >= self.batch_size and self._training.is_worth_compiling(steps)
        self._run_epoch(samples, is_compiled)
        return self

    def _run_epochs(self, samples: Samples, held_out: Samples | None) -> None:
        steps = self.max_iter * ceil(len(samples.inputs) / self.batch_size)
        is_compiled = self._training.is_worth_compiling(steps)
        patience = Patience(self.tol, self.n_iter_no_change)
        best: dict[str, Tensor] = {}
        for _ in range(self.max_iter):
            figure = self._run_epoch(samples, is_compiled)
            if held_out is not None:
                score = self._score_on(held_out)
                self.validation_scores_.append(score)
                figure = -score
            if patience.note(figure) and held_out is not None:
                state = self.model_.state_dict()
                best = {name: constant(tensor.detach()) for name, tensor in state.items()}
            if patience.is_over:
                break
        else:
            if self.tol is not None:
                warnings.warn(
                    f"{type(self).__name__} still got better after {self.max_iter} epochs; raise "
                    f"max_iter, or set tol=None to train exactly as long",
                    ConvergenceWarning,
                    stacklevel=3,
                )
        if best:
            self.model_.load_state_dict(best)

    def _run_epoch(self, samples: Samples, is_compiled: bool) -> float:
        batch_size = min(self.batch_size, len(samples.inputs))
        loss = self._training.epoch(samples, batch_size, self.shuffle, is_compiled)
        self.n_iter_ += 1
        self.loss_curve_.append(loss)
        if self.verbose:
            print(f"epoch {self.n_iter_}: loss {loss:.6f}")
        return loss

    def _begin(self, features: int, y: Any) -> None:
        """Make a model for what there is to predict, and stand before its first epoch."""
        outputs = self._note_targets(y)
        order = check_random_state(self.random_state)
        random_numbers = RandomNumbers(int(order.randint(2**31 - 1)))
        with random_numbers:
            self.model_ = self._new_model(features, outputs)
        make_optimizer: Callable[..., Optimizer] = (
            optimizer_named(self.optimizer) if isinstance(self.optimizer, str) else self.optimizer
        )
        optimizer = make_optimizer(
            self.model_.parameters(), lr=self.lr, weight_decay=self.weight_decay
        )
        loss = partial(self._loss(), outputs)
        self._training = Training(self.model_, loss, optimizer, order, random_numbers, self.compile)
        self.n_iter_ = 0
        self.loss_curve_: list[float] = []
        self.validation_scores_: list[float] = []

    def _new_model(self, features: int, outputs: int) -> Module:
        if isinstance(self.model, Module):
            return deepcopy(self.model)
        if callable(self.model):
            return self.model(features, outputs)
        if not _are_sizes(self.model):
            raise ArgumentError(
                f"{type(self).__name__}: model is {self.model!r}; expected the sizes of hidden "
                f"layers such as (100,), a module, or a function that makes one of the numbers "
                f"of features and outputs"
            )
        model = mlp([features, *self.model, outputs], self.activation)
        for layer in model:
            if isinstance(layer, Linear):  # as scikit-learn's networks begin
                xavier_uniform_(layer.weight)
        return model

    def _checked(self, X: Any, y: Any, is_first: bool) -> tuple[Array, Array]:
        """Samples and what shall be predicted as arrays; raise where they cannot be."""
        raise NotImplementedError

    def _note_targets(self, y: Any) -> int:
        """Note what there is to predict, and say how many numbers that takes for a sample."""
        raise NotImplementedError

    def _targets(self, y: Array) -> Array:
        """What the loss compares the model's outputs with."""
        raise NotImplementedError

    def _loss(self) -> Callable[[int, Tensor, tuple[Tensor, Tensor]], Tensor]:
        """The weighted loss of a number of outputs, an output, and targets with weights."""
        raise NotImplementedError

    def _weights(self, y: Array, sample_weight: Array) -> Array:
        """How much each sample counts."""
        return sample_weight

    def _score_on(self, samples: Samples) -> float:
        """What early stopping goes by; more is better."""
        raise NotImplementedError

    def _samples(self, X: Array, y: Array, sample_weight: Any) -> Samples:
        """All that is trained on, in the model's dtype."""
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        weights = self._weights(y, weights)
        mean = weights.mean()
        if not mean > 0:
            raise ArgumentError("all samples have a weight of 0; there is nothing to learn from")
        dtype = self._dtype()
        targets = self._targets(y)
        if targets.dtype.kind == "f":
            targets = _cast(targets, dtype, "y")
        return Samples(_cast(X, dtype, "X"), targets, (weights / mean).astype(dtype))

    def _split(self, samples: Samples) -> tuple[Samples, Samples]:
        """The samples to train on, and those that early stopping goes by."""
        targets = samples.targets
        parts = train_test_split(
            *samples,
            test_size=self.validation_fraction,
            random_state=self._training.order,
            stratify=targets if targets.dtype.kind == "i" else None,
        )
        return Samples(*parts[0::2]), Samples(*parts[1::2])

    def _outputs(self, X: Any) -> Array:
        """What the model gives for samples, in their dtype."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float32, np.float64), reset=False)
        outputs = self._training.outputs(_cast(X, self._dtype(), "X"), self.batch_size)
        return outputs.astype(X.dtype, copy=False)

    def _dtype(self) -> np.dtype[Any]:
        """The dtype of the model's parameters."""
        dtypes = (parameter.dtype for parameter in self.model_.parameters())
        return next(filter(is_floating, dtypes), float32)

    def _require_numbers(self) -> None:
        for name in ("batch_size", "max_iter"):
            if getattr(self, name) < 1:
                raise ArgumentError(
                    f"{type(self).__name__}: {name} must be at least 1, got {getattr(self, name)}"
                )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_training")


class Patience:
    """Notes how a figure falls, and says when it has not for too long.

    Args:
        tol: by how much it has to fall below the best so far; None for endless patience.
        epochs: how often in a row it may fail to.
    """

    def __init__(self, tol: float | None, epochs: int) -> None:
        self._tol = tol
        self._epochs = epochs
        self._waited = 0
        self._best = inf

    def note(self, figure: float) -> bool:
        """Take note of a figure, and say whether it is the best so far."""
        falls = figure <= self._best - (self._tol or 0)
        self._waited = 0 if falls else self._waited + 1
        is_best = figure < self._best
        self._best = min(figure, self._best)
        return is_best

    @property
    def is_over(self) -> bool:
        return self._tol is not None and self._waited > self._epochs


def _are_sizes(model: Any) -> bool:
    return isinstance(model, Sequence) and all(
        isinstance(size, int | np.integer) and size > 0 for size in model
    )


def _cast(array: Array, dtype: np.dtype[Any], name: str) -> Array:
    """The array in a dtype; raise where a number is too large for it."""
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore"):
        array = array.astype(dtype)
    assert_all_finite(array, input_name=name)
    return array


def require_outputs(estimator: str, output: Tensor, samples: int, outputs: int, each: str) -> None:
    """Raise unless a model gave as many numbers for each sample as the estimator needs."""
    if output.shape != (samples, outputs):
        raise ArgumentError(
            f"{estimator}: for {samples} samples the model gave shape {output.shape}, expected "
            f"{(samples, outputs)}, {each}; a function of the numbers of features and outputs "
            f"can make a model that fits the data"
        )
