"""Random numbers: the counter-based generator of `ops.Uniform`, in native code."""

import math
from dataclasses import dataclass

import numpy as np

from ..ops.random import WORDS_PER_COUNT
from .emitter import Emitter, Value, index, lanes_of, number, vector
from .kernel import PARAMETERS, DType, Kernel, buffer_pointers, share

_ROUNDS = 10
_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_KEY_STEPS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)

# How many vectors of counts are drawn side by side: each round waits for the one before, so
# the processor needs several to work on. Measured: 0.80 ns a float32 with 1, 0.46 with 4.
_SIDE_BY_SIDE = 4


@dataclass(frozen=True)
class UniformKernel(Kernel):
    """Numbers uniform in [0, 1), the same as `ops.Uniform` draws, into a row-major buffer.

    Buffer 0 is the key (two int64: seed and count), buffer 1 takes the numbers, whose dtype
    is float32 or float64.

    Attributes:
        size: how many numbers are drawn.

    Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
    SC 2011, section 3.3: Philox4x64-10.
    """

    size: int

    def emit(self, emitter: Emitter, name: str) -> None:
        lanes = _SIDE_BY_SIDE * emitter.target.lanes(8)
        at_once = lanes * _per_count(self.buffers[1])
        with emitter.function(name, PARAMETERS) as (table, operands, thread, threads):
            key, result = buffer_pointers(emitter, 2, table, operands)
            seed = emitter.load("i64", key)
            count = emitter.load("i64", emitter.address(key, "i64", index(1)))

            def draw(block: Value, mask: Value | None = None) -> None:
                offset = emitter.multiply(block, index(lanes))
                words = _philox(emitter, lanes, seed, count, offset)
                place = emitter.multiply(block, index(at_once))
                numbers = self._numbers(emitter, _in_order(emitter, words))
                element = "float" if self.buffers[1] == np.float32 else "double"
                emitter.store(numbers, emitter.address(result, element, place), mask)

            start, stop = share(emitter, self.size // at_once, thread, threads)
            with emitter.loop(start, stop) as block:
                draw(block)
            rest = self.size % at_once
            if rest:
                is_last = emitter.compare("eq", emitter.add(thread, index(1)), threads)
                with emitter.when(is_last):
                    draw(index(self.size // at_once), emitter.mask(at_once, index(rest)))

    def _numbers(self, emitter: Emitter, words: Value) -> Value:
        """The numbers that words of random bits stand for: their high bits as a fraction."""
        lanes = lanes_of(words.type)
        if self.buffers[1] == np.float32:
            words = emitter.convert("bitcast", words, vector("i32", 2 * lanes))
            type, unused, digits = vector("float", 2 * lanes), 8, 24
        else:
            type, unused, digits = vector("double", lanes), 11, 53
        fraction = emitter.bits("lshr", words, number(unused, words.type))
        counted = emitter.convert("sitofp", fraction, type)
        return emitter.multiply(counted, number(2.0**-digits, type))

    @property
    def work(self) -> int:
        # Some 300 instructions for 8 lanes.
        return 40 * math.ceil(self.size / _per_count(self.buffers[1]))

    def __str__(self) -> str:
        dtype = self.buffers[1]
        return (
            f"for i < {self.size}:\n"
            f"    b1[i] = uniform(seed=b0[0], count=b0[1] + i / {_per_count(dtype)})  # {dtype}"
        )


def _per_count(dtype: DType) -> int:
    """How many numbers are made of the words of one count."""
    return WORDS_PER_COUNT * 8 // dtype.itemsize


def _philox(
    emitter: Emitter, lanes: int, seed: Value, count: Value, offset: Value
) -> tuple[Value, ...]:
    """Four vectors of random words, of the counts from ``count + offset + 1`` on."""
    type = vector("i64", lanes)
    numbers = emitter.lane_numbers(lanes)
    steps = emitter.add(emitter.splat(emitter.add(offset, index(1)), lanes), numbers)
    low = emitter.add(emitter.splat(count, lanes), steps)
    carry = emitter.convert("zext", emitter.compare("ult", low, steps), type)
    start = (low, carry, number(0, type), number(0, type))
    counter = [emitter.variable(word) for word in start]
    keys = [emitter.variable(word) for word in (seed, index(0))]
    with emitter.loop(index(0), index(_ROUNDS)):
        first, second, third, fourth = map(emitter.read, counter)
        high0, low0 = _product(emitter, first, _MULTIPLIERS[0])
        high1, low1 = _product(emitter, third, _MULTIPLIERS[1])
        key0, key1 = (emitter.splat(emitter.read(key), lanes) for key in keys)
        following = (
            emitter.bits("xor", emitter.bits("xor", high1, second), key0),
            low1,
            emitter.bits("xor", emitter.bits("xor", high0, fourth), key1),
            low0,
        )
        for variable, word in zip(counter, following, strict=True):
            emitter.assign(variable, word)
        for key, step in zip(keys, _KEY_STEPS, strict=True):
            emitter.assign(key, emitter.add(emitter.read(key), index(step)))
    return tuple(map(emitter.read, counter))


def _product(emitter: Emitter, a: Value, factor: int) -> tuple[Value, Value]:
    """The high and the low word of the product of unsigned words with a constant."""
    # In halves, whose products fit into a word: no processor multiplies vectors of words.
    half, mask = number(32, a.type), number(0xFFFFFFFF, a.type)

    def lower(word: Value) -> Value:
        return emitter.bits("and", word, mask)

    def upper(word: Value) -> Value:
        return emitter.bits("lshr", word, half)

    a0, a1 = lower(a), upper(a)
    f0, f1 = number(factor & 0xFFFFFFFF, a.type), number(factor >> 32, a.type)
    lowest = emitter.multiply(a0, f0)
    middle = emitter.add(emitter.multiply(a1, f0), upper(lowest))
    second = emitter.add(emitter.multiply(a0, f1), lower(middle))
    highest = emitter.add(emitter.multiply(a1, f1), upper(middle))
    high = emitter.add(highest, upper(second))
    return high, emitter.bits("or", emitter.bits("shl", second, half), lower(lowest))


def _in_order(emitter: Emitter, words: tuple[Value, ...]) -> Value:
    """The words of all lanes in the order they are drawn: lane by lane."""
    first, second, third, fourth = words
    lanes = lanes_of(first.type)
    zipped = [lane + half * lanes for lane in range(lanes) for half in range(2)]
    front = emitter.shuffle(first, third, zipped)
    back = emitter.shuffle(second, fourth, zipped)
    zipped = [lane + half * 2 * lanes for lane in range(2 * lanes) for half in range(2)]
    return emitter.shuffle(front, back, zipped)
