"""Random numbers as a pure function of a key."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .op import Array, Op, Shape, Spec

# Philox4x64-10 yields four 64-bit words for each count of its counter.
WORDS_PER_COUNT = 4


@dataclass(unsafe_hash=True)
class Uniform(Op):
    """Numbers uniform in [0, 1), drawn by the counter-based generator Philox4x64-10.

    The operand is the key: two int64 numbers, the seed and the count from which to draw.
    The same key always gives the same numbers. A float32 is made of the high 24 bits of
    half a word (low half first), a float64 of the high 53 bits of a word.

    Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
    SC 2011; the same generator as `numpy.random.Philox`.
    """

    shape: Shape
    dtype: "np.dtype[Any]"

    @property
    def counts(self) -> int:
        """By how much the count has to be advanced so that no word is drawn again."""
        words = math.ceil(math.prod(self.shape) * self.dtype.itemsize / 8)
        return math.ceil(words / WORDS_PER_COUNT)

    def infer(self, key: Spec) -> Spec:
        return Spec(self.shape, self.dtype)

    def evaluate(self, key: Array) -> Array:
        seed, count = key.view(np.uint64)
        generator = np.random.Philox(key=seed, counter=count)
        words = generator.random_raw(self.counts * WORDS_PER_COUNT)
        size = math.prod(self.shape)
        if self.dtype == np.float32:
            bits = words.astype("<u8", copy=False).view("<u4")[:size] >> np.uint32(8)
            values = bits.astype(np.float32) * np.float32(2.0**-24)
        else:
            values = (words[:size] >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return values.reshape(self.shape)
