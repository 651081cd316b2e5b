"""Inverses and factorizations of the matrices in the last two axes.

An operation has one result: where a factorization has several, they are packed into one
array, and the functions of `fathom.linalg` slice them apart.

The gradients are those of M. Giles, "An extended collection of matrix derivative results for
forward and reverse mode algorithmic differentiation" (2008), unless another source is named.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .elementwise import Where
from .errors import LinAlgError, ShapeError
from .matmul import MatMul
from .movement import Concatenate, PlaceDiagonal, Reshape
from .op import Array, Op, Operand, Shape, Spec, broadcast_shapes
from .reduce import Sum


def transposed(value: Operand) -> Operand:
    """The matrices with rows and columns exchanged."""
    return value.swapaxes(-1, -2)


def triangle(value: Operand, diagonal: int = 0) -> Operand:
    """The lower triangles, up to and with a diagonal."""
    rows, columns = value.shape[-2:]
    mask = np.tri(rows, columns, diagonal, dtype=bool)
    return Where()(mask, value, np.zeros((), np.dtype(value.dtype)))


def require_square(name: str, shape: Shape) -> None:
    """Raise `ShapeError` unless the last two sizes are equal."""
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"{name}: expected square matrices, got shape {shape}")


class _OfSquareMatrices(Op):
    """An operation on square matrices that gives matrices of the same size."""

    def infer(self, a: Spec) -> Spec:
        require_square(self.name, a.shape)
        return a


class Inverse(_OfSquareMatrices):
    def evaluate(self, a: Array) -> Array:
        try:
            return np.linalg.inv(a)
        except np.linalg.LinAlgError:
            self.infer(Spec(a.shape, a.dtype))
            raise LinAlgError(
                f"inverse: a matrix among those of shape {a.shape} is singular; "
                f"pinv() and lstsq() take such matrices"
            ) from None

    def gradient(self, operand: int, grad: Operand, output: Operand, a: Operand) -> Operand:
        return -MatMul(False, True)(MatMul(True)(output, grad), output)


@dataclass(unsafe_hash=True)
class Solve(Op):
    """The X with A X = B, or with A transposed; operands are A and B, matrices both."""

    transpose: bool = False

    def infer(self, a: Spec, b: Spec) -> Spec:
        require_square("Solve", a.shape)
        if len(b.shape) < 2 or a.shape[-1] != b.shape[-2]:
            raise ShapeError(
                f"Solve: the equations of shape {a.shape} need a right side of as many rows, "
                f"got shape {b.shape}"
            )
        batch = broadcast_shapes("Solve", [a.shape[:-2], b.shape[:-2]])
        return Spec((*batch, *b.shape[-2:]), b.dtype)

    def evaluate(self, a: Array, b: Array) -> Array:
        try:
            return np.linalg.solve(a.swapaxes(-1, -2) if self.transpose else a, b)
        except np.linalg.LinAlgError:
            self.infer(Spec(a.shape, a.dtype), Spec(b.shape, b.dtype))
            raise LinAlgError(
                f"solve: a matrix among those of shape {a.shape} is singular; "
                f"lstsq() and pinv() take such matrices"
            ) from None

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        of_b = Solve(not self.transpose)(a, grad)
        if operand == 1:
            return of_b
        if self.transpose:
            return -MatMul(False, True)(output, of_b)
        return -MatMul(False, True)(of_b, output)


class Determinant(Op):
    def infer(self, a: Spec) -> Spec:
        require_square("Determinant", a.shape)
        return Spec(a.shape[:-2], a.dtype)

    def evaluate(self, a: Array) -> Array:
        require_square("Determinant", a.shape)
        return np.linalg.det(a)

    def gradient(self, operand: int, grad: Operand, output: Operand, a: Operand) -> Operand:
        return Reshape((*grad.shape, 1, 1))(grad) * Cofactors()(a)


class Cofactors(_OfSquareMatrices):
    """The determinant times the transposed inverse, which singular matrices have too."""

    def evaluate(self, a: Array) -> Array:
        u, s, vh = np.linalg.svd(a)
        size = s.shape[-1]
        others = np.where(np.eye(size, dtype=bool), 1, s[..., None, :]).prod(-1)
        sign = np.linalg.det(u) * np.linalg.det(vh)
        return ((u * others[..., None, :]) @ vh * sign[..., None, None]).astype(a.dtype)

    def gradient(self, operand: int, grad: Operand, output: Operand, a: Operand) -> Operand:
        # With C = det(A) A^-T:  dC = <C, dA> A^-T - A^-T dA^T C.
        inverse = transposed(Inverse()(a))
        scale = Sum((len(a.shape) - 2, len(a.shape) - 1), keepdims=True)(grad * inverse)
        return scale * output - MatMul()(MatMul(False, True)(inverse, grad), output)


class SignAndLogDeterminant(Op):
    """Packed along a new last axis: the determinant's sign, and the logarithm of its size."""

    def infer(self, a: Spec) -> Spec:
        require_square("SignAndLogDeterminant", a.shape)
        return Spec((*a.shape[:-2], 2), a.dtype)

    def evaluate(self, a: Array) -> Array:
        require_square("SignAndLogDeterminant", a.shape)
        return np.stack(np.linalg.slogdet(a), axis=-1)

    def gradient(self, operand: int, grad: Operand, output: Operand, a: Operand) -> Operand:
        return Reshape((*grad.shape[:-1], 1, 1))(grad[..., 1]) * transposed(Inverse()(a))


class Cholesky(_OfSquareMatrices):
    """The lower triangular L with L L^T = A; only the lower triangle of A is read.

    Gradient: I. Murray, "Differentiation of the Cholesky decomposition" (2016), equation 10.
    """

    def evaluate(self, a: Array) -> Array:
        try:
            return np.linalg.cholesky(a)
        except np.linalg.LinAlgError:
            self.infer(Spec(a.shape, a.dtype))
            raise LinAlgError(
                f"cholesky: a matrix among those of shape {a.shape} is not positive definite; "
                f"adding a small multiple of the identity may help"
            ) from None

    def gradient(self, operand: int, grad: Operand, output: Operand, a: Operand) -> Operand:
        product = MatMul(True)(output, grad)
        symmetric = (triangle(product) + transposed(triangle(product, -1))) / 2
        half = Solve(transpose=True)(output, symmetric)
        return Solve(transpose=True)(output, transposed(half))


class Eigh(Op):
    """Packed along the rows: n rows of eigenvectors as columns, and one of eigenvalues.

    The matrices count as symmetric; only the lower triangle is read.
    """

    def infer(self, a: Spec) -> Spec:
        require_square("Eigh", a.shape)
        return Spec((*a.shape[:-2], a.shape[-1] + 1, a.shape[-1]), a.dtype)

    def evaluate(self, a: Array) -> Array:
        require_square("Eigh", a.shape)
        values, vectors = np.linalg.eigh(a)
        return np.concatenate([vectors, values[..., None, :]], axis=-2)

    def gradient(self, operand: int, grad: Operand, output: Operand, a: Operand) -> Operand:
        vectors, values = output[..., :-1, :], output[..., -1:, :]
        turned = MatMul(True)(vectors, grad[..., :-1, :])
        inner = skew(turned) * reciprocal_or_zero(values - transposed(values)) / 2
        size = a.shape[-1]
        inner = inner + PlaceDiagonal(0, size, size)(grad[..., -1, :])
        return MatMul(False, True)(MatMul()(vectors, inner), vectors)


def skew(value: Operand) -> Operand:
    """The matrices minus their transposes."""
    return value - transposed(value)


def reciprocal_or_zero(value: Operand) -> Operand:
    """1 / x, and 0 for 0, where a gap between equal values leaves no gradient."""
    dtype = np.dtype(value.dtype)
    vanishes = value == 0
    return Where()(vanishes, np.zeros((), dtype), 1 / Where()(vanishes, np.ones((), dtype), value))


@dataclass(unsafe_hash=True)
class SingularValueDecomposition(Op):
    """Packed along the rows: U (m rows), the singular values (one row), V (n rows).

    With `full_matrices`, U and V are square and the narrower rows are filled up with zeros;
    gradients reach the first min(m, n) columns.

    Gradient: J. Townsend, "Differentiating the singular value decomposition" (2016).
    """

    full_matrices: bool = False

    def infer(self, a: Spec) -> Spec:
        rows, columns = a.shape[-2:]
        width = max(rows, columns) if self.full_matrices else min(rows, columns)
        return Spec((*a.shape[:-2], rows + 1 + columns, width), a.dtype)

    def evaluate(self, a: Array) -> Array:
        rows, columns = a.shape[-2:]
        if min(rows, columns) == 0:
            u, s, vh = _empty_decomposition(a, self.full_matrices)
        else:
            u, s, vh = np.linalg.svd(a, full_matrices=self.full_matrices)
        parts = [u, s[..., None, :], vh.swapaxes(-1, -2)]
        width = max(part.shape[-1] for part in parts)
        return np.concatenate([_filled_up(part, width) for part in parts], axis=-2)

    def gradient(self, operand: int, grad: Operand, output: Operand, a: Operand) -> Operand:
        rows, columns = a.shape[-2:]
        count = min(rows, columns)
        (u, s, v), (of_u, of_s, of_v) = (
            (
                packed[..., :rows, :count],
                packed[..., rows : rows + 1, :count],
                packed[..., rows + 1 :, :count],
            )
            for packed in (output, grad)
        )
        squares = s * s
        gaps = reciprocal_or_zero(squares - transposed(squares))
        left = skew(MatMul(True)(u, of_u)) * gaps
        right = skew(MatMul(True)(v, of_v)) * gaps
        inner = left * s + transposed(s) * right
        inner = inner + PlaceDiagonal(0, count, count)(of_s[..., 0, :])
        result = MatMul(False, True)(MatMul()(u, inner), v)
        if rows > count:
            outside = of_u - MatMul()(u, MatMul(True)(u, of_u))
            result = result + MatMul(False, True)(outside / s, v)
        if columns > count:
            outside = of_v - MatMul()(v, MatMul(True)(v, of_v))
            result = result + MatMul(False, True)(u / s, outside)
        return result


def _empty_decomposition(a: Array, full_matrices: bool) -> tuple[Array, Array, Array]:
    (rows, columns), batch = a.shape[-2:], a.shape[:-2]
    values = np.zeros((*batch, 0), a.dtype)
    if not full_matrices:
        return np.zeros((*batch, rows, 0), a.dtype), values, np.zeros((*batch, 0, columns), a.dtype)
    identities = (np.eye(size, dtype=a.dtype) for size in (rows, columns))
    u, vh = (np.broadcast_to(one, (*batch, *one.shape)) for one in identities)
    return u, values, vh


def _filled_up(part: Array, width: int) -> Array:
    missing = np.zeros((*part.shape[:-1], width - part.shape[-1]), part.dtype)
    return np.concatenate([part, missing], axis=-1) if missing.shape[-1] else part


@dataclass(unsafe_hash=True)
class QRDecomposition(Op):
    """Packed along the columns: Q, and R filled up with rows of zeros.

    Gradient: M. Seeger et al., "Auto-differentiating linear algebra" (2017), and for more
    columns than rows D. Roberts and L. Roberts, "QR and LQ decomposition matrix
    backpropagation algorithms" (2020).
    """

    complete: bool = False

    def infer(self, a: Spec) -> Spec:
        rows, columns = a.shape[-2:]
        width = rows if self.complete else min(rows, columns)
        return Spec((*a.shape[:-2], rows, width + columns), a.dtype)

    def evaluate(self, a: Array) -> Array:
        rows, columns = a.shape[-2:]
        q, r = np.linalg.qr(a, mode="complete" if self.complete else "reduced")
        missing = np.zeros((*r.shape[:-2], rows - r.shape[-2], columns), r.dtype)
        return np.concatenate([q, np.concatenate([r, missing], axis=-2)], axis=-1)

    def gradient(self, operand: int, grad: Operand, output: Operand, a: Operand) -> Operand:
        rows, columns = a.shape[-2:]
        count = min(rows, columns)
        if self.complete and rows > columns:
            raise LinAlgError(
                f"qr: mode='complete' has no gradient for more rows than columns "
                f"(shape {tuple(a.shape)}); use mode='reduced'"
            )
        q, of_q = output[..., :count], grad[..., :count]
        r, of_r = output[..., :count, count:], grad[..., :count, count:]
        if columns == count:
            return _gradient_of_tall_qr(q, r, of_q, of_r)
        # A = (X Y), R = (U V): X = Q U is square, and Y = Q V depends on Q.
        of_v, beyond = of_r[..., count:], a[..., count:]
        of_q = of_q + MatMul(False, True)(beyond, of_v)
        of_x = _gradient_of_tall_qr(q, r[..., :count], of_q, of_r[..., :count])
        return Concatenate(len(a.shape) - 1)(of_x, MatMul()(q, of_v))


def _gradient_of_tall_qr(q: Operand, r: Operand, of_q: Operand, of_r: Operand) -> Operand:
    product = MatMul(False, True)(r, of_r) - MatMul(True)(of_q, q)
    symmetric = triangle(product) + transposed(triangle(product, -1))
    total = of_q + MatMul()(q, symmetric)
    return transposed(Solve()(r, transposed(total)))


@dataclass(unsafe_hash=True)
class PseudoInverse(Op):
    """The Moore-Penrose inverse; singular values up to `tolerance` times the largest count as 0.

    Gradient: G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear
    least squares problems whose variables separate" (1973), equation 4.12.
    """

    tolerance: float

    def infer(self, a: Spec) -> Spec:
        return Spec((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)

    def evaluate(self, a: Array) -> Array:
        if a.size == 0:
            return np.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
        return np.linalg.pinv(a, rcond=self.tolerance)

    def gradient(self, operand: int, grad: Operand, output: Operand, a: Operand) -> Operand:
        p, of_p = output, transposed(grad)
        result = -MatMul(True)(p, MatMul(False, True)(grad, p))
        beyond_columns = of_p - MatMul()(a, MatMul()(p, of_p))
        result = result + MatMul()(beyond_columns, MatMul(False, True)(p, p))
        beyond_rows = of_p - MatMul()(MatMul()(of_p, p), a)
        return result + MatMul()(MatMul(True)(p, p), beyond_rows)


class MatrixExponential(_OfSquareMatrices):
    """sum A^k / k!, by scaling and squaring with a Padé approximant.

    N. Higham, "The scaling and squaring method for the matrix exponential revisited" (2005);
    gradient: R. Mathias, "A chain rule for matrix functions and applications" (1996).
    """

    def evaluate(self, a: Array) -> Array:
        require_square("MatrixExponential", a.shape)
        norms = np.abs(a).sum(-2).max(-1, initial=0)
        largest = float(norms.max(initial=0))
        # The approximant is exact to double precision up to this norm.
        doublings = max(0, math.ceil(math.log2(largest / 5.37))) if 0 < largest < math.inf else 0
        scaled = a.astype(np.float64) / 2.0**doublings
        result = _pade_approximant(scaled)
        for _ in range(doublings):
            result = result @ result
        return result.astype(a.dtype)

    def gradient(self, operand: int, grad: Operand, output: Operand, a: Operand) -> Operand:
        size, rank = a.shape[-1], len(a.shape)
        nothing = np.zeros(tuple(a.shape), np.dtype(a.dtype))
        above = Concatenate(rank - 1)(transposed(a), grad)
        below = Concatenate(rank - 1)(nothing, transposed(a))
        return MatrixExponential()(Concatenate(rank - 2)(above, below))[..., :size, size:]


def _pade_approximant(a: Array) -> Any:
    degree = 13
    coefficients = [
        math.factorial(2 * degree - k)
        * math.factorial(degree)
        / (math.factorial(2 * degree) * math.factorial(k) * math.factorial(degree - k))
        for k in range(degree + 1)
    ]
    square = a @ a
    power = np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    even, odd = np.zeros(a.shape), np.zeros(a.shape)
    for k in range(0, degree + 1, 2):
        even = even + coefficients[k] * power
        odd = odd + coefficients[k + 1] * power
        power = power @ square
    odd = a @ odd
    return np.linalg.solve(even - odd, even + odd)
