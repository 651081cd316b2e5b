"""Running a model on data that it is not trained on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..functional.joining import cat
from ..functional.random import default_generator
from ..nn import Module
from ..tape import no_grad
from ..tensor import Tensor
from .batches import inputs_of, split_batch, with_usual_ones_marked
from .compilation import BatchFunction, Compilation
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


def evaluation_of(model: Module, loss: Loss, compilation: Compilation) -> BatchFunction:
    """The function that evaluates one batch: of inputs and target, it gives loss and output."""

    def step(inputs: tuple[Any, ...], target: Any) -> tuple[Any, Any]:
        output = model(*inputs)
        return loss(output, target), output

    return BatchFunction(step, model, compilation)


def prediction_of(model: Module, compilation: Compilation) -> BatchFunction:
    """The function that gives the model's output for the inputs of one batch."""

    def step(inputs: tuple[Any, ...]) -> Any:
        return model(*inputs)

    return BatchFunction(step, model, compilation)


def measure(
    step: BatchFunction,
    metrics: Sequence[Metric],
    batches: Iterable[Any],
    is_over: Callable[[], bool] = lambda: False,
) -> dict[str, Any] | None:
    """The mean loss and the metrics over batches; None if `is_over` said to stop.

    Args:
        step: a function made by `evaluation_of`.
        metrics: what is measured besides the loss.
        batches: of inputs and target.
        is_over: asked after each batch.
    """
    total, samples = 0.0, 0
    for metric in metrics:
        metric.reset()
    with evaluating(step.model):
        for is_usual, batch in with_usual_ones_marked(batches):
            inputs, target = split_batch(batch)
            loss, output = step(is_usual, inputs, target)
            total += float(loss) * len(target)
            samples += len(target)
            for metric in metrics:
                metric.update(output, target)
            if is_over():
                return None
    if not samples:
        raise TrainingError("the data to evaluate on gave no batch")
    return {"loss": total / samples, **figures_of(metrics)}


def predict(step: BatchFunction, batches: Iterable[Any]) -> Tensor:
    """What the model returns for all samples, one after the other.

    Args:
        step: a function made by `prediction_of`.
        batches: of inputs, or of inputs and a target, which is not looked at.
    """
    with evaluating(step.model):
        outputs = [
            step(is_usual, inputs_of(batch)) for is_usual, batch in with_usual_ones_marked(batches)
        ]
    return outputs[0] if len(outputs) == 1 else cat(outputs)


def figures_of(metrics: Iterable[Metric]) -> dict[str, Figure]:
    """The figure of each metric by its name."""
    return {metric.name: metric.compute() for metric in metrics}
