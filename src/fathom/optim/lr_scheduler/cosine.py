"""Schedules that let the learning rate fall along a cosine."""

from math import cos, floor, log, pi

from ..optimizer import Optimizer, OptimizerError
from .schedule import LRScheduler, current_lrs


class CosineAnnealingLR(LRScheduler):
    """Lets the learning rate fall along half a cosine, and rise again after that::

        lr = eta_min + (base - eta_min) * (1 + cos(pi * epoch / T_max)) / 2

    Loshchilov and Hutter, "SGDR: Stochastic gradient descent with warm restarts" (2017),
    equation 5, without the restarts.

    Args:
        optimizer: the optimizer.
        T_max: the number of epochs from the highest to the lowest learning rate.
        eta_min: the lowest learning rate.
        last_epoch: see `LRScheduler`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: int,  # noqa: N803 - PyTorch's name
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if T_max <= 0:
            raise OptimizerError(f"CosineAnnealingLR: T_max must be above 0, got {T_max}")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def begin(self) -> None:
        # At epoch 0 the cosine is at its top; a resumed run has its learning rate already.
        self.last_epoch += 1

    def get_lr(self) -> list[float]:
        rates = current_lrs(self.optimizer)
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            # From the lowest point, where the ratio below would divide by zero.
            rise = (1 - cos(pi / self.T_max)) / 2
            return [
                rate + (base - self.eta_min) * rise
                for rate, base in zip(rates, self.base_lrs, strict=True)
            ]
        height = 1 + cos(pi * self.last_epoch / self.T_max)
        before = 1 + cos(pi * (self.last_epoch - 1) / self.T_max)
        return [self.eta_min + (rate - self.eta_min) * (height / before) for rate in rates]

    def get_closed_form_lr(self) -> list[float]:
        return [
            annealed(base, self.eta_min, self.last_epoch / self.T_max) for base in self.base_lrs
        ]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Lets the learning rate fall along half a cosine again and again.

    Loshchilov and Hutter, "SGDR: Stochastic gradient descent with warm restarts" (2017),
    equation 5. `step` also takes a fraction of an epoch: ``step(epoch + batch / batches)``.

    Args:
        optimizer: the optimizer.
        T_0: the number of epochs before the first restart.
        T_mult: how many times longer each run is than the one before.
        eta_min: the lowest learning rate.
        last_epoch: see `LRScheduler`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,  # noqa: N803 - PyTorch's name
        T_mult: int = 1,  # noqa: N803 - PyTorch's name
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if min(T_0, T_mult) < 1 or not all(isinstance(given, int) for given in (T_0, T_mult)):
            raise OptimizerError(
                f"CosineAnnealingWarmRestarts: T_0 and T_mult must be integers above 0, "
                f"got T_0={T_0}, T_mult={T_mult}"
            )
        self.T_0 = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        # The length of the present run, and the time in it.
        self.T_i: int = T_0
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def step(self, epoch: float | None = None) -> None:
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            self.last_epoch += 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        else:
            if epoch < 0:
                raise OptimizerError(f"the epoch must not be negative, got {epoch}")
            self.last_epoch = floor(epoch)
            self.T_cur, self.T_i = self._run_at(epoch)
        self.write(self.get_lr())

    def _run_at(self, epoch: float) -> tuple[float, int]:
        """The time in the run that `epoch` lies in, and the length of that run."""
        if epoch < self.T_0:
            return epoch, self.T_0
        if self.T_mult == 1:
            return epoch % self.T_0, self.T_0
        runs = int(log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
        begin = self.T_0 * (self.T_mult**runs - 1) / (self.T_mult - 1)
        return epoch - begin, self.T_0 * self.T_mult**runs

    def get_lr(self) -> list[float]:
        return [annealed(base, self.eta_min, self.T_cur / self.T_i) for base in self.base_lrs]


def annealed(start: float, end: float, progress: float) -> float:
    """The way from `start` (progress 0) to `end` (progress 1) along half a cosine."""
    return end + (start - end) * (1 + cos(pi * progress)) / 2
