"""Losses."""

from typing import Any

from ...functional.elementwise import where
from ...functional.reduction import sum
from ...nn.functional import log_softmax
from ...ops import Pick
from ...tensor import Tensor
from ..operator import operator


@operator("NegativeLogLikelihoodLoss")
def negative_log_likelihood(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Less the logarithm of the probability of each target."""
    labels = target.long()
    kept = labels >= 0 if ignore_index is None else labels != ignore_index
    labels = where(kept, labels, labels * 0)
    weights = kept.to(input.dtype)
    if weight is not None:
        weights = weights * weight[labels]
    losses = -Pick(1)(input, labels) * weights
    if reduction == "none":
        return losses
    return sum(losses) / sum(weights) if reduction == "mean" else sum(losses)


@operator("SoftmaxCrossEntropyLoss")
def softmax_cross_entropy(
    scores: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
    outputs: int,
) -> Any:
    """`negative_log_likelihood` of the softmax of the scores."""
    logarithms = log_softmax(scores, 1)
    loss = negative_log_likelihood(
        logarithms, labels, weights, ignore_index=ignore_index, reduction=reduction
    )
    return (loss, logarithms) if outputs > 1 else loss
