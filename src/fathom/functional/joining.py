"""Functions that join tensors, take them apart, and combine them into grids."""

import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import IndexOutOfRange, ShapeError
from ..ops import Clone, Concatenate, Expand, Index, Reshape
from ..tensor import Tensor, constant, promoted, tensor_method
from .arguments import axis_from, with_axis
from .movement import atleast_1d, atleast_2d, atleast_3d, narrow, ravel, select, slice_axis

__all__ = [
    "block_diag",
    "cartesian_prod",
    "cat",
    "chunk",
    "column_stack",
    "combinations",
    "concat",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "meshgrid",
    "repeat_interleave",
    "row_stack",
    "split",
    "split_with_sizes",
    "stack",
    "tensor_split",
    "unbind",
    "vsplit",
    "vstack",
]

Tensors = Sequence[Tensor]


@with_axis
def cat(tensors: Tensors, dim: int = 0) -> Tensor:
    """The tensors one after the other along a dimension, in their common dtype.

    Args:
        tensors: of the same sizes in all other dimensions; those of shape (0,) are left out.
        dim: the dimension that grows.

    Raises:
        ShapeError: there is no tensor, or sizes differ.
    """
    tensors = tuple(tensors)
    _require_tensors("cat", tensors)
    first = tensors[0].dtype
    if any(tensor.dtype != first for tensor in tensors):
        tensors = promoted(tensors)
    if any(tensor.shape == (0,) for tensor in tensors):
        tensors = tuple([one for one in tensors if one.shape != (0,)]) or tensors[:1]
    for tensor in tensors:
        if tensor.ndim == 0:
            raise ShapeError("cat: tensors without dimensions cannot be joined; use stack()")
    return Concatenate(axis_from(dim, tensors[0].ndim))(*tensors)


@with_axis
def concat(tensors: Tensors, dim: int = 0) -> Tensor:
    """The tensors one after the other along a dimension: `cat` by another name."""
    return cat(tensors, dim)


@with_axis
def concatenate(tensors: Tensors, dim: int = 0) -> Tensor:
    """The tensors one after the other along a dimension: `cat` by NumPy's name."""
    return cat(tensors, dim)


@with_axis
def stack(tensors: Tensors, dim: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new dimension.

    Raises:
        ShapeError: there is no tensor, or shapes differ.
    """
    tensors = tuple(tensors)
    _require_tensors("stack", tensors)
    shape = tensors[0].shape
    for position, tensor in enumerate(tensors):
        if tensor.shape != shape:
            raise ShapeError(
                f"stack: tensors need one shape, but tensor 0 has shape {shape} and "
                f"tensor {position} has shape {tensor.shape}"
            )
    axis = axis_from(dim, len(shape) + 1)
    if any(tensor.dtype != tensors[0].dtype for tensor in tensors):
        tensors = promoted(tensors)
    grown = Reshape((*shape[:axis], 1, *shape[axis:]))
    return Concatenate(axis)(*[grown(tensor) for tensor in tensors])


def _require_tensors(name: str, tensors: Tensors) -> None:
    if not tensors:
        raise ShapeError(f"{name} needs at least one tensor, got an empty list")


def hstack(tensors: Tensors) -> Tensor:
    """The tensors side by side: joined along the second dimension, vectors along the first."""
    _require_tensors("hstack", tensors)
    grown = atleast_1d(tuple(tensors))
    return cat(grown, 0 if grown[0].ndim == 1 else 1)


def vstack(tensors: Tensors) -> Tensor:
    """The tensors below each other; a vector counts as a row."""
    _require_tensors("vstack", tensors)
    return cat(atleast_2d(tuple(tensors)), 0)


def row_stack(tensors: Tensors) -> Tensor:
    """The tensors below each other: `vstack` by another name."""
    return vstack(tensors)


def dstack(tensors: Tensors) -> Tensor:
    """The tensors behind each other, along the third dimension."""
    _require_tensors("dstack", tensors)
    return cat(atleast_3d(tuple(tensors)), 2)


def column_stack(tensors: Tensors) -> Tensor:
    """The tensors side by side; a vector counts as a column."""
    _require_tensors("column_stack", tensors)
    return cat([x if x.ndim > 1 else x.reshape(-1, 1) for x in tensors], 1)


def block_diag(*tensors: Tensor) -> Tensor:
    """The matrices along the diagonal of a larger one; a vector counts as a row."""
    blocks = promoted(atleast_2d(tensors)) if tensors else (constant(np.zeros((1, 0), np.float32)),)
    columns = sum(block.shape[1] for block in blocks)
    rows, before = [], 0
    for block in blocks:
        if block.ndim != 2:
            raise ShapeError(f"block_diag takes matrices, got shape {block.shape}")
        height, width = block.shape
        left = constant(np.zeros((height, before), block.dtype))
        right = constant(np.zeros((height, columns - before - width), block.dtype))
        rows.append(cat([left, block, right], 1))
        before += width
    return cat(rows, 0)


@tensor_method
def split(
    tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """The tensor in parts along a dimension.

    Args:
        split_size_or_sections: the size of every part (the last may be smaller), or the
            sizes of all parts.
        dim: the dimension that is divided.

    Raises:
        ShapeError: the sizes do not add up to the dimension's.
    """
    if isinstance(split_size_or_sections, Sequence):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    axis = axis_from(dim, tensor.ndim)
    if tensor.ndim == 0:
        raise ShapeError("split: a tensor without dimensions cannot be divided")
    length, size = tensor.shape[axis], operator.index(split_size_or_sections)
    if size < 0 or (size == 0 and length > 0):
        raise ShapeError(f"split: parts of size {size} do not divide a dimension of {length}")
    starts = range(0, length, size) if length else [0]
    return tuple([slice_axis(tensor, axis, start, min(start + size, length)) for start in starts])


@tensor_method
def split_with_sizes(self: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """The tensor in parts of the given sizes along a dimension."""
    axis = axis_from(dim, self.ndim)
    sizes = tuple(split_sizes)
    if self.ndim == 0 or sum(sizes) != self.shape[axis] or min(sizes, default=0) < 0:
        raise ShapeError(
            f"split: sizes {sizes} add up to {sum(sizes)}, but dimension {dim} of a tensor of "
            f"shape {self.shape} is to be divided"
        )
    ends = list(itertools.accumulate(sizes))
    return tuple(
        [slice_axis(self, axis, end - size, end) for end, size in zip(ends, sizes, strict=True)]
    )


@tensor_method
@with_axis
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """The tensor in at most `chunks` parts of equal size; the last may be smaller."""
    if chunks <= 0:
        raise ShapeError(f"chunk: the number of parts must be positive, got {chunks}")
    axis = axis_from(dim, input.ndim)
    if input.ndim == 0:
        raise ShapeError("chunk: a tensor without dimensions cannot be divided")
    length = input.shape[axis]
    if length == 0:
        return split_with_sizes(input, [0] * chunks, dim)
    return split(input, -(-length // chunks), dim)


@tensor_method
@with_axis
def tensor_split(
    input: Tensor, indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0
) -> tuple[Tensor, ...]:
    """The tensor in parts along a dimension, as NumPy's ``array_split``.

    Args:
        indices_or_sections: the number of parts (the first ones are larger by one where they
            do not come out even), or the positions at which a new part begins.
        dim: the dimension that is divided.
    """
    axis = axis_from(dim, input.ndim)
    if input.ndim == 0:
        raise ShapeError("tensor_split: a tensor without dimensions cannot be divided")
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    length = input.shape[axis]
    if isinstance(indices_or_sections, int):
        parts = indices_or_sections
        if parts <= 0:
            raise ShapeError(f"tensor_split: the number of parts must be positive, got {parts}")
        size, larger = divmod(length, parts)
        sizes = [size + 1] * larger + [size] * (parts - larger)
        return split_with_sizes(input, sizes, dim)
    bounds = [
        bound.indices(length)
        for bound in itertools.starmap(slice, itertools.pairwise([0, *indices_or_sections, None]))
    ]
    return tuple([slice_axis(input, axis, start, max(start, stop)) for start, stop, _ in bounds])


@tensor_method
def hsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The tensor in parts along the second dimension, a vector along the first."""
    return _split_evenly("hsplit", input, indices_or_sections, 1 if input.ndim > 1 else 0, 1)


@tensor_method
def vsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The tensor in parts along the first dimension."""
    return _split_evenly("vsplit", input, indices_or_sections, 0, 2)


@tensor_method
def dsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The tensor in parts along the third dimension."""
    return _split_evenly("dsplit", input, indices_or_sections, 2, 3)


def _split_evenly(
    name: str, input: Tensor, parts: int | Sequence[int], axis: int, least_rank: int
) -> tuple[Tensor, ...]:
    if input.ndim < least_rank:
        raise ShapeError(
            f"{name} needs a tensor of {least_rank} dimensions or more, got shape {input.shape}"
        )
    if isinstance(parts, int) and (parts <= 0 or input.shape[axis] % parts):
        raise ShapeError(
            f"{name}: dimension {axis} with {input.shape[axis]} elements does not divide into "
            f"{parts} equal parts"
        )
    return tensor_split(input, parts, axis)


@tensor_method
@with_axis
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The tensors that lie side by side along a dimension, which falls away."""
    if input.ndim == 0:
        raise IndexOutOfRange("unbind: a tensor without dimensions cannot be divided")
    axis = axis_from(dim, input.ndim)
    return tuple([select(input, axis, position) for position in range(input.shape[axis])])


@tensor_method
@with_axis
def repeat_interleave(
    input: Tensor,
    repeats: int | Tensor | None = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Every element repeated right after itself.

    Args:
        repeats: how often, a number or a tensor with one for each element of `dim`. Left
            out, `input` holds the counts and the positions to repeat are returned.
        dim: the dimension along which to repeat; by default the tensor counts as flat.
        output_size: the size of `dim` in the result; a check.
    """
    if repeats is None:
        counts = np.asarray(input.detach())
        return constant(np.repeat(np.arange(len(counts), dtype=counts.dtype), counts))
    source = ravel(input) if dim is None else input
    source = source if source.ndim else ravel(source)
    axis = axis_from(0 if dim is None else dim, source.ndim)
    size = source.shape[axis]
    counts = np.asarray(repeats if isinstance(repeats, int) else repeats.detach())
    if counts.size not in (1, size):
        raise ShapeError(
            f"repeat_interleave: {counts.size} repetitions for dimension {axis} with {size} "
            f"elements of a tensor of shape {source.shape}"
        )
    positions = np.repeat(np.arange(size), counts.reshape(-1))
    if output_size is not None and output_size != len(positions):
        raise ShapeError(
            f"repeat_interleave: the result has {len(positions)} elements along dimension "
            f"{axis}, but output_size={output_size}"
        )
    return Index((axis,))(source, positions)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of a grid: for each vector a tensor with one dimension for every vector.

    Args:
        tensors: vectors, or tensors without dimensions.
        indexing: ``"ij"``: dimension i of the results follows the i-th vector; ``"xy"``: the
            first two dimensions are exchanged, as for the pixels of a picture.
    """
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        tensors = tuple(tensors[0])
    _require_tensors("meshgrid", tensors)
    if indexing not in ("ij", "xy"):
        raise ShapeError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    vectors = [ravel(tensor) if tensor.ndim == 0 else tensor for tensor in tensors]
    for vector in vectors:
        if vector.ndim != 1:
            raise ShapeError(f"meshgrid takes vectors, got shape {vector.shape}")
    places = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        places[0], places[1] = 1, 0
    sizes = [0] * len(vectors)
    for vector, place in zip(vectors, places, strict=True):
        sizes[place] = vector.shape[0]
    grids = []
    for vector, place in zip(vectors, places, strict=True):
        apart = [1] * len(vectors)
        apart[place] = vector.shape[0]
        grids.append(Expand(tuple(sizes))(Reshape(tuple(apart))(vector)))
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of one element from each vector, one combination in each row."""
    _require_tensors("cartesian_prod", tensors)
    if len(tensors) == 1:
        return Clone()(tensors[0])
    return stack([ravel(grid) for grid in meshgrid(*tensors)], 1)


@tensor_method
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All combinations of r elements of a vector, one combination in each row."""
    if input.ndim != 1:
        raise ShapeError(f"combinations takes a vector, got shape {input.shape}")
    if r == 0:
        return narrow(input, 0, 0, 0)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = np.array(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return Index((0,))(input, chosen)
