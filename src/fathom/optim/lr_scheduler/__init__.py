"""Schedules of the learning rate."""

from ...naming import look_up
from .composed import ChainedScheduler, SequentialLR, warmup
from .cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from .cycles import CyclicLR, OneCycleLR
from .factors import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from .plateau import ReduceLROnPlateau
from .schedule import LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "scheduler_named",
    "schedulers",
    "warmup",
]

_SCHEDULERS: dict[str, type[LRScheduler]] = {
    "step": StepLR,
    "multistep": MultiStepLR,
    "exponential": ExponentialLR,
    "constant": ConstantLR,
    "linear": LinearLR,
    "polynomial": PolynomialLR,
    "cosine": CosineAnnealingLR,
    "cosine-restarts": CosineAnnealingWarmRestarts,
    "onecycle": OneCycleLR,
    "cyclic": CyclicLR,
    "plateau": ReduceLROnPlateau,
}


def schedulers() -> list[str]:
    """The names under which `scheduler_named` finds a schedule."""
    return list(_SCHEDULERS)


def scheduler_named(name: str) -> type[LRScheduler]:
    """The schedule's class by a short name: ``scheduler_named("cosine")``.

    Raises:
        UnknownNameError: there is none of that name; the nearest names are offered.
    """
    return look_up("schedule", name, _SCHEDULERS)
