"""Functions that put elements in other places or repeat them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ops import Clone, Concatenate, Expand, Flip, Index, Reshape
from ..tensor import Tensor, tensor_method
from .arguments import axis_from, shape_from, with_name
from .movement import movedim, ravel, reshape, slice_axis, transpose

__all__ = ["flip", "fliplr", "flipud", "roll", "rot90", "tile"]


@tensor_method
@with_name("dims")
def flip(input: Tensor, *dims: Any) -> Tensor:
    """The elements along the dimensions `dims` in reverse."""
    axes = [axis_from(dim, input.ndim) for dim in shape_from(dims)]
    if len(set(axes)) < len(axes):
        raise ShapeError(f"flip: {tuple(shape_from(dims))} names a dimension twice")
    return Flip(tuple(sorted(axes)) if input.ndim else ())(input)


@tensor_method
def fliplr(input: Tensor) -> Tensor:
    """The second dimension in reverse: left to right."""
    return flip(input, 1)


@tensor_method
def flipud(input: Tensor) -> Tensor:
    """The first dimension in reverse: upside down."""
    return flip(input, 0)


@tensor_method
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """The plane of two dimensions turned by k times 90 degrees, from the first to the second."""
    if len(dims) != 2:
        raise ShapeError(f"rot90 turns a plane of 2 dimensions, got dims={tuple(dims)}")
    first, second = (axis_from(dim, input.ndim) for dim in dims)
    if first == second:
        raise ShapeError(f"rot90: dims={tuple(dims)} names one dimension twice")
    turns = k % 4
    if turns == 2:
        return flip(input, first, second)
    turned = input
    if turns == 1:
        turned = transpose(flip(input, second), first, second)
    elif turns == 3:
        turned = flip(transpose(input, first, second), second)
    return Clone()(turned)


@tensor_method
def roll(
    input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None
) -> Tensor:
    """The elements moved along dimensions; those that leave at one end enter at the other.

    Args:
        shifts: by how many places, for each of `dims`.
        dims: the dimensions; by default the tensor is rolled as if it were flat.
    """
    if dims is None or dims == ():
        return reshape(roll(ravel(input), shifts, 0), input.shape).clone()
    places = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    axes = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(places) != len(axes):
        raise ShapeError(f"roll: {len(places)} shifts {places} for {len(axes)} dimensions {axes}")
    rolled = input
    for places_moved, dim in zip(places, axes, strict=True):
        axis = axis_from(dim, input.ndim)
        size = input.shape[axis] if input.ndim else 0
        cut = -places_moved % size if size else 0
        if cut:
            parts = slice_axis(rolled, axis, cut, size), slice_axis(rolled, axis, 0, cut)
            rolled = Concatenate(axis)(*parts)
    return Clone()(rolled)


@tensor_method
@with_name("repeats")
def repeat(self: Tensor, *sizes: Any) -> Tensor:
    """The tensor repeated along every dimension.

    Args:
        sizes: how often, for each dimension; more sizes than dimensions add some in front.

    Raises:
        ShapeError: there are fewer sizes than dimensions.
    """
    counts = shape_from(sizes)
    added = len(counts) - self.ndim
    if added < 0:
        raise ShapeError(
            f"repeat: {len(counts)} sizes {counts} for a tensor of shape {self.shape}; "
            f"give one for each dimension, or use tile()"
        )
    shape = (1,) * added + self.shape
    # Every dimension becomes a pair: the repetitions, then the elements.
    apart = tuple([size for each in shape for size in (1, each)])
    pairs = zip(counts, shape, strict=True)
    grown = tuple([size for count, each in pairs for size in (count, each)])
    together = tuple([count * each for count, each in zip(counts, shape, strict=True)])
    return Clone()(Reshape(together)(Expand(grown)(Reshape(apart)(self))))


@tensor_method
@with_name("dims")
def tile(input: Tensor, *dims: Any) -> Tensor:
    """The tensor repeated along its last dimensions, one count for each."""
    counts = shape_from(dims)
    return repeat(input, (1,) * (input.ndim - len(counts)) + counts)


@tensor_method
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of `size` elements along a dimension, `step` apart.

    Returns:
        A tensor whose dimension `dimension` counts the windows, and whose new last dimension
        of `size` elements holds them.

    Raises:
        ShapeError: a window is larger than the dimension.
    """
    axis = axis_from(dimension, self.ndim)
    length = self.shape[axis] if self.ndim else 1
    if not 0 <= size <= length or step <= 0:
        raise ShapeError(
            f"unfold: windows of {size} elements, {step} apart, do not fit into dimension "
            f"{dimension} with {length} elements of a tensor of shape {self.shape}"
        )
    source = self if self.ndim else Reshape((1,))(self)
    starts = np.arange(0, length - size + 1, step)
    windows = Index((axis,))(source, starts[:, None] + np.arange(size))
    if self.ndim == 0:
        return Reshape((size,))(windows)
    return movedim(windows, axis + 1, -1)
