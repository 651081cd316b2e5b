"""Activation functions."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .case import Call, Case, Numbers, Samples, call

SHAPES = ((2, 3), (), (1,), (0, 2), (2, 1, 4))
SPECIAL = np.array([0.0, 1.0, -1.0, 0.5, -0.5, 3.0, -3.0, 6.0, 1e4, -1e4])


def elements(*arguments: Any, **options: Any) -> Samples:
    """Calls with one tensor of every kind of shape, its elements away from 0, 1, 3 and 6."""

    def samples(numbers: Numbers) -> Iterator[Call]:
        for shape in SHAPES:
            yield call(numbers.integers(-8, 8, *shape) + 0.3, *arguments, **options)

    return samples


def special(*arguments: Any, **options: Any) -> Samples:
    def samples(numbers: Numbers) -> Iterator[Call]:
        yield call(SPECIAL, *arguments, **options)

    return samples


def along(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 3), -1)
    yield call(numbers.normal(2, 3), 0)
    yield call(numbers.normal(2, 3, 4), dim=1)
    yield call(numbers.normal(3), 0)
    yield call(numbers.normal(1, 1), 1)
    yield call(numbers.normal(), 0)
    yield call(numbers.normal(0, 3), 1)
    yield call(numbers.normal(2, 0), 0)


def extreme_logits(numbers: Numbers) -> Iterator[Call]:
    yield call(np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]]), 1)
    yield call(np.array([[-math.inf, 0.0, 1.0]]), 1)
    yield call(np.array([[math.nan, 0.0, 1.0]]), 1)


def slopes(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.distinct(2, 3, 4), numbers.normal(3))
    yield call(numbers.distinct(2, 3), numbers.normal(1))
    yield call(numbers.distinct(3), numbers.normal(1))
    yield call(numbers.distinct(0, 2), numbers.normal(2))


def halves(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 4))
    yield call(numbers.normal(2, 3), 0)
    yield call(numbers.normal(0, 2))


def function(name: str, *arguments: Any, label: str = "", **options: Any) -> Case:
    return Case(
        f"nn.functional.{name}",
        elements(*arguments, **options),
        special=special(*arguments, **options),
        label=label,
    )


CASES = [
    function("relu"),
    function("relu6"),
    function("leaky_relu"),
    function("leaky_relu", 0.2, label="slope"),
    function("elu"),
    function("elu", 0.5, label="alpha"),
    function("celu", 0.5),
    function("selu"),
    function("silu"),
    function("mish"),
    function("softplus"),
    function("softplus", 2.0, 3.0, label="sharp"),
    function("softsign"),
    function("logsigmoid"),
    function("hardtanh"),
    function("hardtanh", -2.0, 0.5, label="bounds"),
    # PyTorch multiplies by 1/6 in float32 even for float64.
    Case("nn.functional.hardsigmoid", elements(), rtol=1e-7),
    function("hardswish"),
    function("hardshrink"),
    function("softshrink"),
    function("tanhshrink"),
    function("threshold", 0.1, 20.0),
    Case("nn.functional.gelu", elements(), special=special()),
    Case(
        "nn.functional.gelu",
        elements(approximate="tanh"),
        special=special(approximate="tanh"),
        label="tanh",
    ),
    Case("nn.functional.prelu", slopes),
    Case("nn.functional.glu", halves),
    Case("nn.functional.softmax", along, special=extreme_logits),
    Case("nn.functional.softmin", along),
    Case("nn.functional.log_softmax", along, special=extreme_logits),
    Case("softmax", along),
    Case("log_softmax", along),
]
