"""Elements read from places and written to places."""

from typing import Any

import numpy as np

from ...graph import Vertex
from ...ops import Shape
from .translation import translates
from .writer import Writer


@translates("Index")
def index(writer: Writer, vertex: Vertex, x: str, *indices: str) -> str:
    """The elements at the places that indices name along one axis or several."""
    op: Any = vertex.op
    if len(op.axes) == 1:
        return writer.node("Gather", x, indices[0], axis=op.axes[0])
    rank = len(vertex.operands[0].shape)
    before, after = op.whole_axes(rank)
    first = writer.node("Transpose", x, perm=[*op.axes, *before, *after])
    found = writer.node("GatherND", first, _places(writer, vertex, 1, indices))
    return _moved_back(writer, vertex, found, before, after)


def _index_shape(vertex: Vertex, first: int) -> Shape:
    """The shape that the indices have together, which are the operands from a place on."""
    return np.broadcast_shapes(*[operand.shape for operand in vertex.operands[first:]])


def _places(writer: Writer, vertex: Vertex, first: int, indices: tuple[str, ...]) -> str:
    """The indices along a new last axis."""
    shape = writer.vector(writer.sizes_of(vertex, lambda v: _index_shape(v, first)))
    last = writer.integers(-1)
    columns = []
    for name, operand in zip(indices, vertex.operands[first:], strict=True):
        wide = name if operand.dtype == np.int64 else writer.node("Cast", name, to=7)
        columns.append(writer.node("Unsqueeze", writer.node("Expand", wide, shape), last))
    return columns[0] if len(columns) == 1 else writer.node("Concat", *columns, axis=-1)


def _moved_back(writer: Writer, vertex: Vertex, x: str, before: list[int], after: list[int]) -> str:
    """The axes taken whole before the indexed ones in front of these again."""
    if not before:
        return x
    depth = len(_index_shape(vertex, 1))
    order = [*range(depth, depth + len(before)), *range(depth)]
    order += range(depth + len(before), depth + len(before) + len(after))
    return writer.node("Transpose", x, perm=order)


@translates("AddAtIndex")
def add_at(writer: Writer, vertex: Vertex, values: str, *indices: str) -> str:
    """Zeros to which values are added."""
    shape = writer.vector(writer.sizes_of(vertex, lambda v: v.op.shape))
    zeros = writer.node("Expand", writer.like(vertex, 0), shape)
    return _write(writer, vertex, zeros, values, indices, 1, 0, "add")


_REDUCTIONS = {
    "AssignIndex": "none",
    "LargestAtIndex": "max",
    "MultiplyAtIndex": "mul",
    "SmallestAtIndex": "min",
}


@translates(*_REDUCTIONS)
def write_at(writer: Writer, vertex: Vertex, x: str, values: str, *indices: str) -> str:
    """The value with elements replaced, or combined with others."""
    return _write(writer, vertex, x, values, indices, 2, 1, _REDUCTIONS[vertex.kind])


def _write(
    writer: Writer,
    vertex: Vertex,
    x: str,
    values: str,
    indices: tuple[str, ...],
    first: int,
    values_at: int,
    reduction: str,
) -> str:
    where: Any = vertex.op.where  # type: ignore[union-attr]
    rank = len(vertex.shape)
    before, after = where.whole_axes(rank)
    order = [*where.axes, *before, *after]

    def target(v: Vertex) -> Shape:
        whole = v.shape
        front, back = ([whole[axis] for axis in axes] for axes in (before, after))
        return (*front, *_index_shape(v, first), *back)

    if vertex.operands[values_at].shape != target(vertex):
        values = writer.node("Expand", values, writer.vector(writer.sizes_of(vertex, target)))
    depth = len(_index_shape(vertex, first))
    if before:
        moved = [*range(len(before), len(before) + depth), *range(len(before))]
        moved += range(len(before) + depth, len(before) + depth + len(after))
        values = writer.node("Transpose", values, perm=moved)
    is_moved = order != list(range(rank))
    base = writer.node("Transpose", x, perm=order) if is_moved else x
    places = _places(writer, vertex, first, indices)
    made = writer.node("ScatterND", base, places, values, reduction=reduction)
    if not is_moved:
        return made
    return writer.node("Transpose", made, perm=[order.index(axis) for axis in range(rank)])


@translates("Pick")
def pick(writer: Writer, vertex: Vertex, x: str, labels: str) -> str:
    """One element along an axis for each place of the others."""
    op: Any = vertex.op
    axis = writer.integers(op.axis)
    found = writer.node("GatherElements", x, writer.node("Unsqueeze", labels, axis), axis=op.axis)
    return writer.node("Squeeze", found, axis)
