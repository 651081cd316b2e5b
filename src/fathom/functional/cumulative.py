"""Running sums, products and extremes along a dimension, and differences of neighbours."""

from typing import Any

from ..errors import ShapeError
from ..ops import (
    Concatenate,
    CumulativeLargest,
    CumulativeSmallest,
    CumulativeSum,
    IsNan,
    LogAddExp,
    LogicalOr,
    LogicalXor,
    Multiply,
    Op,
    Reshape,
    Where,
)
from ..promotion import bool_, int64
from ..tensor import Number, Tensor, constant, promoted, tensor_method, with_in_place
from .arguments import axis_from, part_of, with_axis
from .elementwise import floating
from .extrema import ValuesAndIndices, elements_at, with_dimension
from .reduction import summable

__all__ = [
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "cumulative_trapezoid",
    "diff",
    "logcumsumexp",
    "trapezoid",
    "trapz",
]


@tensor_method
@with_in_place
@with_axis
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The sum of the elements up to and with each one, along a dimension.

    Args:
        dim: the dimension.
        dtype: the dtype in which to sum; int64 by default for integers and bools.
    """
    input = summable(input, dtype)
    axis = axis_from(dim, input.ndim)
    return CumulativeSum(axis)(input) if input.ndim else input.clone()


@tensor_method
@with_in_place
@with_axis
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The product of the elements up to and with each one, along a dimension.

    Args:
        dim: the dimension.
        dtype: the dtype in which to multiply; int64 by default for integers and bools.
    """
    return scan(Multiply(), summable(input, dtype), dim)


@tensor_method
@with_axis
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """log(cumsum(exp(x))) along a dimension, without overflow."""
    return scan(LogAddExp(), floating(input), dim)


def scan(op: Op, input: Tensor, dim: int) -> Tensor:
    """Combine the elements up to and with each one by an associative operation.

    Every element is combined with the one before it, then with what is two before, four
    before, and so on (Hillis and Steele, "Data parallel algorithms", CACM 1986), so that no
    division is needed for the gradient.
    """
    axis = axis_from(dim, input.ndim)
    if not input.ndim:
        return input.clone()
    size = input.shape[axis]
    step = 1
    while step < size:
        combined = op(part_of(input, axis, step, size), part_of(input, axis, 0, size - step))
        input = Concatenate(axis)(part_of(input, axis, 0, step), combined)
        step *= 2
    return input


def _cumulative_extremum(op: type[Op], input: Tensor, dim: int) -> ValuesAndIndices:
    axis = axis_from(dim, input.ndim)
    row = with_dimension(input)
    best = op(axis)(row.detach())  # type: ignore[call-arg]
    shape = [1] * row.ndim
    shape[axis] = row.shape[axis]
    positions = Reshape(tuple(shape))(constant(range(row.shape[axis]), int64))
    reached = LogicalOr()(row == best, IsNan()(row))
    indices = CumulativeLargest(axis)(Where()(reached, positions, 0))
    values = elements_at(row, indices, axis)
    if not input.ndim:
        values, indices = Reshape(())(values), Reshape(())(indices)
    return ValuesAndIndices(values, indices)


@tensor_method
@with_axis
def cummax(input: Tensor, dim: int) -> ValuesAndIndices:
    """The largest element up to and with each one, along a dimension, and its latest index."""
    return _cumulative_extremum(CumulativeLargest, input, dim)


@tensor_method
@with_axis
def cummin(input: Tensor, dim: int) -> ValuesAndIndices:
    """The smallest element up to and with each one, along a dimension, and its latest index."""
    return _cumulative_extremum(CumulativeSmallest, input, dim)


@tensor_method
@with_axis
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """The differences of neighbours along a dimension.

    Args:
        n: how many times differences are taken.
        dim: the dimension.
        prepend, append: tensors to put before and after `input` first.
    """
    axis = axis_from(dim, input.ndim)
    if not input.ndim:
        raise ShapeError("diff needs a tensor with one dimension at least")
    if n == 0:
        return input
    pieces = promoted(tuple(piece for piece in (prepend, input, append) if piece is not None))
    row = Concatenate(axis)(*pieces) if len(pieces) > 1 else pieces[0]
    for _ in range(n):
        size = row.shape[axis]
        later, earlier = part_of(row, axis, 1, size), part_of(row, axis, 0, max(size - 1, 0))
        row = LogicalXor()(later, earlier) if row.dtype == bool_ else later - earlier
    return row


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Number = 1, dim: int = -1) -> Tensor:
    """The integral of samples along a dimension by the trapezoidal rule.

    Args:
        y: the samples.
        x: where they were taken, broadcast against `y`; by default `dx` apart.
        dx: the distance of neighbours.
        dim: the dimension.
    """
    return _trapezoids(y, x, dx, dim).sum(dim)


trapz = trapezoid


def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: Number = 1, dim: int = -1
) -> Tensor:
    """The integrals up to each sample but the first, by the trapezoidal rule.

    Args:
        y: the samples.
        x: where they were taken, broadcast against `y`; by default `dx` apart.
        dx: the distance of neighbours.
        dim: the dimension.
    """
    return cumsum(_trapezoids(y, x, dx, dim), dim)


def _trapezoids(y: Tensor, x: Tensor | None, dx: Number, dim: int) -> Tensor:
    axis = axis_from(dim, y.ndim)
    size = y.shape[axis]
    middle = part_of(y, axis, 1, size) + part_of(y, axis, 0, max(size - 1, 0))
    if x is None:
        return middle * (dx / 2)
    if x.ndim == 1:
        width = [1] * y.ndim
        width[axis] = -1
        return middle * (diff(x) / 2).reshape(width)
    return middle * (diff(x, dim=dim) / 2)
