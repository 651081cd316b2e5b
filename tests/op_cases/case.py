"""What a case of the op table is made of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Call:
    """One call of a function.

    Arrays among the arguments (and in lists and tuples there) become tensors: float64
    arrays take the dtype under test and require a gradient; integer and bool arrays stay as
    they are. Everything else is handed over as it is.
    """

    arguments: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)


def call(*arguments: Any, **options: Any) -> Call:
    """A call with these arguments: ``call(x, 1, keepdim=True)``."""
    # NumPy turns arrays without dimensions into scalars now and then.
    arrays = [np.asarray(one) if isinstance(one, np.generic) else one for one in arguments]
    return Call(tuple(arrays), options)


class Numbers:
    """A seeded source of arrays for samples; shapes are separate sizes."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)

    def normal(self, *shape: int) -> np.ndarray:
        """Normally distributed numbers."""
        return self.random.standard_normal(shape)

    def between(self, low: float, high: float, *shape: int) -> np.ndarray:
        """Numbers uniform in [low, high)."""
        return self.random.uniform(low, high, shape)

    def distinct(self, *shape: int) -> np.ndarray:
        """Numbers 0.1 apart, 0.04 in magnitude, 0.03 from 0: no ties, no kink nearby."""
        count = int(np.prod(shape))
        ladder = (np.arange(count) - count // 2 + 0.3) * 0.1
        return self.random.permutation(ladder).reshape(shape)

    def integers(self, low: int, high: int, *shape: int) -> np.ndarray:
        """int64 numbers from low to high - 1."""
        return self.random.integers(low, high, shape)

    def booleans(self, *shape: int) -> np.ndarray:
        """True and False."""
        return self.random.integers(0, 2, shape).astype(bool)


Samples = Callable[[Numbers], Iterable[Call]]


@dataclass
class Case:
    """A function and how to try it. See the package's docstring.

    Attributes:
        name: the dotted name below `fathom` and `torch`: ``"exp"``, ``"Tensor.clamp"``,
            ``"nn.functional.relu"``, ``"linalg.norm"``.
        samples: yields the calls for which every check is made; a gradient is checked
            numerically there, so they keep away from kinks, ties and poles.
        special: yields calls that are compared with PyTorch only (values and gradients):
            ties, kinks, NaN, infinities, poles.
        integers: dtypes in which `samples` are compared too, the float arrays rounded.
        gradient: whether results have gradients.
        second_order: whether the gradients have gradients.
        torch: the function to compare with, if it is not ``torch.<name>``; None if PyTorch
            has no such function or another meaning.
        rtol, atol: the tolerance in float64; float32 takes its own where these are tighter.
        float32_rtol, float32_atol: the tolerance in float32.
        compare_gradient: whether gradients are compared with PyTorch's.
        label: tells cases of one function apart.
    """

    name: str
    samples: Samples
    special: Samples | None = None
    integers: tuple[str, ...] = ()
    gradient: bool = True
    second_order: bool = True
    torch: Callable[..., Any] | str | None = ""
    rtol: float = 1e-9
    atol: float = 1e-11
    float32_rtol: float = 2e-5
    float32_atol: float = 1e-6
    compare_gradient: bool = True
    label: str = ""

    def __str__(self) -> str:
        return f"{self.name}-{self.label}" if self.label else self.name
