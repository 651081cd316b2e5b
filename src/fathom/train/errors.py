"""What can go wrong in training."""

from typing import Self

from ..errors import FathomError


class TrainingError(FathomError, ValueError):
    """A trainer was given what it cannot train with."""


class NonFiniteLossError(FathomError, ArithmeticError):
    """The loss became NaN or infinite."""

    @classmethod
    def at(cls, loss: float, epoch: int, batch: int) -> Self:
        """The error for a loss in an epoch and a batch, both counted from 1."""
        return cls(
            f"the loss is {loss} in epoch {epoch}, batch {batch}; try a learning rate ten times "
            f"smaller, clip_norm=1.0, inputs scaled to about -1 to 1, and look for NaN in the "
            f"data and for log(0) or a division by 0 in the loss"
        )


class CheckpointError(FathomError, ValueError):
    """A file is no checkpoint, or not one of this model and optimizer."""
