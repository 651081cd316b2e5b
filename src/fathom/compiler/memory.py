"""Gives every temporary a place in one arena, shared by those that live at different times."""

from .plan import Buffer, Plan

# The size of a cache line, and of the widest vectors.
ALIGNMENT = 64


def assign_places(plan: Plan) -> int:
    """Place the temporaries, the largest first, each as low as those that live with it allow.

    Returns:
        How many bytes the arena needs.
    """
    needed = lifetimes(plan)
    placed: list[Buffer] = []
    end = 0
    for buffer in sorted(needed, key=lambda buffer: -buffer.bytes):
        start, stop = needed[buffer]
        neighbours = [
            other for other in placed if needed[other][0] <= stop and start <= needed[other][1]
        ]
        buffer.place = _lowest_gap(buffer.bytes, neighbours)
        placed.append(buffer)
        end = max(end, buffer.place + _rounded(buffer.bytes))
    return end


def lifetimes(plan: Plan) -> dict[Buffer, tuple[int, int]]:
    """For each temporary, its first step and its last."""
    found: dict[Buffer, tuple[int, int]] = {}
    for position, step in enumerate(plan.steps):
        for buffer in step.operands:
            if buffer.is_temporary:
                first, _ = found.get(buffer, (position, position))
                found[buffer] = (first, position)
    return found


def _lowest_gap(size: int, neighbours: list[Buffer]) -> int:
    place = 0
    for other in sorted(neighbours, key=lambda other: other.place or 0):
        if other.place is not None and place + size <= other.place:
            break
        place = max(place, (other.place or 0) + _rounded(other.bytes))
    return place


def _rounded(size: int) -> int:
    return -(-max(size, 1) // ALIGNMENT) * ALIGNMENT


def overlap(one: Buffer, other: Buffer) -> bool:
    """Whether two buffers share memory."""
    one, other = one.root, other.root
    if one is other:
        return True
    if one.place is None or other.place is None:
        return False
    return one.place < other.place + other.bytes and other.place < one.place + one.bytes
