"""What all schedules share, and the base of those that multiply the learning rate."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, ClassVar

from ..optimizer import Optimizer, OptimizerError


class LRScheduler:
    """The base of all schedules: writes the learning rates of an optimizer's groups.

    A subclass defines `get_lr`, and `get_closed_form_lr` if the rates follow from the epoch
    alone. An "epoch" is whatever lies between two calls of `step`.

    Args:
        optimizer: the optimizer.
        last_epoch: the epoch that was the last one before a resumed run, whose learning rates
            the optimizer holds; -1 to begin.

    Raises:
        OptimizerError: the run is to be resumed, and a group has no ``"initial_lr"``.

    Attributes:
        base_lrs: the learning rates that the schedule starts from, one for each group.
        last_epoch: the number of steps so far.
    """

    # What `state_dict` leaves out: what cannot be written to a file.
    unsaved: ClassVar[tuple[str, ...]] = ("optimizer",)

    optimizer: Optimizer
    last_epoch: int

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked_optimizer(self, optimizer)
        for position, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", float(group["lr"]))
            elif "initial_lr" not in group:
                raise OptimizerError(
                    f"{type(self).__name__} is to go on after epoch {last_epoch}, but group "
                    f"{position} of the optimizer has no 'initial_lr'; load the optimizer's "
                    f"state first, or leave out last_epoch"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._last_lr = current_lrs(optimizer)
        self.begin()

    def get_lr(self) -> list[float]:
        """The learning rates at `last_epoch`; they may build on those of the epoch before."""
        raise NotImplementedError

    def get_closed_form_lr(self) -> list[float]:
        """The learning rates at `last_epoch`, from `base_lrs` alone."""
        return self.get_lr()

    def get_last_lr(self) -> list[float]:
        """The learning rates as the last step left them, one for each group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch and write its learning rates; after ``optimizer.step()``.

        Args:
            epoch: the epoch to go to instead; what came before it is then forgotten.
        """
        if epoch is None:
            self.last_epoch += 1
            self.write(self.get_lr())
        else:
            self.last_epoch = epoch
            self.write(self.get_closed_form_lr())

    def begin(self) -> None:
        """Take the first step, into the epoch that the training begins with."""
        self.step()

    def rewind(self) -> None:
        """Go back to before the first step, where another schedule has its turn first."""
        self.last_epoch = -1

    def restart(self) -> None:
        """Go to epoch 0, where an earlier schedule's turn ends."""
        self.step(0)

    def write(self, rates: Sequence[float]) -> None:
        """Set the learning rate of every group."""
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = float(rate)
        self._last_lr = current_lrs(self.optimizer)

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule stands, as a dict of plain values."""
        return {
            name: deepcopy(value)
            for name, value in self.__dict__.items()
            if name not in self.unsaved
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go to where the schedule stood when `state_dict` was called.

        The learning rate itself is the optimizer's state.

        Raises:
            OptimizerError: the state lacks something; nothing is changed then.
        """
        names = [name for name in self.__dict__ if name not in self.unsaved]
        missing = [name for name in names if name not in state_dict]
        if missing:
            raise OptimizerError(
                f"{type(self).__name__} cannot load this state: it lacks {', '.join(missing)} "
                f"(was it saved by another schedule?). Nothing was changed"
            )
        for name in names:
            setattr(self, name, deepcopy(state_dict[name]))


class FactorScheduler(LRScheduler):
    """The base of schedules that multiply all learning rates by the same numbers.

    Such schedules can be chained: each contributes its factor to the product.
    """

    def ratio(self, epoch: int) -> float:
        """The learning rate at `epoch` divided by that at the epoch before."""
        raise NotImplementedError

    def factor(self, epoch: int) -> float:
        """The learning rate at `epoch` divided by the one that the schedule starts from."""
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        ratio = self.ratio(self.last_epoch)
        return [rate * ratio for rate in current_lrs(self.optimizer)]

    def get_closed_form_lr(self) -> list[float]:
        factor = self.factor(self.last_epoch)
        return [base * factor for base in self.base_lrs]

    def begin(self) -> None:
        if self.last_epoch < 0:
            self.step()
        else:
            # A resumed run: the optimizer's learning rates are those of this epoch already.
            self.last_epoch += 1


def checked_optimizer(schedule: object, optimizer: Any) -> Optimizer:
    """The optimizer itself, if it is one."""
    if not isinstance(optimizer, Optimizer):
        raise OptimizerTypeError(
            f"{type(schedule).__name__} schedules an optimizer, got a {type(optimizer).__name__}"
        )
    return optimizer


class OptimizerTypeError(OptimizerError, TypeError):
    """Something other than an optimizer was given for one."""


def current_lrs(optimizer: Optimizer) -> list[float]:
    """The learning rate of every group."""
    return [float(group["lr"]) for group in optimizer.param_groups]


def for_each_group(name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """One value for each group: the list that was given, or the one value repeated."""
    count = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise OptimizerError(f"{name} has {len(value)} values for {count} parameter groups")
    return list(value)
