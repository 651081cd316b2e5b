"""The classifier."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from ..errors import ArgumentError
from ..functional.activation import log_softmax
from ..functional.creation import from_numpy
from ..functional.cross_entropy import cross_entropy
from ..optim import Optimizer
from ..tensor import Tensor
from .estimator import Estimator, Model, require_outputs
from .training import Array, Samples


class Classifier(ClassifierMixin, Estimator):
    """A network that classifies, trained with the cross entropy.

    Example:
        >>> from fathom.sklearn import Classifier
        >>> classifier = Classifier((64,), max_iter=50, early_stopping=True, random_state=0)
        >>> classifier.fit(X, y).predict_proba(X)

    Args:
        model: the sizes of the hidden layers of a multilayer perceptron, which begins with
            Glorot and Bengio's uniform weights; or a module that maps (N, features) to logits
            of shape (N, classes), of which a copy is trained; or a function that makes such a
            module of the numbers of features and classes.
        activation: that of hidden layers given by their sizes; see `fathom.models.mlp`.
        optimizer: a name, such as ``"adam"``, or a class or function that makes an optimizer of
            parameters, `lr` and `weight_decay`.
        lr: the learning rate.
        weight_decay: the optimizer's weight decay.
        batch_size: how many samples a step is taken on; all, where there are fewer.
        max_iter: the largest number of epochs.
        tol: what counts as better: a loss that is lower by this, or with `early_stopping` a
            higher score. None to train `max_iter` epochs, whatever happens.
        n_iter_no_change: training ends when more epochs than these in a row are not better.
        shuffle: whether each epoch takes the samples in a new random order.
        early_stopping: whether a part of the samples is held out, training ends when the
            accuracy on them no longer rises, and the best model is kept.
        validation_fraction: the share that is held out.
        class_weight: how much the samples of each class count, as a dict; or ``"balanced"``,
            so that all classes count alike.
        warm_start: whether `fit` goes on with the model that there is.
        random_state: the seed of all that is random, or a ``RandomState``; None for other
            random numbers at each `fit`.
        verbose: whether the loss of each epoch is printed.
        compile: whether steps are compiled, as `fathom.compile` does it, where they are many
            enough for it.

    Attributes:
        model_: the model, which gives logits.
        classes_: the labels, in the order of the logits.
        n_features_in_: the number of features.
        n_iter_: how many epochs were trained.
        loss_curve_: the mean loss of each epoch.
        validation_scores_: the accuracy after each epoch on what `early_stopping` held out.
    """

    def __init__(
        self,
        model: Model = (100,),
        *,
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
        class_weight: Mapping[Any, float] | str | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: bool = False,
        compile: bool = True,
    ) -> None:
        self.model = model
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
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.compile = compile

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on a part of the samples, going on with the model that there is.

        Args:
            X: samples, of shape (N, features).
            y: their labels, of shape (N,).
            classes: all labels that will come; needed at the first call.
            sample_weight: how much each sample counts, compared to the others of this call.
        """
        if self.class_weight == "balanced":
            raise ArgumentError(
                "partial_fit cannot balance classes of which it sees a part: compute "
                "class_weight={label: weight, …} from all labels"
            )
        is_first = not hasattr(self, "_training")
        if is_first and classes is None:
            raise ArgumentError(
                "partial_fit needs all labels that will come, classes=…, at its first call"
            )
        if not (is_first or classes is None or np.array_equal(np.unique(classes), self.classes_)):
            raise ArgumentError(
                f"partial_fit began with the classes {self.classes_} and now gets {classes}"
            )
        return self._partial_fit(X, y, sample_weight, classes)

    def predict(self, X: Any) -> Array:
        """The most probable label of each sample."""
        numbers = self._outputs(X).argmax(1)
        return self.classes_[numbers]

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class for each sample, of shape (N, classes)."""
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithms of the probabilities, of shape (N, classes)."""
        return log_softmax(from_numpy(self._outputs(X)), 1).numpy()

    def _checked(self, X: Any, y: Any, is_first: bool) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, dtype=(np.float32, np.float64), reset=is_first)
        check_classification_targets(y)
        return X, y

    def _note_targets(self, y: Any) -> int:
        self.classes_ = np.unique(y)
        return len(self.classes_)

    def _targets(self, y: Array) -> Array:
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ArgumentError(
                f"Classifier: y has the labels {unknown}, which are not among the classes "
                f"{self.classes_}"
            )
        return np.searchsorted(self.classes_, y)

    def _loss(self) -> Callable[[int, Tensor, tuple[Tensor, Tensor]], Tensor]:
        return weighted_cross_entropy

    def _weights(self, y: Array, sample_weight: Array) -> Array:
        if self.class_weight is None:
            return sample_weight
        return sample_weight * compute_sample_weight(self.class_weight, y)

    def _score_on(self, samples: Samples) -> float:
        predicted = self._training.outputs(samples.inputs, self.batch_size).argmax(1)
        return float(accuracy_score(samples.targets, predicted, sample_weight=samples.weights))


def weighted_cross_entropy(classes: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
    """The sum of the cross entropies of all samples, each times its weight."""
    labels, weights = target
    require_outputs("Classifier", output, len(labels), classes, "a logit for each class")
    return (cross_entropy(output, labels, reduction="none") * weights).sum()
