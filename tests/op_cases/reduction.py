"""Reductions, statistics, scans, extremes."""

import math
from collections.abc import Iterator

import numpy as np

from .case import Call, Case, Numbers, Samples, call

INTEGERS = ("int64", "int32", "uint8", "bool")
NUMBERS = ("int64", "int32", "int8", "uint8")
NAN = math.nan


def reduced(*, empty: bool = True, many: bool = True, whole: bool = True) -> Samples:
    """Calls that reduce tensors of distinct elements over all kinds of dimensions.

    Args:
        empty: whether reductions of nothing are among them.
        many: whether several dimensions may be named at once.
        whole: whether the dimension may be left out.
    """

    def samples(numbers: Numbers) -> Iterator[Call]:
        x = numbers.distinct(2, 3, 4)
        if whole:
            yield call(x)
            yield call(numbers.distinct())
            yield call(numbers.distinct(1, 1))
        yield call(x, 0)
        yield call(x, -1, True)
        yield call(x, dim=1, keepdim=True)
        yield call(numbers.distinct(), 0)
        yield call(numbers.distinct(), -1, True)
        yield call(numbers.distinct(3, 0), 0)
        yield call(numbers.distinct(3, 1), 1)
        if many:
            yield call(x, (0, 2))
            yield call(x, [1, -1], keepdim=True)
        if empty:
            if whole:
                yield call(numbers.distinct(0))
            yield call(numbers.distinct(2, 0), 1)

    return samples


def along(*, whole: bool = False, **options: object) -> Samples:
    """Calls with a dimension that keep the shape."""

    def samples(numbers: Numbers) -> Iterator[Call]:
        x = numbers.distinct(2, 5, 3)
        yield call(x, 1, **options)
        yield call(x, -1, **options)
        yield call(x, dim=0, **options)
        yield call(numbers.distinct(), 0, **options)
        yield call(numbers.distinct(1), 0, **options)
        yield call(numbers.distinct(0), 0, **options)
        yield call(numbers.distinct(3, 0), 0, **options)
        if whole:
            yield call(x, **options)

    return samples


def with_nan(*arguments: object, **options: object) -> Samples:
    def samples(numbers: Numbers) -> Iterator[Call]:
        x = np.array([[1.0, NAN, 3.0, -2.0], [4.0, 0.5, -1.0, 2.0]])
        yield call(x, *arguments, **options)

    return samples


def tied(*arguments: object, **options: object) -> Samples:
    def samples(numbers: Numbers) -> Iterator[Call]:
        x = np.array([[1.0, 3.0, 3.0, -2.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 2.0, 2.0]])
        yield call(x, *arguments, **options)

    return samples


def with_zeros(numbers: Numbers) -> Iterator[Call]:
    x = numbers.distinct(3, 4)
    x[0, 1] = x[1, 1] = x[1, 3] = 0
    yield call(x)
    yield call(x, 1)
    yield call(x, dim=0)
    yield call(numbers.distinct(7), 0)


def infinite(numbers: Numbers) -> Iterator[Call]:
    yield call(np.array([[-math.inf, -math.inf], [1.0, -math.inf]]), 1)
    yield call(np.array([[math.inf, 1.0], [1e4, -1e4]]), 1)
    yield call(np.zeros((2, 0)), 1)


def choices(numbers: Numbers) -> Iterator[Call]:
    x = numbers.distinct(2, 3, 4)
    yield call(x)
    yield call(numbers.distinct())
    yield call(x, 1)
    yield call(x, -1, True)
    yield call(x, dim=0, keepdim=True)
    yield call(numbers.distinct(), 0)
    yield call(x, numbers.distinct(3, 1) + 0.02)
    yield call(x, other=numbers.distinct(4) + 0.02)


def extreme_positions(numbers: Numbers) -> Iterator[Call]:
    x = numbers.distinct(2, 3, 4)
    yield call(x)
    yield call(x, keepdim=True)
    yield call(x, 1)
    yield call(x, -1, True)
    yield call(numbers.distinct())
    yield call(numbers.distinct(), 0)


def norms(numbers: Numbers) -> Iterator[Call]:
    x = numbers.distinct(2, 3, 4)
    yield call(x)
    yield call(x, 2, 1)
    for p in (1, 3, 2.5, 0.5, math.inf, -math.inf, -1):
        yield call(x, p)
        yield call(x, p, dim=(0, 2), keepdim=True)
    yield call(numbers.distinct(), 3)
    yield call(numbers.distinct(0))


def norms_at_zero(numbers: Numbers) -> Iterator[Call]:
    for p in (2, 1, 3, math.inf, 0):
        yield call(np.zeros(3), p)
        yield call(np.array([0.0, 3.0, -4.0]), p)


def spread(*, numbers_only: bool = False) -> Samples:
    def samples(numbers: Numbers) -> Iterator[Call]:
        x = numbers.distinct(3, 4)
        yield call(x)
        yield call(x, 1)
        yield call(x, dim=0, keepdim=True)
        yield call(x, dim=(0, 1), correction=0)
        yield call(x, 1, correction=2)
        yield call(x, dim=1, unbiased=False)
        yield call(x, False)
        yield call(x, 1, True, True)

    return samples


def sampled_functions(numbers: Numbers) -> Iterator[Call]:
    x, places = numbers.distinct(4, 3), np.array([0.0, 0.5, 2.0])
    yield call(x)
    yield call(x, edge_order=2)
    yield call(x, spacing=0.5, dim=1)
    yield call(x, spacing=[2.0, 0.1], dim=(1, -2))
    yield call(x, spacing=[places], dim=(1,), edge_order=2)
    yield call(x, spacing=[places], dim=(1,))
    yield call(numbers.distinct(2))


def differences(numbers: Numbers) -> Iterator[Call]:
    x = numbers.normal(3, 4)
    yield call(x)
    yield call(x, 2, 0)
    yield call(x, 5)
    yield call(x, prepend=numbers.normal(3, 1), append=numbers.normal(3, 2))
    yield call(numbers.normal(1))
    yield call(numbers.normal(0))
    yield call(numbers.booleans(4))


def integrals(numbers: Numbers) -> Iterator[Call]:
    y = numbers.normal(3, 4)
    yield call(y)
    yield call(y, dx=0.5, dim=0)
    yield call(y, numbers.normal(4))
    yield call(y, numbers.normal(3, 4))
    yield call(y, numbers.normal(3), dim=0)


def quantiles(numbers: Numbers) -> Iterator[Call]:
    x = numbers.distinct(3, 5)
    yield call(x, 0.3)
    yield call(x, 0.3, 1)
    yield call(x, 0.6, dim=0, keepdim=True)
    yield call(x, np.array([0.1, 0.3, 0.9]), 1)
    yield call(x, 0.4, keepdim=True)
    for interpolation in ("lower", "higher", "midpoint", "nearest"):
        yield call(x, 0.3, 1, interpolation=interpolation)
    yield call(numbers.distinct(), 0.5)


def covariances(numbers: Numbers) -> Iterator[Call]:
    x = numbers.normal(3, 5)
    yield call(x)
    yield call(x, correction=0)
    yield call(numbers.normal(4))
    yield call(x, fweights=np.array([1, 2, 1, 3, 1]))
    yield call(x, fweights=np.array([1, 2, 1, 3, 1]), aweights=np.array([0.1, 0.2, 0.3, 0.4, 1]))


def counted(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.integers(0, 6, 20))
    yield call(numbers.integers(0, 6, 20), minlength=9)
    yield call(numbers.integers(0, 6, 20), numbers.normal(20))
    yield call(np.zeros(0, np.int64))


def histograms(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(50), 5)
    yield call(numbers.normal(50), bins=4, min=-1, max=2)


def repeated(numbers: Numbers) -> Iterator[Call]:
    yield call(np.array([[1.0, 2.0, 2.0, 3.0, 1.0], [5.0, 4.0, 4.0, 4.0, 5.0]]))
    yield call(np.array([[1.0, 2.0, 2.0, 3.0, 1.0], [1.0, 4.0, 4.0, 4.0, 5.0]]), 0, True)
    yield call(np.array(3.0))


def pairs(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 3), numbers.normal(3))
    yield call(numbers.normal(2, 3), numbers.normal(2, 3), 1)


CASES = [
    Case("sum", reduced(), with_nan(1), integers=INTEGERS),
    Case("nansum", reduced(), with_nan(1), integers=INTEGERS),
    Case("mean", reduced(), with_nan(1)),
    Case("nanmean", reduced(), with_nan(1)),
    Case("prod", reduced(many=False), tied(1), integers=INTEGERS),
    Case("prod", with_zeros, label="zeros"),
    Case("all", reduced(), with_nan(1), integers=INTEGERS, gradient=False),
    Case("any", reduced(), with_nan(1), integers=INTEGERS, gradient=False),
    Case("count_nonzero", lambda n: [call(n.integers(0, 2, 3, 4)), call(n.normal(2, 0), 1)],
         gradient=False),
    Case("logsumexp", reduced(whole=False, empty=False), tied(1), integers=INTEGERS),
    Case("logsumexp", infinite, gradient=False, label="infinite"),
    Case("norm", norms, norms_at_zero),
    Case("dist", pairs),
    Case("amax", reduced(empty=False), tied(1), integers=INTEGERS),
    Case("amin", reduced(empty=False), tied(1), integers=INTEGERS),
    Case("aminmax", lambda n: [call(n.distinct(2, 3)), call(n.distinct(2, 3), dim=1, keepdim=True)],
         tied(dim=1)),
    Case("max", choices, tied(), integers=NUMBERS),
    Case("min", choices, tied(), integers=NUMBERS),
    Case("max", with_nan(1), gradient=False, label="nan"),
    Case("min", with_nan(), gradient=False, label="nan"),
    Case("argmax", extreme_positions, tied(1), integers=NUMBERS, gradient=False),
    Case("argmin", extreme_positions, tied(1), integers=NUMBERS, gradient=False),
    Case("argmax", with_nan(1), gradient=False, label="nan"),
    Case("cumsum", along(), with_nan(1), integers=INTEGERS),
    Case("cumprod", along(), tied(1), integers=INTEGERS),
    Case("cumprod", lambda n: list(with_zeros(n))[1:], label="zeros"),
    Case("logcumsumexp", along(), tied(1)),
    Case("cummax", along(), tied(1), integers=NUMBERS),
    Case("cummin", along(), tied(1), integers=NUMBERS),
    Case("cummax", with_nan(1), gradient=False, label="nan"),
    Case("diff", differences, integers=NUMBERS),
    Case("gradient", sampled_functions),
    Case("trapezoid", integrals),
    Case("trapz", lambda n: list(integrals(n))[:1]),
    Case("cumulative_trapezoid", integrals),
    Case("var", spread(), tied(1)),
    Case("std", spread(), tied(1)),
    Case("var_mean", spread()),
    Case("std_mean", spread()),
    Case("median", reduced(many=False, empty=False), integers=NUMBERS),
    Case("median", with_nan(1), gradient=False, label="nan"),
    Case("median", with_nan(), gradient=False, label="nan-all"),
    Case("nanmedian", reduced(many=False, empty=False), integers=NUMBERS),
    Case("nanmedian", with_nan(1), gradient=False, label="nan"),
    Case("mode", repeated, gradient=False),
    Case("quantile", quantiles),
    Case("quantile", with_nan(0.3, 1), gradient=False, label="nan"),
    Case("nanquantile", quantiles),
    Case("nanquantile", with_nan(0.3, 1), gradient=False, label="nan"),
    Case("cov", covariances),
    Case("corrcoef", lambda n: [call(n.normal(3, 5))]),
    Case("bincount", counted, gradient=False),
    Case("histc", histograms, gradient=False),
]  # fmt: skip
