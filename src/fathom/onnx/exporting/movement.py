"""Operations that move elements."""

from typing import Any

import numpy as np

from ...graph import Constant, Vertex
from .sizes import Size
from .translation import translates
from .writer import Writer

# The end of a slice that goes to the end.
_END = np.iinfo(np.int64).max


@translates("Reshape")
def reshape(writer: Writer, vertex: Vertex, x: str) -> str:
    """The same elements under another shape; one size may be left to ONNX."""
    sizes = writer.sizes_of(vertex, lambda v: v.op.shape)
    open_ones = [place for place, size in enumerate(sizes) if not size.is_fixed]
    if len(open_ones) == 1 and all(size.constant for size in sizes if size.is_fixed):
        flat = [-1 if place in open_ones else size.constant for place, size in enumerate(sizes)]
        return writer.node("Reshape", x, writer.integers(*flat))
    return writer.node("Reshape", x, writer.vector(sizes), allowzero=1)


@translates("Permute")
def permute(writer: Writer, vertex: Vertex, x: str) -> str:
    """The axes in another order."""
    op: Any = vertex.op
    return writer.node("Transpose", x, perm=list(op.order))


@translates("Expand")
def expand(writer: Writer, vertex: Vertex, x: str) -> str:
    """Axes of size 1 repeated."""
    return writer.node("Expand", x, writer.vector(writer.sizes_of(vertex, lambda v: v.op.shape)))


@translates("Flip")
def flip(writer: Writer, vertex: Vertex, x: str) -> str:
    """The elements along axes in reverse."""
    op: Any = vertex.op
    count = len(op.axes)
    if not count:
        return writer.node("Identity", x)
    starts, ends = writer.integers(*[-1] * count), writer.integers(*[-_END] * count)
    axes, steps = writer.integers(*op.axes), writer.integers(*[-1] * count)
    return writer.node("Slice", x, starts, ends, axes, steps)


@translates("Concatenate")
def concatenate(writer: Writer, vertex: Vertex, *operands: str) -> str:
    """One behind the other."""
    op: Any = vertex.op
    return writer.node("Concat", *operands, axis=op.axis)


@translates("Slice")
def slice_(writer: Writer, vertex: Vertex, x: str) -> str:
    """A part of each axis."""
    op: Any = vertex.op
    shape = vertex.operands[0].shape
    starts = writer.sizes_of(vertex, lambda v: v.op.starts)
    stops = list(writer.sizes_of(vertex, lambda v: v.op.stops))
    chosen = []
    for axis, size in enumerate(shape):
        if op.stops[axis] == size and writer.is_same_always(
            vertex, lambda v, axis=axis: v.op.stops[axis] == v.operands[0].shape[axis]
        ):
            stops[axis] = Size(_END)
        is_whole = stops[axis].constant == _END and starts[axis] == Size(0) and op.steps[axis] == 1
        if not is_whole:
            chosen.append(axis)
    if not chosen:
        return writer.node("Identity", x)
    return writer.node(
        "Slice",
        x,
        writer.vector([starts[axis] for axis in chosen]),
        writer.vector([stops[axis] for axis in chosen]),
        writer.integers(*chosen),
        writer.integers(*[op.steps[axis] for axis in chosen]),
    )


@translates("Place")
def place(writer: Writer, vertex: Vertex, x: str) -> str:
    """Zeros around, or between, the elements."""
    return _padded(writer, vertex, x, lambda v: v.op.shape, 0)


@translates("AssignSlice")
def assign_slice(writer: Writer, vertex: Vertex, base: str, values: str) -> str:
    """A slice replaced: where it lies, and what it is, brought to the shape of the whole."""
    op: Any = vertex.op
    target = _slice_shape(vertex)
    if vertex.operands[1].shape != target:
        values = writer.node("Expand", values, writer.vector(_slice_sizes(writer, vertex)))
    first = vertex.operands[0]
    if isinstance(first, Constant) and (first.array == first.array.flat[0]).all():
        return _padded(writer, vertex, values, lambda v: v.shape, first.array.flat[0].item())
    inside = np.zeros(vertex.shape, bool)
    inside[op.where.index] = True
    if not writer.is_same_always(vertex, lambda v: v.shape):
        sizes = _slice_sizes(writer, vertex)
        ones = writer.node(
            "Expand", writer.constant(np.ones((), vertex.dtype)), writer.vector(sizes)
        )
        mask = writer.node(
            "Greater", _padded(writer, vertex, ones, lambda v: v.shape, 0), writer.like(vertex, 0)
        )
    else:
        mask = writer.constant(inside)
    return writer.node("Where", mask, _padded(writer, vertex, values, lambda v: v.shape, 0), base)


def _slice_shape(vertex: Vertex) -> tuple[int, ...]:
    where: Any = vertex.op.where  # type: ignore[union-attr]
    return where.infer(vertex.operands[0].spec).shape


def _slice_sizes(writer: Writer, vertex: Vertex) -> tuple[Size, ...]:
    return writer.sizes_of(vertex, _slice_shape)


def _padded(writer: Writer, vertex: Vertex, x: str, shape: Any, value: Any) -> str:
    """The elements in the places of a slice, and a number elsewhere."""
    op: Any = vertex.op
    steps = op.where.steps
    if any(step > 1 for step in steps):
        x = _spread(writer, vertex, x, steps, value)
    before = writer.sizes_of(vertex, lambda v: v.op.where.starts)
    after = writer.sizes_of(vertex, lambda v: _rest(v, shape(v)))
    pads = writer.vector([*before, *after])
    if value == 0:
        return writer.node("Pad", x, pads)
    return writer.node("Pad", x, pads, writer.like(vertex, value))


def _rest(vertex: Vertex, shape: tuple[int, ...]) -> list[int]:
    """What lies behind the last element of a slice, along each axis."""
    where: Any = vertex.op.where  # type: ignore[union-attr]
    rest = []
    for size, part in zip(shape, where.index, strict=True):
        reached = range(*part.indices(size))
        rest.append(size - (reached[-1] + 1 if reached else part.indices(size)[0]))
    return rest


def _spread(writer: Writer, vertex: Vertex, x: str, steps: tuple[int, ...], value: Any) -> str:
    """Each element with others behind it, but for the last along each axis."""
    for axis, step in enumerate(steps):
        if step > 1:
            rank = len(steps)
            apart = writer.node("Unsqueeze", x, writer.integers(axis + 1))
            pads = [0] * (2 * (rank + 1))
            pads[rank + 1 + axis + 1] = step - 1
            filled = writer.node("Pad", apart, writer.integers(*pads), writer.like(vertex, value))
            flat = [0] * rank
            flat[axis] = -1
            together = writer.node("Reshape", filled, writer.integers(*flat))
            x = writer.node(
                "Slice",
                together,
                writer.integers(0),
                writer.integers(1 - step),
                writer.integers(axis),
            )
    return x


@translates("Diagonal")
def diagonal(writer: Writer, vertex: Vertex, x: str) -> str:
    """The diagonals of matrices: they lie evenly in the rows one behind the other."""
    op: Any = vertex.op
    rows, columns = vertex.operands[0].shape[-2:]
    positions = np.arange(rows * columns).reshape(rows, columns).diagonal(op.offset)
    rank = len(vertex.shape)
    flat = writer.node("Reshape", x, writer.integers(*[0] * (rank - 1), -1))
    return writer.node("Gather", flat, writer.constant(positions, np.int64), axis=rank - 1)
