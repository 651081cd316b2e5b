"""Computations that Fathom writes as several operations and ONNX as one node."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...graph import Constant, Vertex
from .translation import TRANSLATIONS
from .writer import Writer


@dataclass(frozen=True)
class Pattern:
    """What one node can compute, and its operands.

    Attributes:
        operands: the values that the node needs.
        write: adds the node for a vertex and its operands' names, and returns the result's name.
    """

    operands: tuple[Vertex, ...]
    write: Callable[..., str]


def recognize(vertices: Sequence[Vertex], outputs: Sequence[Vertex]) -> dict[Vertex, Pattern]:
    """The patterns among vertices, each under the vertex that it ends in.

    Args:
        vertices: all vertices, operands before results.
        outputs: those that are asked for.
    """
    uses: dict[Vertex, int] = dict.fromkeys(outputs, 1)
    for vertex in vertices:
        for operand in vertex.operands:
            uses[operand] = uses.get(operand, 0) + 1
    found = {}
    for vertex in vertices:
        pattern = _batch_normalization(vertex) or _convolution_with_bias(vertex, uses)
        if pattern is not None:
            found[vertex] = pattern
    return found


def _convolution_with_bias(vertex: Vertex, uses: dict[Vertex, int]) -> Pattern | None:
    if vertex.kind != "Add":
        return None
    made, spread = vertex.operands
    if made.kind not in ("Convolution", "ConvolutionInputGradient") or uses[made] > 1:
        return None
    bias = _per_channel(spread, made)
    if bias is None:
        return None
    translate = TRANSLATIONS[made.kind]

    def write(writer: Writer, _: Vertex, *operands: str) -> str:
        return translate(writer, made, *operands)

    return Pattern((*made.operands, bias), write)


def _per_channel(spread: Vertex, images: Vertex) -> Vertex | None:
    """The vector with a number for each channel that was given dimensions to meet images."""
    if spread.kind != "Reshape":
        return None
    (vector,) = spread.operands
    channels = images.shape[1]
    is_spread = spread.shape in (
        (channels, *[1] * (len(images.shape) - 2)),
        (1, channels, *[1] * (len(images.shape) - 2)),
    )
    return vector if vector.shape == (channels,) and is_spread else None


def _batch_normalization(vertex: Vertex) -> Pattern | None:
    """What `batch_norm` computes in evaluation: x scale + shift, with
    scale = weight / sqrt(variance + eps) and shift = bias - mean scale."""
    match _apart(vertex, "Add"):
        case Vertex(kind="Multiply", operands=(x, spread_scale)), spread_shift:
            pass
        case _:
            return None
    if len(x.shape) < 3 or x.shape != vertex.shape:
        return None
    scale, shift = _per_channel(spread_scale, x), _per_channel(spread_shift, x)
    match _apart(scale, "Multiply"), _apart(shift, "Add"):
        case (inverse, weight), (moved, bias):
            pass
        case _:
            return None
    match _apart(inverse, "Divide"), _apart(moved, "Multiply"):
        case (one, Vertex(kind="Sqrt", operands=(total,))), (negative, other):
            pass
        case _:
            return None
    match _apart(total, "Add"), _apart(negative, "Negative"):
        case (variance, Constant() as eps), (mean,):
            pass
        case _:
            return None
    if other is not scale or not _is_number(one, 1) or eps.array.size != 1:
        return None

    def write(writer: Writer, _: Vertex, *operands: str) -> str:
        return writer.node("BatchNormalization", *operands, epsilon=eps.array.item())

    return Pattern((x, weight, bias, mean, variance), write)


def _apart(vertex: Vertex | None, kind: str) -> tuple[Any, ...]:
    """The operands of a vertex of a kind; nothing for another."""
    return vertex.operands if vertex is not None and vertex.kind == kind else ()


def _is_number(vertex: Vertex, number: float) -> bool:
    return isinstance(vertex, Constant) and vertex.array.size == 1 and vertex.array == number


def needed(
    outputs: Sequence[Vertex], patterns: dict[Vertex, Pattern]
) -> list[tuple[Vertex, tuple[Vertex, ...]]]:
    """What has to be written for the outputs, operands before results, each with its operands."""

    def operands(vertex: Vertex) -> tuple[Vertex, ...]:
        return patterns[vertex].operands if vertex in patterns else vertex.operands

    found: dict[Vertex, tuple[Vertex, ...]] = {}
    waiting = [(vertex, iter(operands(vertex))) for vertex in reversed(outputs)]
    while waiting:
        vertex, rest = waiting[-1]
        following = next((operand for operand in rest if operand not in found), None)
        if following is None:
            found[vertex] = operands(vertex)
            waiting.pop()
        else:
            waiting.append((following, iter(operands(following))))
    return list(found.items())
