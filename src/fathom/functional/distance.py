"""Distances and angles between vectors."""

import math

import numpy as np

from ..errors import ShapeError
from ..ops import Absolute, Index, Largest, Maximum, Sqrt, Sum, Where
from ..tensor import Tensor, binary, cast
from .arguments import axes_from
from .movement import broadcast_tensors
from .reduction import count_nonzero_along, norm

__all__ = ["cdist", "cosine_similarity", "normalize", "pairwise_distance", "pdist"]


def vector_norm(input: Tensor, p: float, dim: int | tuple[int, ...], keepdim: bool) -> Tensor:
    """(sum |x|^p)^(1/p) along dimensions; its gradient at the zero vector is 0."""
    axes = axes_from(dim, input.ndim)
    if p == math.inf:
        return Largest(axes, keepdim)(Absolute()(input))
    if p == 1:
        return Sum(axes, keepdim)(Absolute()(input))
    if p == 0:
        return cast(count_nonzero_along(input, axes, keepdim), input.dtype)
    powers = input * input if p == 2 else Absolute()(input) ** p
    total = Sum(axes, keepdim)(powers)
    # The root's gradient at 0 is infinite.
    vanishes = total == 0
    safe = Where()(vanishes, 1.0, total)
    return Where()(vanishes, 0.0, Sqrt()(safe) if p == 2 else safe ** (1 / p))


def normalize(
    input: Tensor, p: float = 2.0, dim: int | tuple[int, ...] = 1, eps: float = 1e-12
) -> Tensor:
    """x / max(\\|\\|x\\|\\|, eps), with the p-norm along a dimension.

    Args:
        input: a tensor of any shape.
        p: the exponent of the norm.
        dim: the dimension or dimensions along which the norm becomes 1.
        eps: the least norm that is divided by.
    """
    return input / binary(Maximum(), vector_norm(input, p, dim, keepdim=True), eps)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 · x2 / (max(\\|\\|x1\\|\\|, eps) max(\\|\\|x2\\|\\|, eps)) along a dimension.

    Args:
        x1, x2: tensors whose shapes broadcast.
        dim: the dimension of the vectors.
        eps: the least norm that is divided by.
    """
    x1, x2 = broadcast_tensors(x1, x2)
    return (normalize(x1, 2.0, dim, eps) * normalize(x2, 2.0, dim, eps)).sum(dim)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dimension.

    Args:
        x1, x2: shapes (N, D), or others that broadcast.
        p: the exponent of the norm.
        eps: keeps the gradient of equal vectors finite.
        keepdim: whether the last dimension stays, with size 1.
    """
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """The p-norms of the differences of all pairs of vectors.

    Args:
        x1: shape (*, P, M).
        x2: shape (*, R, M); the leading sizes broadcast.
        p: the exponent of the norm; 0 counts the elements that differ.
        compute_mode: accepted for PyTorch's sake; differences are always taken one by one,
            which is the most exact.

    Returns:
        A tensor of shape (*, P, R). Equal vectors get no gradient.
    """
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(
            f"cdist: expected vectors of equal size in the last of two or more dimensions, "
            f"got shapes {x1.shape} and {x2.shape}"
        )
    return norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norms of the differences of all pairs of rows, the upper triangle of `cdist`.

    Args:
        input: shape (N, M).
        p: the exponent of the norm.

    Returns:
        A tensor of shape (N (N - 1) / 2,).
    """
    if input.ndim != 2:
        raise ShapeError(f"pdist takes a matrix, got shape {input.shape}")
    first, second = np.triu_indices(input.shape[0], 1)
    along = Index((0,))
    return norm(along(input, first) - along(input, second), p, -1)
