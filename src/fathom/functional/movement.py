"""Functions that show the same elements under another shape or order of dimensions."""

import math
import operator
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from ..errors import AutogradError, IndexOutOfRange, ShapeError
from ..ops import Clone, Expand, Permute, Reshape, Shape, Slice
from ..ops import broadcast_shapes as broadcast_operand_shapes
from ..tape import grad_mode
from ..tensor import Tensor, tensor_method
from .arguments import axes_from, axis_from, shape_from, with_axis, with_name

__all__ = [
    "adjoint",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "broadcast_tensors",
    "broadcast_to",
    "flatten",
    "moveaxis",
    "movedim",
    "narrow",
    "permute",
    "ravel",
    "reshape",
    "select",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "transpose",
    "unflatten",
    "unsqueeze",
]

Function = TypeVar("Function", bound=Callable[..., Any])


def with_in_place_view(function: Function) -> Function:
    """Add the in-place spelling of a movement: ``x.t_()`` lets x point to its transpose.

    Nothing is written, only the shape changes; so a view of another tensor may do it, and
    stays a view.
    """

    @wraps(function)
    def in_place(self: Tensor, *arguments: Any, **options: Any) -> Tensor:
        node, result = self._node, function(self, *arguments, **options)
        if node.needs_gradient and not node.inputs:
            if grad_mode.enabled:
                raise AutogradError(
                    f"{in_place.__name__} changes the shape of a leaf tensor that requires a "
                    f"gradient; do it within fathom.no_grad(), or compute a new tensor"
                )
            self._become_leaf(result._node.value, hooks=node.hooks)
        else:
            is_view = node.op is not None and node.op.is_view
            self._node = (result if is_view else Clone()(result))._node
        return self

    in_place.__name__ = function.__name__ + "_"
    in_place.__doc__ = f"The in-place spelling of `{function.__name__}`."
    setattr(Tensor, in_place.__name__, in_place)
    return function


@tensor_method
@with_name("shape")
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
        sizes = _completed(sizes, input.shape)
    return Reshape(sizes)(input)


def _completed(sizes: Shape, shape: Shape) -> Shape:
    """The sizes with -1 computed from the others."""
    known = math.prod(size for size in sizes if size != -1)
    count = math.prod(shape)
    if sizes.count(-1) > 1 or known == 0 or count % known:
        reason = (
            "one size at most can be -1"
            if sizes.count(-1) > 1
            else (f"{count} elements do not divide into {known}")
        )
        raise ShapeError(f"a tensor of shape {shape} cannot be reshaped to {sizes}: {reason}")
    return tuple([count // known if size == -1 else size for size in sizes])


@tensor_method
@with_name("size")
def view(self: Tensor, *shape: Any) -> Tensor:
    """The same elements under another shape: `reshape` by PyTorch's other name."""
    return reshape(self, *shape)


@tensor_method
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements under the shape of `other`."""
    return reshape(self, other.shape)


@tensor_method
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements under the shape of `other`."""
    return reshape(self, other.shape)


@tensor_method
def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension, in row-major order."""
    return Reshape((math.prod(input.shape),))(input)


@tensor_method
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from `start_dim` to `end_dim`, both included, as one.

    Raises:
        ShapeError: `start_dim` comes after `end_dim`.
    """
    shape = input.shape
    start, end = axis_from(start_dim, len(shape)), axis_from(end_dim, len(shape))
    if start > end:
        raise ShapeError(
            f"flatten: start_dim {start_dim} comes after end_dim {end_dim} "
            f"in a tensor of shape {shape}"
        )
    joined = math.prod(shape[start : end + 1])
    return Reshape((*shape[:start], joined, *shape[end + 1 :]))(input)


@tensor_method
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension divided into several; one of `sizes` may be -1.

    Raises:
        ShapeError: the sizes do not multiply to the dimension's.
    """
    axis = axis_from(dim, input.ndim)
    shape = input.shape
    parts = shape_from((sizes,))
    if -1 in parts:
        parts = _completed(parts, (shape[axis],))
    if math.prod(parts) != shape[axis]:
        raise ShapeError(
            f"unflatten: sizes {parts} do not multiply to {shape[axis]}, the size of "
            f"dimension {dim} of a tensor of shape {shape}"
        )
    return Reshape((*shape[:axis], *parts, *shape[axis + 1 :]))(input)


@tensor_method
@with_name("dims")
def permute(input: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order; `dims` names each of them once."""
    return Permute(tuple([axis_from(dim, input.ndim) for dim in shape_from(dims)]))(input)


@tensor_method
@with_in_place_view
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""
    order = list(range(input.ndim))
    first, second = axis_from(dim0, input.ndim), axis_from(dim1, input.ndim)
    if order:
        order[first], order[second] = order[second], order[first]
    return Permute(tuple(order))(input)


@tensor_method
@with_in_place_view
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Two dimensions exchanged: `transpose` by NumPy's name."""
    return transpose(input, axis0, axis1)


@tensor_method
@with_in_place_view
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged: `transpose` by another name."""
    return transpose(input, dim0, dim1)


@tensor_method
@with_in_place_view
def t(input: Tensor) -> Tensor:
    """A matrix with rows and columns exchanged; fewer dimensions stay as they are."""
    if input.ndim > 2:
        raise ShapeError(
            f"t() takes a tensor of at most 2 dimensions, got shape {input.shape}; "
            f"use x.mT or x.transpose(dim0, dim1)"
        )
    return Permute(tuple(range(input.ndim))[::-1])(input)


@tensor_method
def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged (numbers here are real)."""
    return transpose(input, -2, -1)


@tensor_method
def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """The dimensions `source` moved to the places `destination`; the others keep their order."""
    sources = (source,) if isinstance(source, int) else tuple(source)
    destinations = (destination,) if isinstance(destination, int) else tuple(destination)
    if len(sources) != len(destinations):
        raise ShapeError(
            f"movedim: {len(sources)} source dimensions {sources} for "
            f"{len(destinations)} destinations {destinations}"
        )
    rank = input.ndim
    start = [axis_from(dim, rank) for dim in sources]
    end = [axis_from(dim, rank) for dim in destinations]
    if len(set(start)) < len(start) or len(set(end)) < len(end):
        raise ShapeError(f"movedim: {sources} to {destinations} names a dimension twice")
    if rank == 0:
        return Permute(())(input)
    rest = iter([axis for axis in range(rank) if axis not in start])
    moved = dict(zip(end, start, strict=True))
    order = [moved[place] if place in moved else next(rest) for place in range(rank)]
    return Permute(tuple(order))(input)


@tensor_method
def moveaxis(
    input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]
) -> Tensor:
    """Dimensions moved to other places: `movedim` by NumPy's name."""
    return movedim(input, source, destination)


@tensor_method
@with_in_place_view
@with_axis
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Dimensions of size 1 taken away.

    Args:
        dim: the dimensions to take away, those of other sizes stay; by default all.
    """
    shape = input.shape
    chosen = axes_from(dim, len(shape)) if dim != () else ()
    kept = [size for axis, size in enumerate(shape) if size != 1 or axis not in chosen]
    return Reshape(tuple(kept))(input)


@tensor_method
@with_in_place_view
@with_axis
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A dimension of size 1 put in at place `dim` of the result."""
    axis = axis_from(dim, input.ndim + 1)
    return Reshape((*input.shape[:axis], 1, *input.shape[axis:]))(input)


@tensor_method
@with_name("size")
def expand(self: Tensor, *sizes: Any) -> Tensor:
    """Dimensions of size 1, and new ones in front, repeated without a copy.

    Args:
        sizes: the new shape; -1 keeps a size.

    Raises:
        ShapeError: a size other than 1 would change.
    """
    shape = shape_from(sizes)
    added = len(shape) - self.ndim
    if added < 0:
        raise ShapeError(
            f"expand: {len(shape)} sizes {shape} for a tensor of {self.ndim} dimensions "
            f"with shape {self.shape}"
        )
    if -1 in shape:
        if -1 in shape[:added]:
            raise ShapeError(f"expand: a new dimension needs a size other than -1, got {shape}")
        own = (1,) * added + self.shape
        shape = tuple([old if new == -1 else new for old, new in zip(own, shape, strict=True)])
    return Expand(shape)(self)


@tensor_method
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Repeated, without a copy, to the shape of `other`."""
    return expand(self, other.shape)


@tensor_method
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Repeated, without a copy, to a shape: `expand` by NumPy's name."""
    return expand(input, size)


def broadcast_shapes(*shapes: int | Sequence[int]) -> Shape:
    """The shape that tensors of the given shapes broadcast to."""
    return broadcast_operand_shapes("broadcast_shapes", [shape_from((s,)) for s in shapes])


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors repeated, without a copy, to the shape they broadcast to."""
    if len(tensors) == 1 and isinstance(tensors[0], Sequence):
        tensors = tuple(tensors[0])
    shape = broadcast_operand_shapes("broadcast_tensors", [one.shape for one in tensors])
    return tuple([one if one.shape == shape else Expand(shape)(one) for one in tensors])


@tensor_method
@with_axis
def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """`length` elements of a dimension from `start` on.

    Raises:
        IndexOutOfRange: they reach beyond the dimension.
    """
    axis = axis_from(dim, input.ndim)
    first, size = operator.index(start), input.shape[axis]
    first = first + size if first < 0 else first
    if not 0 <= first <= size or length < 0 or first + length > size:
        raise IndexOutOfRange(
            f"narrow: {length} elements from {start} do not lie within dimension {dim} with "
            f"{size} elements of a tensor of shape {input.shape}"
        )
    return slice_axis(input, axis, first, first + length)


def slice_axis(input: Tensor, axis: int, start: int, stop: int, step: int = 1) -> Tensor:
    """The elements from `start` up to `stop` of one axis; all arguments are in range."""
    starts, stops, steps = [0] * input.ndim, list(input.shape), [1] * input.ndim
    starts[axis], stops[axis], steps[axis] = start, stop, step
    return Slice(tuple(starts), tuple(stops), tuple(steps))(input)


@tensor_method
@with_axis
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """One element of a dimension, which falls away.

    Raises:
        IndexOutOfRange: the dimension has no such element.
    """
    axis, position = axis_from(dim, input.ndim), operator.index(index)
    if input.ndim == 0:
        raise IndexOutOfRange("select: a zero-dimensional tensor has no dimension to choose from")
    size = input.shape[axis]
    if not -size <= position < size:
        raise IndexOutOfRange(
            f"select: index {position} is out of range for dimension {dim} with {size} elements "
            f"of a tensor of shape {input.shape}"
        )
    chosen = slice_axis(input, axis, position % size, position % size + 1)
    return Reshape((*input.shape[:axis], *input.shape[axis + 1 :]))(chosen)


def _at_least(tensors: tuple[Any, ...], grow: Callable[[Tensor], Tensor]) -> Any:
    if len(tensors) == 1:
        if isinstance(tensors[0], Tensor):
            return grow(tensors[0])
        tensors = tuple(tensors[0])
    return tuple([grow(tensor) for tensor in tensors])


def atleast_1d(*tensors: Any) -> Any:
    """The tensors, those without dimensions with one of size 1; a tuple for several."""
    return _at_least(tensors, lambda x: x if x.ndim else Reshape((1,))(x))


def atleast_2d(*tensors: Any) -> Any:
    """The tensors with dimensions of size 1 put in front to have 2; a tuple for several."""
    return _at_least(
        tensors, lambda x: x if x.ndim >= 2 else Reshape((1,) * (2 - x.ndim) + x.shape)(x)
    )


def atleast_3d(*tensors: Any) -> Any:
    """The tensors with dimensions of size 1 added to have 3; a tuple for several.

    A vector becomes (1, n, 1), a matrix (n, m, 1), as in NumPy.
    """

    def grow(tensor: Tensor) -> Tensor:
        if tensor.ndim >= 3:
            return tensor
        shape = (*tensor.shape, 1) if tensor.ndim == 2 else (1, *tensor.shape, 1)
        return Reshape(shape if tensor.ndim else (1, 1, 1))(tensor)

    return _at_least(tensors, grow)
