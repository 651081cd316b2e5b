"""The source of random numbers: a generator whose key is state like any other."""

import os
from typing import Any

import numpy as np

from ..ops import Uniform
from ..promotion import float32, supported
from ..tape import Node
from ..tensor import Tensor, constant, wrap


class Generator:
    """A source of random numbers that can be seeded, copied and resumed.

    Attributes:
        key: the state, an int64 tensor with the seed and the count of what was drawn. The
            same key always gives the same numbers.
    """

    def __init__(self, device: Any = "cpu") -> None:
        self.key = constant(np.zeros(2, np.int64))

    def manual_seed(self, seed: int) -> "Generator":
        """Start anew from a seed, a whole number, and return the generator."""
        # Any Python integer is taken, modulo 2^64, as PyTorch does.
        low = np.uint64(seed % 2**64).astype(np.int64)
        self.key.rebind(constant(np.array([low, 0], np.int64)))
        return self

    def seed(self) -> int:
        """Start anew from a seed drawn from the operating system, and return it."""
        drawn = int.from_bytes(os.urandom(8)) >> 1
        self.manual_seed(drawn)
        return drawn

    def initial_seed(self) -> int:
        """The seed that the generator started from."""
        return int(self.key[0])

    def get_state(self) -> Tensor:
        """A copy of the state."""
        return self.key.clone()

    def set_state(self, new_state: Tensor) -> "Generator":
        """Continue from a state that `get_state` gave."""
        self.key.rebind(new_state)
        return self

    def uniform(self, shape: tuple[int, ...], dtype: Any = float32) -> Tensor:
        """Draw numbers uniform in [0, 1) and advance the key."""
        draw = Uniform(shape, supported(dtype))
        drawn: Tensor = draw(self.key)
        self.key.rebind(self.key + wrap(Node(np.array([0, draw.counts], np.int64))))
        return drawn


default_generator = Generator()
default_generator.seed()


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, from which all random functions draw, and return it."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator from the operating system, and return the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """A copy of the state of the default generator."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Continue the default generator from a state that `get_rng_state` gave."""
    default_generator.set_state(new_state)
