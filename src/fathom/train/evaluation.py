"""Running a model on data that it is not trained on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..functional.joining import cat
from ..functional.random import default_generator
from ..nn import Module
from ..tape import no_grad
from ..tensor import Tensor
from .batches import inputs_of, split_batch
from .errors import TrainingError
from .metrics import Figure, Metric
from .step import Loss


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Within this block the model is in evaluation mode, and no gradient is noted.

    Afterwards the model's mode and the default generator are as they were, so evaluating
    does not change how a training goes on.
    """
    was_training, key = model.training, default_generator.get_state()
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        model.train(was_training)
        default_generator.set_state(key)


def measure(
    model: Module,
    loss: Loss,
    metrics: Sequence[Metric],
    batches: Iterable[Any],
    is_over: Callable[[], bool] = lambda: False,
) -> dict[str, Any] | None:
    """The mean loss and the metrics over batches; None if `is_over` said to stop."""
    total, samples = 0.0, 0
    for metric in metrics:
        metric.reset()
    with evaluating(model):
        for batch in batches:
            inputs, target = split_batch(batch)
            output = model(*inputs)
            total += float(loss(output, target)) * len(target)
            samples += len(target)
            for metric in metrics:
                metric.update(output, target)
            if is_over():
                return None
    if not samples:
        raise TrainingError("the data to evaluate on gave no batch")
    return {"loss": total / samples, **figures_of(metrics)}


def predict(model: Module, batches: Iterable[Any]) -> Tensor:
    """What the model returns for all samples, one after the other."""
    with evaluating(model):
        outputs = [model(*inputs_of(batch)) for batch in batches]
    return outputs[0] if len(outputs) == 1 else cat(outputs)


def figures_of(metrics: Iterable[Metric]) -> dict[str, Figure]:
    """The figure of each metric by its name."""
    return {metric.name: metric.compute() for metric in metrics}
