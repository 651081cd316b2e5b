"""Schedules made of other schedules."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ..optimizer import Optimizer, OptimizerError
from .factors import LinearLR
from .plateau import ReduceLROnPlateau
from .schedule import LRScheduler, current_lrs


class _ComposedScheduler(LRScheduler):
    """What schedules that consist of others share."""

    unsaved = ("optimizer", "_schedulers")

    _schedulers: list[LRScheduler]

    def _take(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> None:
        name = type(self).__name__
        if not schedulers:
            raise OptimizerError(f"{name} needs at least one schedule")
        self.optimizer = optimizer or schedulers[0].optimizer
        for position, scheduler in enumerate(schedulers):
            if isinstance(scheduler, ReduceLROnPlateau):
                raise OptimizerError(
                    f"{name}: ReduceLROnPlateau (schedule {position}) waits for a figure at "
                    f"each step, so it cannot be one of several"
                )
            if scheduler.optimizer is not self.optimizer:
                raise OptimizerError(
                    f"{name}: schedule {position}, {type(scheduler).__name__}, belongs to "
                    f"another optimizer"
                )
        self._schedulers = list(schedulers)

    def rewind(self) -> None:
        super().rewind()
        for scheduler in self._schedulers:
            scheduler.rewind()

    def state_dict(self) -> dict[str, Any]:
        parts = [scheduler.state_dict() for scheduler in self._schedulers]
        return {**super().state_dict(), "_schedulers": parts}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        parts = state_dict.get("_schedulers", ())
        if len(parts) != len(self._schedulers):
            raise OptimizerError(
                f"{type(self).__name__} cannot load this state: it is of {len(parts)} "
                f"schedules, this one has {len(self._schedulers)}. Nothing was changed"
            )
        before = self.state_dict()
        try:
            for scheduler, part in zip(self._schedulers, parts, strict=True):
                scheduler.load_state_dict(part)
            super().load_state_dict(state_dict)
        except OptimizerError:
            for scheduler, part in zip(self._schedulers, before["_schedulers"], strict=True):
                scheduler.load_state_dict(part)
            raise


class SequentialLR(_ComposedScheduler):
    """One schedule after another.

    Args:
        optimizer: the optimizer, which all schedules belong to.
        schedulers: the schedules.
        milestones: the epochs at which the second, third, … begins, each at its own epoch 0.
        last_epoch: accepted for PyTorch's sake.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        self._take(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise OptimizerError(
                f"SequentialLR: {len(schedulers)} schedules need {len(schedulers) - 1} "
                f"milestones between them, got {len(milestones)}"
            )
        self._milestones = list(milestones)
        self.last_epoch = last_epoch
        self._last_lr = current_lrs(optimizer)
        self.begin()

    def begin(self) -> None:
        # Each schedule took its first step when it was made; only the first may have done so.
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        for scheduler in self._schedulers:
            scheduler.rewind()
        self.last_epoch += 1
        self._schedulers[bisect_right(self._milestones, 0)].begin()
        self._last_lr = current_lrs(self.optimizer)

    def restart(self) -> None:
        self.last_epoch = -1
        self.begin()

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch; this schedule cannot be sent to another."""
        if epoch is not None:
            raise OptimizerError("SequentialLR goes from epoch to epoch; call step() without one")
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler.restart()
        else:
            scheduler.step()
        self._last_lr = current_lrs(self.optimizer)


class ChainedScheduler(_ComposedScheduler):
    """Several schedules at once: each changes what the others have left.

    Args:
        schedulers: the schedules, in the order in which they step.
        optimizer: the optimizer; by default the first schedule's.
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        self._take(schedulers, optimizer)
        self.last_epoch = 0
        self._last_lr = current_lrs(self.optimizer)

    def begin(self) -> None:
        for scheduler in self._schedulers:
            scheduler.begin()
        self.last_epoch += 1
        self._last_lr = current_lrs(self.optimizer)

    def restart(self) -> None:
        self.rewind()
        self.begin()

    def step(self, epoch: int | None = None) -> None:
        """Let every schedule take its step."""
        if epoch is not None:
            raise OptimizerError(
                "ChainedScheduler goes from epoch to epoch; call step() without one"
            )
        self.last_epoch += 1
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = current_lrs(self.optimizer)


def warmup(scheduler: LRScheduler, steps: int, start_factor: float = 0.01) -> SequentialLR:
    """A schedule preceded by a rise of the learning rate in a straight line.

    It is the usual ``SequentialLR([LinearLR(…), scheduler], [steps])`` in one word.

    Args:
        scheduler: the schedule that follows.
        steps: the number of steps of the rise.
        start_factor: the share of the learning rate that the rise begins with.
    """
    rise = LinearLR(scheduler.optimizer, start_factor, total_iters=steps)
    return SequentialLR(scheduler.optimizer, [rise, scheduler], [steps])
