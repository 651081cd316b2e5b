"""Normalization, look-ups, attention and bilinear products."""

from collections.abc import Iterator

import numpy as np

from .case import Call, Case, Numbers, call


def batches(numbers: Numbers) -> Iterator[Call]:
    for shape in ((5, 3), (2, 3, 4), (2, 3, 2, 2)):
        x, factors = numbers.normal(*shape), (numbers.normal(3), numbers.normal(3))
        yield call(x, None, None, *factors, training=True)
        yield call(x, None, None, training=True, eps=0.1)


def instances(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 3, 4))
    yield call(numbers.normal(2, 3, 2, 3), weight=numbers.normal(3), bias=numbers.normal(3))


def layers(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 5), (5,))
    yield call(numbers.normal(2, 3, 4), (3, 4), numbers.normal(3, 4), numbers.normal(3, 4))
    yield call(numbers.normal(0, 4), (4,))


def roots(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 5), (5,), eps=1e-3)
    yield call(numbers.normal(2, 3, 4), (3, 4), numbers.normal(3, 4), 1e-3)


def groups(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 4, 3), 2)
    yield call(numbers.normal(2, 6), 3, numbers.normal(6), numbers.normal(6))
    yield call(numbers.normal(2, 4, 2, 2), 1)


def neighbours(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 4, 3), 3, alpha=0.5)
    yield call(numbers.normal(2, 3, 2, 2), 2, alpha=0.5, beta=0.5, k=2.0)


def tables(numbers: Numbers) -> Iterator[Call]:
    yield call(np.array([[1, 0], [3, 1]]), numbers.normal(4, 3))
    yield call(np.array(2), numbers.normal(4, 3))
    yield call(np.zeros((0,), np.int64), numbers.normal(4, 3))


def attention(numbers: Numbers) -> Iterator[Call]:
    query, key, value = (
        numbers.normal(2, 3, 4),
        numbers.normal(2, 5, 4),
        numbers.normal(2, 5, 2),
    )
    yield call(query, key, value)
    yield call(query, key, value, is_causal=True)
    yield call(query, key, value, scale=0.2)
    yield call(query, key, value, attn_mask=numbers.normal(3, 5))
    visible = numbers.booleans(3, 5)
    visible[0] = False
    yield call(query, key, value, attn_mask=visible)


def two_inputs(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 3), numbers.normal(2, 4), numbers.normal(5, 3, 4))
    yield call(
        numbers.normal(2, 2, 3), numbers.normal(2, 2, 4), numbers.normal(5, 3, 4), numbers.normal(5)
    )


CASES = [
    Case("nn.functional.batch_norm", batches),
    Case("nn.functional.instance_norm", instances),
    Case("nn.functional.layer_norm", layers),
    Case("nn.functional.rms_norm", roots),
    Case("nn.functional.group_norm", groups),
    Case("nn.functional.local_response_norm", neighbours),
    Case("nn.functional.embedding", tables),
    Case("nn.functional.scaled_dot_product_attention", attention),
    Case("nn.functional.bilinear", two_inputs),
]
