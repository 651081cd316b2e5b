"""Windows of signals."""

from collections.abc import Callable

import numpy as np

from ...ops import Array
from ..operator import operator
from ..reading import element_type


def _window(*coefficients: float) -> Callable[..., Array]:
    """A sum of cosines over one period."""

    def compute(size: Array, *, output_datatype: int = 1, periodic: int = 1) -> Array:
        count = int(np.asarray(size).reshape(()))
        period = count if periodic else count - 1
        angle = 2 * np.pi * np.arange(count) / max(period, 1)
        terms = [(-1) ** k * each * np.cos(k * angle) for k, each in enumerate(coefficients)]
        return sum(terms[1:], terms[0]).astype(element_type(output_datatype, "the result"))

    return compute


operator("HannWindow")(_window(0.5, 0.5))
operator("HammingWindow")(_window(25 / 46, 21 / 46))
operator("BlackmanWindow")(_window(0.42, 0.5, 0.08))
