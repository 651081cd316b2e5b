"""Roots, exponentials, logarithms, and trigonometric and hyperbolic functions."""

import math
from dataclasses import dataclass

import numpy as np

from .elementwise import Elementwise, Scalar, Where
from .op import Array, Operand


class Sqrt(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.sqrt(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.sqrt()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad / (output * 2)


class Hypot(Elementwise):
    """sqrt(a^2 + b^2) without overflow."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.hypot(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a.hypot(b)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        return grad * ((a if operand == 0 else b) / output)


class Exp(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.exp(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.exp()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * output


class Expm1(Elementwise):
    """exp(x) - 1 without cancellation near 0."""

    def evaluate(self, x: Array) -> Array:
        return np.expm1(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.expm1()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * (output + 1)


class Log(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.log(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.log()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad / x


@dataclass(unsafe_hash=True)
class LogBase(Elementwise):
    """The logarithm to base 2 or 10, exact where the result is an integer."""

    base: int

    def evaluate(self, x: Array) -> Array:
        return np.log2(x) if self.base == 2 else np.log10(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.log2() if self.base == 2 else x.log10()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad / (x * math.log(self.base))


class Log1p(Elementwise):
    """log(1 + x) without cancellation near 0."""

    def evaluate(self, x: Array) -> Array:
        return np.log1p(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.log1p()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad / (x + 1)


class LogAddExp(Elementwise):
    """log(exp(a) + exp(b)) without overflow."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logaddexp(a, b)

    def expression(self, a: Scalar, b: Scalar) -> Scalar:
        return a.logaddexp(b)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        difference = a - b if operand == 0 else b - a
        # Where both are -inf, neither counts more than the other.
        return grad * Sigmoid()(Where()(output == -math.inf, 0.0, difference))


class Sigmoid(Elementwise):
    """1 / (1 + exp(-x))."""

    def evaluate(self, x: Array) -> Array:
        return np.reciprocal(1 + np.exp(-x))

    def expression(self, x: Scalar) -> Scalar:
        return 1 / ((-x).exp() + 1)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * (output * (1 - output))


class Sin(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.sin(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.sin()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * Cos()(x)


class Cos(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.cos(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.cos()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return -grad * Sin()(x)


class Arcsin(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.arcsin(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.arcsin()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad / Sqrt()(1 - x * x)


class Arctan(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.arctan(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.arctan()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad / (x * x + 1)


class Arctan2(Elementwise):
    """The angle of the point (x, y), in (-pi, pi]; operands are y, x."""

    def evaluate(self, y: Array, x: Array) -> Array:
        return np.arctan2(y, x)

    def expression(self, y: Scalar, x: Scalar) -> Scalar:
        return y.arctan2(x)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, y: Operand, x: Operand
    ) -> Operand:
        radius_squared = x * x + y * y
        return grad * (x if operand == 0 else -y) / radius_squared


class Tanh(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.tanh(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.tanh()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * (1 - output * output)


class Arcsinh(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.arcsinh(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.arcsinh()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad / Sqrt()(x * x + 1)
