"""Products of matrices and vectors."""

from ..errors import ShapeError
from ..ops import MatMul, Reshape
from ..tensor import Tensor, promoted, tensor_method

__all__ = ["linear", "matmul"]


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
            f"matmul needs operands with dimensions, got shapes {input.shape} and {other.shape}"
        )
    row = Reshape((1, *input.shape))(input) if input.ndim == 1 else input
    column = Reshape((*other.shape, 1))(other) if other.ndim == 1 else other
    product = MatMul()(row, column)
    shape = list(product.shape)
    if other.ndim == 1:
        del shape[-1]
    if input.ndim == 1:
        del shape[-1 if other.ndim == 1 else -2]
    return Reshape(tuple(shape))(product)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias.

    Args:
        input: shape (…, in_features).
        weight: shape (out_features, in_features), or (in_features,).
        bias: shape (out_features,).
    """
    if weight.ndim == 2 and input.ndim >= 2 and input.dtype == weight.dtype:
        product = MatMul(transpose_second=True)(input, weight)
    else:
        product = matmul(input, weight.mT if weight.ndim == 2 else weight)
    return product if bias is None else product + bias
