"""Chooses how matrices among the state lie in memory."""

from collections.abc import Iterable, Mapping

from ..graph import Graph, Input, Vertex
from ..ops import Elementwise, MatMul
from .views import Layout


def column_major(shape: tuple[int, ...]) -> Layout:
    """The layout of a matrix whose columns lie one after the other."""
    return Layout(shape, (1, shape[0]))


def choose_layouts(graph: Graph, state: Iterable[Input], updates: Mapping[int, int]) -> set[Input]:
    """The matrices that had better lie column by column.

    A layer multiplies with its weight transposed, ``x @ weight.T``, so that vectors run along
    the rows of the weight in memory if its columns lie one after the other. What meets the
    weight element by element (its gradient, an optimizer's moments) should lie like it.

    Args:
        graph: the graph.
        state: its inputs whose memory is ours to arrange.
        updates: for outputs that replace an input, the number of that input.
    """
    together = _Classes()
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
    chosen = {together.first_of(vertex) for vertex in transposed}
    return {
        vertex
        for vertex in state
        if len(vertex.shape) == 2 and 1 not in vertex.shape and together.first_of(vertex) in chosen
    }


class _Classes:
    """Vertices that belong together (a union-find structure)."""

    def __init__(self) -> None:
        self._next: dict[Vertex, Vertex] = {}

    def first_of(self, vertex: Vertex) -> Vertex:
        """The vertex that stands for the class."""
        while vertex in self._next:
            vertex = self._next[vertex]
        return vertex

    def unite(self, one: Vertex, other: Vertex) -> None:
        one, other = self.first_of(one), self.first_of(other)
        if one is not other:
            self._next[one] = other
