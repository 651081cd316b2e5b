"""Readies a graph for fusion: copies are put where memory has to be arranged anew."""

from collections.abc import Mapping

from ..graph import Graph, Vertex
from ..ops import Clone
from .image_layouts import channels_last, laid_out
from .margins import CONVOLUTIONS, WEIGHT_GRADIENTS
from .views import Layout, is_view, moved, row_major


def prepare(graph: Graph, layouts: Mapping[Vertex, Layout]) -> tuple[Graph, dict[Vertex, Layout]]:
    """Copy what a reshape cannot see as it lies, and images that lie badly, and give every
    output a value of its own.

    Args:
        graph: the graph.
        layouts: how values lie in memory where they do not lie row by row.

    Returns:
        The graph, in which every output is computed by an operation other than a movement,
        and every movement is one of strides; and how its values lie.
    """
    places: dict[Vertex, Layout] = {}
    made: dict[Vertex, Vertex] = {}
    copies: dict[Vertex, Vertex] = {}
    for vertex in graph.vertices():
        operands = [made[operand] for operand in vertex.operands]
        place = None
        if is_view(vertex.op):
            place = moved(vertex.op, places[operands[0]])
            if place is None:
                operands = [_copied(operands[0])]
                place = moved(vertex.op, row_major(operands[0].shape))
        for number in _images(vertex):
            image = operands[number]
            if image.shape[1] > 1 and places[image].strides[1] != 1:
                operands[number] = copy = copies.setdefault(image, _copied(image))
                places[copy] = laid_out(image.shape, channels_last(len(image.shape)))
        same = all(map(_is, operands, vertex.operands))
        result = vertex if same else Vertex(vertex.op, tuple(operands), vertex.spec, vertex.origin)
        made[vertex] = result
        places[result] = place or layouts.get(vertex) or row_major(vertex.shape)
    outputs: list[Vertex] = []
    for output in graph.outputs:
        result = made[output]
        is_computed = result.op is not None and not is_view(result.op)
        outputs.append(result if is_computed and result not in outputs else _copied(result))
    return Graph(graph.inputs, outputs), places


def _images(vertex: Vertex) -> tuple[int, ...]:
    """The numbers of the operands whose channels a convolution reads as vectors."""
    if not isinstance(vertex.op, CONVOLUTIONS) or vertex.dtype.kind != "f":
        return ()
    return (0, 1) if isinstance(vertex.op, WEIGHT_GRADIENTS) else (0,)


def _is(one: Vertex, other: Vertex) -> bool:
    return one is other


def _copied(vertex: Vertex) -> Vertex:
    return Vertex(Clone(), (vertex,), vertex.spec, vertex.origin)
