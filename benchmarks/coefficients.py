"""Derives fathom/compiler/coefficients.py, which it prints; needs mpmath.

Each function is interpolated at Chebyshev nodes, which comes within a small factor of the best
approximation there is (L. N. Trefethen, "Approximation Theory and Approximation Practice",
2013, chapter 16). A rational function is interpolated by solving f(x) Q(x) = P(x) with
Q(0) = 1. Every table says its largest error: relative to the function that is made of it, in
units of the dtype's epsilon.
"""

from collections.abc import Callable
from typing import Any

import mpmath as mp

mp.mp.dps = 60
Number = Any
Function = Callable[[Number], Number]

EPSILON = {4: mp.mpf(2) ** -23, 8: mp.mpf(2) ** -52}
DIGITS = {4: 9, 8: 17}

HEAD = '''"""Coefficients of approximations, highest power first, by the dtype's size in bytes.

Written by benchmarks/coefficients.py. The error is in units of the dtype's epsilon, relative
to the function that is made of the approximation.
"""
'''


def nodes(low: Number, high: Number, count: int) -> list[Number]:
    middle, radius = (low + high) / 2, (high - low) / 2
    return [middle + radius * mp.cos((i + mp.mpf(1) / 2) * mp.pi / count) for i in range(count)]


def interpolate(
    f: Function, points: list[Number], denominator: int
) -> tuple[list[Number], list[Number]]:
    """The coefficients of P and Q, the latter of the given degree, with P / Q = f at all points."""
    numerator = len(points) - 1 - denominator
    rows = [
        [x**k for k in range(numerator, -1, -1)] + [-f(x) * x**k for k in range(denominator, 0, -1)]
        for x in points
    ]
    solution = list(mp.lu_solve(mp.matrix(rows), mp.matrix([f(x) for x in points])))
    return solution[: numerator + 1], [*solution[numerator + 1 :], mp.mpf(1)]


def show(
    title: str,
    names: str,
    f: Function,
    low: Number,
    high: Number,
    degrees: dict[int, int],
    weight: Function = lambda x: 1,
    denominator: int = 0,
    variable: Function = lambda x: x,
) -> None:
    """Print the approximation of `f` between `low` and `high` as a table of each name.

    Args:
        title: what is approximated.
        names: what the tables of numerator and denominator are called.
        degrees: the numerator's degree for each dtype.
        weight: what an error of the approximation is multiplied by in the end.
        denominator: the denominator's degree.
        variable: from what the nodes are spread over to the argument of `f`.
    """
    low, high = mp.mpf(low), mp.mpf(high)
    tables: dict[str, dict[int, list[Number]]] = {name: {} for name in names.split()}
    errors = []
    for size, degree in degrees.items():
        points = [variable(x) for x in nodes(low, high, degree + denominator + 1)]
        parts = interpolate(f, points, denominator)
        between = [variable(low + (high - low) * i / 499) for i in range(500)]
        error = max(
            abs(weight(x) * (mp.polyval(parts[0], x) / mp.polyval(parts[1], x) - f(x)))
            for x in between
        )
        errors.append(f"{mp.nstr(error / EPSILON[size], 2)} for {8 * size} bits")
        for table, part in zip(tables.values(), parts, strict=False):
            table[size] = part
    print(f"\n# {title}\n# Error: {', '.join(errors)}.")
    for name, table in tables.items():
        print(f"{name} = {{")
        for size, part in table.items():
            print(f"    {size}: (")
            for coefficient in part:
                print(f"        {mp.nstr(coefficient, DIGITS[size])},")
            print("    ),")
        print("}")


def split(title: str, name: str, value: Number, parts: dict[int, tuple[int, ...]]) -> None:
    """Print a number as a sum of parts that have so many bits each."""
    print(f"\n# {title}\n{name} = {{")
    for size, counts in parts.items():
        rest = value
        print(f"    {size}: (")
        for bits in counts:
            unit = mp.mpf(2) ** (mp.floor(mp.log(abs(rest), 2)) + 1 - bits)
            part = mp.nint(rest / unit) * unit
            rest -= part
            print(f"        {mp.nstr(part, DIGITS[size] + 3)},")
        print("    ),")
    print("}")


def continued(f: Function, at_zero: Number) -> Function:
    """A function whose formula has no value at 0."""
    return lambda x: f(x) if abs(x) > mp.mpf(10) ** -15 else mp.mpf(at_zero)


def of_square(f: Function, at_zero: Number) -> Function:
    """`f` as a function of its argument's square."""
    return continued(lambda z: f(mp.sqrt(z)), at_zero)


def scaled_complement(t: Number) -> Number:
    """(1 + 2 x) exp(x^2) erfc(x) in t = (x - 3) / (x + 3)."""
    x = 3 * (1 + t) / (1 - t)
    return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)


def inverse_error(w: Number) -> Number:
    """y / x for erf(y) = x and w = -log(1 - x^2)."""
    if w < mp.mpf(10) ** -30:
        return mp.sqrt(mp.pi) / 2
    x = mp.sqrt(-mp.expm1(-w))
    complement = mp.exp(-w) / (1 + x)
    y = mp.sqrt(w) * mp.mpf("0.9")
    for _ in range(40):  # Newton's method on log(erfc)
        tail = mp.erfc(y)
        y += mp.log(tail / complement) * tail * mp.exp(y * y) * mp.sqrt(mp.pi) / 2
    return y / x


def main() -> None:
    print(HEAD, end="")
    # Short parts, so that their products with an exponent are exact.
    split("log(2)", "LOG_2", mp.log(2), {4: (15, 24), 8: (42, 53)})
    split("log10(2)", "LOG10_2", mp.log10(2), {4: (15, 24), 8: (42, 53)})
    # What is left of an argument by the first parts is exact with one rounding each.
    split("pi / 2", "HALF_PI", mp.pi / 2, {4: (24, 24, 24), 8: (33, 33, 53)})

    half = mp.log(2) / 2 * mp.mpf("1.001")
    show(
        "(expm1(r) - r) / r^2",
        "EXPONENTIAL",
        continued(lambda r: (mp.expm1(r) - r) / r**2, mp.mpf(1) / 2),
        -half,
        half,
        {4: 4, 8: 9},
        lambda r: r,
    )
    show(
        "(2 artanh(s) - 2 s) / s^3 in s^2",
        "LOGARITHM",
        of_square(lambda s: (2 * mp.atanh(s) - 2 * s) / s**3, mp.mpf(2) / 3),
        0,
        (mp.sqrt(2) - 1) ** 4 * mp.mpf("1.001"),
        {4: 2, 8: 6},
        lambda z: z / 2,
    )
    quarter = (mp.pi / 4) ** 2 * mp.mpf("1.01")
    show(
        "(sin(r) - r) / r^3 in r^2",
        "SINE",
        of_square(lambda r: (mp.sin(r) - r) / r**3, -mp.mpf(1) / 6),
        0,
        quarter,
        {4: 2, 8: 5},
        lambda z: z,
    )
    show(
        "(cos(r) - 1 + r^2 / 2) / r^4 in r^2",
        "COSINE",
        of_square(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4, mp.mpf(1) / 24),
        0,
        quarter,
        {4: 2, 8: 5},
        lambda z: z**2 * mp.sqrt(2),
    )
    show(
        "(arctan(t) - t) / t^3 in t^2",
        "ARCTANGENT",
        of_square(lambda t: (mp.atan(t) - t) / t**3, -mp.mpf(1) / 3),
        0,
        mp.tan(mp.pi / 8) ** 2 * mp.mpf("1.001"),
        {4: 4, 8: 10},
        lambda z: z,
    )
    show(
        "(arcsin(t) - t) / t^3 in t^2",
        "ARCSINE",
        of_square(lambda t: (mp.asin(t) - t) / t**3, mp.mpf(1) / 6),
        0,
        mp.mpf("0.2501"),
        {4: 4, 8: 12},
        lambda z: z,
    )
    show(
        "erf(x) / x in x^2, for |x| <= 4",
        "ERROR_NUMERATOR ERROR_DENOMINATOR",
        of_square(lambda x: mp.erf(x) / x, 2 / mp.sqrt(mp.pi)),
        0,
        4,
        {4: 5},
        lambda z: max(mp.sqrt(z), 1),
        denominator=6,
        variable=lambda x: x**2,
    )
    show(
        "erf(x) / x - 1 in x^2, for |x| <= 1",
        "ERROR_NEAR",
        of_square(lambda x: mp.erf(x) / x - 1, 2 / mp.sqrt(mp.pi) - 1),
        0,
        1,
        {8: 12},
    )
    show(
        "(1 + 2 x) exp(x^2) erfc(x) in (x - 3) / (x + 3)",
        "ERROR_TAIL",
        scaled_complement,
        -1,
        mp.mpf("0.807"),
        {4: 10, 8: 22},
    )
    show(
        "erfinv(x) / x in w - 3.125, where w = -log(1 - x^2) <= 6.25",
        "INVERSE_ERROR_NEAR",
        lambda w: inverse_error(w + mp.mpf("3.125")),
        mp.mpf("-3.125"),
        mp.mpf("3.125"),
        {4: 10, 8: 23},
    )
    show(
        "erfinv(x) / x in sqrt(w) - 3.25, where 2.5 <= sqrt(w) <= 4.1",
        "INVERSE_ERROR_MIDDLE",
        lambda v: inverse_error((v + mp.mpf("3.25")) ** 2),
        mp.mpf("-0.751"),
        mp.mpf("0.85"),
        {4: 8, 8: 20},
    )
    show(
        "erfinv(x) / x in sqrt(w) - 5, where 4 <= sqrt(w)",
        "INVERSE_ERROR_FAR",
        lambda v: inverse_error((v + 5) ** 2),
        mp.mpf("-1.001"),
        mp.mpf("1.1"),
        {8: 19},
    )


if __name__ == "__main__":
    main()
