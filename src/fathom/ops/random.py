"""Random numbers as a pure function of a key."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .op import Array, Op, Shape, Spec

# Philox4x64-10 yields four 64-bit words for each count of its counter.
WORDS_PER_COUNT = 4
# So many numbers are made at a time, to stay in the cache.
BLOCK = 2**15


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
        values = np.empty(math.prod(self.shape), self.dtype)
        for start in range(0, values.size, BLOCK):
            part = values[start : start + BLOCK]
            words = generator.random_raw(math.ceil(part.nbytes / 8)).astype("<u8", copy=False)
            if self.dtype == np.float32:
                part[:] = words.view("<u4")[: part.size] >> np.uint32(8)
                part *= 2.0**-24
            else:
                part[:] = words >> np.uint64(11)
                part *= 2.0**-53
        return values.reshape(self.shape)
