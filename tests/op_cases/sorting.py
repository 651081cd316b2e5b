"""Sorting, searching, distinct elements."""

import math
from collections.abc import Iterator

import numpy as np

from .case import Call, Case, Numbers, call

NUMBERS = ("int64", "int32", "int8", "uint8")


def sorted_along(numbers: Numbers) -> Iterator[Call]:
    x = numbers.distinct(3, 4, 2)
    yield call(x)
    yield call(x, 0)
    yield call(x, 1, True)
    yield call(x, dim=-2, descending=True)
    yield call(numbers.distinct())
    yield call(numbers.distinct(0))
    yield call(numbers.distinct(2, 0), 0)


def ties(numbers: Numbers) -> Iterator[Call]:
    x = np.array([[2.0, 1.0, 2.0, 1.0], [0.0, 0.0, 3.0, 3.0]])
    yield call(x, stable=True)
    yield call(x, stable=True, descending=True)


def missing(numbers: Numbers) -> Iterator[Call]:
    x = np.array([2.0, math.nan, -1.0, math.inf])
    yield call(x)
    yield call(x, descending=True)


def best(numbers: Numbers) -> Iterator[Call]:
    x = numbers.distinct(3, 5)
    yield call(x, 2)
    yield call(x, 3, 0)
    yield call(x, 2, 1, False)
    yield call(x, 0)
    yield call(numbers.distinct(), 1)


def ranked(numbers: Numbers) -> Iterator[Call]:
    x = numbers.distinct(3, 5)
    yield call(x, 2)
    yield call(x, 3, 0)
    yield call(x, 1, 1, True)
    yield call(numbers.distinct(), 1)


def searched(numbers: Numbers) -> Iterator[Call]:
    row = np.array([1.0, 3.0, 3.0, 5.0])
    rows = np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 4.0]])
    values = np.array([[0.0, 3.0], [4.0, 9.0]])
    yield call(row, values)
    yield call(row, values, right=True)
    yield call(row, values, side="right", out_int32=True)
    yield call(rows, values)
    yield call(row, 3.0)
    yield call(row, np.zeros((0, 2)))
    yield call(np.array([3, 5, 9]), np.array([4, 9]))


def buckets(numbers: Numbers) -> Iterator[Call]:
    boundaries = np.array([1.0, 3.0, 5.0])
    yield call(np.array([[0.0, 1.0], [4.0, 9.0]]), boundaries)
    yield call(np.array([[0.0, 1.0], [4.0, 9.0]]), boundaries, right=True)


def members(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.integers(0, 9, 3, 4), numbers.integers(0, 9, 4))
    yield call(numbers.integers(0, 9, 3), numbers.integers(0, 9, 2), invert=True)
    yield call(numbers.integers(0, 9, 3), 4)
    yield call(numbers.integers(0, 9, 3), np.zeros(0, np.int64))


def repeated(numbers: Numbers) -> Iterator[Call]:
    x = np.array([[2, 1, 2], [1, 1, 3], [2, 1, 2]])
    yield call(x)
    yield call(x, return_inverse=True, return_counts=True)
    yield call(x, return_counts=True)
    yield call(x, dim=0, return_inverse=True, return_counts=True)
    yield call(np.array([1.0, 1.0, 2.0, 2.0, 1.0]), return_inverse=True)
    yield call(np.zeros(0))


CASES = [
    Case("sort", sorted_along, integers=()),
    Case("sort", ties, gradient=False, integers=NUMBERS, label="stable"),
    Case("sort", missing, gradient=False, label="nan"),
    Case("argsort", sorted_along, gradient=False),
    Case("msort", lambda n: [call(n.distinct(3, 4)), call(n.distinct(3))]),
    Case("topk", best),
    Case("kthvalue", ranked),
    Case("searchsorted", searched, gradient=False),
    Case("bucketize", buckets, gradient=False),
    Case("isin", members, gradient=False),
    Case("unique", repeated, gradient=False),
    Case("unique_consecutive", repeated, gradient=False),
]
