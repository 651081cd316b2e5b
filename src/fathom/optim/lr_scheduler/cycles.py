"""Schedules that let the learning rate rise and fall, and the momentum fall and rise."""

from collections.abc import Callable, Sequence
from math import floor

from ..optimizer import Optimizer, OptimizerError
from ..parameter_group import ParameterGroup
from .cosine import annealed
from .schedule import LRScheduler, checked_optimizer, for_each_group

Values = float | Sequence[float]


class OneCycleLR(LRScheduler):
    """One rise of the learning rate to `max_lr` and one long fall; a step is a batch.

    The momentum (of Adam: beta1) goes the opposite way. Smith and Topin, "Super-convergence:
    Very fast training of neural networks using large learning rates" (2018).

    Args:
        optimizer: the optimizer.
        max_lr: the highest learning rate, or one for each group.
        total_steps: the number of steps; or else give
        epochs: the number of epochs, and
        steps_per_epoch: the number of steps in each.
        pct_start: the share of the steps in which the learning rate rises.
        anneal_strategy: ``"cos"`` or ``"linear"``: the form of rise and fall.
        cycle_momentum: whether the momentum changes too.
        base_momentum: the lowest momentum, or one for each group.
        max_momentum: the highest momentum, or one for each group.
        div_factor: the highest learning rate divided by the first.
        final_div_factor: the first learning rate divided by the last.
        three_phase: whether the learning rate falls to the first as it rose, and then in a
            third phase to the last.
        last_epoch: see `LRScheduler`.

    Raises:
        OptimizerError: the number of steps is not given, an argument is out of range, or the
            optimizer has no momentum to cycle.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Values,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Values = 0.85,
        max_momentum: Values = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        checked_optimizer(self, optimizer)
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise OptimizerError("OneCycleLR needs total_steps, or epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        if total_steps < 1:
            raise OptimizerError(f"OneCycleLR needs at least one step, got {total_steps}")
        if not 0 <= pct_start <= 1:
            raise OptimizerError(f"OneCycleLR: pct_start must lie between 0 and 1, got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise OptimizerError(
                f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}"
            )
        self.total_steps = total_steps
        self.pct_start = pct_start
        self.anneal_strategy = anneal_strategy
        self.three_phase = three_phase
        self.max_lrs = for_each_group("max_lr", max_lr, optimizer)
        first_lrs = [rate / div_factor for rate in self.max_lrs]
        self.min_lrs = [rate / final_div_factor for rate in first_lrs]
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, first_lrs, strict=True):
                group["initial_lr"] = rate
        self.momentums = (
            _momentum_ranges(optimizer, base_momentum, max_momentum) if cycle_momentum else []
        )
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch > self.total_steps:
            raise OptimizerError(
                f"OneCycleLR was made for {self.total_steps} steps, this is step "
                f"{self.last_epoch}; give total_steps the number of batches of the whole training"
            )
        phase, progress = self._phase()
        for group, (lowest, highest) in zip(
            self.optimizer.param_groups, self.momentums, strict=bool(self.momentums)
        ):
            corners = (highest, lowest, highest, highest)
            _set_momentum(group, self._between(corners, phase, progress))
        rates = []
        for first, top, last in zip(self.base_lrs, self.max_lrs, self.min_lrs, strict=True):
            path = (first, top, first, last) if self.three_phase else (first, top, last)
            rates.append(self._between(path, phase, progress))
        return rates

    def _phase(self) -> tuple[int, float]:
        """The phase that `last_epoch` lies in, and how much of it has passed, from 0 to 1."""
        rise = self.pct_start * self.total_steps
        ends = [rise - 1, 2 * rise - 2] if self.three_phase else [rise - 1]
        begin = 0.0
        for phase, end in enumerate([*ends, self.total_steps - 1]):
            if self.last_epoch <= end or phase == len(ends):
                return phase, (self.last_epoch - begin) / (end - begin)
            begin = end
        raise AssertionError("the last phase has no end")

    def _between(self, corners: Sequence[float], phase: int, progress: float) -> float:
        start, end = corners[phase], corners[phase + 1]
        if self.anneal_strategy == "cos":
            return annealed(start, end, progress)
        return start + (end - start) * progress


class CyclicLR(LRScheduler):
    """Lets the learning rate rise and fall between two bounds in straight lines.

    The momentum (of Adam: beta1) goes the opposite way. Smith, "Cyclical learning rates for
    training neural networks" (2017).

    Args:
        optimizer: the optimizer.
        base_lr: the lower bound, or one for each group.
        max_lr: the upper bound, or one for each group.
        step_size_up: the number of steps of a rise.
        step_size_down: the number of steps of a fall; by default the same.
        mode: how the height of the cycles changes: ``"triangular"`` (it stays),
            ``"triangular2"`` (it is halved from cycle to cycle), ``"exp_range"`` (it is
            multiplied by `gamma` with every step).
        gamma: the factor of ``"exp_range"``.
        scale_fn: the height as a function of one's own, in place of `mode`; not saved.
        scale_mode: whether `scale_fn` is given the ``"cycle"``, counted from 1, or the number
            of ``"iterations"``.
        cycle_momentum: whether the momentum changes too.
        base_momentum: the lowest momentum, or one for each group.
        max_momentum: the highest momentum, or one for each group.
        last_epoch: see `LRScheduler`.
    """

    unsaved = ("optimizer", "scale_fn")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: Values,
        max_lr: Values,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Values = 0.8,
        max_momentum: Values = 0.9,
        last_epoch: int = -1,
    ) -> None:
        checked_optimizer(self, optimizer)
        heights: dict[str, Callable[[float], float]] = {
            "triangular": lambda cycle: 1.0,
            "triangular2": lambda cycle: 0.5 ** (cycle - 1),
            "exp_range": lambda iterations: gamma**iterations,
        }
        if scale_fn is None:
            if mode not in heights:
                raise OptimizerError(
                    f"CyclicLR: mode must be {', '.join(map(repr, heights))}, or scale_fn must "
                    f"be given; got {mode!r}"
                )
            scale_fn = heights[mode]
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_fn = scale_fn
        self.scale_mode = scale_mode
        self.step_size_up = step_size_up
        self.step_size_down = step_size_up if step_size_down is None else step_size_down
        lowest = for_each_group("base_lr", base_lr, optimizer)
        self.max_lrs = for_each_group("max_lr", max_lr, optimizer)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, lowest, strict=True):
                group["lr"] = rate
        self.momentums = (
            _momentum_ranges(optimizer, base_momentum, max_momentum) if cycle_momentum else []
        )
        self.lowest_lrs = lowest
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        length = self.step_size_up + self.step_size_down
        rising = self.step_size_up / length
        cycle = floor(1 + self.last_epoch / length)
        progress = 1 + self.last_epoch / length - cycle
        slope = progress / rising if progress <= rising else (progress - 1) / (rising - 1)
        height = slope * self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        for group, (lowest, highest) in zip(
            self.optimizer.param_groups, self.momentums, strict=bool(self.momentums)
        ):
            _set_momentum(group, highest - (highest - lowest) * height)
        return [
            lowest + (highest - lowest) * height
            for lowest, highest in zip(self.lowest_lrs, self.max_lrs, strict=True)
        ]


def _momentum_ranges(
    optimizer: Optimizer, lowest: Values, highest: Values
) -> list[tuple[float, float]]:
    """The bounds of each group's momentum, which becomes state."""
    for group in optimizer.param_groups:
        group.make_state(_momentum_option(group))
    return list(
        zip(
            for_each_group("base_momentum", lowest, optimizer),
            for_each_group("max_momentum", highest, optimizer),
            strict=True,
        )
    )


def _momentum_option(group: ParameterGroup) -> str:
    for option in ("betas", "momentum"):
        if option in group:
            return option
    raise OptimizerError(
        "the optimizer has neither momentum nor betas to cycle; pass cycle_momentum=False"
    )


def _set_momentum(group: ParameterGroup, momentum: float) -> None:
    option = _momentum_option(group)
    if option == "betas":
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum
