"""Chooses how images, weights of convolutions and what belongs to them lie in memory.

The channels of images lie side by side, and so do the output channels of weights: vectors of a
convolution run along them. What meets them element by element lies as they do.
"""

from collections.abc import Mapping

from ..graph import Graph, Input, Vertex
from ..ops import (
    Concatenate,
    Convolution,
    ConvolutionInputGradient,
    ConvolutionWeightGradient,
    Elementwise,
    Op,
    Place,
    Shape,
)
from ..ops.pooling import (
    AddToWindows,
    MaxPool,
    MaxPoolChoice,
    SpreadOverWindows,
    SumPool,
    TakeFromWindows,
)
from .classes import Classes
from .margins import ConvolutionInputGradientInside
from .parts import ConvolutionWeightGradientInParts
from .views import Layout, is_view, row_major

# The axes in the order in which they lie in memory, the last running fastest.
Order = tuple[int, ...]

# Operations whose operands and result are images alike.
_OF_IMAGES = (
    AddToWindows,
    Concatenate,
    MaxPool,
    MaxPoolChoice,
    Place,
    SpreadOverWindows,
    SumPool,
    TakeFromWindows,
)


def channels_last(rank: int) -> Order:
    """How images (N, C, *sizes) lie."""
    return (0, *range(2, rank), 1)


def laid_out(shape: Shape, order: Order) -> Layout:
    """The layout of a value whose axes lie in an order."""
    plain = row_major(tuple(shape[axis] for axis in order)).strides
    strides = [0] * len(shape)
    for axis, stride in zip(order, plain, strict=True):
        strides[axis] = stride
    return Layout(shape, tuple(strides))


def weight_order(op: Op | None, rank: int) -> Order:
    """How the weight (O, C / groups, *kernel) of a convolution or its input gradient lies."""
    channels = (1, 0) if isinstance(op, Convolution) else (0, 1)
    return (*range(2, rank), *channels)


def image_layouts(
    graph: Graph, given: Mapping[Vertex, Layout], outputs: Mapping[int, Layout]
) -> dict[Vertex, Layout]:
    """How the images and weights that a graph computes lie, if not row by row.

    Args:
        graph: the graph.
        given: how its inputs lie, where not row by row.
        outputs: the same for outputs, by their number.
    """
    orders = _orders(graph, given)
    placed = {graph.outputs[number] for number in outputs}
    fixed = set(graph.outputs) - placed
    return {
        vertex: laid_out(vertex.shape, order)
        for vertex, order in orders.items()
        if isinstance(vertex.op, _PLACEABLE) and vertex not in fixed
    }


def weight_orders(graph: Graph, together: Classes) -> dict[Vertex, Order]:
    """For each class of values that lie alike, the order that a convolution's weight wants."""
    found: dict[Vertex, Order] = {}
    for vertex in graph.vertices():
        if isinstance(vertex.op, (Convolution, ConvolutionInputGradient)):
            weight = vertex.operands[1]
            order = weight_order(vertex.op, len(weight.shape))
            found.setdefault(together.first_of(weight), order)
    return found


_CONVOLUTIONS = (
    Convolution,
    ConvolutionInputGradient,
    ConvolutionInputGradientInside,
    ConvolutionWeightGradient,
    ConvolutionWeightGradientInParts,
)
_PLACEABLE = (Elementwise, *_OF_IMAGES, *_CONVOLUTIONS)


def _orders(graph: Graph, given: Mapping[Vertex, Layout]) -> dict[Vertex, Order]:
    together = Classes()
    wanted: dict[Vertex, Order] = {}
    images: list[Vertex] = []
    weights: list[tuple[Vertex, Order]] = []
    for vertex in graph.vertices():
        op, operands = vertex.op, vertex.operands
        rank = len(vertex.shape)
        if isinstance(op, (Elementwise, *_OF_IMAGES)):
            for operand in operands:
                is_like = operand.shape == vertex.shape or not isinstance(op, Elementwise)
                if is_like and not is_view(operand.op):
                    together.unite(vertex, operand)
        elif isinstance(op, (Convolution, ConvolutionInputGradientInside)):
            images += [vertex, operands[0]]
            weights.append((operands[1], weight_order(op, rank)))
        elif isinstance(op, ConvolutionWeightGradient):
            images += operands
            weights.append((vertex, weight_order(op.convolution, rank)))
        elif isinstance(op, ConvolutionWeightGradientInParts):
            images += operands
            # The parts lie between the channels, so that parts and output channels are one axis.
            weights.append((vertex, (*range(3, rank), 2, 0, 1)))
    for vertex, layout in given.items():
        if isinstance(vertex, Input) and len(vertex.shape) > 2:
            axes = range(len(vertex.shape))
            order = tuple(sorted(axes, key=lambda axis: -layout.strides[axis]))
            wanted.setdefault(together.first_of(vertex), order)
    for vertex in images:
        wanted.setdefault(together.first_of(vertex), channels_last(len(vertex.shape)))
    for vertex, order in weights:
        wanted.setdefault(together.first_of(vertex), order)
    return {
        vertex: wanted[together.first_of(vertex)]
        for vertex in graph.vertices()
        if together.first_of(vertex) in wanted
    }
