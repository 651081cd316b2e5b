"""One group of an optimizer's parameters and the options they share."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..promotion import float64
from ..recording import note_change
from ..tensor import Tensor, constant


class ParameterGroup(dict[str, Any]):
    """The parameters of one group under ``"params"``, and the group's options.

    The learning rate is state: a zero-dimensional tensor of float64 that lives as long as
    the group. Assigning to ``group["lr"]`` changes that tensor's value rather than taking
    another tensor, so whoever holds the tensor sees the change. The same holds for an option
    that a schedule has made state with `make_state`.

    Args:
        options: ``"params"``, ``"lr"`` and the optimizer's other options.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.update(options)

    def __setitem__(self, option: str, value: Any) -> None:
        value = _without_numpy(value)
        if option == "lr" and option not in self:
            value = constant(float(value), float64)
        present = self.get(option)
        super().__setitem__(option, _assigned(present, value))
        if self[option] is not present:
            note_change()

    def update(self, *mappings: Any, **options: Any) -> None:
        """Assign every option given."""
        for option, value in dict(*mappings, **options).items():
            self[option] = value

    def __ior__(self, options: Any) -> "ParameterGroup":  # type: ignore[override, misc]
        self.update(options)
        return self

    def make_state(self, option: str) -> None:
        """Keep an option (of a tuple: its first number) in a tensor from now on.

        Schedules do so with what they change from step to step.
        """
        value = self[option]
        if isinstance(value, tuple):
            if not isinstance(value[0], Tensor):
                self[option] = (constant(value[0], float64), *value[1:])
        elif not isinstance(value, Tensor):
            self[option] = constant(value, float64)


def _without_numpy(value: Any) -> Any:
    """A NumPy number, which would widen the values that it meets, as a Python number."""
    if isinstance(value, tuple):
        return tuple(map(_without_numpy, value))
    return value.item() if isinstance(value, np.generic) else value


def _assigned(present: Any, value: Any) -> Any:
    """What an option holds after an assignment: a tensor stays and gets the new value."""
    if isinstance(present, Tensor):
        if value is not present:
            present.rebind(value if isinstance(value, Tensor) else constant(value, float64))
        return present
    if isinstance(present, tuple) and isinstance(value, Iterable):
        values = tuple(value)
        if len(values) == len(present):
            return tuple(map(_assigned, present, values))
    return value


def plain(value: Any) -> Any:
    """An option's value without tensors, as it is saved and printed."""
    if isinstance(value, Tensor):
        return value.item()
    if isinstance(value, tuple):
        return tuple(plain(element) for element in value)
    return value
