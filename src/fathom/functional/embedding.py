"""Look-ups in tables of vectors."""

import numpy as np

from ..errors import DTypeError, IndexOutOfRange, ShapeError
from ..ops import Equal, Index, Reshape, Where
from ..tape import Node
from ..tensor import Tensor, wrap

__all__ = ["embedding"]


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
        raise IndexOutOfRange(f"embedding: index {message}") from None
    if padding_idx is None:
        return rows
    count = weight.shape[0]
    if not -count <= padding_idx < count:
        raise IndexOutOfRange(
            f"embedding: padding_idx {padding_idx} is outside the table of {count} rows"
        )
    is_padding = Equal()(input, wrap(Node(np.asarray(padding_idx % count, input.dtype))))
    return Where()(Reshape((*input.shape, 1))(is_padding), rows.detach(), rows)
