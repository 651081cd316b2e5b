"""About how many vector instructions things take, to choose between ways to do them."""

from functools import cache

from ..ops import Op
from .emitter import Emitter
from .kernel import Access, Apply, Body, DType, Literal, Load, LoadAt, Position, Reduce
from .lanes import Lanes, register_type
from .target import Target

# About what an element costs that has to be fetched by itself.
_COST_OF_SCATTERED = 2


def cost_of_instruction(body: Body, number: int, along: int, lanes: int, target: Target) -> int:
    """What an instruction of a body costs.

    Args:
        body: the instructions.
        number: which of them.
        along: the axis that vectors lie along.
        lanes: how many elements they hold.
        target: the processor.
    """
    action = body.instructions[number].action
    match action:
        case Literal() | Position():
            return 0
        case Load(access):
            return cost_of_access(access, along, lanes)
        case LoadAt():
            return 4 + _COST_OF_SCATTERED * lanes
        case Reduce(kind):
            return 6 if kind.startswith("first") else 1 if kind == "sum" else 3
        case Apply(op, operands):
            dtypes = tuple(body.instructions[operand].dtype for operand in operands)
            return _cost_of_operation(op, dtypes, target)
        case _:
            return 1


def cost_of_access(access: Access, along: int, lanes: int) -> int:
    """What it costs to read or write a vector."""
    return 1 if access.strides[along] in (0, 1) else _COST_OF_SCATTERED * lanes


@cache
def _cost_of_operation(op: Op, dtypes: tuple[DType, ...], target: Target) -> int:
    """How many instructions an operation's expression writes."""
    emitter = Emitter(target)
    with emitter.function("cost", ()):
        operands = [
            Lanes(emitter, emitter.define(register_type(dtype, 2), "freeze"), dtype)
            for dtype in dtypes
        ]
        before = emitter.length
        op.expression(*operands)  # type: ignore[attr-defined]
        return emitter.length - before
