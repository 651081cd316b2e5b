"""The table of translations: for each operation of Fathom's, how ONNX spells it."""

from collections.abc import Callable
from typing import Any

from ...graph import Vertex
from .writer import Writer

# Adds the nodes for a vertex, whose operands have these names, and returns the result's name.
Translation = Callable[..., str]

TRANSLATIONS: dict[str, Translation] = {}


def translates(*operations: str) -> Callable[[Translation], Translation]:
    """Let a function translate the operations of these names."""

    def register(function: Translation) -> Translation:
        for operation in operations:
            assert operation not in TRANSLATIONS, f"{operation} is translated twice"
            TRANSLATIONS[operation] = function
        return function

    return register


def directly(operation: str, kind: str, **attributes: Any) -> None:
    """Let an operation become one node of a kind."""

    @translates(operation)
    def translate(writer: Writer, vertex: Vertex, *operands: str) -> str:
        return writer.node(kind, *operands, **attributes)
