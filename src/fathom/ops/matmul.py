"""The matrix product."""

import math
from dataclasses import dataclass

import numpy as np

from .errors import ShapeError
from .movement import Reshape
from .op import Array, Op, Operand, Shape, Spec, broadcast_shapes


@dataclass(unsafe_hash=True)
class MatMul(Op):
    """Matrix products of the last two axes; the axes before them broadcast.

    A third operand, which broadcasts to the product, is added to it: a layer's bias.
    Either operand can be taken with its last two axes exchanged, so that both gradients of
    a matrix product are matrix products of the same values.
    """

    transpose_first: bool = False
    transpose_second: bool = False

    def infer(self, a: Spec, b: Spec, *bias: Spec) -> Spec:
        if len(a.shape) < 2 or len(b.shape) < 2:
            raise ShapeError(f"MatMul: shapes {a.shape} and {b.shape} need two dimensions at least")
        rows, inner = _matrix_shape(a.shape, self.transpose_first)
        other_inner, columns = _matrix_shape(b.shape, self.transpose_second)
        if inner != other_inner:
            raise ShapeError(
                f"MatMul: shapes {(*a.shape[:-2], rows, inner)} and "
                f"{(*b.shape[:-2], other_inner, columns)} cannot be multiplied: the last "
                f"dimension of the first ({inner}) must equal the last but one of the "
                f"second ({other_inner})"
            )
        batch = broadcast_shapes("MatMul", [a.shape[:-2], b.shape[:-2]])
        shape = (*batch, rows, columns)
        for addend in bias:
            if broadcast_shapes("MatMul", [shape, addend.shape]) != shape:
                raise ShapeError(
                    f"MatMul: a bias of shape {addend.shape} for products of shape {shape}"
                )
        return Spec(shape, a.dtype)

    def evaluate(self, a: Array, b: Array, *bias: Array) -> Array:
        if self.transpose_first:
            a = a.swapaxes(-1, -2)
        if self.transpose_second:
            b = b.swapaxes(-1, -2)
        if b.ndim == 2 and a.ndim > 2 and a.flags.c_contiguous:
            # One product with all the rows is faster than one for each matrix.
            rows = a.reshape(-1, a.shape[-1]) if a.size else a
            product = np.matmul(rows, b).reshape(*a.shape[:-1], b.shape[-1])
        else:
            product = np.matmul(a, b)
        for addend in bias:
            product += addend
        return product

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand, *bias: Operand
    ) -> Operand:
        if operand == 2:
            return grad
        first, second = self.transpose_first, self.transpose_second
        if operand == 0:
            return MatMul(second, True)(b, grad) if first else MatMul(False, not second)(grad, b)
        if len(b.shape) == 2 and len(a.shape) > 2 and not first:
            # One matrix met many: one product with all their rows sums over them at once.
            a, grad = _as_rows(a), _as_rows(grad)
        return MatMul(True, first)(grad, a) if second else MatMul(not first, False)(a, grad)

    def multiply_adds(self, output: Shape, *operands: Shape) -> int:
        return math.prod(output) * _matrix_shape(operands[0], self.transpose_first)[1]


def _as_rows(value: Operand) -> Operand:
    return Reshape((math.prod(value.shape[:-1]), value.shape[-1]))(value)


def _matrix_shape(shape: Shape, transposed: bool) -> tuple[int, int]:
    rows, columns = shape[-2:]
    return (columns, rows) if transposed else (rows, columns)
