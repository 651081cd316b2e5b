"""The largest and smallest elements, and where they are."""

import math
from typing import Any, NamedTuple

from ..ops import ArgLargest, ArgSmallest, Index, Largest, Op, Reshape, Smallest
from ..tensor import Tensor, constant, tensor_method
from .arguments import Dims, axes_from, axis_from, with_axis
from .elementwise import maximum, minimum

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "max", "min"]


class ValuesAndIndices(NamedTuple):
    """Elements and their positions along a dimension."""

    values: Tensor
    indices: Tensor


class Range(NamedTuple):
    """The smallest and the largest elements."""

    min: Tensor
    max: Tensor


def elements_at(input: Tensor, positions: Tensor, axis: int) -> Tensor:
    """The elements at `positions` along an axis; the other axes have the input's sizes."""
    operands: list[Any] = []
    for other, size in enumerate(input.shape):
        if other == axis:
            operands.append(positions)
        else:
            shape = [1] * input.ndim
            shape[other] = size
            operands.append(Reshape(tuple(shape))(constant(range(size), "int64")))
    return Index(tuple(range(input.ndim)))(input, *operands)


def with_dimension(input: Tensor) -> Tensor:
    """The tensor itself, or with one dimension of size 1 where it has none."""
    return input if input.ndim else Reshape((1,))(input)


def without_axis(input: Tensor, axis: int) -> Tensor:
    """The tensor without a dimension of size 1."""
    return Reshape(input.shape[:axis] + input.shape[axis + 1 :])(input)


def values_and_indices(
    input: Tensor, indices: Tensor, axis: int, keepdim: bool
) -> ValuesAndIndices:
    """What a function that chooses one element along `axis` returns, for indices kept there."""
    values = elements_at(with_dimension(input), indices, axis)
    if keepdim and input.ndim:
        return ValuesAndIndices(values, indices)
    return ValuesAndIndices(without_axis(values, axis), without_axis(indices, axis))


def _extremum(
    input: Tensor, dim: Any, keepdim: bool, other: Any, ops: tuple[type[Op], type[Op], Any]
) -> Any:
    reduction, position, elementwise = ops
    if isinstance(dim, Tensor):
        other = dim
    if other is not None:
        return elementwise(input, other)
    if dim is None:
        return reduction(axes_from(None, input.ndim))(input)  # type: ignore[call-arg]
    axis = axis_from(dim, input.ndim)
    indices = position(axis, keepdims=True)(with_dimension(input))  # type: ignore[call-arg]
    return values_and_indices(input, indices, axis, keepdim)


@tensor_method
@with_axis
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The largest element: of all, along a dimension, or of two tensors.

    Without `dim`, equal largest elements share the gradient; with it, the first one takes it.
    NaN counts as largest.

    Args:
        dim: the dimension to choose along; a tensor here means `other`.
        keepdim: whether the dimension stays, with size 1.
        other: a tensor to compare with, element by element.

    Returns:
        A tensor; with `dim` a named tuple (values, indices).
    """
    return _extremum(input, dim, keepdim, other, (Largest, ArgLargest, maximum))


@tensor_method
@with_axis
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The smallest element: of all, along a dimension, or of two tensors.

    Without `dim`, equal smallest elements share the gradient; with it, the first one takes
    it. NaN counts as smallest.

    Args:
        dim: the dimension to choose along; a tensor here means `other`.
        keepdim: whether the dimension stays, with size 1.
        other: a tensor to compare with, element by element.

    Returns:
        A tensor; with `dim` a named tuple (values, indices).
    """
    return _extremum(input, dim, keepdim, other, (Smallest, ArgSmallest, minimum))


@tensor_method
@with_axis
def amax(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The largest element along dimensions, by default all; equal ones share the gradient."""
    return Largest(axes_from(dim, input.ndim), keepdim)(input)


@tensor_method
@with_axis
def amin(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The smallest element along dimensions, by default all; equal ones share the gradient."""
    return Smallest(axes_from(dim, input.ndim), keepdim)(input)


@tensor_method
@with_axis
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Range:
    """The smallest and the largest element, of all or along a dimension."""
    return Range(amin(input, dim, keepdim), amax(input, dim, keepdim))


def _position(op: type[Op], input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if dim is None or not input.ndim:
        axis_from(dim or 0, input.ndim)
        flat: Tensor = Reshape((math.prod(input.shape),))(input)
        found: Tensor = op(0)(flat)  # type: ignore[call-arg]
        return Reshape((1,) * input.ndim)(found) if keepdim else found
    return op(axis_from(dim, input.ndim), keepdim)(input)  # type: ignore[call-arg]


@tensor_method
@with_axis
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the first largest element, along a dimension or in the flattened tensor."""
    return _position(ArgLargest, input, dim, keepdim)


@tensor_method
@with_axis
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the first smallest element, along a dimension or in the flattened tensor."""
    return _position(ArgSmallest, input, dim, keepdim)
