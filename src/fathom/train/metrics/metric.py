"""What all metrics share: they count batch by batch, and say the figure at the end."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from ...errors import FathomError
from ...tensor import Tensor, constant

Array = np.ndarray[Any, Any]
Figure = float | Tensor


class MetricError(FathomError, ValueError):
    """A metric was given what it cannot count, or asked for a figure before it counted."""


class Metric:
    """The base of all metrics: `update` with every batch, `compute` the figure, `reset`.

    A metric counts in `state`, so that what it has seen so far can be saved in the middle of
    an epoch. A subclass defines `update` and `compute`, and the initial `state` in `reset`.
    Called like a function, ``Accuracy()(output, target)``, a metric gives the figure of those
    samples alone.

    Attributes:
        name: the key of the figure in the history.
        state: the counts so far, arrays by name.
    """

    name: str

    def __init__(self) -> None:
        self.state: dict[str, Array] = {}
        self.reset()

    def reset(self) -> Self:
        """Forget all samples."""
        self.state = {}
        return self

    def update(self, output: Any, target: Any) -> None:
        """Count one batch.

        Args:
            output: what the model returned.
            target: what it should have returned.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define update()")

    def compute(self) -> Figure:
        """The figure over all samples since the last `reset`."""
        raise NotImplementedError(f"{type(self).__name__} does not define compute()")

    def __call__(self, output: Any, target: Any) -> Figure:
        before, self.state = self.state, {}
        try:
            self.reset().update(output, target)
            return self.compute()
        finally:
            self.state = before

    def state_dict(self) -> dict[str, Tensor]:
        """The counts so far, as tensors."""
        return {key: constant(array) for key, array in self.state.items()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on counting from what `state_dict` returned."""
        self.state = {key: np.array(value) for key, value in state_dict.items()}

    def require_samples(self, count: Any) -> None:
        """Raise unless something was counted."""
        if not count:
            raise MetricError(f"{self.name}: no sample was counted yet; call update() first")


class MeanOf(Metric):
    """The mean of a function of output and target, each batch weighted by its samples.

    Args:
        function: takes output and target, returns a number or a tensor with one element.
        name: the key in the history; by default the function's name.
    """

    def __init__(self, function: Callable[[Any, Any], Any], name: str | None = None) -> None:
        self.function = function
        self.name = name or str(getattr(function, "__name__", type(function).__name__))
        super().__init__()

    def reset(self) -> Self:
        self.state = {"total": np.zeros(()), "count": np.zeros((), np.int64)}
        return self

    def update(self, output: Any, target: Any) -> None:
        samples = len(target)
        self.state["total"] = self.state["total"] + float(self.function(output, target)) * samples
        self.state["count"] = self.state["count"] + samples

    def compute(self) -> float:
        """The mean so far."""
        self.require_samples(self.state["count"])
        return float(self.state["total"] / self.state["count"])


def array_of(values: Any) -> Array:
    """The values of a tensor, an array or nested lists as an array, only to be read."""
    return values._node.value if isinstance(values, Tensor) else np.asarray(values)
