"""Arithmetic: sums, products, quotients, powers, extremes, rounding."""

from typing import Any, ClassVar

import numpy as np

from .elementwise import Elementwise, Scalar, Stepwise, Where
from .errors import DivisionByZero
from .logic import LogicalAnd
from .op import Array, Operand
from .transcendental import Log


class Add(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.add(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a + b

    def gradient(self, operand: int, grad: Operand, output: Operand, *_: Operand) -> Operand:
        return grad


class Subtract(Elementwise):
    kinds: ClassVar[str] = "iuf"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.subtract(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a - b

    def gradient(self, operand: int, grad: Operand, output: Operand, *_: Operand) -> Operand:
        return grad if operand == 0 else -grad


class Multiply(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.multiply(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a * b

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        return grad * (b if operand == 0 else a)


class MultiplyAdd(Elementwise):
    """a * b + c."""

    def evaluate(self, a: Array, b: Array, c: Array) -> Array:
        product = np.multiply(a, b)
        # The product is ours to write into, which spares a pass over fresh memory.
        is_whole = product.shape == c.shape and product.ndim > 0
        return np.add(product, c, out=product if is_whole else None)

    def expression(self, a: Scalar, b: Scalar, c: Scalar) -> Scalar:
        return a.multiply_add(b, c)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand, c: Operand
    ) -> Operand:
        if operand == 2:
            return grad
        return grad * (b if operand == 0 else a)


class Divide(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.divide(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a / b

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        return grad / b if operand == 0 else -grad * (output / b)


class FloorDivide(Stepwise):
    """The quotient rounded towards minus infinity."""

    def evaluate(self, a: Array, b: Array) -> Array:
        _require_divisor(self.name, b)
        return np.floor_divide(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a // b


class Remainder(Elementwise):
    """a - b * floor(a / b): the remainder with the sign of the divisor."""

    def evaluate(self, a: Array, b: Array) -> Array:
        _require_divisor(self.name, b)
        return np.remainder(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a % b

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        return grad if operand == 0 else -grad * Floor()(a / b)


def _require_divisor(name: str, divisor: Array) -> None:
    if divisor.dtype.kind != "f" and not divisor.all():
        raise DivisionByZero(f"{name}: an integer is divided by zero")


class Gcd(Elementwise):
    """The greatest common divisor of integers."""

    kinds: ClassVar[str] = "iu"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.gcd(a, b)


class Power(Elementwise):
    """a^b; where an integer would be raised to a negative power, the quotient rounds to 0."""

    kinds: ClassVar[str] = "iuf"

    def evaluate(self, a: Array, b: Array) -> Array:
        if b.dtype.kind == "i" and (b < 0).any():
            inverted = np.where(np.abs(a) == 1, a, 0)
            return np.where(b < 0, np.power(inverted, np.abs(b)), np.power(a, np.maximum(b, 0)))
        return np.power(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a**b

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        if operand == 0:
            return grad * Where()(b == 0, 0.0, b * a ** (b - 1))
        # The limit of a^b log(a) at a = 0, where b is not negative, is 0.
        vanishes = LogicalAnd()(a == 0, b >= 0)
        return grad * Where()(vanishes, 0.0, output * Log()(Where()(vanishes, 1.0, a)))


class Maximum(Elementwise):
    """The larger element; NaN wins. Equal elements share the gradient."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.maximum(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a.maximum(b)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        return _share_of_extremum(grad, output, *((a, b) if operand == 0 else (b, a)))


class Minimum(Elementwise):
    """The smaller element; NaN wins. Equal elements share the gradient."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.minimum(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a.minimum(b)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        return _share_of_extremum(grad, output, *((a, b) if operand == 0 else (b, a)))


def _share_of_extremum(grad: Operand, output: Operand, one: Operand, other: Operand) -> Operand:
    return Where()(one == other, grad / 2, Where()(one == output, grad, 0.0))


class BoundBelow(Elementwise):
    """x, or the bound where x is smaller; NaN wins. Equal elements pass the gradient to x."""

    def evaluate(self, x: Array, bound: Array) -> Array:
        return np.maximum(x, bound)

    def expression(self, x: Scalar, bound: Scalar) -> Scalar:
        return x.maximum(bound)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, x: Operand, bound: Operand
    ) -> Operand:
        return grad * (x >= bound) if operand == 0 else grad * (x < bound)


class BoundAbove(Elementwise):
    """x, or the bound where x is larger; NaN wins. Equal elements pass the gradient to x."""

    def evaluate(self, x: Array, bound: Array) -> Array:
        return np.minimum(x, bound)

    def expression(self, x: Scalar, bound: Scalar) -> Scalar:
        return x.minimum(bound)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, x: Operand, bound: Operand
    ) -> Operand:
        return grad * (x <= bound) if operand == 0 else grad * (x > bound)


class NextAfter(Elementwise):
    """The number next to a, in the direction of b."""

    kinds: ClassVar[str] = "f"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.nextafter(a, b)


class Exponent(Elementwise):
    """The n for which |x| lies in [2^(n-1), 2^n); 0 for 0."""

    kinds: ClassVar[str] = "f"

    def result_dtype(self, *dtypes: "np.dtype[Any]") -> "np.dtype[Any]":
        super().result_dtype(*dtypes)
        return np.dtype(np.int32)

    def evaluate(self, x: Array) -> Array:
        return np.frexp(x)[1]

    def expression(self, x: Scalar) -> Scalar:
        return x.exponent()


class Negative(Elementwise):
    kinds: ClassVar[str] = "iuf"

    def evaluate(self, x: Array) -> Array:
        return np.negative(x)

    def expression(self, x: Scalar) -> Scalar:
        return -x

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return -grad


class Absolute(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.absolute(x)

    def expression(self, x: Scalar) -> Scalar:
        return abs(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * Sign()(x)


class Relu(Elementwise):
    """max(x, 0); its gradient at 0 is 0, and NaN stays NaN."""

    def evaluate(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def expression(self, x: Scalar) -> Scalar:
        return x.maximum(0)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * (output > 0)


class Sign(Stepwise):
    """-1, 0 or 1; 0 for NaN, as in PyTorch."""

    def evaluate(self, x: Array) -> Array:
        return np.subtract(x > 0, x < 0, dtype=x.dtype)

    def expression(self, x: Scalar) -> Scalar:
        return (x > 0).cast(x.dtype) - (x < 0).cast(x.dtype)


class Floor(Stepwise):
    def evaluate(self, x: Array) -> Array:
        return np.floor(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.floor()


class Ceil(Stepwise):
    def evaluate(self, x: Array) -> Array:
        return np.ceil(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.ceil()


class Truncate(Stepwise):
    def evaluate(self, x: Array) -> Array:
        return np.trunc(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.trunc()


class Round(Stepwise):
    """To the nearest integer, ties to even."""

    def evaluate(self, x: Array) -> Array:
        return np.rint(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.rint()
