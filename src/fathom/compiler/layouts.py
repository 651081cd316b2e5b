"""Chooses how matrices and weights of convolutions among the state lie in memory."""

from collections.abc import Iterable, Mapping

from ..graph import Graph, Input, Vertex
from ..ops import Elementwise, MatMul, Shape
from .classes import Classes
from .image_layouts import laid_out, weight_orders
from .views import Layout

# A matrix with fewer rows would fill no vector with one of its columns.
_FEWEST_ROWS = 16


_FEWEST_ROWS = 16


def column_major(shape: tuple[int, ...]) -> Layout:
    """The layout of a matrix whose columns lie one after the other."""
    return Layout(shape, (1, shape[0]))


def choose_layouts(
    graph: Graph, state: Iterable[Input], updates: Mapping[int, int]
) -> dict[Input, Layout]:
    """How the state lies that had better not lie row by row.

    A layer multiplies with its weight transposed, ``x @ weight.T``, so that vectors run along
    the rows of the weight in memory if its columns lie one after the other. What meets the
    weight element by element (its gradient, an optimizer's moments) should lie like it.

    Args:
        graph: the graph.
        state: its inputs whose memory is ours to arrange.
        updates: for outputs that replace an input, the number of that input.
    """
    together = Classes()
    transposed: list[Vertex] = []
    for vertex in graph.vertices():
        if isinstance(vertex.op, MatMul):
            _, second, *_ = vertex.operands
            if vertex.op.transpose_second and isinstance(second, Input) and len(second.shape) == 2:
                transposed.append(second)
        if isinstance(vertex.op, Elementwise):
            for operand in vertex.operands:
                if operand.shape == vertex.shape:
                    together.unite(vertex, operand)
    for output, replaced in updates.items():
        together.unite(graph.outputs[output], graph.inputs[replaced])
    by_columns = {together.first_of(vertex) for vertex in transposed}
    orders = weight_orders(graph, together)
    chosen: dict[Input, Layout] = {}
    for vertex in state:
        first = together.first_of(vertex)
        if first in orders and len(vertex.shape) == len(orders[first]):
            chosen[vertex] = laid_out(vertex.shape, orders[first])
        elif first in by_columns and _has_columns(vertex.shape):
            chosen[vertex] = column_major(vertex.shape)
    return chosen


def _has_columns(shape: Shape) -> bool:
    """Whether it is a matrix whose columns fill vectors."""
    return len(shape) == 2 and shape[0] >= _FEWEST_ROWS and shape[1] > 1
