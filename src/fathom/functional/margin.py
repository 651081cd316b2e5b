"""Losses that want a margin between what belongs together and what does not."""

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops import Equal, Index, LogAddExp, Minimum, NotEqual, Relu, Reshape, Sqrt, Where
from ..promotion import int64
from ..tape import Node
from ..tensor import Tensor, cast, wrap
from .cross_entropy import require_labels
from .distance import pairwise_distance
from .loss import checked, reduce, require_same_shape

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
]


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """1 - cos(x1, x2) for targets of 1, max(0, cos(x1, x2) - margin) for targets of -1.

    Args:
        input1, input2: vectors, shape (N, D) or (D,).
        target: 1 or -1 for each pair, shape (N,) or ().
        margin: the cosine below which a pair that does not belong together costs nothing.
        reduction: "mean" over the pairs, "sum", or "none".

    Raises:
        ShapeError: the shapes do not fit.
    """
    require_same_shape("cosine_embedding_loss", input1, input2)
    if target.shape != input1.shape[:-1]:
        raise ShapeError(
            f"cosine_embedding_loss: for inputs of shape {input1.shape} the target needs shape "
            f"{input1.shape[:-1]}, got {target.shape}"
        )
    squares = (input1 * input1).sum(-1) + 1e-12, (input2 * input2).sum(-1) + 1e-12
    cosine = (input1 * input2).sum(-1) / Sqrt()(squares[0] * squares[1])
    apart = Where()(target == -1, Relu()(cosine - margin), 0.0)
    return reduce("cosine_embedding_loss", Where()(target == 1, 1 - cosine, 0.0) + apart, reduction)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """max(0, -t (x1 - x2) + margin): 1 as target wants x1 ranked higher, -1 wants x2.

    Args:
        input1, input2: scores of one shape.
        target: 1 or -1, of the same shape.
        margin: the difference from which on a pair costs nothing.
        reduction: "mean" over the pairs, "sum", or "none".

    Raises:
        ShapeError: the shapes differ.
    """
    require_same_shape("margin_ranking_loss", input1, input2)
    require_same_shape("margin_ranking_loss", input1, target)
    return reduce(
        "margin_ranking_loss", _above_zero(margin - target * (input1 - input2)), reduction
    )


@checked
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    """x for targets of 1, max(0, margin - x) for targets of -1.

    Args:
        input: distances of any shape.
        target: 1 or -1, of the same shape.
        margin: the distance from which on a pair that does not belong together costs nothing.
        reduction: "mean" over all elements, "sum", or "none".

    Raises:
        ShapeError: the shapes differ.
    """
    require_same_shape("hinge_embedding_loss", input, target)
    apart = Where()(target != 1, _above_zero(margin - input), 0.0)
    together = Where()(target != -1, input, 0.0)
    return reduce("hinge_embedding_loss", apart + together, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin).

    Args:
        anchor, positive, negative: vectors, shape (N, D) or (D,).
        margin: by how much further away the negative should be.
        p, eps: those of `pairwise_distance`.
        swap: whether the positive's distance to the negative counts if it is smaller than the
            anchor's (Balntas et al., "Learning shallow convolutional feature descriptors with
            triplet losses", 2016).
        reduction: "mean" over the triplets, "sum", or "none".

    Raises:
        ShapeError: the shapes differ.
    """
    require_same_shape("triplet_margin_loss", anchor, positive)
    require_same_shape("triplet_margin_loss", anchor, negative)
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = Minimum()(far, pairwise_distance(positive, negative, p, eps))
    return reduce("triplet_margin_loss", _above_zero(near - far + margin), reduction)


@checked
def soft_margin_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """log(1 + exp(-t x)).

    Args:
        input: scores of any shape.
        target: 1 or -1, of the same shape.
        reduction: "mean" over all elements, "sum", or "none".

    Raises:
        ShapeError: the shapes differ.
    """
    require_same_shape("soft_margin_loss", input, target)
    return reduce("soft_margin_loss", LogAddExp()(-target * input, 0.0), reduction)


@checked
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum over wrong classes c of max(0, margin - x[label] + x[c])^p, over the class count.

    Args:
        input: scores, shape (N, C) or (C,).
        target: labels, integers in [0, C), shape (N,) or ().
        p: 1 or 2.
        margin: by how much the label's score should be larger.
        weight: a factor for every class, of shape (C,).
        reduction: "mean" over the samples, "sum", or "none".

    Raises:
        ShapeError: the shapes do not fit.
        IndexOutOfRange: a label is outside the classes.
    """
    if p not in (1, 2):
        raise ArgumentError(f"multi_margin_loss: p is {p}, expected 1 or 2")
    if input.ndim not in (1, 2):
        raise ShapeError(
            f"multi_margin_loss expects an input of shape (N, C) or (C,), got {input.shape}"
        )
    require_labels("multi_margin_loss", input.shape, target, input.ndim - 1)
    classes = input.shape[-1]
    labels = cast(target, int64)
    column = Reshape((*target.shape, 1))(labels)
    numbers = wrap(Node(np.arange(classes)))
    own = Where()(Equal()(column, numbers), input, 0.0).sum(-1, True)
    distances = _above_zero(input - own + margin)
    if p == 2:
        distances = distances * distances
    if weight is not None:
        distances = distances * Index((0,))(weight, column)
    losses = Where()(NotEqual()(column, numbers), distances, 0.0).sum(-1) / classes
    return reduce("multi_margin_loss", losses, reduction)


@checked
def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """The mean over the classes of -(t log(sigmoid(x)) + (1 - t) log(1 - sigmoid(x))).

    Args:
        input: logits, shape (N, C) or (C,).
        target: 0 or 1 for every class, of the same shape.
        weight: a factor for every class, of shape (C,).
        reduction: "mean" over the samples, "sum", or "none".

    Raises:
        ShapeError: the shapes differ.
    """
    require_same_shape("multilabel_soft_margin_loss", input, target)
    losses = LogAddExp()(-input, 0.0) + (1 - target) * input
    if weight is not None:
        losses = losses * weight
    return reduce("multilabel_soft_margin_loss", losses.mean(-1), reduction)


def _above_zero(x: Tensor) -> Tensor:
    """max(x, 0) with the gradient 1 at 0, as PyTorch's clamp has it."""
    return Where()(x >= 0, x, x * 0)
