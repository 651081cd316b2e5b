"""Where samplers and transforms draw their random numbers from.

A loader gives every epoch and every batch a generator of its own, made of the loader's seed
and their numbers. So the batches are the same however many threads prepare them, and an
epoch can be resumed at any batch without repeating what was drawn before.
"""

import threading
from collections.abc import Sequence

import numpy as np

from ..functional.random import Generator, default_generator


class _Surroundings(threading.local):
    generator: "Generator | None" = None
    key: tuple[int, ...] = ()


_surroundings = _Surroundings()


class drawing_from:  # noqa: N801 - a context manager; one made of a generator is far slower
    """Within this block, draw from a generator that is seeded with the numbers of `key`."""

    __slots__ = ("_before", "_key")

    def __init__(self, *key: int) -> None:
        self._key = key

    def __enter__(self) -> None:
        self._before = _surroundings.generator, _surroundings.key
        _surroundings.generator, _surroundings.key = None, self._key

    def __exit__(self, *_: object) -> None:
        _surroundings.generator, _surroundings.key = self._before


def choose_generator(generator: Generator | None = None) -> Generator:
    """The given generator, or the one of the batch or epoch being made, or the default one."""
    if generator is not None:
        return generator
    if not _surroundings.key:
        return default_generator
    if _surroundings.generator is None:
        # Most batches draw nothing, so the generator is made when it is first wanted.
        _surroundings.generator = seeded_with(_surroundings.key)
    return _surroundings.generator


def seeded_with(numbers: Sequence[int]) -> Generator:
    """A generator whose seed is a hash of non-negative numbers."""
    seed = np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]
    return Generator().manual_seed(int(seed))


def draw(
    generator: Generator | None, *shape: int
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Float64 numbers uniform in [0, 1)."""
    return np.asarray(choose_generator(generator).uniform(shape, np.float64))


def draw_seed(generator: Generator | None) -> int:
    """A whole number from 0 to 2^52 - 1."""
    return int(draw(generator)[()] * 2.0**52)


def permutation(
    count: int, generator: Generator | None
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The numbers from 0 to `count` - 1 in random order."""
    # Sorting numbers that carry their positions in the last bits, under 53 random ones less
    # those that do not fit, is far faster than sorting positions by what stands there.
    bits = np.uint64(max(count - 1, 1).bit_length())
    keys = (draw(generator, count) * 2.0**53).astype(np.uint64)
    keys = (keys << np.uint64(11)) >> bits << bits | np.arange(count, dtype=np.uint64)
    keys.sort()
    return (keys & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
