"""Values from nowhere but numbers."""

import numpy as np

from ...functional.diagonal import tril, triu
from ...functional.elementwise import where
from ...functional.masking import nonzero as nonzero_
from ...ops import Array
from ...tensor import Tensor
from ..errors import MalformedModel
from ..operator import operator
from ..reading import element_type


@operator("Constant")
def constant(
    *,
    value: Array | None = None,
    value_float: float | None = None,
    value_floats: list[float] | None = None,
    value_int: int | None = None,
    value_ints: list[int] | None = None,
) -> Array:
    """A constant of the model."""
    if value is not None:
        return value
    for number, dtype in (
        (value_float, np.float32),
        (value_floats, np.float32),
        (value_int, np.int64),
        (value_ints, np.int64),
    ):
        if number is not None:
            return np.array(number, dtype)
    raise MalformedModel("a constant without a value that is a number")


@operator("ConstantOfShape")
def constant_of_shape(shape: Array, *, value: Array | None = None) -> Array:
    """The same number everywhere."""
    number = np.zeros(1, np.float32) if value is None else value
    return np.broadcast_to(number.reshape(()), tuple(map(int, shape)))


@operator("Range")
def range_(start: Array, limit: Array, delta: Array) -> Array:
    """Numbers at equal distances, without the last."""
    first, last, step = (np.asarray(number).reshape(()) for number in (start, limit, delta))
    count = max(int(np.ceil((float(last) - float(first)) / float(step))), 0)
    return (first + np.arange(count) * step).astype(first.dtype)


@operator("EyeLike")
def eye_like(input: Tensor, *, dtype: int | None = None, k: int = 0) -> Tensor:
    """Ones on a diagonal of a matrix of zeros."""
    kind = input.dtype if dtype is None else element_type(dtype, "the result")
    rows, columns = input.shape
    return Tensor(np.eye(rows, columns, k), dtype=kind)


@operator("OneHot")
def one_hot(indices: Tensor, depth: Array, values: Tensor, *, axis: int = -1) -> Tensor:
    """One value at the place that an index names along a new axis, another one elsewhere."""
    count = int(np.asarray(depth).reshape(()))
    wrapped = indices.long()
    wrapped = where(wrapped < 0, wrapped + count, wrapped).unsqueeze(-1)
    hot = wrapped == Tensor(np.arange(count), dtype=np.int64)
    return where(hot, values[1], values[0]).movedim(-1, axis)


@operator("NonZero")
def nonzero(data: Tensor) -> Tensor:
    """The places of the elements that are not zero, a row for each dimension."""
    return nonzero_(data).t()


@operator("Trilu")
def triangle(input: Tensor, k: Array | None = None, *, upper: int = 1) -> Tensor:
    """The triangle above or below a diagonal, zeros elsewhere."""
    diagonal = 0 if k is None else int(np.asarray(k).reshape(()))
    return triu(input, diagonal) if upper else tril(input, diagonal)
