"""Look-ups in tables of vectors."""

import numpy as np

from ..errors import DTypeError, IndexOutOfRange, ShapeError
from ..ops import Cast, Equal, Index, Reshape, Where
from ..promotion import int64
from ..tape import Node
from ..tensor import Tensor, wrap

__all__ = ["embedding", "one_hot"]


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """The rows of a table at the given indices.

    Args:
        input: integers in [0, count), of any shape.
        weight: the table, shape (count, size).
        padding_idx: the row that gets no gradient.

    Returns:
        A tensor of shape (*input.shape, size).

    Raises:
        DTypeError: the indices are not integers.
        IndexOutOfRange: an index is outside the table.
    """
    if input.dtype.kind not in "iu":
        raise DTypeError(f"embedding: indices must be integers, got {input.dtype}; use x.long()")
    if weight.ndim != 2:
        raise ShapeError(f"embedding: the table needs two dimensions, got shape {weight.shape}")
    try:
        rows = Index((0,))(weight, input)
    except IndexOutOfRange as error:
        message = str(error).removeprefix("Index: ")
        raise IndexOutOfRange(f"embedding: {message}") from None
    if padding_idx is None:
        return rows
    count = weight.shape[0]
    if not -count <= padding_idx < count:
        raise IndexOutOfRange(
            f"embedding: padding_idx {padding_idx} is outside the table of {count} rows"
        )
    is_padding = Equal()(input, wrap(Node(np.asarray(padding_idx % count, input.dtype))))
    return Where()(Reshape((*input.shape, 1))(is_padding), rows.detach(), rows)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Ones at the given classes, zeros elsewhere.

    Args:
        tensor: classes, int64, of any shape.
        num_classes: how many there are; by default one more than the largest.

    Returns:
        An int64 tensor of shape (*tensor.shape, num_classes).

    Raises:
        IndexOutOfRange: a class is negative, or not below `num_classes`.
    """
    if tensor.dtype.kind != "i":
        raise DTypeError(f"one_hot: classes must be integers, got {tensor.dtype}; use x.long()")
    classes = np.asarray(tensor.detach())
    largest = int(classes.max(initial=-1))
    if num_classes == -1:
        if classes.size == 0:
            raise ShapeError("one_hot: an empty tensor does not tell num_classes; give it")
        num_classes = largest + 1
    if classes.min(initial=0) < 0 or largest >= num_classes:
        wrong = largest if largest >= num_classes else int(classes.min())
        raise IndexOutOfRange(f"one_hot: class {wrong} is outside 0 to {num_classes - 1}")
    return Cast(int64)(Equal()(tensor.unsqueeze(-1), np.arange(num_classes, dtype=tensor.dtype)))
