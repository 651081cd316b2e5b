"""Convolutions and pooling."""

import math
from typing import Any

import numpy as np

from ...graph import Vertex
from ...ops import Shape
from ..errors import UnsupportedModel
from .translation import translates
from .writer import Writer


def _flat(padding: tuple[tuple[int, int], ...]) -> list[int]:
    return [low for low, _ in padding] + [high for _, high in padding]


@translates("Convolution")
def convolution(writer: Writer, vertex: Vertex, x: str, weight: str, *bias: str) -> str:
    """A convolution."""
    op: Any = vertex.op
    return writer.node(
        "Conv",
        x,
        weight,
        *bias,
        dilations=list(op.dilation),
        group=op.groups,
        kernel_shape=list(vertex.operands[1].shape[2:]),
        pads=_flat(op.padding),
        strides=list(op.stride),
    )


@translates("ConvolutionInputGradient")
def transposed_convolution(writer: Writer, vertex: Vertex, x: str, weight: str, *bias: str) -> str:
    """A transposed convolution."""
    op: Any = vertex.op.convolution  # type: ignore[union-attr]
    if not writer.is_same_always(vertex, _output_padding):
        raise UnsupportedModel(
            f"{vertex.origin}: the size of a transposed convolution depends on an open dimension "
            f"in a way that ONNX cannot be told"
        )
    return writer.node(
        "ConvTranspose",
        x,
        weight,
        *bias,
        dilations=list(op.dilation),
        group=op.groups,
        kernel_shape=list(vertex.operands[1].shape[2:]),
        output_padding=_output_padding(vertex),
        pads=_flat(op.padding),
        strides=list(op.stride),
    )


def _output_padding(vertex: Vertex) -> list[int]:
    op: Any = vertex.op
    windows = op.convolution.windows(vertex.operands[1].shape)
    least = [
        (count - 1) * step + span - low - high
        for count, step, span, (low, high) in zip(
            vertex.operands[0].shape[2:],
            windows.stride,
            windows.spans,
            windows.padding,
            strict=True,
        )
    ]
    return [size - shortest for size, shortest in zip(op.sizes, least, strict=True)]


@translates("MaxPool")
def max_pool(writer: Writer, vertex: Vertex, x: str) -> str:
    """The largest element of each window."""
    windows: Any = vertex.op.windows  # type: ignore[union-attr]
    return writer.node(
        "MaxPool",
        x,
        dilations=list(windows.dilation),
        kernel_shape=list(windows.kernel),
        pads=_flat(windows.padding),
        strides=list(windows.stride),
    )


@translates("SumPool")
def sum_pool(writer: Writer, vertex: Vertex, x: str) -> str:
    """The sum of each window: as many times its mean as it has elements."""
    windows: Any = vertex.op.windows  # type: ignore[union-attr]
    if max(windows.dilation) > 1:
        raise UnsupportedModel(f"{vertex.origin}: average pooling with dilation in ONNX 18")
    mean = writer.node(
        "AveragePool",
        x,
        count_include_pad=1,
        kernel_shape=list(windows.kernel),
        pads=_flat(windows.padding),
        strides=list(windows.stride),
    )
    return writer.node("Mul", mean, writer.like(vertex, math.prod(windows.kernel)))


@translates("Unfold")
def unfold(writer: Writer, vertex: Vertex, x: str) -> str:
    """All windows: along each axis the places of their elements are a matrix."""
    windows: Any = vertex.op.windows  # type: ignore[union-attr]
    rank = len(windows.kernel)
    if not writer.is_same_always(vertex, lambda v: v.shape[2:]):
        raise UnsupportedModel(f"{vertex.origin}: windows of images whose size is left open")
    for axis, count in enumerate(windows.counts(vertex.operands[0].shape[2:])):
        starts = np.arange(count)[:, None] * windows.stride[axis]
        places = starts + np.arange(windows.kernel[axis]) * windows.dilation[axis]
        x = writer.node("Gather", x, writer.constant(places, np.int64), axis=2 + 2 * axis)
    order = [0, 1, *range(2, 2 + 2 * rank, 2), *range(3, 3 + 2 * rank, 2)]
    return writer.node("Transpose", x, perm=order)


@translates("Fold")
def fold(writer: Writer, vertex: Vertex, x: str) -> str:
    """Images of the sums of overlapping windows."""
    op: Any = vertex.op
    windows = op.windows
    rank = len(windows.kernel)
    counts, kernel = range(2, 2 + rank), range(2 + rank, 2 + 2 * rank)
    moved = writer.node("Transpose", x, perm=[0, 1, *kernel, *counts])
    sizes = writer.sizes_of(vertex, _columns)
    columns = writer.node("Reshape", moved, writer.vector(sizes))
    return writer.node(
        "Col2Im",
        columns,
        writer.vector(writer.sizes_of(vertex, lambda v: v.op.sizes)),
        writer.integers(*windows.kernel),
        dilations=list(windows.dilation),
        pads=_flat(windows.padding),
        strides=list(windows.stride),
    )


def _columns(vertex: Vertex) -> Shape:
    """Windows (N, C, *counts, *kernel) as (N, C * kernel, counts)."""
    windows: Any = vertex.op.windows  # type: ignore[union-attr]
    rank = len(windows.kernel)
    batch, channels, *rest = vertex.operands[0].shape
    return batch, channels * math.prod(windows.kernel), math.prod(rest[:rank])
