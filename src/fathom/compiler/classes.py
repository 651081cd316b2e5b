"""Values that belong together."""

from ..graph import Vertex


class Classes:
    """Vertices that belong together (a union-find structure)."""

    def __init__(self) -> None:
        self._next: dict[Vertex, Vertex] = {}

    def first_of(self, vertex: Vertex) -> Vertex:
        """The vertex that stands for the class."""
        while vertex in self._next:
            vertex = self._next[vertex]
        return vertex

    def unite(self, one: Vertex, other: Vertex) -> None:
        """Put the classes of two vertices together."""
        one, other = self.first_of(one), self.first_of(other)
        if one is not other:
            self._next[one] = other
