"""Running sums, products and extremes along a dimension, and differences of neighbours."""

from typing import Any

from ..errors import ArgumentError, ShapeError
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
from .arguments import Dims, axis_from, part_of, with_axis
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
    "gradient",
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


def gradient(
    input: Tensor, *, spacing: Any = 1, dim: Dims = None, edge_order: int = 1
) -> list[Tensor]:
    """The derivatives of sampled functions, by differences of second order.

    Within, the slope at the sample of the parabola through it and its neighbours.

    Args:
        spacing: how far apart samples are: one number, or for each dimension a number or the
            samples' places, a one-dimensional tensor.
        dim: the dimensions to derive along; all by default.
        edge_order: 1 for the difference of two samples at the ends, 2 for the slope of the
            parabola through three.

    Returns:
        For each of the dimensions the derivatives, of the input's shape.

    Raises:
        ShapeError: there are too few samples along a dimension.
    """
    dims = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    spacing = 1 if spacing is None else spacing
    spacings = tuple(spacing) if isinstance(spacing, list | tuple) else (spacing,) * len(dims)
    if len(spacings) != len(dims) or edge_order not in (1, 2):
        raise ArgumentError(
            f"gradient: expected a spacing for each of {len(dims)} dimensions and edge_order 1 or "
            f"2, got {len(spacings)} and {edge_order}"
        )
    pairs = zip(dims, spacings, strict=True)
    return [_slopes(input, axis_from(one, input.ndim), each, edge_order) for one, each in pairs]


def _slopes(input: Tensor, axis: int, spacing: Any, edge_order: int) -> Tensor:
    size = input.shape[axis]
    if size <= edge_order:
        raise ShapeError(
            f"gradient: edge_order={edge_order} needs {edge_order + 1} samples, dimension {axis} "
            f"of shape {input.shape} has {size}"
        )
    steps: Any = spacing
    if isinstance(spacing, Tensor) and spacing.ndim:
        along = [1] * input.ndim
        along[axis] = size - 1
        steps = diff(spacing).reshape(along)
    slopes = diff(floating(input), dim=axis) / steps

    def left(values: Any, count: int) -> Any:
        return part_of(values, axis, 0, count) if isinstance(values, Tensor) else values

    def right(values: Any, count: int) -> Any:
        end = values.shape[axis] if isinstance(values, Tensor) else 0
        return part_of(values, axis, end - count, end) if isinstance(values, Tensor) else values

    first, last = left(slopes, 1), right(slopes, 1)
    if size == 2:
        return Concatenate(axis)(first, last)
    # The farther a neighbour, the less its slope counts.
    before, after = left(steps, size - 2), right(steps, size - 2)
    within = (left(slopes, size - 2) * after + right(slopes, size - 2) * before) / (before + after)
    if edge_order == 2:
        bends = (right(slopes, size - 2) - left(slopes, size - 2)) / (before + after)
        first = first - left(bends, 1) * left(steps, 1)
        last = last + right(bends, 1) * right(steps, 1)
    return Concatenate(axis)(first, within, last)


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
