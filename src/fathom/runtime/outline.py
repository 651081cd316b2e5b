"""A native program as its readers see it: names for its buffers, numbers for its kernels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from ..compiler.kernel import Apply, Body, Kernel, Literal, Load, LoadAt, Product, Reduce
from ..compiler.plan import Buffer, Plan, Step
from ..graph import Constant, Input
from ..graph.origin import Line
from ..ops import Cast, Op

_MOST_WORDS = 6


@dataclass(frozen=True)
class OutlinedStep:
    """A step of a program, for its readers.

    Attributes:
        number: which step it is, counted from 1.
        step: the step.
        kernel: which of the kernels it calls, counted from 1; None where NumPy evaluates an
            operation.
        title: the operations that it does.
        read, written: the buffers it reads and writes; one that it updates is in both.
        lines: the lines of the user's code that it comes from.
    """

    number: int
    step: Step
    kernel: int | None
    title: str
    read: tuple[Buffer, ...]
    written: tuple[Buffer, ...]
    lines: tuple[Line, ...]


class Outline:
    """The steps and buffers of a plan, with names and numbers.

    Args:
        plan: the plan.

    Attributes:
        plan: the plan.
        names: the name of each buffer that a reader should know of.
        kernels: the kernels, each once, in the order in which they are first called.
        steps: the steps in order.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.names = dict(_named(plan))
        self.kernels: list[Kernel] = list(
            dict.fromkeys(step.kernel for step in plan.steps if step.kernel is not None)
        )
        numbers = {kernel: number for number, kernel in enumerate(self.kernels, 1)}
        self.steps = [
            OutlinedStep(
                number,
                step,
                numbers[step.kernel] if step.kernel is not None else None,
                title(step),
                tuple(self._shown(_read(step))),
                tuple(self._shown([b for b in step.operands if b in step.written])),
                _lines(step.origins),
            )
            for number, step in enumerate(plan.steps, 1)
        ]

    def _shown(self, buffers: Sequence[Buffer]) -> Iterator[Buffer]:
        return (buffer for buffer in buffers if buffer in self.names)

    def describe(self, buffer: Buffer) -> str:
        """A buffer in words: ``hidden float32[64, 128]``."""
        layout = self.plan.layouts[buffer]
        lies = "" if layout.is_row_major or len(layout.shape) < 2 else ", column by column"
        return f"{self.names[buffer]} {buffer.dtype}[{', '.join(map(str, layout.shape))}]{lies}"


def _named(plan: Plan) -> Iterator[tuple[Buffer, str]]:
    """The names of all buffers but those of scratch memory, constants and reports."""
    for buffer in plan.inputs:
        yield buffer, cast("Input", buffer.source).name
    results = [buffer for buffer in plan.outputs if buffer.shared_with is None]
    for number, buffer in enumerate(results):
        yield buffer, f"result {number}" if len(results) > 1 else "result"
    for buffer in plan.outputs:
        if buffer.shared_with is not None:
            yield buffer, cast("Input", buffer.shared_with.source).name
    taken = {*plan.inputs, *plan.outputs, plan.status}
    number = 0
    for step in plan.steps:
        for buffer in step.operands:
            if buffer in taken or buffer not in plan.layouts:
                continue
            taken.add(buffer)
            number += 1
            yield buffer, ("c" if isinstance(buffer.source, Constant) else "t") + str(number)


def _read(step: Step) -> list[Buffer]:
    """The buffers whose values a step uses."""
    if step.kernel is None:
        return list(step.operands[:-1])
    body = body_of(step.kernel)
    if body is None:
        return [buffer for buffer in step.operands if buffer not in step.written]
    factors = (getattr(step.kernel, name, None) for name in ("first", "second"))
    numbers = {factor.buffer for factor in factors if factor is not None}
    for instruction in body.instructions:
        if isinstance(instruction.action, Load | LoadAt):
            numbers.add(instruction.action.access.buffer)
    return [step.operands[number] for number in sorted(numbers)]


def body_of(kernel: Kernel) -> Body | None:
    """The body of a kernel that has one."""
    return getattr(kernel, "body", None)


def title(step: Step) -> str:
    """What a step does, in a few words: ``product, Add, Relu``."""
    if step.kernel is None:
        return f"{cast('Op', step.op).name} by NumPy"
    body = body_of(step.kernel)
    if body is None:
        kind = getattr(step.kernel, "kind", "")
        return " ".join(filter(None, [type(step.kernel).__name__.removesuffix("Kernel"), kind]))
    words = list(dict.fromkeys(_words(body)))
    if not words:
        is_fill = all(isinstance(one.action, Literal) for one in body.instructions)
        return "fill" if is_fill else "copy"
    return ", ".join([*words[:_MOST_WORDS], *("…",) * (len(words) > _MOST_WORDS)])


def _words(body: Body) -> Iterator[str]:
    for instruction in body.instructions:
        match instruction.action:
            case Apply(op) if not isinstance(op, Cast):
                yield op.name
            case Reduce(kind):
                yield kind
            case Product():
                yield "product"
            case LoadAt():
                yield "gather"


def _lines(origins: Sequence[str]) -> tuple[Line, ...]:
    lines = [origin for origin in origins if isinstance(origin, Line)]
    return tuple(sorted(lines, key=lambda line: (line.path, line.number)))
