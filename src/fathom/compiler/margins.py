"""Gives images the zeros around them that their convolutions see, so that kernels need not look
where an image ends."""

from dataclasses import dataclass, replace

from ..graph import Graph, Vertex
from ..ops import (
    Array,
    Convolution,
    ConvolutionInputGradient,
    ConvolutionWeightGradient,
    Op,
    Place,
    Shape,
    Slice,
    Spec,
    Sum,
)
from .parts import ConvolutionWeightGradientInParts, parts_of
from .phases import margins_of_gradient

Margins = tuple[tuple[int, int], ...]


@dataclass(unsafe_hash=True)
class ConvolutionInputGradientInside(Op):
    """A convolution's gradient with respect to its images, of a gradient with zeros around it.

    Attributes:
        convolution: the convolution.
        sizes: of the images.
        margins: how many zeros stand before and after the gradient along each dimension.
    """

    convolution: Convolution
    sizes: Shape
    margins: Margins

    def infer(self, grad: Spec, weight: Spec) -> Spec:  # type: ignore[override]
        channels = weight.shape[1] * self.convolution.groups
        return Spec((grad.shape[0], channels, *self.sizes), grad.dtype)

    def evaluate(self, grad: Array, weight: Array) -> Array:  # type: ignore[override]
        sizes = zip(grad.shape[2:], self.margins, strict=True)
        inside = [slice(low, size - high) for size, (low, high) in sizes]
        whole = ConvolutionInputGradient(self.convolution, self.sizes)
        return whole.evaluate(grad[(slice(None), slice(None), *inside)], weight)


WEIGHT_GRADIENTS = (ConvolutionWeightGradient, ConvolutionWeightGradientInParts)
CONVOLUTIONS = (Convolution, ConvolutionInputGradientInside, *WEIGHT_GRADIENTS)


def with_margins(graph: Graph) -> Graph:
    """The graph in which every convolution of floating-point images has its padding around its
    images, as zeros in memory, and so has every gradient of one."""
    rewriting = _Rewriting()
    for vertex in graph.vertices():
        rewriting.add(vertex)
    return Graph(graph.inputs, [rewriting.made[output] for output in graph.outputs])


def without_padding(op: Convolution) -> Convolution:
    """The convolution of images that have their padding around them."""
    return replace(op, padding=((0, 0),) * len(op.padding))


class _Rewriting:
    """The vertices that stand for those of a graph.

    Attributes:
        made: the vertex for each of the graph's.
    """

    def __init__(self) -> None:
        self.made: dict[Vertex, Vertex] = {}
        self._placed: dict[tuple[Vertex, Margins], Vertex] = {}

    def add(self, vertex: Vertex) -> None:
        """Make the vertex that stands for one whose operands have theirs."""
        operands = tuple(self.made[operand] for operand in vertex.operands)
        op = vertex.op
        if vertex.dtype.kind == "f":
            op, operands = self._inside(vertex, operands)
        same = op is vertex.op and all(map(_is, operands, vertex.operands))
        self.made[vertex] = vertex if same else Vertex(op, operands, vertex.spec, vertex.origin)

    def _inside(
        self, vertex: Vertex, operands: tuple[Vertex, ...]
    ) -> tuple[Op | None, tuple[Vertex, ...]]:
        op = vertex.op
        match op:
            case Convolution():
                x, weight = operands
                return without_padding(op), (self._around(x, op, weight.shape), weight)
            case ConvolutionWeightGradient(convolution, kernel):
                x, grad = operands
                x = self._around(x, convolution, (*grad.shape[:2], *kernel))
                op = replace(op, convolution=without_padding(convolution))
                parts = parts_of(op, x.shape, grad.shape)
                if parts == 1:
                    return op, (x, grad)
                divided = ConvolutionWeightGradientInParts(op, parts)
                spec = divided.infer(x.spec, grad.spec)
                return Sum((0,)), (Vertex(divided, (x, grad), spec, vertex.origin),)
            case ConvolutionInputGradient(convolution, sizes):
                grad, weight = operands
                margins = tuple(
                    margins_of_gradient(*along)
                    for along in zip(
                        sizes,
                        weight.shape[2:],
                        convolution.stride,
                        convolution.dilation,
                        convolution.padding,
                        grad.shape[2:],
                        strict=True,
                    )
                )
                inside = ConvolutionInputGradientInside(convolution, sizes, margins)
                return inside, (self._with(grad, margins), weight)
        return op, operands

    def _around(self, x: Vertex, op: Convolution, weight: Shape) -> Vertex:
        """Images with as much of a convolution's padding as its windows see."""
        windows = op.windows(weight)
        counts = windows.counts(x.shape[2:])
        margins = []
        for axis, size in enumerate(x.shape[2:]):
            low, _ = op.padding[axis]
            reach = (counts[axis] - 1) * op.stride[axis] + windows.spans[axis]
            margins.append((low, max(reach - low - size, 0)))
        return self._with(x, tuple(margins))

    def _with(self, x: Vertex, margins: Margins) -> Vertex:
        if not any(map(any, margins)):
            return x
        key = (x, margins)
        if key not in self._placed:
            whole = [(0, size, 0) for size in x.shape[:2]]
            whole += [
                (low, size, high) for size, (low, high) in zip(x.shape[2:], margins, strict=True)
            ]
            shape = tuple(map(sum, whole))
            starts = tuple(low for low, _, _ in whole)
            stops = tuple(low + size for low, size, _ in whole)
            op = Place(shape, Slice(starts, stops, (1,) * len(shape)))
            self._placed[key] = Vertex(op, (x,), Spec(shape, x.dtype), x.origin)
        return self._placed[key]


def _is(one: Vertex, other: Vertex) -> bool:
    return one is other
