"""Which instructions of a body need which."""

from collections.abc import Iterable
from dataclasses import replace

from .kernel import Apply, Body, Instruction, Literal, LoadAt, Reduce


def operands_of(instruction: Instruction) -> tuple[int, ...]:
    """The numbers of the instructions that one takes the results of."""
    match instruction.action:
        case Apply(_, operands):
            return operands
        case LoadAt(_, indices):
            return tuple(operand for operand, _, _ in indices)
        case Reduce(_, operand):
            return (operand,)
        case _:
            return ()


def closure(
    body: Body, wanted: Iterable[int], known: Iterable[int] = (), last: Iterable[int] = ()
) -> frozenset[int]:
    """The instructions to run for some results, where some are known already.

    Args:
        body: the instructions.
        wanted: the results.
        known: what does not have to run.
        last: whose operands are not followed.
    """
    known, last = frozenset(known), frozenset(last)
    found: set[int] = set()
    waiting = list(wanted)
    while waiting:
        number = waiting.pop()
        if number in found or number in known:
            continue
        found.add(number)
        if number not in last:
            waiting.extend(operands_of(body.instructions[number]))
    return frozenset(found)


def without_reductions(body: Body) -> Body:
    """A body in which the results of reductions vary along no axis."""
    return replace(
        body,
        instructions=tuple(
            replace(instruction, action=Literal(0))
            if isinstance(instruction.action, Reduce)
            else instruction
            for instruction in body.instructions
        ),
    )
