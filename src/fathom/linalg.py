"""Linear algebra under the names of ``torch.linalg``."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import ArgumentError, LinAlgError, ShapeError
from .functional import matrix, reduction
from .functional.arguments import axis_from
from .functional.diagonal import diagonal as _diagonal
from .functional.linear_algebra import (
    cholesky,
    det,
    eigh,
    inv,
    lstsq,
    matrix_exp,
    matrix_power,
    multi_dot,
    pinv,
    relative_tolerance,
    slogdet,
    solve,
    solve_triangular,
    svdvals,
)
from .functional.linear_algebra import qr_decomposition as qr
from .functional.linear_algebra import singular_value_decomposition as svd
from .functional.matrix import matmul
from .functional.movement import movedim, reshape
from .promotion import int64, is_floating, supported
from .tensor import Number, Tensor, cast

__all__ = [
    "LinAlgError",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]

Order = Number | str | None
Dims = int | Sequence[int] | None


def vector_norm(
    x: Tensor, ord: Number = 2, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """(sum |x|^ord)^(1/ord) along dimensions; its gradient at 0 is 0.

    Args:
        ord: a number, ``inf`` or ``-inf``; 0 counts the elements that are not 0.
        dim: the dimensions; by default all.
        keepdim: whether they stay, with size 1.
        dtype: the dtype in which to compute.
    """
    return reduction.norm(x, float(ord), dim, keepdim, dtype)


def matrix_norm(
    A: Tensor,  # noqa: N803 - PyTorch's name
    ord: Number | str = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """The norms of matrices.

    Args:
        ord: ``"fro"``, the root of the sum of squares; ``"nuc"``, the sum of the singular
            values; 2 and -2, the largest and smallest of these; 1 and -1, the largest and
            smallest sum of a column's absolute values; ``inf`` and ``-inf``, those of a row.
        dim: the dimensions of the matrices.
        keepdim: whether they stay, with size 1.
        dtype: the dtype in which to compute.
    """
    if A.ndim < 2 or len(dim) != 2:
        raise ShapeError(f"matrix_norm: dimensions {tuple(dim)} of a tensor of shape {A.shape}")
    rows, columns = (axis_from(one, A.ndim) for one in dim)
    if rows == columns:
        raise ShapeError(f"matrix_norm: dim={tuple(dim)} names one dimension twice")
    x = A if dtype is None else cast(A, supported(dtype))
    if ord == "fro":
        return reduction.norm(x, 2, (rows, columns), keepdim)
    if ord not in ("nuc", 1, -1, 2, -2, math.inf, -math.inf):
        raise ArgumentError(f"matrix_norm: ord is 'fro', 'nuc', ±1, ±2 or ±inf, got {ord!r}")
    moved = movedim(x, (rows, columns), (-2, -1))
    if ord in ("nuc", 2, -2):
        values = svdvals(moved)
        result = values.sum(-1) if ord == "nuc" else _extreme(values, ord)
    else:
        sums = moved.abs().sum(-2 if ord in (1, -1) else -1)
        result = _extreme(sums, ord)
    if not keepdim:
        return result
    return reshape(result, [1 if axis in (rows, columns) else size
                            for axis, size in enumerate(A.shape)]).clone()  # fmt: skip


def _extreme(values: Tensor, ord: Any) -> Tensor:
    return values.amax(-1) if ord > 0 else values.amin(-1)


def norm(
    A: Tensor,  # noqa: N803
    ord: Order = None,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """The norm of vectors or of matrices.

    Args:
        ord: as in `vector_norm` for one dimension and in `matrix_norm` for two; by default
            the root of the sum of squares over all the dimensions.
        dim: one dimension for vectors, two for matrices; by default the whole tensor.
        keepdim: whether they stay, with size 1.
        dtype: the dtype in which to compute.
    """
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    dims = tuple(range(A.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if len(dims) == 2:
        return matrix_norm(A, ord, dims, keepdim, dtype=dtype)
    if len(dims) != 1 or isinstance(ord, str):
        needed = "two dimensions" if isinstance(ord, str) else "one or two dimensions"
        raise ShapeError(
            f"linalg.norm: ord={ord!r} needs {needed}, got shape {A.shape} and dim={dim}"
        )
    return vector_norm(A, ord, dims, keepdim, dtype=dtype)


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:  # noqa: N803
    """The eigenvalues of symmetric matrices, in rising order."""
    return eigh(A, UPLO).eigenvalues


def matrix_rank(
    A: Tensor,  # noqa: N803
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
) -> Tensor:
    """The ranks of matrices: how many singular values are larger than a tolerance.

    Args:
        tol: the tolerance; by its newer name `atol`.
        hermitian: whether the matrices are symmetric.
        rtol: the tolerance as a part of the largest singular value; by default max(m, n)
            times the dtype's precision.
    """
    absolute = atol if tol is None else tol
    relative = relative_tolerance(A, absolute, rtol)
    values = eigvalsh(A.detach()).abs() if hermitian else svdvals(A.detach())
    if 0 in A.shape[-2:]:
        return values.sum(-1).long()
    bound = values.amax(-1, keepdim=True) * relative
    if absolute is not None:
        bound = bound.clamp(min=float(absolute))
    return (values > bound).sum(-1)


def cond(A: Tensor, p: Order = None) -> Tensor:  # noqa: N803
    """The condition numbers of matrices: the norm times that of the inverse.

    Args:
        p: the norm, as in `matrix_norm`; by default 2.
    """
    if p is None or p in (2, -2):
        values = svdvals(A)
        largest, smallest = values[..., 0], values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The cross products of vectors in space, in a dimension of size 3."""
    return matrix.cross(input, other, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:  # noqa: N803
    """The diagonals of matrices, by default those in the last two dimensions."""
    return _diagonal(A, offset, dim1, dim2)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The sums of the products of vectors' elements along a dimension; others broadcast."""
    return (x * y).sum(dim)


def vander(x: Tensor, *, N: int | None = None) -> Tensor:  # noqa: N803
    """The matrices of the powers of vectors, from the zeroth on.

    Args:
        x: shape (*, n).
        N: the number of powers; by default n.
    """
    x = x if is_floating(x.dtype) else cast(x, int64)
    exponents = np.arange(x.shape[-1] if N is None else N)
    return x.unsqueeze(-1) ** exponents.astype(x.dtype)


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:  # noqa: N803
    """The inverse of a tensor as a map between tensors; see `tensorsolve`.

    Args:
        ind: how many of the first dimensions are the map's results.
    """
    first, rest = A.shape[:ind], A.shape[ind:]
    size = math.prod(first)
    if ind <= 0 or size != math.prod(rest):
        raise ShapeError(
            f"tensorinv: the first {ind} dimensions of shape {A.shape} and the others must hold "
            f"equally many elements"
        )
    return reshape(inv(reshape(A, size, size)), *rest, *first).clone()


def tensorsolve(A: Tensor, B: Tensor, dims: Sequence[int] | None = None) -> Tensor:  # noqa: N803
    """The X for which the sum of A's last dimensions with X gives B.

    Args:
        dims: dimensions of A that are moved to the end first.
    """
    if dims is not None:
        A = movedim(A, tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))  # noqa: N806
    unknowns = A.shape[B.ndim :]
    size = math.prod(B.shape)
    if math.prod(unknowns) != size:
        raise ShapeError(
            f"tensorsolve: {size} equations (shape {B.shape}) for {math.prod(unknowns)} unknowns "
            f"(shape {unknowns})"
        )
    return reshape(solve(reshape(A, size, size), reshape(B, size)), unknowns).clone()
