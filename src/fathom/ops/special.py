"""The error function and the gamma function, and what belongs to them."""

import math
from dataclasses import dataclass

from .elementwise import Elementwise, Scalar
from .error_function import (
    complementary_error_function,
    error_function,
    inverse_error_function,
)
from .gamma_function import log_gamma, polygamma
from .op import Array, Operand
from .transcendental import Exp


class Erf(Elementwise):
    """The error function 2/sqrt(pi) * integral of exp(-t^2) from 0 to x.

    Evaluated with the rational approximations of W. J. Cody, "Rational Chebyshev
    approximations for the error function", Math. Comp. 23 (1969), to double precision.
    """

    def evaluate(self, x: Array) -> Array:
        return error_function(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.erf()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * (Exp()(-(x * x)) * (2 / math.sqrt(math.pi)))


class Erfc(Elementwise):
    """1 - erf(x) without cancellation for large x; from the same approximations as `Erf`."""

    def evaluate(self, x: Array) -> Array:
        return complementary_error_function(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.erfc()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * (Exp()(-(x * x)) * (-2 / math.sqrt(math.pi)))


class Erfinv(Elementwise):
    """The number whose error function is x; infinite at -1 and 1."""

    def evaluate(self, x: Array) -> Array:
        return inverse_error_function(x)

    def expression(self, x: Scalar) -> Scalar:
        return x.erfinv()

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * (Exp()(output * output) * (math.sqrt(math.pi) / 2))


class LogGamma(Elementwise):
    """The logarithm of the absolute value of the gamma function."""

    def evaluate(self, x: Array) -> Array:
        return log_gamma(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * Polygamma(0)(x)


@dataclass(unsafe_hash=True)
class Polygamma(Elementwise):
    """The derivative of order n + 1 of `LogGamma`; order 0 is the digamma function."""

    order: int

    def evaluate(self, x: Array) -> Array:
        return polygamma(self.order, x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * Polygamma(self.order + 1)(x)
