"""The graph of a computation, and the executor that defines what it means."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass

import numpy as np

from ..ops import Array, Op, Shape, Spec
from ..promotion import DType


class Vertex:
    """One value of a graph: an operation with its operands, and what is known of the result.

    Vertices never change and are compared by identity.

    Attributes:
        op: the operation; None for an `Input` or a `Constant`.
        operands: the values it is applied to.
        spec: shape and dtype of the result.
        origin: the line of the user's code that it came from, ``"train.py:12"``.
    """

    __slots__ = ("op", "operands", "origin", "spec")

    def __init__(
        self, op: Op | None, operands: tuple["Vertex", ...], spec: Spec, origin: str = ""
    ) -> None:
        self.op = op
        self.operands = operands
        self.spec = spec
        self.origin = origin

    @property
    def shape(self) -> Shape:
        """The size of every dimension."""
        return self.spec.shape

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.spec.dtype

    @property
    def kind(self) -> str:
        """What it is, in a word: the operation's name, ``"input"`` or ``"constant"``."""
        return self.op.name if self.op is not None else "input"


class Input(Vertex):
    """A value that every evaluation is given anew.

    Attributes:
        name: what it is to the reader: ``"argument 0"``, ``"state 3"``.
    """

    __slots__ = ("name",)

    def __init__(self, spec: Spec, name: str = "", origin: str = "") -> None:
        super().__init__(None, (), spec, origin)
        self.name = name


class Constant(Vertex):
    """A value that is the same in every evaluation.

    Attributes:
        array: the value.
    """

    __slots__ = ("array",)

    def __init__(self, array: Array, origin: str = "") -> None:
        super().__init__(None, (), Spec(array.shape, array.dtype), origin)
        self.array = array

    @property
    def kind(self) -> str:
        return "constant"


class Graph:
    """What a function computes: outputs, and the inputs that they are computed from.

    Args:
        inputs: the inputs in the order in which an evaluation is given them; some may be
            unused.
        outputs: the values asked for. One may stand there twice, or be an input or a constant.
    """

    def __init__(self, inputs: Sequence[Input], outputs: Sequence[Vertex]) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)

    def vertices(self) -> list[Vertex]:
        """All inputs and whatever the outputs need, each once, operands before results."""
        return in_order((*self.inputs, *self.outputs))

    def __str__(self) -> str:
        vertices = self.vertices()
        names = {vertex: f"v{position}" for position, vertex in enumerate(vertices)}
        rows = [
            (
                names[vertex],
                _described_spec(vertex.spec),
                _described(vertex, names),
                vertex.origin,
            )
            for vertex in vertices
        ]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
        lines = [
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]
            ).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, "return " + ", ".join(names[output] for output in self.outputs)])


def in_order(roots: Iterable[Vertex]) -> list[Vertex]:
    """The vertices that `roots` are computed from, each once, operands before results."""
    found: dict[Vertex, None] = {}
    for root in roots:
        waiting = [(root, iter(root.operands))] if root not in found else []
        while waiting:
            vertex, operands = waiting[-1]
            for operand in operands:
                if operand not in found:
                    waiting.append((operand, iter(operand.operands)))
                    break
            else:
                found[vertex] = None
                waiting.pop()
    return list(found)


def replace(roots: Sequence[Vertex], replaced: dict[Vertex, Vertex]) -> list[Vertex]:
    """The same computations with some vertices replaced by others."""
    made: dict[Vertex, Vertex] = {}
    for vertex in in_order(roots):
        if vertex in replaced:
            made[vertex] = replaced[vertex]
            continue
        operands = tuple([made[operand] for operand in vertex.operands])
        if operands == vertex.operands:
            made[vertex] = vertex
        else:
            made[vertex] = Vertex(vertex.op, operands, vertex.spec, vertex.origin)
    return [made[root] for root in roots]


@np.errstate(all="ignore")
def evaluate(graph: Graph, arrays: Sequence[Array]) -> list[Array]:
    """Run a graph with NumPy: it defines what compiled code must give.

    Args:
        graph: the graph.
        arrays: a value for each of its inputs.

    Returns:
        A value for each of its outputs; they may share memory with `arrays` and each other.
    """
    values: dict[Vertex, Array] = dict(zip(graph.inputs, arrays, strict=True))
    vertices = graph.vertices()
    last_uses: dict[Vertex, int] = {}
    for position, vertex in enumerate(vertices):
        for operand in vertex.operands:
            last_uses[operand] = position
    kept = set(graph.outputs)
    for position, vertex in enumerate(vertices):
        if isinstance(vertex, Constant):
            values[vertex] = vertex.array
        elif vertex.op is not None:
            value = vertex.op.compute(*[values[operand] for operand in vertex.operands])
            assert (value.shape, value.dtype) == vertex.spec, f"{vertex.kind} inferred otherwise"
            values[vertex] = value
        for operand in set(vertex.operands):
            if last_uses[operand] == position and operand not in kept:
                del values[operand]
    return [values[output] for output in graph.outputs]


def _described_spec(spec: Spec) -> str:
    return f"{spec.dtype}[{', '.join(map(str, spec.shape))}]"


def _described(vertex: Vertex, names: dict[Vertex, str]) -> str:
    if isinstance(vertex, Constant):
        array = vertex.array
        return f"constant {array.item() if array.size == 1 else ''}".rstrip()
    if isinstance(vertex, Input):
        return f"input {vertex.name}".rstrip()
    parts = [names[operand] for operand in vertex.operands]
    if is_dataclass(vertex.op):
        for field in fields(vertex.op):
            parts.append(f"{field.name}={getattr(vertex.op, field.name)}")
    return f"{vertex.kind}({', '.join(parts)})"
