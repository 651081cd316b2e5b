"""Loss functions."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .case import Call, Case, Numbers, Samples, call

REDUCTIONS = ("mean", "sum", "none")


def pairs(**options: Any) -> Samples:
    """Two tensors of one shape, no two elements equal, for every reduction."""

    def samples(numbers: Numbers) -> Iterator[Call]:
        for reduction in REDUCTIONS:
            for shape in ((3, 4), (), (1,), (2, 1, 3)):
                both = numbers.distinct(2, *shape) * 3
                yield call(both[0], both[1], reduction=reduction, **options)

    return samples


def classes(numbers: Numbers) -> Iterator[Call]:
    for reduction in REDUCTIONS:
        for options in ({}, {"ignore_index": 2}):
            yield call(
                numbers.normal(5, 4), np.array([0, 3, 2, 2, 1]), reduction=reduction, **options
            )
        labels = numbers.integers(0, 4, 2, 3, 2)
        yield call(numbers.normal(2, 4, 3, 2), labels, reduction=reduction)
        yield call(numbers.normal(4), np.array(1), reduction=reduction)
    yield call(numbers.normal(3, 4), np.array([-100, 1, -100]))
    yield call(numbers.normal(0, 4), np.zeros(0, np.int64), reduction="sum")


def smoothed(numbers: Numbers) -> Iterator[Call]:
    for reduction in REDUCTIONS:
        labels = np.array([0, -100, 2, 2, 1])
        yield call(numbers.normal(5, 4), labels, reduction=reduction, label_smoothing=0.2)


def probabilities(numbers: Numbers) -> Iterator[Call]:
    for reduction in REDUCTIONS:
        yield call(numbers.normal(3, 4), numbers.between(0, 1, 3, 4), reduction=reduction)
        yield call(numbers.normal(2, 4, 3), numbers.between(0, 1, 2, 4, 3), reduction=reduction)
        yield call(
            numbers.normal(3, 4),
            numbers.between(0, 1, 3, 4),
            reduction=reduction,
            label_smoothing=0.3,
        )


def extreme_logits(numbers: Numbers) -> Iterator[Call]:
    yield call(np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]]), np.array([1, 1]))
    yield call(np.array([[0.0, -np.inf, 1.0]]), np.array([2]))


def extreme_binary(numbers: Numbers) -> Iterator[Call]:
    yield call(np.array([1e4, -1e4, 0.0, 1e4]), np.array([0.0, 1.0, 1.0, 1.0]))


def events(numbers: Numbers) -> Iterator[Call]:
    for reduction in REDUCTIONS:
        x, t = numbers.between(0.05, 0.95, 3, 4), numbers.between(0.05, 0.95, 3, 4)
        yield call(x, t, reduction=reduction)


def event_logits(numbers: Numbers) -> Iterator[Call]:
    for reduction in REDUCTIONS:
        x, t = numbers.normal(3, 4), numbers.between(0, 1, 3, 4)
        yield call(x, t, reduction=reduction)


def divergence(numbers: Numbers) -> Iterator[Call]:
    for reduction in ("batchmean", "sum", "none"):
        x, t = numbers.normal(3, 4), numbers.between(0.1, 1, 3, 4)
        yield call(x, t, reduction=reduction)
        yield call(x, np.log(t), reduction=reduction, log_target=True)


def counts(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 4), numbers.between(1.5, 4, 3, 4), full=True)
    yield call(numbers.between(0.5, 2, 3), numbers.between(0.1, 4, 3), log_input=False)


def densities(numbers: Numbers) -> Iterator[Call]:
    x, t = numbers.normal(3, 4), numbers.normal(3, 4)
    yield call(x, t, numbers.between(0.5, 2, 3, 4))
    yield call(x, t, numbers.between(0.5, 2, 3), full=True, reduction="sum")
    yield call(x, t, numbers.between(0.5, 2, 3, 1), reduction="none")


def signs(numbers: Numbers, *shape: int) -> np.ndarray:
    return numbers.integers(0, 2, *shape) * 2 - 1


def angles(numbers: Numbers) -> Iterator[Call]:
    for margin in (0.0, 0.3):
        yield call(numbers.normal(5, 3), numbers.normal(5, 3), signs(numbers, 5), margin)
    yield call(numbers.normal(3), numbers.normal(3), np.array(1))


def ranks(numbers: Numbers) -> Iterator[Call]:
    for reduction in REDUCTIONS:
        both = numbers.distinct(2, 6)
        yield call(both[0], both[1], signs(numbers, 6), 0.52, reduction=reduction)


def hinges(numbers: Numbers) -> Iterator[Call]:
    for reduction in REDUCTIONS:
        yield call(numbers.distinct(3, 4), signs(numbers, 3, 4), 0.52, reduction=reduction)


def soft(numbers: Numbers) -> Iterator[Call]:
    for reduction in REDUCTIONS:
        yield call(numbers.normal(3, 4), signs(numbers, 3, 4), reduction=reduction)


def triplets(numbers: Numbers) -> Iterator[Call]:
    for options in ({}, {"p": 3.0}, {"swap": True}, {"margin": 0.3, "reduction": "none"}):
        yield call(*(numbers.normal(4, 3) for _ in range(3)), **options)


def multi_margin(numbers: Numbers) -> Iterator[Call]:
    for p in (1, 2):
        x, labels = numbers.distinct(3, 4), np.array([0, 3, 1])
        yield call(x, labels, p, 0.52)
        yield call(x, labels, p, 0.52, reduction="none")
    yield call(numbers.distinct(4), np.array(2), 1, 0.52)


def many_labels(numbers: Numbers) -> Iterator[Call]:
    for reduction in REDUCTIONS:
        yield call(numbers.normal(3, 4), numbers.integers(0, 2, 3, 4), reduction=reduction)


def vectors(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 4), numbers.normal(3, 4))
    yield call(numbers.normal(2, 3, 4), numbers.normal(2, 3, 4))


def norms(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.distinct(3, 4))
    yield call(numbers.distinct(3, 4), p=1.0, dim=0)
    yield call(numbers.distinct(2, 3, 4), p=3.0, dim=-1)


CASES = [
    Case("nn.functional.mse_loss", pairs()),
    Case("nn.functional.l1_loss", pairs()),
    Case("nn.functional.smooth_l1_loss", pairs()),
    Case("nn.functional.smooth_l1_loss", pairs(beta=0.33), label="beta"),
    Case("nn.functional.huber_loss", pairs()),
    Case("nn.functional.huber_loss", pairs(delta=0.33), label="delta"),
    Case("nn.functional.cross_entropy", classes, special=extreme_logits),
    Case("nn.functional.cross_entropy", smoothed, label="smoothed"),
    Case("nn.functional.cross_entropy", probabilities, label="probabilities"),
    Case("nn.functional.nll_loss", classes),
    Case("nn.functional.binary_cross_entropy", events),
    Case("nn.functional.binary_cross_entropy_with_logits", event_logits, special=extreme_binary),
    Case("nn.functional.kl_div", divergence),
    Case("nn.functional.poisson_nll_loss", counts),
    Case("nn.functional.gaussian_nll_loss", densities),
    Case("nn.functional.cosine_embedding_loss", angles),
    Case("nn.functional.margin_ranking_loss", ranks),
    Case("nn.functional.hinge_embedding_loss", hinges),
    Case("nn.functional.soft_margin_loss", soft),
    Case("nn.functional.triplet_margin_loss", triplets),
    Case("nn.functional.multi_margin_loss", multi_margin),
    Case("nn.functional.multilabel_soft_margin_loss", many_labels),
    Case("nn.functional.cosine_similarity", vectors),
    Case("nn.functional.pairwise_distance", vectors),
    Case("nn.functional.normalize", norms),
]
