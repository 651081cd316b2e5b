"""Writes pooling out in operations that kernels are made of.

The windows of images are a view of them, so that pooling is a reduction over axes of that
view. Where windows do not overlap, the gradient is computed for each element of the image; if
they do, what the windows give is added up in memory (`Fold`).
"""

import math
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..graph import Constant, Graph, Vertex
from ..ops import (
    AddToWindows,
    ArgLargest,
    AssignSlice,
    Clone,
    Equal,
    Expand,
    Fold,
    Largest,
    MaxPool,
    MaxPoolChoice,
    Op,
    Permute,
    Place,
    PlacePicked,
    Reshape,
    Shape,
    Slice,
    SpreadOverWindows,
    Sum,
    SumPool,
    TakeFromWindows,
    Unfold,
    Where,
    Windows,
)
from ..ops.pooling import lowest
from ..ops.reduce import Reduction
from .views import Layout, row_major

Layouts = Mapping[Vertex, Layout]


def with_pooling_written_out(graph: Graph, layouts: Layouts) -> tuple[Graph, dict[Vertex, Layout]]:
    """A graph whose pooling is written out in simple operations.

    Args:
        graph: the graph.
        layouts: how its values lie in memory, where not row by row.

    Returns:
        The graph, and how its values lie.
    """
    places = dict(layouts)
    made: dict[Vertex, Vertex] = {}
    known: dict[Hashable, Vertex] = {}
    for vertex in graph.vertices():
        operands = tuple(made[operand] for operand in vertex.operands)
        same = all(one is other for one, other in zip(operands, vertex.operands, strict=True))
        result = vertex if same else Vertex(vertex.op, operands, vertex.spec, vertex.origin)
        written = _Pooling(places, known, result).written_out()
        made[vertex] = written or result
        if made[vertex] is not vertex and vertex in layouts:
            places[made[vertex]] = layouts[vertex]
    return Graph(graph.inputs, [made[output] for output in graph.outputs]), places


class _Pooling:
    """One vertex while it is written out; copies of its images lie as these do."""

    def __init__(
        self, places: dict[Vertex, Layout], known: dict[Hashable, Vertex], vertex: Vertex
    ) -> None:
        self._places = places
        self._known = known
        self._vertex = vertex

    def written_out(self) -> Vertex | None:
        """What is computed instead; None where the vertex stays as it is."""
        operands = self._vertex.operands
        match self._vertex.op:
            case MaxPool(windows):
                seen = self._unfolded(operands[0], windows, lowest(operands[0].dtype))
                return self._reduced(Largest, seen)
            case MaxPoolChoice(windows):
                return self._choice(windows, *operands)
            case TakeFromWindows(windows):
                seen = self._unfolded(operands[0], windows, 0)
                shape = self._vertex.shape
                here = self._apply(Reshape((*shape, *(1 for _ in windows.kernel))), operands[1])
                places = np.arange(math.prod(windows.kernel), dtype=here.dtype)
                is_here = self._apply(Equal(), here, _constant(places.reshape(windows.kernel)))
                zero = _constant(np.zeros((), seen.dtype))
                return self._reduced(Sum, self._apply(Where(), is_here, seen, zero))
            case AddToWindows(windows, sizes):
                values, chosen = operands
                area = math.prod(windows.kernel)
                placed = self._apply(PlacePicked(len(values.shape), area), values, chosen)
                split = self._apply(Reshape((*values.shape, *windows.kernel)), placed)
                return self._folded(split, windows, sizes)
            case SumPool(windows):
                return self._reduced(Sum, self._unfolded(operands[0], windows, 0))
            case SpreadOverWindows(windows, sizes):
                shape = self._vertex.operands[0].shape
                each = self._apply(Reshape((*shape, *(1 for _ in windows.kernel))), operands[0])
                spread = self._apply(Expand((*shape, *windows.kernel)), each)
                return self._folded(spread, windows, sizes)
        return None

    def _reduced(self, kind: type[Reduction], seen: Vertex) -> Vertex:
        """What is left of each window."""
        shape = self._vertex.shape
        if math.prod(seen.shape) == math.prod(shape):
            return self._apply(Clone(), self._apply(Reshape(shape), seen))
        return self._apply(kind(tuple(range(len(shape), len(seen.shape)))), seen)

    def _choice(self, windows: Windows, x: Vertex, largest: Vertex) -> Vertex:
        seen = self._unfolded(x, windows, lowest(x.dtype))
        shape, dtype = self._vertex.spec
        if math.prod(windows.kernel) == 1:
            return self._apply(Expand(shape), _constant(np.zeros((), dtype)))
        flat = self._apply(Reshape((*shape, math.prod(windows.kernel))), seen)
        chosen = self._apply(ArgLargest(len(shape), dtype=dtype), flat)
        if not any(map(any, windows.padding)):
            return chosen
        # The padding is the first of the largest where there is nothing larger.
        bottom = _constant(np.asarray(lowest(x.dtype), x.dtype))
        is_bottom = self._apply(Equal(), largest, bottom)
        first = _constant(_first_inside(windows, x.shape[2:]).astype(dtype))
        return self._apply(Where(), is_bottom, first, chosen)

    def _unfolded(self, x: Vertex, windows: Windows, fill: Any) -> Vertex:
        """The windows of images, (N, C, *counts, *kernel)."""
        sizes = x.shape[2:]
        if any(map(any, windows.padding)):
            shape = (*x.shape[:2], *windows.padded(sizes))
            where = _interior(windows, x.shape)
            if fill == 0:
                padded = self._apply(Place(shape, where), x)
            else:
                padded = self._apply(AssignSlice(where), self._filled(shape, fill, x), x)
            self._lay_out(padded, self._places.get(x))
            x = padded
        return self._apply(Unfold(_unpadded(windows)), x)

    def _filled(self, shape: Shape, fill: Any, beside: Vertex) -> Vertex:
        """A number spread over a shape, the same vertex wherever it is asked for."""
        key = (shape, repr(fill), beside.dtype)
        if key not in self._known:
            number = _constant(np.asarray(fill, beside.dtype))
            self._known[key] = self._apply(Expand(shape), number)
        return self._known[key]

    def _folded(self, split: Vertex, windows: Windows, sizes: Shape) -> Vertex:
        """The images that windows (N, C, *counts, *kernel) add up to."""
        shape, rank = split.shape, len(sizes)
        counts = shape[2 : 2 + rank]
        if _tile(windows, counts, sizes):
            pairs = zip(range(2, 2 + rank), _within(windows), strict=True)
            beside = [axis for pair in pairs for axis in pair]
            split = self._apply(Permute((0, 1, *beside)), split)
            images = self._apply(Reshape((*shape[:2], *sizes)), split)
        else:
            padded = windows.padded(sizes)
            images = self._apply(Fold(_unpadded(windows), padded), split)
            self._lay_out(images, self._places.get(self._vertex))
            if padded == sizes:
                return images
            images = self._apply(_interior(windows, (*shape[:2], *sizes)), images)
        return self._apply(Clone(), images)

    def _lay_out(self, vertex: Vertex, like: Layout | None) -> None:
        """Let a value lie in memory with its axes in the order of another's."""
        if like is None:
            return
        order = sorted(range(len(vertex.shape)), key=lambda axis: -like.strides[axis])
        plain = row_major(tuple(vertex.shape[axis] for axis in order)).strides
        strides = dict(zip(order, plain, strict=True))
        self._places[vertex] = Layout(
            vertex.shape, tuple(strides[axis] for axis in range(len(order)))
        )

    def _apply(self, op: Op, *operands: Vertex) -> Vertex:
        key = (op, operands)
        if key not in self._known:
            spec = op.infer(*(operand.spec for operand in operands))
            self._known[key] = Vertex(op, operands, spec, self._vertex.origin)
        return self._known[key]


def _constant(array: np.ndarray) -> Constant:
    return Constant(np.ascontiguousarray(array))


def _within(windows: Windows) -> tuple[int, ...]:
    """The axes of unfolded images that run within a window."""
    rank = len(windows.kernel)
    return tuple(range(2 + rank, 2 + 2 * rank))


def _unpadded(windows: Windows) -> Windows:
    return replace(windows, padding=tuple((0, 0) for _ in windows.padding))


def _interior(windows: Windows, shape: Shape) -> Slice:
    """The part of padded images that images of this shape take."""
    starts = (0, 0, *(low for low, _ in windows.padding))
    stops = tuple(start + size for start, size in zip(starts, shape, strict=True))
    return Slice(starts, stops, (1,) * len(shape))


def _tile(windows: Windows, counts: Shape, sizes: Shape) -> bool:
    """Whether every element of images lies in exactly one window."""
    covered = tuple(map(int.__mul__, counts, windows.kernel))
    return covered == sizes and windows.spans == windows.kernel == windows.stride


def _first_inside(windows: Windows, sizes: Shape) -> np.ndarray:
    """For each window the first of its elements, by number, that is not padding."""
    inside = np.zeros(windows.padded(sizes), bool)
    inside[_interior(windows, (1, 1, *sizes)).index[2:]] = True
    seen = Unfold(_unpadded(windows))(inside[None, None])[0, 0]
    return seen.reshape(*seen.shape[: len(sizes)], -1).argmax(-1)
