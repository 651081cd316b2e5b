"""Linear maps along single axes of images, of which resizing and averaging are made."""

import math

from ..ops import Array, MatMul, Permute, Reshape
from ..tensor import Tensor, constant


def resample(images: Tensor, axis: int, matrix: Array) -> Tensor:
    """Apply a matrix along one spatial axis.

    Args:
        images: shape (N, C, *sizes).
        axis: the axis, 2 or more.
        matrix: shape (new size, size).
    """
    # With the channels last, whatever follows the axis can be columns of one matrix product.
    rank = images.ndim
    last: Tensor = Permute((0, *range(2, rank), 1))(images)
    before, after = last.shape[: axis - 1], last.shape[axis:]
    rows = Reshape((*before, last.shape[axis - 1], math.prod(after)))(last)
    product = MatMul()(constant(matrix, images.dtype), rows)
    restored = Reshape((*before, len(matrix), *after))(product)
    return Permute((0, rank - 1, *range(1, rank - 1)))(restored)
