"""Tensors made from numbers rather than from other tensors."""

from typing import Any

import numpy as np

from ..promotion import float32, supported
from ..arrays import to_array
from ..tensor import Number, Tensor, wrap
from ..tape import Node
from .arguments import shape_from

__all__ = ["tensor", "zeros", "ones", "full"]


def tensor(
    data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor with a copy of the given numbers.

    Args:
        data: a number, nested sequences, a NumPy array or a tensor.
        dtype: the element type; by default float32 for Python floats, int64 for Python
            integers, bool for Python bools, and an array's own dtype.
        device: accepted for PyTorch's sake; always the CPU.
        requires_grad: whether `backward` shall compute a gradient for it.

    Raises:
        ShapeError: the nested sequences are not of equal length.
        DTypeError: the dtype is none of Fathom's.
    """
    result = wrap(Node(to_array(data, dtype)))
    return result.requires_grad_() if requires_grad else result


def full(
    size: Any, fill_value: Number, *, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given shape with every element equal to `fill_value`.

    Args:
        size: the shape.
        fill_value: the value of every element.
        dtype: the element type; by default that of the number.
        device: accepted for PyTorch's sake; always the CPU.
        requires_grad: whether `backward` shall compute a gradient for it.
    """
    dtype = to_array(fill_value).dtype if dtype is None else supported(dtype)
    result = wrap(Node(np.full(shape_from((size,)), fill_value, dtype)))
    return result.requires_grad_() if requires_grad else result


def zeros(
    *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of the given shape, as separate sizes or a sequence, filled with 0."""
    dtype = float32 if dtype is None else dtype
    return full(shape_from(size), 0, dtype=dtype, requires_grad=requires_grad)


def ones(
    *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of the given shape, as separate sizes or a sequence, filled with 1."""
    dtype = float32 if dtype is None else dtype
    return full(shape_from(size), 1, dtype=dtype, requires_grad=requires_grad)
