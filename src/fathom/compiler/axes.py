"""Brings the axes of loops into the form that makes the best code."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import permutations

import numpy as np

from ..ops import Shape
from .kernel import Access, Body, Instruction, Literal, Load, LoadAt, Position, Reduce

Space = tuple[Shape, tuple[int, ...], Body]

# What a vector costs that is fetched or written element by element, and what it costs to
# combine the elements of one vector.
_COST_OF_SCATTERED = 16
_COST_ACROSS = 20
_LANES = 16


def simplified_axes(shape: Shape, reduced: tuple[int, ...], body: Body) -> Space:
    """The same loops with fewer axes, the best one for vectors last.

    Axes of one point are dropped, neighbours that every buffer walks through as if they were
    one become one, and the axis along which elements lie side by side is put last.

    Args:
        shape: the sizes of the axes.
        reduced: the axes that reductions run over.
        body: what happens at each point.

    Returns:
        shape, reduced axes and body in the new form, with one axis at least.
    """
    space = _merged(_without_single_points(shape, reduced, body))
    return _ordered(space)


def _without_single_points(shape: Shape, reduced: tuple[int, ...], body: Body) -> Space:
    kept = [axis for axis, size in enumerate(shape) if size != 1]
    if reduced and not any(axis in reduced for axis in kept):
        kept = sorted([*kept, reduced[-1]])  # what is reduced has to be one axis at least
    if not kept:
        if shape:
            kept = [0]
        else:
            body = _mapped(body, lambda strides: (*strides, 0), lambda position: position)
            shape, kept = (1,), [0]

    def position(action: Position) -> Position | Literal:
        if action.axis in kept:
            return replace(action, axis=kept.index(action.axis))
        return Literal(action.offset)

    return _chosen((shape, reduced, body), kept, position)


def _chosen(
    space: Space, order: list[int], position: Callable[[Position], Position | Literal]
) -> Space:
    """The space with some of its axes only, in another order."""
    shape, reduced, body = space
    return (
        tuple(shape[axis] for axis in order),
        tuple(number for number, axis in enumerate(order) if axis in reduced),
        _mapped(body, lambda strides: tuple(strides[axis] for axis in order), position),
    )


def _rearranged(space: Space, order: list[int]) -> Space:
    return _chosen(space, order, lambda action: replace(action, axis=order.index(action.axis)))


def _mapped(
    body: Body,
    strides: Callable[[tuple[int, ...]], tuple[int, ...]],
    position: Callable[[Position], Position | Literal],
) -> Body:
    """A body with other strides and positions."""

    def access(old: Access) -> Access:
        return replace(old, strides=strides(old.strides))

    def instruction(old: Instruction) -> Instruction:
        match old.action:
            case Load() | LoadAt():
                return replace(old, action=replace(old.action, access=access(old.action.access)))
            case Position():
                return replace(old, action=position(old.action))
            case _:
                return old

    return Body(
        tuple(map(instruction, body.instructions)),
        tuple(replace(store, access=access(store.access)) for store in body.stores),
    )


def accesses(body: Body) -> Iterator[Access]:
    """All places in buffers that a body writes or reads, those it writes first."""
    for store in body.stores:
        yield store.access
    for instruction in body.instructions:
        if isinstance(instruction.action, Load | LoadAt):
            yield instruction.action.access


# Merging


def _merged(space: Space) -> Space:
    while (pair := _mergeable(space)) is not None:
        space = _merge(space, *pair)
    return space


def _mergeable(space: Space) -> tuple[int, int] | None:
    """Two axes that can be walked through as one, the outer one first."""
    shape, reduced, body = space
    used = list(accesses(body))
    counted = {
        instruction.action.axis
        for instruction in body.instructions
        if isinstance(instruction.action, Position)
    }
    in_order = gives_places(body)
    for outer, inner in permutations(range(len(shape)), 2):
        if (outer in reduced) != (inner in reduced) or {outer, inner} & counted:
            continue
        if in_order and outer in reduced and reduced.index(inner) != reduced.index(outer) + 1:
            continue
        if all(a.strides[outer] == a.strides[inner] * shape[inner] for a in used):
            return outer, inner
    return None


def _merge(space: Space, outer: int, inner: int) -> Space:
    shape, reduced, body = space
    sizes = list(shape)
    sizes[inner] *= sizes[outer]
    order = [axis for axis in range(len(shape)) if axis != outer]
    return _rearranged((tuple(sizes), reduced, body), order)


def gives_places(body: Body) -> bool:
    """Whether a reduction of a body asks where an element is, which depends on their order."""
    return any(
        isinstance(instruction.action, Reduce) and instruction.action.kind.startswith("first")
        for instruction in body.instructions
    )


# Order


def _ordered(space: Space) -> Space:
    shape, reduced, body = space
    used = list(accesses(body))
    in_order = gives_places(body)

    def distances(axis: int) -> list[int]:
        return [-abs(access.strides[axis]) for access in used]

    kept = sorted((axis for axis in range(len(shape)) if axis not in reduced), key=distances)
    inner = list(reduced) if in_order else sorted(reduced, key=distances)
    candidates = [*kept, *(inner[-1:] if in_order else inner)]
    last = min(candidates, key=lambda axis: _cost_along(space, axis))
    return _rearranged(space, [axis for axis in [*kept, *inner] if axis != last] + [last])


def _cost_along(space: Space, axis: int) -> float:
    """About what an element costs if vectors lie along an axis."""
    shape, reduced, body = space
    size = shape[axis]
    if size == 0:
        return np.inf
    vectors = -(-size // _LANES)
    each = len(body.instructions)
    for access in accesses(body):
        stride = access.strides[axis]
        each += 1 if stride in (0, 1) else _COST_OF_SCATTERED
    across = _COST_ACROSS if axis in reduced else 0
    return (each * vectors + across) / size
