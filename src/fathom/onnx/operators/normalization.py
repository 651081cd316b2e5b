"""Normalizations."""

from collections.abc import Sequence
from typing import Any

from ...functional.elementwise import where
from ...functional.reduction import mean, sum
from ...nn import functional as F
from ...promotion import DType
from ...tensor import Tensor, cast
from ..errors import MalformedModel
from ..operator import operator
from ..reading import element_type


@operator("BatchNormalization", statistics=("input_mean", "input_var"))
def batch_normalization(
    X: Tensor,
    scale: Tensor,
    B: Tensor,
    input_mean: Tensor,
    input_var: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
    is_test: int = 1,
    spatial: int = 1,
    outputs: int,
) -> Any:
    """Each channel less its running mean, over its running deviation, scaled and moved.

    In training mode the batch's own mean and deviation are used, and the running ones moved.
    """
    if not spatial:
        raise MalformedModel("spatial=0, which later versions gave up, is not supported")
    behind = (-1,) + (1,) * (X.ndim - 2)
    if not training_mode:
        return F.batch_norm(X, input_mean, input_var, scale, B, False, 0.0, epsilon)
    axes = (0, *range(2, X.ndim))
    now = mean(X, axes)
    variance = mean((X - now.reshape(behind)) ** 2, axes)
    made = F.batch_norm(X, None, None, scale, B, True, 0.0, epsilon)
    if outputs < 2:
        return made
    moved = input_mean * momentum + now * (1 - momentum)
    return made, moved, input_var * momentum + variance * (1 - momentum)


@operator("InstanceNormalization")
def instance_normalization(
    input: Tensor, scale: Tensor, B: Tensor, *, epsilon: float = 1e-5
) -> Tensor:
    """Each channel of each sample less its mean, over its deviation, scaled and moved."""
    return F.instance_norm(input, None, None, scale, B, eps=epsilon)


@operator("LayerNormalization")
def layer_normalization(
    X: Tensor,
    Scale: Tensor,
    B: Tensor | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
    outputs: int,
) -> Any:
    """The last dimensions from `axis` on less their mean, over their deviation."""
    axes = tuple(range(axis % X.ndim, X.ndim))
    if outputs < 2 and Scale.shape == X.shape[axes[0] :] and (B is None or B.shape == Scale.shape):
        return F.layer_norm(X, Scale.shape, Scale, B, epsilon)
    wide = cast(X, _stash(stash_type, X))
    centre = mean(wide, axes, keepdim=True)
    inverse = (mean((wide - centre) ** 2, axes, keepdim=True) + epsilon).rsqrt()
    made = cast((wide - centre) * inverse, X.dtype) * Scale
    return (made if B is None else made + B), centre, inverse


@operator("RMSNormalization")
def rms_normalization(
    X: Tensor, scale: Tensor, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> Tensor:
    """The last dimensions from `axis` on over the root of the mean of their squares."""
    axes = tuple(range(axis % X.ndim, X.ndim))
    wide = cast(X, _stash(stash_type, X))
    return cast(wide * (mean(wide * wide, axes, keepdim=True) + epsilon).rsqrt(), X.dtype) * scale


def _stash(stash_type: int, X: Tensor) -> DType:
    """The dtype in which the statistics are computed."""
    return max(element_type(stash_type, "the statistic"), X.dtype, key=lambda d: d.itemsize)


@operator("GroupNormalization")
def group_normalization(
    X: Tensor,
    scale: Tensor,
    bias: Tensor,
    *,
    num_groups: int,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> Tensor:
    """Groups of channels less their mean, over their deviation, scaled and moved."""
    if scale.shape == (num_groups,) != (X.shape[1],):  # up to version 20, one for each group
        each = X.shape[1] // num_groups
        scale, bias = scale.repeat_interleave(each), bias.repeat_interleave(each)
    return F.group_norm(X, num_groups, scale, bias, epsilon)


@operator("MeanVarianceNormalization")
def mean_variance_normalization(X: Tensor, *, axes: Sequence[int] = (0, 2, 3)) -> Tensor:
    """The elements less their mean, over their deviation, along axes."""
    centred = X - mean(X, tuple(axes), keepdim=True)
    return centred / (mean(centred * centred, tuple(axes), keepdim=True).sqrt() + 1e-9)


@operator("LpNormalization")
def lp_normalization(input: Tensor, *, axis: int = -1, p: int = 2) -> Tensor:
    """The elements over their p-norm along an axis; 0 where that is 0."""
    if p == 1:
        norm = sum(input.abs(), axis, keepdim=True)
    else:
        norm = sum(input * input, axis, keepdim=True).sqrt()
    return input / where(norm == 0, norm + 1, norm)


@operator("LRN")
def local_response_normalization(
    X: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0
) -> Tensor:
    """Each element over a power of the squares of the channels around it."""
    squares = X * X
    channels = X.shape[1]
    before, after = (size - 1) // 2, size - 1 - (size - 1) // 2
    padded = F.pad(squares, [0, 0] * (X.ndim - 2) + [before, after])
    total = sum_of(padded, size, channels)
    return X / (total * (alpha / size) + bias) ** beta


def sum_of(padded: Tensor, size: int, channels: int) -> Tensor:
    """The sums of `size` neighbouring channels."""
    total = padded[:, :channels]
    for place in range(1, size):
        total = total + padded[:, place : place + channels]
    return total
