"""Exponential, logarithm and their kin, written with operators of `Lanes`.

Every function works on float32 and float64, in that precision, and without branches: the
argument is brought into a small range, a polynomial is evaluated there, and the result is
put together. The general method is that of W. J. Cody and W. Waite, "Software Manual for the
Elementary Functions" (1980), and J.-M. Muller, "Elementary Functions" (3rd ed., 2016).

Each docstring states the largest error that a sweep has found, in units in the last place
(ULP) of the result, for float32 and float64. Results below the smallest normal number may be
zero, and arguments below it may count as zero. NaN gives NaN, and infinities give the limits.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .coefficients import (
    ARCSINE,
    ARCTANGENT,
    COSINE,
    ERROR_DENOMINATOR,
    ERROR_NEAR,
    ERROR_NUMERATOR,
    ERROR_TAIL,
    EXPONENTIAL,
    HALF_PI,
    INVERSE_ERROR_FAR,
    INVERSE_ERROR_MIDDLE,
    INVERSE_ERROR_NEAR,
    LOG10_2,
    LOG_2,
    LOGARITHM,
    SINE,
)

if TYPE_CHECKING:
    from .lanes import Lanes

# How many bits of a floating-point number hold its fraction, by its size in bytes.
_FRACTION_BITS = {4: 23, 8: 52}


def polynomial(x: "Lanes", coefficients: Sequence[float]) -> "Lanes":
    """A polynomial by Horner's rule, the coefficient of the highest power first."""
    value = x.constant(coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def _limits(x: "Lanes") -> Any:
    return np.finfo(x.dtype)


def _round(x: "Lanes", offset: int = 0) -> tuple["Lanes", "Lanes"]:
    """The integer nearest to a small number, also as lowest bits of an integer, plus `offset`."""
    # Beside so large a number there is no room for fractions.
    large = 1.5 * 2 ** _FRACTION_BITS[x.dtype.itemsize] + offset
    shifted = x + large
    return shifted - large, shifted.bits()


# Exponentials


def _exponential_parts(x: "Lanes") -> tuple["Lanes", "Lanes"]:
    """s, a power of two, and t in [-0.3, 0.42] with exp(x) = 2 s (1 + t).

    The factor 2 lets s reach all exponents of results, the largest included.
    """
    size = x.dtype.itemsize
    bias = _limits(x).maxexp - 1
    n, bits = _round(x * (1 / math.log(2)), bias - 1)
    s = (bits << _FRACTION_BITS[size]).view(x.dtype)
    high, low = LOG_2[size]
    r = (x - n * high) - n * low
    return s, r * r * polynomial(r, EXPONENTIAL[size]) + r


def _within_range_of_exp(x: "Lanes") -> "Lanes":
    """Arguments beyond which exp is infinite or 0 brought back to where it just becomes so."""
    limits = _limits(x)
    low = (limits.minexp - 0.1) * math.log(2)
    high = (limits.maxexp + 0.2) * math.log(2)
    return x.maximum(low).minimum(high)


def exp(x: "Lanes") -> "Lanes":
    """e^x; at most 1.1 and 1.1 ULP.

    Results below 1.42 times the smallest normal number may be zero.
    """
    s, t = _exponential_parts(_within_range_of_exp(x))
    return (s * t + s) * 2


def expm1(x: "Lanes") -> "Lanes":
    """e^x - 1 without cancellation; at most 1.7 and 2.4 ULP."""
    s, t = _exponential_parts(_within_range_of_exp(x))
    return ((s * t + (s - 0.5)) * 2).copysign(x)


def tanh(x: "Lanes") -> "Lanes":
    """(e^2x - 1) / (e^2x + 1); at most 2.5 and 2.6 ULP."""
    s, t = _exponential_parts(abs(x).minimum(22) * 2)
    half = s * t + (s - 0.5)
    return (half / (half + 1)).copysign(x)


# Logarithms


def _binary_parts(x: "Lanes") -> tuple["Lanes", "Lanes"]:
    """e, an integer, and m in [sqrt(1/2), sqrt(2)) with x = 2^e m, for normal positive x."""
    shift = _FRACTION_BITS[x.dtype.itemsize]
    lowest = x.constant(math.sqrt(0.5)).bits()
    e = (x.bits() - lowest) >> shift
    return e, (x.bits() - (e << shift)).view(x.dtype)


def _log_near_one(f: "Lanes", correction: "Lanes | float" = 0) -> "Lanes":
    """log(1 + f) + correction for 1 + f in [sqrt(1/2), sqrt(2)).

    With s = f / (2 + f) the logarithm is 2 artanh(s), and 2 s = f - s f.
    """
    s = f / (f + 2)
    z = s * s
    half_square = f * 0.5 * f
    tail = s * (half_square + z * polynomial(z, LOGARITHM[f.dtype.itemsize]))
    return f - (half_square - (tail + correction))


def _at_ends_of_log(x: "Lanes", value: "Lanes") -> "Lanes":
    """`value`, but what a logarithm is where x is negative, zero, infinite or NaN."""
    value = (x < math.inf).select(value, x)
    below = (x < 0).select(x.constant(math.nan), -math.inf)
    return (x < float(_limits(x).tiny)).select(below, value)


def log(x: "Lanes") -> "Lanes":
    """The natural logarithm; at most 0.9 and 0.9 ULP."""
    high, low = LOG_2[x.dtype.itemsize]
    e, m = _binary_parts(x)
    n = e.cast(x.dtype)
    return _at_ends_of_log(x, n * high + _log_near_one(m - 1, n * low))


def log1p(x: "Lanes") -> "Lanes":
    """log(1 + x) without cancellation; at most 1.5 and 1.3 ULP."""
    high, low = LOG_2[x.dtype.itemsize]
    whole = x + 1
    # What rounding to `whole` has lost.
    lost = (x < 1).select(x - (whole - 1), 1 - (whole - x))
    e, m = _binary_parts(whole)
    n = e.cast(x.dtype)
    bias = _limits(x).maxexp - 1
    # 2^-e, but for the largest numbers, beside which nothing is lost.
    inverse = ((bias - e).maximum(1) << _FRACTION_BITS[x.dtype.itemsize]).view(x.dtype)
    value = n * high + _log_near_one((m - 1) + lost * inverse, n * low)
    return _at_ends_of_log(whole, value).copysign(x)


def log2(x: "Lanes") -> "Lanes":
    """The logarithm to base 2, exact for powers of two; at most 1.9 and 1.8 ULP."""
    e, m = _binary_parts(x)
    return _at_ends_of_log(x, _log_near_one(m - 1) * (1 / math.log(2)) + e.cast(x.dtype))


def log10(x: "Lanes") -> "Lanes":
    """The logarithm to base 10; at most 2.1 and 3.0 ULP."""
    high, low = LOG10_2[x.dtype.itemsize]
    e, m = _binary_parts(x)
    n = e.cast(x.dtype)
    return _at_ends_of_log(x, n * high + (_log_near_one(m - 1) * (1 / math.log(10)) + n * low))


def logaddexp(a: "Lanes", b: "Lanes") -> "Lanes":
    """log(e^a + e^b), as the larger of both and what the other adds to it.

    At most 2.5 and 2.5 ULP of the larger of the operands' and the result's magnitudes.
    """
    # Where both are the same infinity, their difference is taken as 0.
    difference = (a == b).select(0, a - b)
    return a.maximum(b) + log1p(exp(-abs(difference)))


# Trigonometric functions

# Up to here, the three parts of pi / 2 hold enough bits; above, the system's function is called.
_LARGEST_ANGLE = {4: 1e5, 8: 1e6}


def _quarters(x: "Lanes") -> tuple["Lanes", "Lanes"]:
    """The number of quarter turns nearest to an angle, in the lowest bits, and what is left."""
    n, bits = _round(x * (2 / math.pi))
    r = x
    for part in HALF_PI[x.dtype.itemsize]:
        r = (-n).multiply_add(part, r)
    return bits, r


def _sine_of_turned(quarters: "Lanes", r: "Lanes") -> tuple["Lanes", "Lanes"]:
    """The sine of quarter turns and r in [-pi/4, pi/4]; its sign is the second's highest bit."""
    size = r.dtype.itemsize
    z = r * r
    sine = r * z * polynomial(z, SINE[size]) + r
    cosine = z * z * polynomial(z, COSINE[size]) + (1 - z * 0.5)
    is_odd = (quarters & 1) != 0
    return is_odd.select(cosine, sine), quarters << (8 * size - 2)


def _with_sign(value: "Lanes", sign: "Lanes") -> "Lanes":
    """`value`, negated where the highest bit of `sign` is set."""
    highest = -(1 << (8 * value.dtype.itemsize - 1))
    return (value.bits() ^ (sign & highest)).view(value.dtype)


def sin(x: "Lanes") -> "Lanes":
    """The sine; at most 1.6 and 2.4 ULP."""
    quarters, r = _quarters(abs(x))
    value, sign = _sine_of_turned(quarters, r)
    is_large = abs(x) > _LARGEST_ANGLE[x.dtype.itemsize]
    return _with_sign(value, sign ^ x.bits()).replace_where(is_large, lambda: x.intrinsic("sin"))


def cos(x: "Lanes") -> "Lanes":
    """The cosine, which is the sine a quarter turn later; at most 1.6 and 2.4 ULP."""
    quarters, r = _quarters(abs(x))
    value, sign = _sine_of_turned(quarters + 1, r)
    is_large = abs(x) > _LARGEST_ANGLE[x.dtype.itemsize]
    return _with_sign(value, sign).replace_where(is_large, lambda: x.intrinsic("cos"))


def _arctan_of_ratio(y: "Lanes", x: "Lanes") -> "Lanes":
    """The angle of (x, y) for 0 <= y <= x: by the angle to pi/4 where y / x > tan(pi/8)."""
    is_steep = y > x * math.tan(math.pi / 8)
    t = is_steep.select(y - x, y) / is_steep.select(y + x, x)
    z = t * t
    high = HALF_PI[y.dtype.itemsize][0] / 2
    value = t * z * polynomial(z, ARCTANGENT[y.dtype.itemsize])
    return is_steep.select(high + ((t + (math.pi / 4 - high)) + value), t + value)


def _complement(angle: "Lanes", turn: float) -> "Lanes":
    """turn * pi/2 - angle."""
    high = turn * HALF_PI[angle.dtype.itemsize][0]
    return high - (angle - (turn * math.pi / 2 - high))


def arctan(x: "Lanes") -> "Lanes":
    """The angle whose tangent is x; at most 2.3 and 2.3 ULP."""
    magnitude = abs(x)
    is_large = magnitude > 1
    angle = _arctan_of_ratio(is_large.select(1, magnitude), is_large.select(magnitude, 1))
    return is_large.select(_complement(angle, 1), angle).copysign(x)


def arctan2(y: "Lanes", x: "Lanes") -> "Lanes":
    """The angle of the point (x, y) in [-pi, pi]; at most 3.0 and 3.0 ULP."""
    across, along = abs(y), abs(x)
    is_large = across > along
    small, large = is_large.select(along, across), is_large.select(across, along)
    # Both infinite are an angle of pi/4, both zero one of 0; and the sum must not overflow.
    are_infinite = (small == math.inf) & (large == math.inf)
    small = are_infinite.select(1, small)
    large = (are_infinite | (large == 0)).select(1, large)
    scale = (large > float(_limits(x).max) / 4).select(x.constant(0.25), 1)
    angle = _arctan_of_ratio(small * scale, large * scale)
    angle = is_large.select(_complement(angle, 1), angle)
    return x.signbit().select(_complement(angle, 2), angle).copysign(y)


def arcsin(x: "Lanes") -> "Lanes":
    """The angle whose sine is x; at most 2.6 and 2.3 ULP.

    For |x| > 1/2 it is pi/2 - 2 arcsin(sqrt((1 - |x|) / 2)).
    """
    magnitude = abs(x)
    is_large = magnitude > 0.5
    z = is_large.select((1 - magnitude) * 0.5, x * x)
    t = is_large.select(z.sqrt(), magnitude)
    angle = t * z * polynomial(z, ARCSINE[x.dtype.itemsize]) + t
    return is_large.select(_complement(angle * 2, 1), angle).copysign(x)


def arcsinh(x: "Lanes") -> "Lanes":
    """log(|x| + sqrt(x^2 + 1)) with the sign of x; at most 2.0 and 2.0 ULP."""
    magnitude = abs(x)
    # From here on, sqrt(x^2 + 1) is |x|, and the sum is 2 |x|, which might overflow.
    is_large = magnitude > 2.0**60
    root = (magnitude * magnitude + 1).sqrt()
    beyond_one = magnitude + magnitude * (magnitude / (root + 1))
    value = log1p(is_large.select(magnitude, beyond_one))
    return is_large.select(value + math.log(2), value).copysign(x)


def hypot(a: "Lanes", b: "Lanes") -> "Lanes":
    """sqrt(a^2 + b^2) without overflow, infinite if a or b is; at most 2.0 and 2.0 ULP."""
    one, other = abs(a), abs(b)
    large, small = one.maximum(other), one.minimum(other)
    ratio = small / (large == 0).select(1, large)
    value = large * (ratio * ratio + 1).sqrt()
    return ((one == math.inf) | (other == math.inf)).select(math.inf, value)


# The error function


def erf(x: "Lanes") -> "Lanes":
    """2/sqrt(pi) times the integral of exp(-t^2) from 0 to x; at most 5.0 and 1.3 ULP."""
    magnitude = abs(x)
    if x.dtype.itemsize == 4:  # a rational function is the fastest to single precision
        near = magnitude.minimum(4)
        z = near * near
        ratio = polynomial(z, ERROR_NUMERATOR[4]) / polynomial(z, ERROR_DENOMINATOR[4])
        return (near * ratio).minimum(1).copysign(x)
    z = x * x
    near = magnitude * polynomial(z, ERROR_NEAR[8]) + magnitude
    return (magnitude < 1).select(near, 1 - _erfc_of_positive(magnitude)).copysign(x)


def _erfc_of_positive(x: "Lanes") -> "Lanes":
    """1 - erf(x) for x >= 0.

    By M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2)
    erfc x in 0 <= x < infinity", Math. Comp. 36 (1981).
    """
    x = x.minimum(28)
    t = (x - 3) / (x + 3)
    square = x * x
    lost = x.multiply_add(x, -square)
    e = exp(-square)
    scaled = polynomial(t, ERROR_TAIL[x.dtype.itemsize]) / (x * 2 + 1)
    return (e - e * lost) * scaled


def erfc(x: "Lanes") -> "Lanes":
    """1 - erf(x) without cancellation; at most 4.5 and 4.5 ULP."""
    tail = _erfc_of_positive(abs(x))
    return (x < 0).select(2 - tail, tail)


def erfinv(x: "Lanes") -> "Lanes":
    """The number whose error function is x; at most 2.5 and 2.8 ULP.

    A function of w = -log(1 - x^2), as in M. Giles, "Approximating the erfinv function",
    GPU Computing Gems 2 (2011).
    """
    size = x.dtype.itemsize
    magnitude = abs(x)
    w = -log((1 - magnitude) * (1 + magnitude))
    root = w.sqrt()
    value = polynomial(root - 3.25, INVERSE_ERROR_MIDDLE[size])
    if size in INVERSE_ERROR_FAR:
        far = polynomial(root - 5, INVERSE_ERROR_FAR[size])
        value = (root > 4).select(far, value)
    value = (w > 6.25).select(value, polynomial(w - 3.125, INVERSE_ERROR_NEAR[size])) * x
    return (magnitude == 1).select(x * math.inf, value)


# Quotients and powers

# Below this, the quotient of two numbers cut to an integer is at most one off.
_LARGEST_QUOTIENT = {4: 2.0**22, 8: 2.0**51}


def _truncated_remainder(a: "Lanes", b: "Lanes") -> "Lanes":
    """a - b * trunc(a / b), exact; it has the sign of a."""
    quotient = (a / b).trunc()
    rest = (-quotient).multiply_add(b, a)
    # Where the quotient was rounded up, the rest has got beyond zero.
    is_beyond = (rest < 0) & (a > 0) | (rest > 0) & (a < 0)
    rest = is_beyond.select(rest + abs(b).copysign(a), rest)
    is_easy = (abs(quotient) < _LARGEST_QUOTIENT[a.dtype.itemsize]) & b.isfinite()
    return rest.replace_where(~is_easy, lambda: a.fmod(b))


def _is_on_other_side(rest: "Lanes", b: "Lanes") -> "Lanes":
    """Whether a quotient that leaves `rest` has to be one less to be rounded down."""
    return (rest < 0) & (b > 0) | (rest > 0) & (b < 0)


def floor_remainder(a: "Lanes", b: "Lanes") -> "Lanes":
    """a - b * floor(a / b), exact but for one rounding, with the sign of b."""
    rest = _truncated_remainder(a, b)
    moved = _is_on_other_side(rest, b).select(rest + b, rest)
    return (rest == 0).select(rest.copysign(b), moved)


def floor_quotient(a: "Lanes", b: "Lanes") -> "Lanes":
    """The quotient rounded towards minus infinity, such that it fits the remainder."""
    rest = _truncated_remainder(a, b)
    quotient = (a - rest) / b
    quotient = _is_on_other_side(rest, b).select(quotient - 1, quotient)
    whole = quotient.floor()
    # Rounding may have brought it to either side; ties are rounded down, as NumPy does.
    quotient = (quotient - whole > 0.5).select(whole + 1, whole)
    return (b == 0).select(a / b, (quotient == 0).select(quotient.copysign(a / b), quotient))


def exponent(x: "Lanes") -> "Lanes":
    """The n for which |x| lies in [2^(n-1), 2^n), an int32; 0 for 0, infinity and NaN."""
    limits = _limits(x)
    biased = abs(x).bits() >> _FRACTION_BITS[x.dtype.itemsize]
    is_normal = (abs(x) >= float(limits.tiny)) & (abs(x) < math.inf)
    return is_normal.select(biased - (limits.maxexp - 2), 0).cast(np.dtype("int32"))


def power(a: "Lanes", b: "Lanes") -> "Lanes":
    """a^b; at most 0.6 and 1.0 ULP.

    For float32 it is exp(b log|a|) in float64, for float64 the system's function.
    """
    if a.dtype.itemsize == 8:
        return a.intrinsic("pow", b)
    double = np.dtype("float64")
    magnitude = exp(b.cast(double) * log(abs(a).cast(double))).cast(a.dtype)
    is_whole, is_half_whole = b.rint() == b, (b * 0.5).rint() == b * 0.5
    value = (is_whole & ~is_half_whole & a.signbit()).select(-magnitude, magnitude)
    value = ((a < 0) & ~is_whole & a.isfinite()).select(math.nan, value)
    # These are 1 even if the other operand is NaN, or an infinity beside -1.
    is_one = (a == 1) | (b == 0) | (a == -1) & (abs(b) == math.inf)
    return is_one.select(1, value)
