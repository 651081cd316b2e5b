"""Readies a graph for fusion: copies are put where memory has to be arranged anew."""

from collections.abc import Mapping

from ..graph import Graph, Vertex
from ..ops import Clone
from .views import Layout, is_view, moved, row_major


def prepare(graph: Graph, layouts: Mapping[Vertex, Layout]) -> Graph:
    """Copy what a reshape cannot see as it lies, and give every output a value of its own.

    Args:
        graph: the graph.
        layouts: how the inputs lie in memory where they do not lie row by row.

    Returns:
        The graph, in which every output is computed by an operation other than a movement,
        and every movement is one of strides.
    """
    places: dict[Vertex, Layout] = {}
    made: dict[Vertex, Vertex] = {}
    for vertex in graph.vertices():
        operands = [made[operand] for operand in vertex.operands]
        place = None
        if is_view(vertex.op):
            place = moved(vertex.op, places[operands[0]])
            if place is None:
                operands = [_copied(operands[0])]
                place = moved(vertex.op, row_major(operands[0].shape))
        same = all(map(_is, operands, vertex.operands))
        result = vertex if same else Vertex(vertex.op, tuple(operands), vertex.spec, vertex.origin)
        made[vertex] = result
        places[result] = place or layouts.get(vertex) or row_major(vertex.shape)
    outputs: list[Vertex] = []
    for output in graph.outputs:
        result = made[output]
        is_computed = result.op is not None and not is_view(result.op)
        outputs.append(result if is_computed and result not in outputs else _copied(result))
    return Graph(graph.inputs, outputs)


def _is(one: Vertex, other: Vertex) -> bool:
    return one is other


def _copied(vertex: Vertex) -> Vertex:
    return Vertex(Clone(), (vertex,), vertex.spec, vertex.origin)
