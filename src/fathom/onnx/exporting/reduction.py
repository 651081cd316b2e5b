"""Reductions, and what else looks along an axis."""

from typing import Any

import numpy as np

from ...graph import Vertex
from .elementwise import cast
from .translation import translates
from .writer import Writer

_KINDS = {"Sum": "ReduceSum", "Largest": "ReduceMax", "Smallest": "ReduceMin"}


@translates(*_KINDS)
def reduce(writer: Writer, vertex: Vertex, x: str) -> str:
    """All elements along axes combined."""
    op: Any = vertex.op
    if not op.axes:
        return writer.node("Identity", x)
    axes = writer.integers(*op.axes)
    return writer.node(_KINDS[vertex.kind], x, axes, keepdims=int(op.keepdims))


@translates("Variance")
def variance(writer: Writer, vertex: Vertex, x: str, *given: str) -> str:
    """The mean square distance from the mean."""
    op: Any = vertex.op
    axes = writer.integers(*op.axes)
    mean = given[0] if given else writer.node("ReduceMean", x, axes, keepdims=1)
    apart = writer.node("Sub", x, mean)
    squares = writer.node("Mul", apart, apart)
    return writer.node("ReduceMean", squares, axes, keepdims=int(op.keepdims))


@translates("ArgLargest", "ArgSmallest")
def position(writer: Writer, vertex: Vertex, x: str) -> str:
    """The place of the first largest or smallest element along an axis."""
    op: Any = vertex.op
    kind = "ArgMax" if vertex.kind == "ArgLargest" else "ArgMin"
    found = writer.node(kind, x, axis=op.axis, keepdims=int(op.keepdims))
    return found if vertex.dtype == np.int64 else cast(writer, vertex, found)


@translates("ArgSort")
def sorting_order(writer: Writer, vertex: Vertex, x: str) -> str:
    """The places in order; of equal elements the first comes first."""
    op: Any = vertex.op
    (size,) = writer.sizes_of(vertex, lambda v: [v.shape[v.op.axis]])
    _, places = writer.node_with(
        2, "TopK", x, writer.vector([size]), axis=op.axis, largest=int(op.descending)
    )
    return places if vertex.dtype == np.int64 else cast(writer, vertex, places)


@translates("CumulativeSum")
def cumulative_sum(writer: Writer, vertex: Vertex, x: str) -> str:
    """Sums of the elements so far."""
    op: Any = vertex.op
    return writer.node("CumSum", x, writer.constant(op.axis, np.int64))


@translates("Softmax", "LogSoftmax")
def softmax(writer: Writer, vertex: Vertex, x: str) -> str:
    """Shares along an axis, or their logarithms."""
    op: Any = vertex.op
    return writer.node(vertex.kind, x, axis=op.axis)


@translates("MatMul")
def product(writer: Writer, vertex: Vertex, a: str, b: str, *bias: str) -> str:
    """A product of matrices, one or both of them transposed, and perhaps a bias."""
    op: Any = vertex.op
    flags = (op.transpose_first, op.transpose_second)
    ranks = [len(operand.shape) for operand in vertex.operands[:2]]
    if ranks == [2, 2] and vertex.dtype.kind == "f" and (any(flags) or bias):
        return writer.node("Gemm", a, b, *bias, transA=int(flags[0]), transB=int(flags[1]))
    names = []
    for name, rank, is_transposed in zip((a, b), ranks, flags, strict=True):
        if is_transposed:
            order = [*range(rank - 2), rank - 1, rank - 2]
            names.append(writer.node("Transpose", name, perm=order))
        else:
            names.append(name)
    made = writer.node("MatMul", *names)
    return writer.node("Add", made, *bias) if bias else made
