"""How kernels are printed: loops, and elements of buffers."""

from collections.abc import Sequence

from ..ops import Shape
from .kernel import Access

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
