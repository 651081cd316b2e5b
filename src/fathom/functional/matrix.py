"""Products of matrices and vectors."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from ..ops import Clone, Index, MatMul, Power, Reshape, Shape, broadcast_shapes
from ..promotion import int64, is_floating
from ..tensor import Number, Tensor, cast, promoted, tensor_method, with_in_place
from .arguments import axis_from, with_axis
from .einsum import einsum
from .movement import reshape

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
    "bilinear",
    "bmm",
    "cross",
    "dot",
    "ger",
    "inner",
    "kron",
    "matmul",
    "mm",
    "mv",
    "outer",
    "tensordot",
    "vander",
    "vdot",
]


@tensor_method
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product of the last two dimensions, broadcasting the ones before.

    A one-dimensional operand counts as a row on the left and as a column on the right.

    Raises:
        ShapeError: the inner dimensions differ, or an operand has no dimensions.
    """
    if input.dtype != other.dtype:
        input, other = promoted((input, other))
    if input.ndim >= 2 and other.ndim >= 2:
        return MatMul()(input, other)
    if input.ndim == 0 or other.ndim == 0:
        raise ShapeError(
            f"matmul needs operands with dimensions, got shapes {input.shape} and {other.shape}; "
            f"use * to multiply by a number"
        )
    row = Reshape((1, *input.shape))(input) if input.ndim == 1 else input
    column = Reshape((*other.shape, 1))(other) if other.ndim == 1 else other
    if row.shape[-1] != column.shape[-2]:
        raise ShapeError(
            f"matmul: shapes {input.shape} and {other.shape} cannot be multiplied: the inner "
            f"dimensions {row.shape[-1]} and {column.shape[-2]} differ"
        )
    product = MatMul()(row, column)
    shape = list(product.shape)
    if other.ndim == 1:
        del shape[-1]
    if input.ndim == 1:
        del shape[-1 if other.ndim == 1 else -2]
    return Clone()(Reshape(tuple(shape))(product))


def _require_ranks(name: str, *operands: tuple[Tensor, int]) -> None:
    if any(operand.ndim != rank for operand, rank in operands):
        kinds = {1: "vector", 2: "matrix", 3: "batch of matrices"}
        expected = " and a ".join(kinds[rank] for _, rank in operands)
        shapes = " and ".join(str(operand.shape) for operand, _ in operands)
        raise ShapeError(f"{name} takes a {expected}, got shapes {shapes}; see matmul()")


@tensor_method
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices."""
    _require_ranks("mm", (input, 2), (mat2, 2))
    return matmul(input, mat2)


@tensor_method
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices, shapes (b, n, m) and (b, m, p)."""
    _require_ranks("bmm", (input, 3), (mat2, 3))
    if input.shape[0] != mat2.shape[0]:
        raise ShapeError(
            f"bmm: batches of {input.shape[0]} and {mat2.shape[0]} matrices (shapes "
            f"{input.shape} and {mat2.shape}) must be equally large"
        )
    return matmul(input, mat2)


@tensor_method
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector."""
    _require_ranks("mv", (input, 2), (vec, 1))
    return matmul(input, vec)


@tensor_method
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of the products of two vectors' elements."""
    _require_ranks("dot", (input, 1), (tensor, 1))
    return matmul(input, tensor)


@tensor_method
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """The sum of the products of two vectors' elements (numbers here are real)."""
    return dot(input, other)


@tensor_method
def inner(input: Tensor, other: Tensor) -> Tensor:
    """The sums of products over the last dimensions; with a number, the product."""
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise ShapeError(
            f"inner: the last dimensions of shapes {input.shape} and {other.shape} differ"
        )
    return tensordot(input, other, ([-1], [-1]))


@tensor_method
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The matrix of all products of an element of one vector and one of another."""
    _require_ranks("outer", (input, 1), (vec2, 1))
    return Reshape((input.shape[0], 1))(input) * vec2


@tensor_method
def ger(input: Tensor, vec2: Tensor) -> Tensor:
    """The matrix of all products of two vectors' elements: `outer` by BLAS's name."""
    return outer(input, vec2)


def _sum_scaled(input: Tensor, product: Tensor, beta: Number, alpha: Number) -> Tensor:
    """beta * input + alpha * product; with beta = 0 NaN in `input` does not spread."""
    if not is_floating(product.dtype) and (isinstance(beta, float) or isinstance(alpha, float)):
        raise DTypeError("for tensors of integers beta and alpha must be integers")
    product = product if alpha == 1 else product * alpha
    if broadcast_shapes("addition", [input.shape, product.shape]) != product.shape:
        raise ShapeError(
            f"an input of shape {input.shape} cannot be added to a product of shape {product.shape}"
        )
    if beta == 0:
        return product
    return (input if beta == 1 else input * beta) + product


@tensor_method
@with_in_place
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """beta * input + alpha * mat1 @ mat2, for two matrices."""
    return _sum_scaled(input, mm(mat1, mat2), beta, alpha)


@tensor_method
@with_in_place
def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """beta * input + alpha * mat @ vec, for a matrix and a vector."""
    return _sum_scaled(input, mv(mat, vec), beta, alpha)


@tensor_method
@with_in_place
def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """beta * input + alpha * the outer product of two vectors."""
    return _sum_scaled(input, outer(vec1, vec2), beta, alpha)


@tensor_method
@with_in_place
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """beta * input + alpha * the sum of the products of two batches of matrices."""
    return _sum_scaled(input, bmm(batch1, batch2).sum(0, dtype=batch1.dtype), beta, alpha)


@tensor_method
@with_in_place
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """beta * input + alpha * the products of two batches of matrices."""
    return _sum_scaled(input, bmm(batch1, batch2), beta, alpha)


def tensordot(a: Tensor, b: Tensor, dims: int | Sequence[Any] | Tensor = 2) -> Tensor:
    """The sums of products over pairs of dimensions.

    Args:
        dims: how many of the last dimensions of `a` meet the first of `b`, in order; or two
            lists of dimensions, of `a` and of `b`, that meet pairwise.

    Raises:
        ShapeError: dimensions that meet have different sizes.
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ShapeError(
                f"tensordot: dims={dims} for tensors of shapes {a.shape} and {b.shape}"
            )
        dims = (range(a.ndim - dims, a.ndim), range(dims))
    summed_a, summed_b = (
        [axis_from(dim, tensor.ndim) for dim in chosen]
        for tensor, chosen in zip((a, b), dims, strict=True)
    )
    sizes_a, sizes_b = [a.shape[axis] for axis in summed_a], [b.shape[axis] for axis in summed_b]
    if len(sizes_a) != len(sizes_b) or any(
        len({one, other, 1}) > 2 for one, other in zip(sizes_a, sizes_b, strict=True)
    ):
        raise ShapeError(
            f"tensordot: dimensions {summed_a} of shape {a.shape} (sizes {sizes_a}) do not meet "
            f"dimensions {summed_b} of shape {b.shape} (sizes {sizes_b})"
        )
    for one, other, axis_a, axis_b in zip(sizes_a, sizes_b, summed_a, summed_b, strict=True):
        # A size of 1 meets every other, as if it were repeated.
        if one != other:
            a = a.sum(axis_a, keepdim=True, dtype=a.dtype) if other == 1 else a
            b = b.sum(axis_b, keepdim=True, dtype=b.dtype) if one == 1 else b
    kept_a = [axis for axis in range(a.ndim) if axis not in summed_a]
    kept_b = [axis for axis in range(b.ndim) if axis not in summed_b]
    count = math.prod(a.shape[axis] for axis in summed_a)
    rows, columns = [a.shape[axis] for axis in kept_a], [b.shape[axis] for axis in kept_b]
    first = reshape(a.permute(kept_a + summed_a), math.prod(rows), count)
    second = reshape(b.permute(summed_b + kept_b), count, math.prod(columns))
    return Clone()(reshape(matmul(first, second), *rows, *columns))


@tensor_method
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: every element of `input` times the whole of `other`."""
    rank = max(input.ndim, other.ndim)
    first = (1,) * (rank - input.ndim) + input.shape
    second = (1,) * (rank - other.ndim) + other.shape
    pairs = list(zip(first, second, strict=True))
    apart = reshape(input, [size for one, _ in pairs for size in (one, 1)])
    product = apart * reshape(other, [size for _, two in pairs for size in (1, two)])
    return Clone()(reshape(product, [one * two for one, two in pairs]))


@tensor_method
@with_axis
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The cross products of vectors in space; the other dimensions broadcast.

    Args:
        dim: the dimension of size 3; by default the first of that size.
    """
    shape = broadcast_shapes("cross", [input.shape, other.shape])
    if dim is None:
        if 3 not in shape:
            raise ShapeError(f"cross: no dimension of shape {shape} has size 3")
        dim = shape.index(3)
    axis = axis_from(dim, len(shape))
    if input.ndim != other.ndim or any(one.shape[axis] != 3 for one in (input, other)):
        raise ShapeError(
            f"cross: dimension {dim} of shapes {input.shape} and {other.shape} must have size 3"
        )
    along, after, before = Index((axis,)), np.array([1, 2, 0]), np.array([2, 0, 1])
    clockwise = along(input, after) * along(other, before)
    return clockwise - along(input, before) * along(other, after)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:  # noqa: N803
    """The matrix of a vector's powers, from the highest to the zeroth.

    Args:
        x: shape (n,).
        N: the number of powers; by default n.
        increasing: whether the zeroth power comes first.
    """
    if x.ndim != 1:
        raise ShapeError(f"vander takes a vector, got shape {x.shape}")
    x = x if is_floating(x.dtype) else cast(x, int64)
    exponents = np.arange(x.shape[0] if N is None else N).astype(x.dtype)
    column = Reshape((x.shape[0], 1))(x)
    return Power()(column, exponents if increasing else exponents[::-1])


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias.

    Args:
        input: shape (…, in_features).
        weight: shape (out_features, in_features), or (in_features,).
        bias: shape (out_features,).

    Raises:
        ShapeError: the last dimension of `input` is not in_features.
    """
    shape, features = input.shape, weight.shape[-1]
    if not shape or shape[-1] != features:
        raise ShapeError(
            f"Linear expects inputs with {features} features in the last dimension, "
            f"got shape {shape}{_advice_on_features(shape, features)}"
        )
    operands: tuple[Tensor, ...] = (input, weight) if bias is None else (input, weight, bias)
    if input.dtype != weight.dtype or (bias is not None and bias.dtype != weight.dtype):
        input, weight, *rest = operands = promoted(operands)
        bias = rest[0] if rest else None
    if len(shape) >= 2 and weight.ndim == 2:
        return MatMul(transpose_second=True)(*operands)
    product = matmul(input, weight.mT if weight.ndim == 2 else weight)
    return product if bias is None else product + bias


def _advice_on_features(shape: Shape, features: int) -> str:
    if features in (math.prod(shape[1:]), math.prod(shape)):
        return "; flatten the image first, e.g. nn.Flatten()"
    if len(shape) == 2 and shape[0] == features:
        return "; the dimensions look exchanged, try x.T"
    return ""


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input1 @ weight[k] @ input2 + bias[k] for every output feature k.

    Args:
        input1: shape (…, in1_features).
        input2: shape (…, in2_features), of the same leading sizes.
        weight: shape (out_features, in1_features, in2_features).
        bias: shape (out_features,).
    """
    if input1.shape[-1:] != weight.shape[1:2] or input2.shape[-1:] != weight.shape[2:]:
        raise ShapeError(
            f"bilinear: inputs of shapes {input1.shape} and {input2.shape} do not fit a weight "
            f"of shape {weight.shape} (out_features, in1_features, in2_features)"
        )
    product = einsum("...i,kij,...j->...k", input1, weight, input2)
    return product if bias is None else product + bias
