"""Optimizers, and schedules of their learning rates."""

from ..naming import look_up
from . import lr_scheduler
from .adadelta import Adadelta
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .lion import Lion
from .nadam import NAdam
from .optimizer import Optimizer, OptimizerError
from .parameter_group import ParameterGroup
from .radam import RAdam
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "NAdam",
    "Optimizer",
    "OptimizerError",
    "ParameterGroup",
    "RAdam",
    "RMSprop",
    "lr_scheduler",
    "optimizer_named",
    "optimizers",
]

_OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.__name__.lower(): kind
    for kind in (SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adamax, NAdam, RAdam, Lion)
}


def optimizers() -> list[str]:
    """The names under which `optimizer_named` finds an optimizer."""
    return list(_OPTIMIZERS)


def optimizer_named(name: str) -> type[Optimizer]:
    """The optimizer's class by its name in small letters: ``optimizer_named("adam")``.

    Raises:
        UnknownNameError: there is none of that name; the nearest names are offered.
    """
    return look_up("optimizer", name, _OPTIMIZERS)
