"""Functions that arrange elements anew."""

from typing import Any

from ..errors import ShapeError
from ..ops import Permute, Reshape
from ..tensor import Tensor, tensor_method
from .arguments import axis_from, shape_from

__all__ = ["permute", "reshape", "transpose"]


@tensor_method
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements, in row-major order, under another shape.

    Args:
        shape: the sizes, as separate arguments or a sequence; one may be -1 and is then
            computed from the others.

    Raises:
        ShapeError: the sizes do not hold as many elements as the tensor.
    """
    sizes = shape_from(shape)
    if -1 in sizes:
        known = 1
        for size in sizes:
            known *= size if size != -1 else 1
        count = 1
        for size in input.shape:
            count *= size
        if sizes.count(-1) > 1 or known == 0 or count % known:
            raise ShapeError(f"a tensor of shape {input.shape} cannot be reshaped to {sizes}")
        sizes = tuple([count // known if size == -1 else size for size in sizes])
    return Reshape(sizes)(input)


@tensor_method
def permute(input: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order; `dims` names each of them once."""
    return Permute(tuple([axis_from(dim, input.ndim) for dim in shape_from(dims)]))(input)


@tensor_method
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""
    order = list(range(input.ndim))
    first, second = axis_from(dim0, input.ndim), axis_from(dim1, input.ndim)
    if order:
        order[first], order[second] = order[second], order[first]
    return Permute(tuple(order))(input)
