"""How kernels are printed: loops, and elements of buffers."""

from collections.abc import Sequence

from ..ops import Shape
from .kernel import Access, Apply, Body, Literal, Load, LoadAt, Position, Product, Reduce

_LETTERS = "ijklmnopqrst"


def counters(count: int) -> list[str]:
    """Names of the counters of loops: i, j, k, …."""
    return [_LETTERS[number] if number < len(_LETTERS) else f"i{number}" for number in range(count)]


def loops(names: Sequence[str], shape: Shape) -> str:
    """The head of loops inside loops: ``for i < 3, j < 4:``."""
    if not shape:
        return "once:"
    listed = (f"{name} < {size}" for name, size in zip(names, shape, strict=True))
    return f"for {', '.join(listed)}:"


def element(access: Access, names: Sequence[str]) -> str:
    """An element of a buffer: ``b0[4*i + j]``."""
    steps = [
        name if stride == 1 else f"{stride}*{name}"
        for name, stride in zip(names, access.strides, strict=True)
        if stride != 0
    ]
    if access.offset or not steps:
        steps.append(str(access.offset))
    return f"b{access.buffer}[{' + '.join(steps)}]"


def instructions(body: Body, names: Sequence[str]) -> list[str]:
    """The lines of a body: ``v2 = Add(v0, v1)``, then the stores."""
    lines = []
    for number, instruction in enumerate(body.instructions):
        match instruction.action:
            case Load(access):
                value = element(access, names)
            case LoadAt(access, indices):
                chosen = ", ".join(f"v{operand} < {size}" for operand, _, size in indices)
                value = f"{element(access, names)} at {chosen}"
            case Literal(constant):
                value = str(constant)
            case Position(axis, stride, offset):
                value = f"{stride}*{names[axis]} + {offset}"
            case Apply(op, operands):
                value = f"{op.name}({', '.join(f'v{operand}' for operand in operands)})"
            case Reduce(kind, operand):
                value = f"{kind} of v{operand}"
            case Product():
                value = "product"
        lines.append(f"v{number} = {value}  # {instruction.dtype}")
    for store in body.stores:
        sign = "+=" if store.adds else "="
        lines.append(f"{element(store.access, names)} {sign} v{store.operand}")
    return lines
