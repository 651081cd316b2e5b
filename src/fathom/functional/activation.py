"""Activation functions."""

from ..ops import LogSoftmax, Relu
from ..tensor import Tensor, tensor_method
from .arguments import axis_from
from .elementwise import floating

__all__ = ["log_softmax", "relu"]


@tensor_method
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    result = Relu()(input)
    return input.rebind(result) if inplace else result


@tensor_method
def log_softmax(input: Tensor, dim: int = -1) -> Tensor:
    """x - log(sum(exp(x))) along a dimension, computed from x - max(x), so that it stays finite."""
    return LogSoftmax(axis_from(dim, input.ndim))(floating(input))
