"""Sizes that depend on a dimension left open, found by recording the model at several sizes.

A model that is recorded once shows numbers only: that 3072 is 64 times 48 and not a constant,
nobody can see. Recorded again with one open dimension larger by one, it shows what follows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Size:
    """A size ``constant + sum of factor * dimension``.

    Attributes:
        constant: what does not depend on any dimension.
        factors: for each open dimension that the size depends on, how often it counts.
    """

    constant: int
    factors: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_fixed(self) -> bool:
        """Whether it depends on no dimension."""
        return not self.factors


@dataclass(frozen=True)
class Trial:
    """A recording with one open dimension changed.

    Attributes:
        dimension: its name.
        change: by how much it is larger.
    """

    dimension: str
    change: int


def size_from(
    first: int, others: Sequence[int], trials: Sequence[Trial], sizes: Mapping[str, int]
) -> Size:
    """The size that is `first` in the first recording, and something else in the others.

    Args:
        first: the size in the first recording.
        others: those in the recordings of the trials.
        trials: what was changed in each.
        sizes: the open dimensions in the first recording.
    """
    constant, factors = first, {}
    for other, trial in zip(others, trials, strict=True):
        factor, rest = divmod(other - first, trial.change)
        if rest:
            raise ValueError("a size that does not grow evenly")
        if factor:
            factors[trial.dimension] = factor
            constant -= factor * sizes[trial.dimension]
    return Size(constant, factors)
