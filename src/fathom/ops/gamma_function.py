"""The logarithm of the gamma function and its derivatives for arrays, which NumPy lacks.

Arguments are first moved up by the recurrences of these functions to where Stirling's series
and its derivatives are exact to double precision; see Abramowitz and Stegun, Handbook of
Mathematical Functions, 6.1.15, 6.1.40, 6.4.6 and 6.4.11.
"""

import math

import numpy as np

from .op import Array

# From here on the series below reach double precision.
_LARGE = 14
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def log_gamma(x: Array) -> Array:
    """log|gamma(x)|; infinite at 0 and the negative integers."""
    argument = x.astype(np.float64)
    # The reflection gamma(x) gamma(1 - x) = pi / sin(pi x) serves the negative half.
    reflected = argument < 0.5
    y = np.where(reflected, 1 - argument, argument)
    product = np.ones_like(y)
    for _ in range(_LARGE):
        small = y < _LARGE
        product = np.where(small, product * y, product)
        y = np.where(small, y + 1, y)
    series = np.zeros_like(y)
    for index, bernoulli in enumerate(_BERNOULLI, start=1):
        series += bernoulli / (2 * index * (2 * index - 1)) / y ** (2 * index - 1)
    value = (y - 0.5) * np.log(y) - y + 0.5 * math.log(2 * math.pi) + series - np.log(product)
    value = np.where(np.isposinf(y), np.inf, value)
    sine = np.abs(np.sin(math.pi * (argument - np.rint(argument))))
    value = np.where(reflected, np.log(math.pi) - np.log(sine) - value, value)
    value = np.where(np.isneginf(argument), np.inf, value)
    return np.asarray(value, x.dtype)


def polygamma(order: int, x: Array) -> Array:
    """The derivative of order `order` + 1 of `log_gamma`."""
    argument = x.astype(np.float64)
    if order == 0:
        value = _digamma(argument)
    else:
        value = (-1) ** (order + 1) * math.factorial(order) * _zeta(order + 1, argument)
    return np.asarray(value, x.dtype)


def _digamma(argument: Array) -> Array:
    reflected = argument < 0
    y = np.where(reflected, 1 - argument, argument)
    shift = np.zeros_like(y)
    for _ in range(_LARGE):
        small = y < _LARGE
        shift = np.where(small, shift + 1 / y, shift)
        y = np.where(small, y + 1, y)
    value = np.log(y) - 0.5 / y - shift
    for index, bernoulli in enumerate(_BERNOULLI, start=1):
        value -= bernoulli / (2 * index) / y ** (2 * index)
    fraction = argument - np.rint(argument)
    value = np.where(reflected, value - math.pi / np.tan(math.pi * fraction), value)
    value = np.where(reflected & (fraction == 0), np.nan, value)
    # At 0 the sign of the pole follows the sign of the zero.
    return np.where(argument == 0, np.copysign(np.inf, -argument), value)


def _zeta(exponent: int, start: Array) -> Array:
    """The sum of 1 / (start + k)^exponent over k = 0, 1, 2, …"""
    total = np.zeros_like(start)
    y = start.copy()
    large = _LARGE + exponent
    lowest = float(np.min(y[np.isfinite(y)], initial=large))
    for _ in range(max(0, math.ceil(large - lowest))):
        small = y < large
        total = np.where(small, total + y ** float(-exponent), total)
        y = np.where(small, y + 1, y)
    total += y ** float(1 - exponent) / (exponent - 1) + y ** float(-exponent) / 2
    factor = float(exponent)
    for index, bernoulli in enumerate(_BERNOULLI, start=1):
        total += bernoulli / math.factorial(2 * index) * factor / y ** (exponent + 2 * index - 1)
        factor *= (exponent + 2 * index - 1) * (exponent + 2 * index)
    return total
