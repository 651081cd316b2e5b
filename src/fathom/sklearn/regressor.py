"""The regressor."""

from collections.abc import Callable
from functools import partial
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from ..errors import ArgumentError
from ..functional.loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from ..naming import look_up
from ..optim import Optimizer
from ..tensor import Tensor
from .estimator import Estimator, Model, require_outputs
from .training import Array, Samples

_LOSSES: dict[str, Callable[..., Tensor]] = {
    function.__name__: function for function in (mse_loss, l1_loss, smooth_l1_loss, huber_loss)
}


class Regressor(RegressorMixin, Estimator):
    """A network that predicts numbers.

    Targets of a size far from 1 are learned slowly; scikit-learn's
    ``TransformedTargetRegressor`` scales them.

    Example:
        >>> from fathom.sklearn import Regressor
        >>> Regressor((64, 64), max_iter=100, random_state=0).fit(X, y).predict(X)

    Args:
        model: the sizes of the hidden layers of a multilayer perceptron, which begins with
            Glorot and Bengio's uniform weights; or a module that maps (N, features) to
            (N, outputs), of which a copy is trained; or a function that makes such a module of
            the numbers of features and outputs.
        loss: ``"mse_loss"``, ``"l1_loss"``, ``"smooth_l1_loss"`` or ``"huber_loss"``.
        activation: that of hidden layers given by their sizes; see `fathom.models.mlp`.
        optimizer: a name, such as ``"adam"``, or a class or function that makes an optimizer of
            parameters, `lr` and `weight_decay`.
        lr: the learning rate.
        weight_decay: the optimizer's weight decay.
        batch_size: how many samples a step is taken on; all, where there are fewer.
        max_iter: the largest number of epochs.
        tol: what counts as better: a loss that is lower by this, or with `early_stopping` a
            score that is higher by this. None to train `max_iter` epochs, whatever happens.
        n_iter_no_change: training ends when more epochs than these in a row are not better.
        shuffle: whether each epoch takes the samples in a new random order.
        early_stopping: whether a part of the samples is held out, training ends when R² on
            them no longer rises, and the best model is kept.
        validation_fraction: the share that is held out.
        warm_start: whether `fit` goes on with the model that there is.
        random_state: the seed of all that is random, or a ``RandomState``; None for other
            random numbers at each `fit`.
        verbose: whether the loss of each epoch is printed.
        compile: whether steps are compiled, as `fathom.compile` does it, where they are many
            enough for it.

    Attributes:
        model_: the model.
        n_outputs_: how many numbers are predicted for each sample.
        n_features_in_: the number of features.
        n_iter_: how many epochs were trained.
        loss_curve_: the mean loss of each epoch.
        validation_scores_: R² after each epoch on what `early_stopping` held out.
    """

    def __init__(
        self,
        model: Model = (100,),
        *,
        loss: str = "mse_loss",
        activation: str = "relu",
        optimizer: str | Callable[..., Optimizer] = "adam",
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        batch_size: int = 200,
        max_iter: int = 200,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: bool = False,
        compile: bool = True,
    ) -> None:
        self.model = model
        self.loss = loss
        self.activation = activation
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.compile = compile

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on a part of the samples, going on with the model that there is.

        Args:
            X: samples, of shape (N, features).
            y: what shall be predicted for each, of shape (N,) or (N, outputs).
            sample_weight: how much each sample counts, compared to the others of this call.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> Array:
        """What is predicted for each sample, of shape (N,), or (N, outputs) for several."""
        outputs = self._outputs(X)
        return outputs if self._has_rows else outputs[:, 0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _checked(self, X: Any, y: Any, is_first: bool) -> tuple[Array, Array]:
        X, y = validate_data(
            self,
            X,
            y,
            dtype=(np.float32, np.float64),
            multi_output=True,
            y_numeric=True,
            reset=is_first,
        )
        return X, column_or_1d(y, warn=True) if y.shape[1:] == (1,) else y

    def _note_targets(self, y: Any) -> int:
        self._has_rows = y.ndim == 2
        self.n_outputs_ = y.shape[1] if self._has_rows else 1
        return self.n_outputs_

    def _targets(self, y: Array) -> Array:
        targets = y.reshape(len(y), -1).astype(np.float64)
        if targets.shape[1] != self.n_outputs_:
            raise ArgumentError(
                f"Regressor: y has {targets.shape[1]} numbers for each sample, before it had "
                f"{self.n_outputs_}"
            )
        return targets

    def _loss(self) -> Callable[[int, Tensor, tuple[Tensor, Tensor]], Tensor]:
        return partial(weighted_loss, look_up("loss", self.loss, _LOSSES))

    def _score_on(self, samples: Samples) -> float:
        predicted = self._training.outputs(samples.inputs, self.batch_size)
        return float(r2_score(samples.targets, predicted, sample_weight=samples.weights))


def weighted_loss(
    loss: Callable[..., Tensor], outputs: int, output: Tensor, target: tuple[Tensor, Tensor]
) -> Tensor:
    """The sum of the losses of all samples, each the mean of its outputs times its weight."""
    values, weights = target
    require_outputs("Regressor", output, len(values), outputs, "a number for each output")
    return (loss(output, values, reduction="none").mean(1) * weights).sum()
