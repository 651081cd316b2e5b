"""Looking for NaN while it arises: slower, and switched on only to find a fault."""

from contextlib import ContextDecorator
from typing import Any

import numpy as np

from .errors import FathomError
from .ops import Op


class AnomalyError(FathomError, RuntimeError):
    """NaN where a number was expected, found by `detect_anomaly`."""


class _Mode:
    enabled = False


anomaly_mode = _Mode()


class set_detect_anomaly(ContextDecorator):  # noqa: N801 - PyTorch's name
    """Turn the search for NaN on or off, at once and within a ``with`` block.

    While it is on, a loss whose input holds NaN raises, and so does the first operation on
    the way back from the loss whose gradient holds NaN.

    Args:
        mode: whether NaN is looked for.
        check_nan: False turns the search off too, as in PyTorch.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.before = anomaly_mode.enabled
        self.mode = bool(mode and check_nan)
        anomaly_mode.enabled = self.mode

    def __enter__(self) -> None:
        anomaly_mode.enabled = self.mode

    def __exit__(self, *exception: object) -> None:
        anomaly_mode.enabled = self.before


class detect_anomaly(ContextDecorator):  # noqa: N801 - PyTorch's name
    """Within this block NaN is looked for, as with `set_detect_anomaly`.

    Args:
        check_nan: False leaves the search off, as in PyTorch.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan

    def __enter__(self) -> None:
        self.before = anomaly_mode.enabled
        anomaly_mode.enabled = self.check_nan

    def __exit__(self, *exception: object) -> None:
        anomaly_mode.enabled = self.before


def require_gradient_without_nan(op: Op, operand: int, gradient: Any) -> None:
    """Raise where an operation's gradient holds NaN."""
    value = np.asarray(gradient)
    if np.isnan(value).any():
        raise AnomalyError(
            f"the gradient of {op.name} with respect to its operand {operand} holds NaN "
            f"({int(np.isnan(value).sum())} of {value.size} elements, shape {value.shape}); "
            f"it is the first on the way back from the loss"
        )


def require_input_without_nan(name: str, argument: str, tensor: Any) -> None:
    """Raise where an input of a loss holds NaN."""
    value = np.asarray(tensor)
    if value.dtype.kind == "f" and np.isnan(value).any():
        first = tuple(int(axis[0]) for axis in np.nonzero(np.isnan(value)))
        raise AnomalyError(
            f"{name}: {int(np.isnan(value).sum())} of {value.size} elements of the {argument} "
            f"(shape {value.shape}) are NaN, the first at {first}; look for a learning rate that "
            f"is too high, or for NaN in the data"
        )
