"""Products of matrices."""

from ...functional.einsum import einsum
from ...functional.linear_algebra import det
from ...functional.matrix import matmul
from ...ops import MatMul
from ...promotion import float64, is_floating
from ...tensor import Tensor, cast
from ..operator import operator
from .elementwise import aligned


@operator("MatMul")
def product(A: Tensor, B: Tensor) -> Tensor:
    """The matrix product of the last two dimensions, as NumPy has it."""
    return matmul(A, B)


@operator("Gemm")
def gemm(
    A: Tensor,
    B: Tensor,
    C: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    broadcast: int = 0,
    opset: int,
) -> Tensor:
    """alpha A B + beta C."""
    multiply = MatMul(bool(transA), bool(transB))
    if C is None or beta == 0:
        return _times(multiply(A, B), alpha)
    if alpha == beta == 1 and (opset >= 7 or C.ndim == 2):
        return multiply(A, B, C)
    made = _times(multiply(A, B), alpha)
    return made + _times(aligned(made, C, None, broadcast, opset), beta)


def _times(x: Tensor, factor: float) -> Tensor:
    if factor == 1:
        return x
    return x * (factor if is_floating(x.dtype) else int(factor))


@operator("MatMulInteger")
def integer_product(
    A: Tensor,
    B: Tensor,
    a_zero_point: Tensor | None = None,
    b_zero_point: Tensor | None = None,
) -> Tensor:
    """The product of small integers, less their zero points, as int32."""
    first, second = cast(A, float64), cast(B, float64)
    if a_zero_point is not None:
        point = cast(a_zero_point, float64)
        first = first - (point.reshape(-1, 1) if point.ndim == 1 and point.numel() > 1 else point)
    if b_zero_point is not None:
        second = second - cast(b_zero_point, float64)
    return matmul(first, second).int()


@operator("Einsum")
def sum_of_products(*inputs: Tensor, equation: str) -> Tensor:
    """Sums of products along the axes that letters name."""
    return einsum(equation.replace(" ", ""), *inputs)


@operator("Det")
def determinant(X: Tensor) -> Tensor:
    """The determinants of matrices."""
    return det(X)
