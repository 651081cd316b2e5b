"""What a trainer's arguments may be given as: objects, or names."""

from collections.abc import Iterable
from typing import Any

from ..naming import look_up
from ..nn import Module, functional
from ..optim import Optimizer, optimizer_named
from .errors import TrainingError
from .metrics import Metric, as_metric
from .step import Loss

LOSSES = (
    "cross_entropy",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "kl_div",
)


def loss_from(loss: Any) -> Loss:
    """A loss from a function, a module, or a name of a function in `nn.functional`."""
    if isinstance(loss, str):
        loss = getattr(functional, look_up("loss", loss, {name: name for name in LOSSES}))
    elif isinstance(loss, type) and issubclass(loss, Module):
        raise TrainingError(
            f"the loss is the class {loss.__name__}; give an instance: {loss.__name__}()"
        )
    if not callable(loss):
        raise TrainingError(
            f"the loss is a {type(loss).__name__}; expected a function of output and target, "
            f"a loss module, or a name such as 'cross_entropy'"
        )
    return loss


def optimizer_from(optimizer: Any, model: Module, lr: float | None) -> Optimizer:
    """An optimizer from an optimizer or from its name."""
    if isinstance(optimizer, Optimizer):
        if lr is not None:
            raise TrainingError("lr is for an optimizer given by name; this one has its own")
        return optimizer
    if not isinstance(optimizer, str):
        raise TrainingError(
            f"the optimizer is {optimizer!r}; expected an optimizer such as "
            f"fathom.optim.Adam(model.parameters()), or a name such as 'adam'"
        )
    options = {} if lr is None else {"lr": lr}
    return optimizer_named(optimizer)(model.parameters(), **options)  # type: ignore[arg-type]


def metrics_from(metrics: Iterable[Any]) -> list[Metric]:
    """Metrics from metrics, names and functions; each needs a name of its own."""
    chosen = [as_metric(metric) for metric in ((metrics,) if isinstance(metrics, str) else metrics)]
    names = [metric.name for metric in chosen]
    twice = {name for name in names if names.count(name) > 1 or name == "loss"}
    if twice:
        raise TrainingError(
            f"more than one metric is called {', '.join(sorted(twice))}; set their `name`"
        )
    return chosen
