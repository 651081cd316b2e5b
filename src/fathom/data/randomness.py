"""Where samplers and transforms draw their random numbers from.

A loader gives every epoch and every batch a generator of its own, made of the loader's seed
and their numbers. So the batches are the same however many threads prepare them, and an
epoch can be resumed at any batch without repeating what was drawn before.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ..functional.random import Generator, default_generator


class _Surroundings(threading.local):
    generator: "Generator | None" = None
    key: tuple[int, ...] = ()


_surroundings = _Surroundings()


@contextmanager
def drawing_from(*key: int) -> Iterator[None]:
    """Within this block, draw from a generator that is seeded with the numbers of `key`."""
    before = _surroundings.generator, _surroundings.key
    _surroundings.generator, _surroundings.key = None, key
    try:
        yield
    finally:
        _surroundings.generator, _surroundings.key = before


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
    return np.argsort(draw(generator, count), kind="stable")
