"""A schedule that waits for a figure to stop getting better."""

from math import inf
from typing import SupportsFloat

from ..optimizer import Optimizer, OptimizerError
from .schedule import LRScheduler, checked_optimizer, current_lrs, for_each_group


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the learning rate by `factor` when a figure has stopped getting better.

    ``step(metrics)`` is given the figure: ``schedule.step(validation_loss)``.

    Args:
        optimizer: the optimizer.
        mode: ``"min"`` where a smaller figure is better, ``"max"`` where a larger one is.
        factor: the factor, below 1.
        patience: the number of epochs without improvement that are let pass.
        threshold: the least improvement that counts.
        threshold_mode: ``"rel"`` where the threshold is a share of the best figure, ``"abs"``
            where it is a difference.
        cooldown: the number of epochs to wait after a change.
        min_lr: the lowest learning rate, or one for each group.
        eps: the least change of the learning rate that is made.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1:
            raise OptimizerError(f"ReduceLROnPlateau: factor must be below 1, got {factor}")
        if mode not in ("min", "max"):
            raise OptimizerError(f"ReduceLROnPlateau: mode must be 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise OptimizerError(
                f"ReduceLROnPlateau: threshold_mode must be 'rel' or 'abs', got {threshold_mode!r}"
            )
        self.optimizer = checked_optimizer(self, optimizer)
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.min_lrs = for_each_group("min_lr", min_lr, optimizer)
        self.eps = eps
        self.best = inf if mode == "min" else -inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.last_epoch = 0
        self._last_lr = current_lrs(optimizer)

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Note the figure of one epoch, and lower the learning rate if it is time.

        Args:
            metrics: the figure: a number or a tensor with one element.
            epoch: the epoch's number, by default the next.
        """
        figure = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(figure):
            self.best = figure
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.write(self.get_lr())
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = current_lrs(self.optimizer)

    def get_lr(self) -> list[float]:
        """The learning rates after one reduction."""
        reduced = []
        for rate, lowest in zip(current_lrs(self.optimizer), self.min_lrs, strict=True):
            lower = max(rate * self.factor, lowest)
            reduced.append(lower if rate - lower > self.eps else rate)
        return reduced

    @property
    def in_cooldown(self) -> bool:
        """Whether a change was made so lately that no other follows yet."""
        return self.cooldown_counter > 0

    def _is_better(self, figure: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "abs":
            return sign * figure < sign * self.best - self.threshold
        return sign * figure < sign * self.best * (1 - sign * self.threshold)
