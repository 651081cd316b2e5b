"""Samplers: in which order a loader takes the samples of a data set."""

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..functional.random import Generator
from .randomness import draw, permutation


class Sampler:
    """The base of samplers: iterating gives positions in a data set.

    A subclass defines ``__iter__`` and ``__len__``, or `indices`, which gives all the
    positions of an epoch at once.
    """

    def __iter__(self) -> Iterator[Any]:
        return iter(np.asarray(self.indices()).tolist())

    def __len__(self) -> int:
        raise TypeError(f"{type(self).__name__} does not define __len__")

    def indices(self) -> Sequence[int] | np.ndarray[Any, Any]:
        """All the positions of one epoch, in order."""
        return [int(index) for index in self]


class SequentialSampler(Sampler):
    """Every position in turn.

    Args:
        data_source: the data set.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def indices(self) -> range:
        """The range of all positions."""
        return range(len(self.data_source))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """Positions in random order.

    Args:
        data_source: the data set.
        replacement: whether a position may be drawn more than once.
        num_samples: how many positions an epoch has; by default the data set's length.
        generator: where to draw from; by default the loader's generator of the epoch.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if num_samples is not None and num_samples <= 0:
            raise ArgumentError(f"num_samples must be positive, got {num_samples}")
        self.data_source = data_source
        self.replacement = replacement
        self.num_samples = len(data_source) if num_samples is None else num_samples
        self.generator = generator

    def indices(self) -> np.ndarray[Any, Any]:
        """Draw the positions of an epoch."""
        count = len(self.data_source)
        if self.replacement:
            return (draw(self.generator, self.num_samples) * count).astype(np.int64)
        rounds = -(-self.num_samples // max(count, 1))
        drawn = [permutation(count, self.generator) for _ in range(rounds)]
        return np.concatenate(drawn or [np.arange(0)])[: self.num_samples]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Given positions in random order.

    Args:
        indices: the positions.
        generator: where to draw from; by default the loader's generator of the epoch.
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.positions = np.asarray(indices, np.int64)
        self.generator = generator

    def indices(self) -> np.ndarray[Any, Any]:
        """Draw the order of an epoch."""
        return self.positions[permutation(len(self.positions), self.generator)]

    def __len__(self) -> int:
        return len(self.positions)


class WeightedRandomSampler(Sampler):
    """Positions drawn with given probabilities, for instance to even out rare classes.

    Args:
        weights: a non-negative number for each position; they need not sum to 1.
        num_samples: how many positions an epoch has.
        replacement: whether a position may be drawn more than once.
        generator: where to draw from; by default the loader's generator of the epoch.

    Raises:
        ArgumentError: a weight is negative or not finite, or too few of them are positive.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        self.weights = np.asarray(weights, np.float64)
        if self.weights.ndim != 1 or not (np.isfinite(self.weights) & (self.weights >= 0)).all():
            raise ArgumentError("weights must be one non-negative finite number for each sample")
        positive = np.count_nonzero(self.weights)
        if num_samples <= 0 or not positive or (num_samples > positive and not replacement):
            raise ArgumentError(
                f"cannot draw {num_samples} samples from {positive} of positive weight"
                + ("" if replacement else " without replacement")
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def indices(self) -> np.ndarray[Any, Any]:
        """Draw the positions of an epoch."""
        if self.replacement:
            borders = np.cumsum(self.weights)
            drawn = draw(self.generator, self.num_samples) * borders[-1]
            # A border belongs to the next position, so one of weight 0 is never drawn; rounding
            # may reach the last border, which belongs to none.
            last = np.flatnonzero(self.weights)[-1]
            return np.searchsorted(borders, drawn, side="right").clip(max=last)
        # The order of exponential waiting times with the weights as rates: Efraimidis and
        # Spirakis, "Weighted random sampling with a reservoir", 2006.
        with np.errstate(divide="ignore"):
            times = -np.log1p(-draw(self.generator, len(self.weights))) / self.weights
        times[self.weights == 0] = np.inf
        return np.argsort(times, kind="stable")[: self.num_samples]

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Groups the positions of another sampler into batches.

    Args:
        sampler: what gives the positions.
        batch_size: how many positions a batch has.
        drop_last: whether a last batch of fewer is left out.
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool = False) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size <= 0:
            raise ArgumentError(f"batch_size must be a positive whole number, got {batch_size!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        return (np.asarray(batch).tolist() for batch in self.batches())

    def batches(self) -> Iterator[Sequence[int] | np.ndarray[Any, Any]]:
        """The batches of an epoch as ranges or arrays: parts of the sampler's `indices`."""
        positions: Sequence[int] | np.ndarray[Any, Any]
        if isinstance(self.sampler, Sampler):
            positions = self.sampler.indices()
        else:
            positions = [int(index) for index in self.sampler]
        count, size = len(positions), self.batch_size
        stop = count - count % size if self.drop_last else count
        # Not lazily: the positions of an epoch are drawn when it starts.
        return (positions[start : start + size] for start in range(0, stop, size))

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return full if self.drop_last or not rest else full + 1
