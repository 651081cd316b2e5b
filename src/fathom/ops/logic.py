"""Questions about elements, logic, and the bits of integers."""

from typing import ClassVar

import numpy as np

from .elementwise import Elementwise, Predicate
from .op import Array


class Equal(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.equal(a, b)


class NotEqual(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.not_equal(a, b)


class Less(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.less(a, b)


class LessEqual(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.less_equal(a, b)


class Greater(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.greater(a, b)


class GreaterEqual(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.greater_equal(a, b)


class IsNan(Predicate):
    def evaluate(self, x: Array) -> Array:
        return np.isnan(x)


class IsFinite(Predicate):
    def evaluate(self, x: Array) -> Array:
        return np.isfinite(x)


class SignBit(Predicate):
    def evaluate(self, x: Array) -> Array:
        return np.signbit(x)


class LogicalAnd(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_and(a, b)


class LogicalOr(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_or(a, b)


class LogicalXor(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_xor(a, b)


class LogicalNot(Predicate):
    def evaluate(self, x: Array) -> Array:
        return np.logical_not(x)


class Bitwise(Elementwise):
    """An operation on the bits of integers, or on truth values."""

    kinds: ClassVar[str] = "biu"


class BitwiseAnd(Bitwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.bitwise_and(a, b)


class BitwiseOr(Bitwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.bitwise_or(a, b)


class BitwiseXor(Bitwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.bitwise_xor(a, b)


class BitwiseNot(Bitwise):
    def evaluate(self, x: Array) -> Array:
        return np.invert(x)


class ShiftLeft(Bitwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.left_shift(a, b)


class ShiftRight(Bitwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.right_shift(a, b)
