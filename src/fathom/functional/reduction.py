"""Functions that combine the elements along dimensions."""

from collections.abc import Sequence
from typing import Any

from ..ops import Largest, Sum
from ..promotion import int64, supported
from ..tensor import Tensor, cast, tensor_method
from .arguments import axes_from
from .elementwise import floating

__all__ = ["amax", "mean", "sum"]

Dims = int | Sequence[int] | None


@tensor_method
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum of the elements along dimensions; integers and bools add up to int64.

    Args:
        dim: the dimension or dimensions to sum over; all by default.
        keepdim: whether they stay, with size 1.
        dtype: the dtype in which to sum.
    """
    if dtype is not None:
        input = cast(input, supported(dtype))
    elif input.dtype.kind != "f":
        input = cast(input, int64)
    return Sum(axes_from(dim, input.ndim), keepdim)(input)


@tensor_method
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of the elements along dimensions.

    Args:
        dim: the dimension or dimensions to average over; all by default.
        keepdim: whether they stay, with size 1.
        dtype: the dtype in which to average.
    """
    input = floating(input) if dtype is None else cast(input, supported(dtype))
    axes = axes_from(dim, input.ndim)
    count = 1
    for axis in axes:
        count *= input.shape[axis]
    return Sum(axes, keepdim)(input) / count


@tensor_method
def amax(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The largest element along dimensions; equal ones share the gradient."""
    return Largest(axes_from(dim, input.ndim), keepdim)(input)
