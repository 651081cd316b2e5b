"""Questions about elements, logic, and the bits of integers."""

from typing import ClassVar

import numpy as np

from .elementwise import Elementwise, Predicate, Scalar
from .op import Array


class Equal(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.equal(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a == b


class NotEqual(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.not_equal(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a != b


class Less(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.less(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a < b


class LessEqual(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.less_equal(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a <= b


class Greater(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.greater(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a > b


class GreaterEqual(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.greater_equal(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a >= b


class IsNan(Predicate):
    def evaluate(self, x: Array) -> Array:
        return np.isnan(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.isnan()


class IsFinite(Predicate):
    def evaluate(self, x: Array) -> Array:
        return np.isfinite(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.isfinite()


class SignBit(Predicate):
    def evaluate(self, x: Array) -> Array:
        return np.signbit(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.signbit()


class LogicalAnd(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_and(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return (a != 0) & (b != 0)


class LogicalOr(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_or(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return (a != 0) | (b != 0)


class LogicalXor(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_xor(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return (a != 0) ^ (b != 0)


class LogicalNot(Predicate):
    def evaluate(self, x: Array) -> Array:
        return np.logical_not(x)

    def expression(self, x: Scalar) -> Scalar:
        return x == 0


class Bitwise(Elementwise):
    """An operation on the bits of integers, or on truth values."""

    kinds: ClassVar[str] = "biu"


class BitwiseAnd(Bitwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.bitwise_and(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a & b


class BitwiseOr(Bitwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.bitwise_or(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a | b


class BitwiseXor(Bitwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.bitwise_xor(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a ^ b


class BitwiseNot(Bitwise):
    def evaluate(self, x: Array) -> Array:
        return np.invert(x)

    def expression(self, x: Scalar) -> Scalar:
        return ~x


class ShiftLeft(Bitwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.left_shift(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a << b


class ShiftRight(Bitwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.right_shift(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a >> b
