"""Schedules that multiply the learning rate: steps, decays, ramps and functions of one's own."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

from ..optimizer import Optimizer, OptimizerError
from .schedule import FactorScheduler, LRScheduler, current_lrs, for_each_group

Function = Callable[[int], float]


class StepLR(FactorScheduler):
    """Multiplies the learning rate by `gamma` every `step_size` epochs.

    Args:
        optimizer: the optimizer.
        step_size: the number of epochs between two changes.
        gamma: the factor.
        last_epoch: see `LRScheduler`.
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if step_size < 1:
            raise OptimizerError(f"StepLR: step_size must be at least 1, got {step_size}")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def ratio(self, epoch: int) -> float:
        return self.gamma if epoch > 0 and epoch % self.step_size == 0 else 1.0

    def factor(self, epoch: int) -> float:
        return self.gamma ** (epoch // self.step_size)


class MultiStepLR(FactorScheduler):
    """Multiplies the learning rate by `gamma` at each of the given epochs.

    Args:
        optimizer: the optimizer.
        milestones: the epochs; one that is named twice counts twice.
        gamma: the factor.
        last_epoch: see `LRScheduler`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = sorted(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def ratio(self, epoch: int) -> float:
        return self.gamma ** self.milestones.count(epoch)

    def factor(self, epoch: int) -> float:
        return self.gamma ** bisect_right(self.milestones, epoch)


class ExponentialLR(FactorScheduler):
    """Multiplies the learning rate by `gamma` every epoch.

    Args:
        optimizer: the optimizer.
        gamma: the factor.
        last_epoch: see `LRScheduler`.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def ratio(self, epoch: int) -> float:
        return self.gamma if epoch > 0 else 1.0

    def factor(self, epoch: int) -> float:
        return self.gamma**epoch


class ConstantLR(FactorScheduler):
    """Multiplies the learning rate by `factor` for the first `total_iters` epochs.

    Args:
        optimizer: the optimizer.
        factor: the factor, between 0 and 1.
        total_iters: the number of epochs.
        last_epoch: see `LRScheduler`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= factor <= 1:
            raise OptimizerError(f"ConstantLR: factor must lie between 0 and 1, got {factor}")
        self.constant_factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def ratio(self, epoch: int) -> float:
        if epoch == 0:
            return self.constant_factor
        return 1 / self.constant_factor if epoch == self.total_iters else 1.0

    def factor(self, epoch: int) -> float:
        return self.constant_factor if epoch < self.total_iters else 1.0


class LinearLR(FactorScheduler):
    """Takes the learning rate's factor from `start_factor` to `end_factor` in a straight line.

    With the defaults it is a warm-up.

    Args:
        optimizer: the optimizer.
        start_factor: the factor at epoch 0, above 0 and at most 1.
        end_factor: the factor from epoch `total_iters` on, between 0 and 1.
        total_iters: the number of epochs between.
        last_epoch: see `LRScheduler`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise OptimizerError(
                f"LinearLR: start_factor must be above 0 and at most 1, got {start_factor}"
            )
        if not 0 <= end_factor <= 1:
            raise OptimizerError(f"LinearLR: end_factor must lie between 0 and 1, got {end_factor}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def ratio(self, epoch: int) -> float:
        if epoch == 0:
            return self.start_factor
        if epoch > self.total_iters:
            return 1.0
        rise = self.end_factor - self.start_factor
        return 1 + rise / (self.total_iters * self.start_factor + (epoch - 1) * rise)

    def factor(self, epoch: int) -> float:
        rise = self.end_factor - self.start_factor
        return self.start_factor + rise * min(self.total_iters, epoch) / self.total_iters


class PolynomialLR(FactorScheduler):
    """Lets the learning rate fall to 0 as ``(1 - epoch / total_iters) ** power``.

    Args:
        optimizer: the optimizer.
        total_iters: the epoch at which it reaches 0.
        power: the exponent.
        last_epoch: see `LRScheduler`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def ratio(self, epoch: int) -> float:
        if epoch == 0 or epoch > self.total_iters:
            return 1.0
        remaining = 1 - epoch / self.total_iters
        before = 1 - (epoch - 1) / self.total_iters
        return (remaining / before) ** self.power

    def factor(self, epoch: int) -> float:
        return (1 - min(self.total_iters, epoch) / self.total_iters) ** self.power


class LambdaLR(LRScheduler):
    """Sets the learning rate to its first value times a function of the epoch.

    Args:
        optimizer: the optimizer.
        lr_lambda: the function, or one for each group. Functions are not saved.
        last_epoch: see `LRScheduler`.
    """

    unsaved = ("optimizer", "lr_lambdas")

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Function | Sequence[Function],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas: list[Function] = for_each_group("lr_lambda", lr_lambda, optimizer)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [
            base * function(self.last_epoch)
            for base, function in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]


class MultiplicativeLR(LRScheduler):
    """Multiplies the learning rate, every epoch but the first, by a function of the epoch.

    Args:
        optimizer: the optimizer.
        lr_lambda: the function, or one for each group. Functions are not saved.
        last_epoch: see `LRScheduler`.
    """

    unsaved = ("optimizer", "lr_lambdas")

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Function | Sequence[Function],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas: list[Function] = for_each_group("lr_lambda", lr_lambda, optimizer)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [
            rate * function(self.last_epoch)
            for rate, function in zip(current_lrs(self.optimizer), self.lr_lambdas, strict=True)
        ]

    def begin(self) -> None:
        self.last_epoch += 1
