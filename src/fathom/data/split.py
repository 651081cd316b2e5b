"""Splitting a data set at random."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DatasetError
from ..functional.random import Generator
from .dataset import Subset
from .randomness import permutation


def random_split(
    dataset: Any,
    lengths: Sequence[int | float],
    generator: Generator | None = None,
    *,
    stratified: Any = None,
) -> list[Subset]:
    """Split a data set into parts without common samples, at random.

    Args:
        dataset: the data set.
        lengths: the lengths of the parts, which sum to the data set's; or fractions that sum
            to 1, whose remainder goes to the parts in turn.
        generator: where to draw from; by default the default generator.
        stratified: a label for each sample; then each class is spread over the parts in
            proportion to their lengths, to within a sample.

    Raises:
        DatasetError: the lengths do not sum to the data set's, or there are fewer or more
            labels than samples.
    """
    counts = _counts(lengths, len(dataset))
    order = permutation(len(dataset), generator)
    if stratified is not None:
        labels = np.asarray(stratified)
        if labels.shape != (len(dataset),):
            raise DatasetError(
                f"stratified needs one label for each of the {len(dataset)} samples, "
                f"got shape {labels.shape}"
            )
        order = order[np.argsort(_ranks(labels[order]), kind="stable")]
    starts = np.cumsum([0, *counts])
    return [
        Subset(dataset, order[start : start + count])
        for start, count in zip(starts, counts, strict=False)
    ]


def _counts(lengths: Sequence[int | float], total: int) -> list[int]:
    if math.isclose(sum(lengths), 1) and total != 1:
        if any(not 0 <= fraction <= 1 for fraction in lengths):
            raise DatasetError(f"the fractions {list(lengths)} are not all from 0 to 1")
        counts = [math.floor(total * fraction) for fraction in lengths]
        for part in range(total - sum(counts)):
            counts[part % len(counts)] += 1
        return counts
    if sum(lengths) != total or any(length < 0 for length in lengths):
        raise DatasetError(
            f"the lengths {list(lengths)} do not sum to the {total} samples of the data set"
        )
    return [int(length) for length in lengths]


def _ranks(labels: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Where each sample stands among those of its class: evenly spread from 0 to 1.

    Sorted by it, any run of samples holds each class in its proportion.
    """
    ranks = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        ranks[members] = (np.arange(len(members)) + 0.5) / len(members)
    return ranks
