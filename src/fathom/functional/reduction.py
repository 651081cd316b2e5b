"""Functions that combine the elements along dimensions: sums, products, means, norms."""

import math
from typing import Any

from ..errors import ArgumentError, DTypeError
from ..ops import (
    Concatenate,
    IsFinite,
    IsNan,
    Largest,
    Log,
    LogicalNot,
    Permute,
    Reshape,
    Shape,
    Smallest,
    Sqrt,
    Sum,
    Where,
)
from ..promotion import bool_, int64, supported, uint8
from ..tensor import Number, Tensor, cast, tensor_method
from .arguments import Dims, axes_from, part_of, with_axis
from .elementwise import floating
from .exponential import exp

__all__ = [
    "all",
    "any",
    "count_nonzero",
    "dist",
    "logsumexp",
    "mean",
    "nanmean",
    "nansum",
    "norm",
    "prod",
    "sum",
]


def summable(input: Tensor, dtype: Any) -> Tensor:
    """The tensor in the dtype in which it is summed: integers and bools add up to int64."""
    if dtype is not None:
        return cast(input, supported(dtype))
    return input if input.dtype.kind == "f" else cast(input, int64)


def count_along(shape: Shape, axes: tuple[int, ...]) -> int:
    """How many elements a reduction over `axes` combines into one."""
    return math.prod([shape[axis] for axis in axes])


@tensor_method
@with_axis
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum of the elements along dimensions; integers and bools add up to int64.

    Args:
        dim: the dimension or dimensions to sum over; all by default.
        keepdim: whether they stay, with size 1.
        dtype: the dtype in which to sum.
    """
    return Sum(axes_from(dim, input.ndim), keepdim)(summable(input, dtype))


@tensor_method
@with_axis
def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum of the elements along dimensions, in which NaN counts as 0."""
    input = summable(input, dtype)
    return Sum(axes_from(dim, input.ndim), keepdim)(Where()(IsNan()(input), 0, input))


@tensor_method
@with_axis
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of the elements along dimensions.

    Args:
        dim: the dimension or dimensions to average over; all by default.
        keepdim: whether they stay, with size 1.
        dtype: the dtype in which to average.

    Raises:
        DTypeError: the elements are integers and no floating `dtype` is given.
    """
    if dtype is not None:
        input = cast(input, supported(dtype))
    if input.dtype.kind != "f":
        raise DTypeError(
            f"the mean of {input.dtype} elements is no {input.dtype}; "
            f"convert them first: x.float().mean()"
        )
    axes = axes_from(dim, input.ndim)
    return Sum(axes, keepdim)(input) / count_along(input.shape, axes)


@tensor_method
@with_axis
def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of the elements along dimensions that are not NaN."""
    counted = cast(LogicalNot()(IsNan()(input)), int64)
    count = Sum(axes_from(dim, input.ndim), keepdim)(counted)
    return nansum(input, dim, keepdim, dtype=dtype) / count


@tensor_method
@with_axis
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The product of the elements, of all or along a dimension.

    Pairs are multiplied, then pairs of products, and so on, so that the gradient is exact
    where elements are 0.

    Args:
        dim: the dimension to multiply along.
        keepdim: whether it stays, with size 1.
        dtype: the dtype in which to multiply.
    """
    input = summable(input, dtype)
    axes = axes_from(dim, input.ndim)
    others = [axis for axis in range(input.ndim) if axis not in axes]
    rows = Permute((*axes, *others))(input)
    kept = tuple(input.shape[axis] for axis in others)
    rows = Reshape((count_along(input.shape, axes), *kept))(rows)
    if rows.shape[0] == 0:
        rows = rows.new_ones((1, *kept))
    while (count := rows.shape[0]) > 1:
        half = count // 2
        product = part_of(rows, 0, 0, half) * part_of(rows, 0, half, 2 * half)
        rest = part_of(rows, 0, 2 * half, count)
        rows = Concatenate(0)(product, rest) if count % 2 else product
    if keepdim:
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(input.shape))
    return Reshape(kept)(rows)


@tensor_method
@with_axis
def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether all elements along dimensions differ from 0; True where there are none."""
    return _as_truth(count_nonzero_along(input == 0, dim, keepdim) == 0, input)


@tensor_method
@with_axis
def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether an element along dimensions differs from 0; False where there are none."""
    return _as_truth(count_nonzero_along(input != 0, dim, keepdim) > 0, input)


def _as_truth(answer: Tensor, input: Tensor) -> Tensor:
    return cast(answer, uint8) if input.dtype == uint8 else answer


def count_nonzero_along(input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """How many elements along dimensions differ from 0."""
    truth = input if input.dtype == bool_ else input != 0
    return Sum(axes_from(dim, input.ndim), keepdim)(cast(truth, int64))


@tensor_method
@with_axis
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements differ from 0, of all or along dimensions."""
    return count_nonzero_along(input, dim, keepdim=False)


@tensor_method
@with_axis
def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """log(sum(exp(x))) along dimensions, computed from x - max(x), so that it stays finite."""
    input = floating(input)
    axes = axes_from(dim, input.ndim)
    if count_along(input.shape, axes) == 0:
        return Log()(Sum(axes, keepdim)(input))
    largest = Largest(axes, keepdims=True)(input.detach())
    largest = Where()(IsFinite()(largest), largest, 0.0)
    total = Sum(axes, keepdims=True)(exp(input - largest))
    # Where every x is -inf there is nothing to share the gradient.
    result = Where()(total == 0, -math.inf, Log()(Where()(total == 0, 1.0, total)) + largest)
    if keepdim:
        return result
    kept = [size for axis, size in enumerate(input.shape) if axis not in axes]
    return Reshape(tuple(kept))(result)


@tensor_method
@with_axis
def norm(
    input: Tensor,
    p: Number | str | None = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    dtype: Any = None,
) -> Tensor:
    """The vector norm (sum |x|^p)^(1/p) along dimensions; its gradient at 0 is 0.

    Args:
        p: the order: a number, ``inf``, ``-inf``, or ``"fro"``, which is 2. For the nuclear
            norm see `fathom.linalg.norm`.
        dim: the dimension or dimensions; all by default.
        keepdim: whether they stay, with size 1.
        dtype: the dtype in which to compute.
    """
    if dtype is not None:
        input = cast(input, supported(dtype))
    if input.dtype.kind != "f":
        raise DTypeError(f"norm: expected floats, got {input.dtype}; use x.float().norm()")
    if isinstance(p, str) and p != "fro":
        raise ArgumentError(f"norm: p is a number, inf, -inf or 'fro', not {p!r}")
    order = 2 if p is None or isinstance(p, str) else p
    axes = axes_from(dim, input.ndim)
    if order == 2:
        return root_or_zero(Sum(axes, keepdim)(input * input))
    if order == math.inf and count_along(input.shape, axes):
        return Largest(axes, keepdim)(input.abs())
    if order == -math.inf:
        return Smallest(axes, keepdim)(input.abs())
    if order == 0:
        return cast(count_nonzero_along(input, axes, keepdim), input.dtype)
    size = input.abs()
    if order == 1:
        return Sum(axes, keepdim)(size)
    vanishes = size == 0
    limit = 0.0 if order > 0 else math.inf
    powers = Where()(vanishes, limit, Where()(vanishes, 1.0, size).pow(order))
    total = Sum(axes, keepdim)(powers)
    return Where()(total == 0, 0.0, Where()(total == 0, 1.0, total).pow(1 / order))


def root_or_zero(input: Tensor) -> Tensor:
    """The square root, with gradient 0 rather than infinity at 0."""
    vanishes = input == 0
    return Where()(vanishes, 0.0, Sqrt()(Where()(vanishes, 1.0, input)))


@tensor_method
def dist(input: Tensor, other: Tensor, p: Number = 2) -> Tensor:
    """The norm of input - other."""
    return norm(input - other, p)
