"""Variance, order statistics, correlation and counts."""

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ops import (
    ArgLargest,
    ArgSort,
    Ceil,
    CumulativeLargest,
    Floor,
    IsNan,
    LogicalNot,
    Reshape,
    Round,
    Where,
)
from ..promotion import int64, is_floating
from ..tape import Node
from ..tensor import Number, Tensor, cast, constant, tensor_method, wrap
from .arguments import Dims, axes_from, axis_from, part_of, with_axis
from .cumulative import diff
from .elementwise import clamp, floating, lerp
from .extrema import ValuesAndIndices, elements_at, values_and_indices, with_dimension
from .reduction import count_along, count_nonzero_along, mean, root_or_zero, sum

__all__ = [
    "bincount",
    "corrcoef",
    "cov",
    "histc",
    "median",
    "mode",
    "nanmedian",
    "nanquantile",
    "quantile",
    "std",
    "std_mean",
    "var",
    "var_mean",
]


def _variance(
    input: Tensor, dim: Any, unbiased: bool | None, correction: Number | None, keepdim: bool
) -> tuple[Tensor, Tensor]:
    if input.dtype.kind != "f":
        raise DTypeError(f"the variance needs floats, got {input.dtype}; use x.float()")
    if isinstance(dim, bool):  # var(input, unbiased)
        dim, unbiased = None, dim
    if correction is None:
        correction = 0 if unbiased is False else 1
    axes = axes_from(dim, input.ndim)
    center = mean(input, axes, keepdim=True)
    degrees = max(0, count_along(input.shape, axes) - correction)
    distance = input - center
    variance = sum(distance * distance, axes, keepdim) / degrees
    return variance, center if keepdim else Reshape(variance.shape)(center)


@tensor_method
@with_axis
def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
) -> Tensor:
    """The variance along dimensions: sum (x - mean)^2 / (n - correction).

    Args:
        dim: the dimension or dimensions; all by default.
        unbiased: False means a correction of 0.
        keepdim: whether they stay, with size 1.
        correction: what is taken from the number of elements; 1 by default.
    """
    return _variance(input, dim, unbiased, correction, keepdim)[0]


@tensor_method
@with_axis
def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
) -> Tensor:
    """The standard deviation along dimensions, the square root of `var`.

    Args:
        dim: the dimension or dimensions; all by default.
        unbiased: False means a correction of 0.
        keepdim: whether they stay, with size 1.
        correction: what is taken from the number of elements; 1 by default.
    """
    return root_or_zero(_variance(input, dim, unbiased, correction, keepdim)[0])


@with_axis
def var_mean(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean along dimensions; see `var`."""
    return _variance(input, dim, unbiased, correction, keepdim)


@with_axis
def std_mean(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean along dimensions; see `std`."""
    variance, center = _variance(input, dim, unbiased, correction, keepdim)
    return root_or_zero(variance), center


def _middle(input: Tensor, dim: int | None, keepdim: bool, skip_nan: bool) -> Any:
    if dim is None:
        flat = Reshape((math.prod(input.shape),))(input)
        if not flat.shape[0]:
            return constant(math.nan, input.dtype)
        return _middle(flat, 0, False, skip_nan).values
    axis = axis_from(dim, input.ndim)
    row = with_dimension(input)
    missing = IsNan()(row)
    known = count_nonzero_along(LogicalNot()(missing), axis, keepdim=True)
    if skip_nan:
        rank = clamp((known - 1) // 2, 0)
    else:
        size = row.shape[axis]
        # NaN is sorted to the end: the first of them is the median.
        rank = Where()(known < size, known, (size - 1) // 2)
    indices = elements_at(ArgSort(axis)(row), rank, axis)
    return values_and_indices(input, indices, axis, keepdim)


@tensor_method
@with_axis
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median, the lower one of two; NaN where an element is NaN.

    Args:
        dim: the dimension; by default the median of all elements.
        keepdim: whether the dimension stays, with size 1.

    Returns:
        A tensor; with `dim` a named tuple (values, indices).
    """
    return _middle(input, dim, keepdim, skip_nan=False)


@tensor_method
@with_axis
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median of the elements that are not NaN, the lower one of two.

    Args:
        dim: the dimension; by default the median of all elements.
        keepdim: whether the dimension stays, with size 1.

    Returns:
        A tensor; with `dim` a named tuple (values, indices).
    """
    return _middle(input, dim, keepdim, skip_nan=True)


@tensor_method
@with_axis
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> ValuesAndIndices:
    """The most frequent element along a dimension, the smallest of several, and its last index.

    Args:
        dim: the dimension.
        keepdim: whether it stays, with size 1.
    """
    axis = axis_from(dim, input.ndim)
    row = with_dimension(input)
    size = row.shape[axis]
    order = ArgSort(axis)(row)
    ordered = elements_at(row.detach(), order, axis)
    shape = [1] * row.ndim
    shape[axis] = size
    places = Reshape(tuple(shape))(constant(range(size), int64))
    # Where a run of equal elements starts, the place; within the run, 0.
    starts = Where()(diff(ordered, dim=axis, prepend=part_of(ordered, axis, 0, 1)) != 0, places, 0)
    run = places - CumulativeLargest(axis)(starts)
    best = ArgLargest(axis, keepdims=True)(run)
    return values_and_indices(input, elements_at(order, best, axis), axis, keepdim)


_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _require_fractions(input: Tensor, q: Number | Tensor, interpolation: str) -> Tensor:
    """The fractions of a quantile as a tensor, after a look at all that can be wrong."""
    if interpolation not in _INTERPOLATIONS:
        raise ArgumentError(
            f"interpolation is one of {', '.join(_INTERPOLATIONS)}, not {interpolation!r}"
        )
    if not is_floating(input.dtype):
        raise DTypeError(f"quantile needs floats, got {input.dtype}; use x.float()")
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise ArgumentError(f"quantile: q is between 0 and 1, not {q}")
        return constant(q, input.dtype)
    if q.dtype != input.dtype:
        raise DTypeError(f"quantile: q has dtype {q.dtype}, the input {input.dtype}")
    if q.ndim > 1:
        raise ShapeError(f"quantile: q is a number or one-dimensional, not {q.shape}")
    return q


def _quantile(
    input: Tensor,
    q: Number | Tensor,
    dim: int | None,
    keepdim: bool,
    interpolation: str,
    skip_nan: bool,
) -> Tensor:
    fractions = _require_fractions(input, q, interpolation)
    kept = [1] * input.ndim
    if dim is None:
        row = Reshape((math.prod(input.shape),))(input)
        axis = 0
    else:
        axis = axis_from(dim, input.ndim)
        row = with_dimension(input)
        kept = [1 if place == axis else size for place, size in enumerate(input.shape)]
    if row.shape[axis] == 0:
        raise ShapeError(f"quantile: no elements along dimension {dim} of shape {input.shape}")
    others = [size for place, size in enumerate(row.shape) if place != axis]
    row = row.movedim(axis, -1)
    ordered = row.sort(-1).values
    known = count_nonzero_along(LogicalNot()(IsNan()(row)), -1, keepdim=True)
    last = row.shape[-1] - 1
    rank = cast(clamp(known - 1, 0), input.dtype) * fractions.reshape(-1)
    if not skip_nan:
        rank = Where()(known <= last, float(last), rank)
    if interpolation == "nearest":
        rank = Round()(rank)
    low, high = Floor()(rank), Ceil()(rank)
    if interpolation == "higher":
        low = high
    below = elements_at(ordered, cast(low, int64), row.ndim - 1)
    result = below
    if interpolation in ("linear", "midpoint"):
        above = elements_at(ordered, cast(high, int64), row.ndim - 1)
        result = lerp(below, above, rank - low if interpolation == "linear" else 0.5)
    if fractions.ndim == 0:
        return Reshape(tuple(kept) if keepdim else tuple(others))(result)
    result = result.movedim(-1, 0)
    size = fractions.shape[0]
    return Reshape((size, *kept) if keepdim else (size, *others))(result)


@tensor_method
@with_axis
def quantile(
    input: Tensor,
    q: Number | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The q-th quantiles along a dimension; NaN where an element is NaN.

    Args:
        q: a number between 0 and 1, or a one-dimensional tensor of them, which then makes
            the first dimension of the result.
        dim: the dimension; by default the tensor counts as flat.
        keepdim: whether it stays, with size 1.
        interpolation: what lies between two elements: ``"linear"``, ``"lower"``,
            ``"higher"``, ``"midpoint"`` or ``"nearest"``.
    """
    return _quantile(input, q, dim, keepdim, interpolation, skip_nan=False)


@tensor_method
@with_axis
def nanquantile(
    input: Tensor,
    q: Number | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The q-th quantiles along a dimension of the elements that are not NaN; see `quantile`."""
    return _quantile(input, q, dim, keepdim, interpolation, skip_nan=True)


@tensor_method
def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariances of variables.

    Args:
        input: shape (variables, observations), or (observations,).
        correction: what is taken from the number of observations.
        fweights: how often each observation is repeated, integers.
        aweights: how much each observation counts.
    """
    if input.ndim > 2:
        raise ShapeError(f"cov: expected two dimensions at most, got shape {input.shape}")
    rows = floating(input.reshape(1, -1) if input.ndim < 2 else input)
    weights: Any = None
    for given in (fweights, aweights):
        if given is not None:
            weights = given if weights is None else weights * given
    if weights is None:
        total: Any = rows.shape[1]
        center = mean(rows, 1, keepdim=True)
    else:
        total = weights.sum()
        center = sum(rows * weights, 1, keepdim=True) / total
    distance = rows - center
    weighted = distance if weights is None else distance * weights
    degrees = total - correction
    if aweights is not None and correction:
        degrees = total - correction * (weights * aweights).sum() / total
    degrees = degrees.clamp(min=0) if isinstance(degrees, Tensor) else max(degrees, 0)
    result = weighted.matmul(distance.mT) / degrees
    return result if rows.shape[0] != 1 else Reshape(())(result)


@tensor_method
def corrcoef(input: Tensor) -> Tensor:
    """The correlation coefficients of variables.

    Args:
        input: shape (variables, observations), or (observations,).
    """
    covariance = cov(input)
    if not covariance.ndim:
        return covariance / covariance
    deviation = covariance.diagonal().sqrt()
    return clamp(covariance / deviation.reshape(-1, 1) / deviation, -1, 1)


@tensor_method
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of the numbers 0, 1, 2, … occurs.

    Args:
        input: integers that are not negative, one-dimensional.
        weights: how much each of them counts, of the same shape.
        minlength: the least size of the result.
    """
    if input.ndim != 1 or input.dtype.kind not in "iu":
        raise ShapeError(
            f"bincount: expected one dimension of integers, got {input.dtype} "
            f"of shape {input.shape}"
        )
    values = np.asarray(input.detach())
    if values.size and values.min() < 0:
        raise ArgumentError("bincount: the numbers are not negative")
    if weights is None:
        return constant(np.bincount(values, minlength=minlength))
    amounts = np.asarray(weights.detach())
    counted = np.bincount(values, amounts, minlength)
    return constant(counted.astype(amounts.dtype if amounts.dtype.kind == "f" else np.float64))


@tensor_method
def histc(input: Tensor, bins: int = 100, min: Number = 0, max: Number = 0) -> Tensor:
    """How many elements lie in each of equal intervals; those outside are not counted.

    Args:
        bins: the number of intervals.
        min, max: the ends of the range; where they are equal, those of the elements.
    """
    values = np.asarray(input.detach())
    low, high = float(min), float(max)
    if low == high and values.size:
        low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ArgumentError(f"histc: the range from {low} to {high} is not finite")
    counted = np.histogram(values, bins, (low, high))[0]
    return wrap(Node(counted.astype(values.dtype)))
