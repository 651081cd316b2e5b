"""Diagonals and triangles of matrices."""

import math
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ops import AssignIndex, Diagonal, Index, PlaceDiagonal, Reshape, Where
from ..promotion import int64, supported
from ..tensor import Number, Tensor, constant, tensor_method, with_in_place
from .arguments import axis_from
from .movement import movedim, ravel

__all__ = [
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "trace",
    "tril",
    "tril_indices",
    "triu",
    "triu_indices",
]


@tensor_method
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonals of the matrices in two dimensions, as a new last dimension.

    Args:
        offset: 0 for the main diagonal, positive above, negative below it.
        dim1, dim2: the dimensions of the matrices' rows and columns.
    """
    first, second = _two_axes("diagonal", dim1, dim2, input.ndim)
    return Diagonal(offset)(movedim(input, (first, second), (-2, -1)))


def _two_axes(name: str, dim1: int, dim2: int, rank: int) -> tuple[int, int]:
    if rank < 2:
        raise ShapeError(f"{name} needs two dimensions at least, got {rank}")
    first, second = axis_from(dim1, rank), axis_from(dim2, rank)
    if first == second:
        raise ShapeError(f"{name} needs two different dimensions, got {dim1} and {dim2}")
    return first, second


@tensor_method
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices of zeros whose diagonals are the vectors in the last dimension.

    Args:
        offset: 0 for the main diagonal, positive above, negative below it.
        dim1, dim2: where the matrices' rows and columns lie in the result.
    """
    first, second = _two_axes("diag_embed", dim1, dim2, input.ndim + 1)
    if input.ndim == 0:
        raise ShapeError("diag_embed needs one dimension at least")
    matrices = PlaceDiagonal(offset, *_embedded_sizes(input.shape[-1], offset))(input)
    return movedim(matrices, (-2, -1), (first, second)).clone()


def _embedded_sizes(length: int, offset: int) -> tuple[int, int]:
    return length + abs(offset), length + abs(offset)


@tensor_method
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, or the matrix with the given vector as diagonal."""
    if input.ndim == 1:
        return PlaceDiagonal(diagonal, *_embedded_sizes(input.shape[0], diagonal))(input)
    if input.ndim != 2:
        raise ShapeError(f"diag takes a vector or a matrix, got shape {input.shape}")
    return Diagonal(diagonal)(input).clone()


@tensor_method
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements of a tensor as diagonal."""
    return diag(ravel(input), offset)


@tensor_method
def fill_diagonal_(self: Tensor, fill_value: Number, wrap: bool = False) -> Tensor:
    """Rebind the tensor to itself with one value on its main diagonal.

    Args:
        fill_value: the value.
        wrap: whether the diagonal of a matrix with more rows than columns begins anew, a row
            further down.

    Raises:
        ShapeError: the tensor has fewer than two dimensions, or three or more that are not
            equally large.
    """
    shape = self.shape
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise ShapeError(
            f"fill_diagonal_ takes a matrix, or a tensor of equal sizes, got shape {shape}"
        )
    step = sum(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    count = math.prod(shape) if wrap and len(shape) == 2 else step * min(shape)
    positions = np.arange(0, min(count, math.prod(shape)), step)
    value = np.asarray(fill_value, self.dtype)
    filled = AssignIndex(Index((0,)))(ravel(self), value, positions)
    return self.rebind(Reshape(shape)(filled))


@tensor_method
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal."""
    if input.ndim != 2:
        raise ShapeError(f"trace takes a matrix, got shape {input.shape}")
    return Diagonal(0)(input).sum()


@tensor_method
@with_in_place
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangles of matrices, zeros above.

    Args:
        diagonal: the highest diagonal that is kept; 0 is the main one, 1 the one above it.
    """
    return _triangle("tril", input, diagonal, keep_lower=True)


@tensor_method
@with_in_place
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangles of matrices, zeros below.

    Args:
        diagonal: the lowest diagonal that is kept; 0 is the main one, 1 the one above it.
    """
    return _triangle("triu", input, diagonal - 1, keep_lower=False)


def _triangle(name: str, input: Tensor, diagonal: int, keep_lower: bool) -> Tensor:
    if input.ndim < 2:
        raise ShapeError(f"{name} needs two dimensions at least, got shape {input.shape}")
    rows, columns = input.shape[-2:]
    lower = np.tri(rows, columns, diagonal, dtype=bool)
    zero = np.zeros((), input.dtype)
    return Where()(lower if keep_lower else ~lower, input, zero)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = int64, device: Any = None
) -> Tensor:
    """The rows and columns of the elements in the lower triangle, shape (2, count)."""
    return constant(np.array(np.tril_indices(row, offset, col)), supported(dtype))


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = int64, device: Any = None
) -> Tensor:
    """The rows and columns of the elements in the upper triangle, shape (2, count)."""
    return constant(np.array(np.triu_indices(row, offset, col)), supported(dtype))
