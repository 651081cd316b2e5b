"""Inverses, determinants and factorizations of matrices."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ops import (
    Cholesky,
    Clone,
    Determinant,
    Eigh,
    Inverse,
    MatrixExponential,
    PseudoInverse,
    QRDecomposition,
    SignAndLogDeterminant,
    SingularValueDecomposition,
    Solve,
    Where,
)
from ..promotion import int64, is_floating
from ..tensor import Tensor, constant, promoted, tensor_method
from .diagonal import tril, triu
from .elementwise import clone
from .matrix import matmul
from .movement import broadcast_to, reshape, transpose, unsqueeze

__all__ = [
    "chain_matmul",
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "det",
    "inverse",
    "logdet",
    "matrix_exp",
    "matrix_power",
    "pinverse",
    "qr",
    "slogdet",
    "svd",
]


class SignAndLogAbsDet(NamedTuple):
    """A determinant in two parts: det = sign * exp(logabsdet)."""

    sign: Tensor
    logabsdet: Tensor


class QR(NamedTuple):
    """A = Q R, with orthonormal columns in Q and R upper triangular."""

    Q: Tensor
    R: Tensor


class EigenvaluesAndVectors(NamedTuple):
    """Eigenvalues in rising order, and the eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SVD(NamedTuple):
    """A = U diag(S) Vh, with the singular values S in falling order."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class SVDWithV(NamedTuple):
    """A = U diag(S) V^T, with the singular values S in falling order."""

    U: Tensor
    S: Tensor
    V: Tensor


class LeastSquares(NamedTuple):
    """A solution of least squares and what is known of it."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def require_matrices(name: str, input: Tensor, square: bool = False) -> None:
    """Raise unless the tensor holds floating matrices, square ones where asked for."""
    if input.ndim < 2:
        raise ShapeError(f"{name} needs two dimensions at least, got shape {input.shape}")
    if square and input.shape[-1] != input.shape[-2]:
        raise ShapeError(f"{name} takes square matrices, got shape {input.shape}")
    if not is_floating(input.dtype):
        raise DTypeError(f"{name} computes with floats, got {input.dtype}; use x.float()")


@tensor_method
def det(input: Tensor) -> Tensor:
    """The determinants of square matrices."""
    require_matrices("det", input, square=True)
    return Determinant()(input)


@tensor_method
def slogdet(input: Tensor) -> SignAndLogAbsDet:
    """The signs of determinants, and the logarithms of their sizes."""
    require_matrices("slogdet", input, square=True)
    packed = SignAndLogDeterminant()(input)
    return SignAndLogAbsDet(clone(packed[..., 0]), clone(packed[..., 1]))


@tensor_method
def logdet(input: Tensor) -> Tensor:
    """The logarithms of determinants; NaN for negative ones."""
    sign, logabsdet = slogdet(input)
    return Where()(sign < 0, np.full((), np.nan, input.dtype), logabsdet)


@tensor_method
def inverse(input: Tensor) -> Tensor:
    """The inverses of square matrices.

    Raises:
        LinAlgError: a matrix is singular.
    """
    require_matrices("inverse", input, square=True)
    return Inverse()(input)


def inv(A: Tensor) -> Tensor:  # noqa: N803 - PyTorch's name
    """The inverses of square matrices.

    Raises:
        LinAlgError: a matrix is singular.
    """
    return inverse(A)


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:  # noqa: N803
    """The X with A X = B, or with X A = B where `left` is False.

    Args:
        A: square matrices, shape (*, n, n).
        B: matrices of shape (*, n, k), or vectors of shape (*, n).

    Raises:
        LinAlgError: a matrix is singular.
    """
    require_matrices("solve", A, square=True)
    A, B = promoted((A, B))  # noqa: N806
    is_vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    if is_vector:
        equations = A if left else transpose(A, -2, -1)
        return Clone()(Solve()(equations, unsqueeze(B, -1))[..., 0])
    if left:
        return Solve()(A, B)
    return Clone()(transpose(Solve(transpose=True)(A, transpose(B, -2, -1)), -2, -1))


def solve_triangular(
    A: Tensor,  # noqa: N803
    B: Tensor,  # noqa: N803
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
) -> Tensor:
    """The X with A X = B, or X A = B, for triangular A.

    Args:
        A: shape (*, n, n); the other triangle is not read.
        B: shape (*, n, k).
        upper: whether the upper triangle is meant.
        left: whether A stands on the left of X.
        unitriangular: whether the diagonal counts as ones, and is not read.
    """
    require_matrices("solve_triangular", A, square=True)
    offset = int(unitriangular)
    matrix = triu(A, offset) if upper else tril(A, -offset)
    if unitriangular:
        matrix = matrix + np.eye(A.shape[-1], dtype=A.dtype)
    if left:
        return Solve()(matrix, B)
    return Clone()(transpose(Solve(transpose=True)(matrix, transpose(B, -2, -1)), -2, -1))


@tensor_method
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The triangular L with L L^T = A for positive definite A; L^T where `upper`.

    Raises:
        LinAlgError: a matrix is not positive definite.
    """
    require_matrices("cholesky", input, square=True)
    if not upper:
        return Cholesky()(input)
    return Clone()(transpose(Cholesky()(transpose(input, -2, -1)), -2, -1))


@tensor_method
def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:  # noqa: N803
    """The X with A X = B, where L is A's Cholesky factor and `input` is B."""
    half = Solve(transpose=upper)(_triangle(L, upper), input)
    return Solve(transpose=not upper)(_triangle(L, upper), half)


@tensor_method
def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of A, where `input` is A's Cholesky factor."""
    identity = constant(np.eye(input.shape[-1], dtype=input.dtype))
    return cholesky_solve(identity, input, upper)


def _triangle(factor: Tensor, upper: bool) -> Tensor:
    return triu(factor) if upper else tril(factor)


def qr_decomposition(A: Tensor, mode: str = "reduced") -> QR:  # noqa: N803
    """A = Q R, with orthonormal columns in Q and R upper triangular.

    Args:
        A: shape (*, m, n).
        mode: ``"reduced"``: Q has min(m, n) columns; ``"complete"``: it is square; ``"r"``:
            only R is computed, and Q is empty.
    """
    require_matrices("qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise ArgumentError(f"qr: mode is 'reduced', 'complete' or 'r', got {mode!r}")
    rows, columns = A.shape[-2:]
    width = rows if mode == "complete" else min(rows, columns)
    packed = QRDecomposition(mode == "complete")(A)
    upper = clone(packed[..., :width, width:])
    if mode == "r":
        return QR(constant(np.zeros(0, A.dtype)), upper)
    return QR(clone(packed[..., :width]), upper)


@tensor_method
def qr(input: Tensor, some: bool = True) -> QR:
    """A = Q R: `fathom.linalg.qr` by its former name."""
    return qr_decomposition(input, "reduced" if some else "complete")


def eigh(A: Tensor, UPLO: str = "L") -> EigenvaluesAndVectors:  # noqa: N803
    """The eigenvalues and eigenvectors of symmetric matrices.

    Gradients through the eigenvectors exist where no two eigenvalues are equal.

    Args:
        A: shape (*, n, n).
        UPLO: which triangle is read, ``"L"`` or ``"U"``.
    """
    require_matrices("eigh", A, square=True)
    if UPLO.upper() not in ("L", "U"):
        raise ArgumentError(f"eigh: UPLO is 'L' or 'U', got {UPLO!r}")
    packed = Eigh()(A if UPLO.upper() == "L" else transpose(A, -2, -1))
    return EigenvaluesAndVectors(clone(packed[..., -1, :]), clone(packed[..., :-1, :]))


def singular_value_decomposition(A: Tensor, full_matrices: bool = True) -> SVD:  # noqa: N803
    """A = U diag(S) Vh, with the singular values S in falling order.

    Gradients through U and Vh exist where no two singular values are equal.

    Args:
        A: shape (*, m, n).
        full_matrices: whether U and Vh are square rather than min(m, n) wide.
    """
    require_matrices("svd", A)
    rows, columns = A.shape[-2:]
    count = min(rows, columns)
    left, right = (rows, columns) if full_matrices else (count, count)
    packed = SingularValueDecomposition(full_matrices)(A)
    vectors = packed[..., rows + 1 :, :right]
    return SVD(
        clone(packed[..., :rows, :left]),
        clone(packed[..., rows, :count]),
        clone(transpose(vectors, -2, -1)),
    )


@tensor_method
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> SVDWithV:
    """A = U diag(S) V^T: `fathom.linalg.svd` by its former name, with V rather than Vh."""
    rows, columns = input.shape[-2:]
    decomposition = singular_value_decomposition(input, full_matrices=not some)
    if not compute_uv:
        batch = input.shape[:-2]
        u, v = (constant(np.zeros((*batch, size, size), input.dtype)) for size in (rows, columns))
        return SVDWithV(u, decomposition.S, v)
    return SVDWithV(decomposition.U, decomposition.S, clone(transpose(decomposition.Vh, -2, -1)))


def svdvals(A: Tensor) -> Tensor:  # noqa: N803
    """The singular values of matrices, in falling order."""
    return singular_value_decomposition(A, full_matrices=False).S


def relative_tolerance(A: Tensor, atol: Any, rtol: Any) -> float:  # noqa: N803
    """The part of the largest singular value up to which others count as 0, by default."""
    if rtol is not None:
        return float(rtol)
    return 0.0 if atol is not None else max(A.shape[-2:]) * float(np.finfo(A.dtype).eps)


def pinv(
    A: Tensor,  # noqa: N803
    rtol: Any = None,
    *,
    atol: Any = None,
    hermitian: bool = False,
) -> Tensor:
    """The Moore-Penrose inverses of matrices.

    Args:
        A: shape (*, m, n).
        rtol: singular values up to `rtol` times the largest count as 0; by default
            max(m, n) times the dtype's precision.
        atol: not supported; give `rtol`.
        hermitian: whether the matrices are symmetric.
    """
    require_matrices("pinv", A)
    if atol is not None:
        raise ArgumentError("pinv: atol is not supported; give rtol, relative to the largest")
    if hermitian:
        A = tril(A) + transpose(tril(A, -1), -2, -1)  # noqa: N806
    return PseudoInverse(relative_tolerance(A, atol, rtol))(A)


@tensor_method
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The Moore-Penrose inverses: `fathom.linalg.pinv` by its former name."""
    return pinv(input, rcond)


def lstsq(
    A: Tensor,  # noqa: N803
    B: Tensor,  # noqa: N803
    rcond: float | None = None,
    *,
    driver: str | None = None,
) -> LeastSquares:
    """The X of least norm among those for which the norm of A X - B is least.

    Args:
        A: shape (*, m, n), of full rank.
        B: shape (*, m, k), or (*, m) for vectors.
        rcond: accepted for PyTorch's sake.
        driver: LAPACK's method, by PyTorch's names; the solution is always found with a QR
            decomposition, and the driver only decides what else is returned.

    Returns:
        The solution; the squared residuals, where m > n, unless the driver is ``"gelsy"``
        (the default); the rank, unless it is ``"gels"``; no singular values.

    Raises:
        LinAlgError: A is not of full rank.
    """
    require_matrices("lstsq", A)
    rows, columns = A.shape[-2:]
    is_vector = B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]
    right = unsqueeze(B, -1) if is_vector else B
    if rows >= columns:
        factor, upper = qr_decomposition(A)
        solution = Solve()(upper, matmul(transpose(factor, -2, -1), right))
    else:
        factor, upper = qr_decomposition(transpose(A, -2, -1))
        solution = matmul(factor, Solve(transpose=True)(upper, right))
    empty = constant(np.zeros(0, A.dtype))
    residuals = empty
    if rows > columns and driver not in (None, "gelsy"):
        error = matmul(A, solution) - right
        residuals = (error * error).sum(-2)
    if is_vector:
        solution = clone(solution[..., 0])
    rank = np.zeros(0) if driver == "gels" else np.full(A.shape[:-2], min(rows, columns))
    return LeastSquares(solution, residuals, constant(rank, int64), empty)


@tensor_method
def matrix_exp(input: Tensor) -> Tensor:
    """The exponentials of square matrices: the sum of A^k / k! over all k."""
    require_matrices("matrix_exp", input, square=True)
    return MatrixExponential()(input)


@tensor_method
def matrix_power(input: Tensor, n: int) -> Tensor:
    """Square matrices multiplied n times by themselves; a negative n inverts them."""
    if input.ndim < 2 or input.shape[-1] != input.shape[-2]:
        raise ShapeError(f"matrix_power takes square matrices, got shape {input.shape}")
    if n < 0:
        return matrix_power(inverse(input), -n)
    if n == 0:
        identity = constant(np.eye(input.shape[-1], dtype=input.dtype))
        return clone(broadcast_to(identity, input.shape))
    result, square = None, input
    while n:
        if n % 2:
            result = square if result is None else matmul(result, square)
        n //= 2
        square = matmul(square, square) if n else square
    return Clone()(result)


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications.

    Args:
        tensors: matrices; the first may be a vector (a row), the last too (a column).
    """
    matrices = list(tensors)
    if len(matrices) < 2:
        raise ShapeError(f"multi_dot needs two tensors at least, got {len(matrices)}")
    first, last = matrices[0], matrices[-1]
    if first.ndim == 1:
        matrices[0] = unsqueeze(first, 0)
    if last.ndim == 1:
        matrices[-1] = unsqueeze(last, 1)
    for matrix in matrices:
        if matrix.ndim != 2:
            raise ShapeError(f"multi_dot takes matrices, got shape {matrix.shape}")
    for left, right in pairwise(matrices):
        if left.shape[1] != right.shape[0]:
            raise ShapeError(
                f"multi_dot: shapes {left.shape} and {right.shape} cannot be multiplied"
            )
    product = _in_cheapest_order(matrices)
    shape = [size for size, is_real in zip(product.shape, (first.ndim > 1, last.ndim > 1),
             strict=True) if is_real]  # fmt: skip
    return product if len(shape) == 2 else Clone()(reshape(product, shape))


def _in_cheapest_order(matrices: list[Tensor]) -> Tensor:
    """The product, its parentheses set by dynamic programming over all sub-chains."""
    sizes = [matrix.shape[0] for matrix in matrices] + [matrices[-1].shape[1]]
    count = len(matrices)
    cost = {(start, start): 0 for start in range(count)}
    cut: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for start in range(count - length):
            end = start + length
            options = [
                cost[start, middle]
                + cost[middle + 1, end]
                + sizes[start] * sizes[middle + 1] * sizes[end + 1]
                for middle in range(start, end)
            ]
            cost[start, end] = min(options)
            cut[start, end] = start + options.index(cost[start, end])

    def multiplied(start: int, end: int) -> Tensor:
        if start == end:
            return matrices[start]
        middle = cut[start, end]
        return matmul(multiplied(start, middle), multiplied(middle + 1, end))

    return multiplied(0, count - 1)


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications."""
    return multi_dot(matrices) if len(matrices) > 1 else clone(matrices[0])
