"""Writes all stages of a compiled function as one page for a browser."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

from ..compiler.plan import Buffer
from ..compiler.target import host
from ..errors import ArgumentError
from ..graph.origin import Line
from .drawing import Arrow, Box, draw
from .explain import Explanation, assembly_of
from .kernels import written as written_for_llvm
from .outline import OutlinedStep
from .page_style import STYLE
from .profile import Profile, StepProfile, written


def page(
    explanation: Explanation, function: Callable[..., Any], profile: Profile | None = None
) -> str:
    """The page, which needs nothing beside it and nothing from elsewhere.

    Args:
        explanation: the stages.
        function: the function as it was.
        profile: what was measured of the same program.

    Raises:
        ArgumentError: the profile is one of another program.
    """
    return _Page(explanation, function, profile).text()


class _Page:
    def __init__(
        self, explanation: Explanation, function: Callable[..., Any], profile: Profile | None
    ) -> None:
        self._explanation = explanation
        self._outline = explanation.outline
        self._function = function
        self._profile = profile
        self._measured: list[StepProfile | None] = [None] * len(self._outline.steps)
        if profile is not None:
            steps = [measured.outlined.step for measured in profile.steps]
            if steps != [outlined.step for outlined in self._outline.steps]:
                raise ArgumentError("the profile is one of another program than is explained")
            self._measured = list(profile.steps)

    def text(self) -> str:
        name = escape(self._explanation.name)
        return (
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{name}, compiled</title><style>{STYLE}</style></head><body><main>\n"
            f"<h1><code>{name}</code>, from Python to machine code</h1>\n"
            + "\n".join(self._sections())
            + "\n</main></body></html>\n"
        )

    def _sections(self) -> Iterator[str]:
        explanation = self._explanation
        yield f"<pre>{escape(explanation.overview().rpartition(chr(10))[0])}</pre>"
        yield _section(
            "The function",
            "Behind each line stand the steps of the compiled program that compute it, and those "
            "that compute its gradient. One step may serve several lines.",
            self._source(),
        )
        yield _section(
            "Recorded operations",
            "The first call ran the function once on symbols that have a shape and a dtype, and "
            "no values. Each operation on them left a line here: the name of its result, the "
            "result's dtype and shape, the operation, and the line of code. Forward pass, "
            "gradients and the optimizer's updates are one list.",
            _folded("all operations as recorded", explanation.graph()),
        )
        yield _section(
            "Simplified operations",
            "Equal computations are done once, what depends on constants only is computed now, "
            "composed operations such as a softmax are written out in simple ones, and what "
            "nobody needs is gone.",
            _folded("all operations after simplification", explanation.simplified()),
        )
        yield _section(
            "Steps",
            "Operations are fused: a value that is read where it is computed stays in a "
            "register. Each box is one pass over memory. Arrows carry temporaries; parameters "
            "and other state are named in the boxes that use and update them."
            + " The warmer a box, the more of the time it takes."
            * (self._profile is not None),
            f'<div class="picture">{self._picture()}</div>',
        )
        if self._profile is not None:
            yield _section(
                "Time",
                "Each step beside what the machine could do at most: in arithmetic, or in moving "
                "data where that takes longer.",
                f"<pre>{escape(str(self._profile))}</pre>",
            )
        yield _section(
            "Memory",
            "Temporaries lie in one arena, and share it where they live at different times. "
            "Each bar reaches from the first step that needs the buffer to the last.",
            f"<pre>{escape(explanation.memory())}</pre>",
        )
        yield _section(
            "From loops to assembly",
            f"Every step calls a kernel: loops with a few instructions at each point. Fathom "
            f"writes it in LLVM's language, already with vectors of {host().vector_bytes} bytes "
            f"and in tiles that fit the registers, and LLVM makes machine code of it.",
            "".join(map(self._step, self._outline.steps)),
        )

    def _source(self) -> str:
        """The function's lines, and lines elsewhere, with the steps that come from them."""
        found: dict[tuple[str, int], list[tuple[Line, int]]] = {}
        for outlined in self._outline.steps:
            for line in outlined.lines:
                found.setdefault((line.path, line.number), []).append((line, outlined.number))
        rows = ["<tr><th></th><th></th><th>steps</th><th>of the gradient</th></tr>"]
        try:
            texts, start = inspect.getsourcelines(self._function)
            path = inspect.getsourcefile(self._function) or ""
        except (OSError, TypeError):
            texts, start, path = [], 0, ""
        for number, text in enumerate(texts, max(start, 1)):
            rows.append(_source_row(str(number), text.rstrip(), found.pop((path, number), [])))
        for place in sorted(found):
            line, _ = found[place][0]
            rows.append(_source_row(line.partition(" ")[0], line.text, found[place]))
        return f'<table class="source">{"".join(rows)}</table>'

    def _picture(self) -> str:
        boxes = {outlined.step: self._box(outlined) for outlined in self._outline.steps}
        arguments = [buffer for buffer in self._outline.plan.inputs if not self._is_state(buffer)]
        first, arrows, last = [], [], []
        for buffer in arguments:
            readers = [boxes[o.step] for o in self._outline.steps if buffer in o.read]
            if readers:
                box = Box([self._outline.describe(buffer)], "argument")
                first.append(box)
                arrows.append(Arrow(box, readers))
        for outlined in self._outline.steps:
            for buffer in outlined.written:
                if buffer.shared_with is not None or self._is_state(buffer):
                    continue
                readers = [boxes[follower.step] for follower in self._readers(outlined, buffer)]
                if buffer.is_output and not self._writers_after(outlined, buffer):
                    last.append(Box([self._outline.describe(buffer)], "argument"))
                    readers.append(last[-1])
                if readers:
                    label = "" if buffer.is_output else self._label(buffer)
                    arrows.append(Arrow(boxes[outlined.step], readers, label))
        return draw([*first, *boxes.values(), *last], arrows)

    def _label(self, buffer: Buffer) -> str:
        shape = self._outline.plan.layouts[buffer].shape
        return self._outline.names[buffer] + (f" [{', '.join(map(str, shape))}]" if shape else "")

    def _box(self, outlined: OutlinedStep) -> Box:
        names = self._outline.names
        lines = [f"{outlined.number}  {outlined.title}"]
        written_names = [names[b] for b in outlined.written if b.shared_with or self._is_state(b)]
        used = [names[buffer] for buffer in outlined.read if self._is_state(buffer)]
        used = [name for name in used if name not in written_names]
        if used:
            lines.append(f"with {', '.join(used)}")
        if written_names:
            lines.append(f"updates {', '.join(written_names)}")
        measured = self._measured[outlined.number - 1]
        heat = 0.0
        if measured is not None:
            heat = measured.share
            peak = f" · {100 * measured.share_of_peak:.0f} % of peak" if measured.least else ""
            lines.append(f"{written(measured.seconds)} · {100 * heat:.0f} % of the time{peak}")
        kind = "step shared" if outlined.step.is_shared else "step"
        code = "\n".join(f"{line}  {line.text}" for line in outlined.lines)
        return Box(lines, kind, f"#step-{outlined.number}", code, heat)

    def _is_state(self, buffer: Buffer) -> bool:
        plan = self._outline.plan
        if buffer not in plan.inputs:
            return False
        place = self._explanation.recording.inputs[list(plan.inputs).index(buffer)]
        return place.argument is None

    def _writers_after(self, outlined: OutlinedStep, buffer: Buffer) -> list[OutlinedStep]:
        later = self._outline.steps[outlined.number :]
        return [step for step in later if buffer in step.written]

    def _readers(self, outlined: OutlinedStep, buffer: Buffer) -> Iterator[OutlinedStep]:
        """The steps that need what a step writes to a buffer, up to the next that writes it."""
        for later in self._outline.steps[outlined.number :]:
            if buffer in later.read or buffer in later.written:
                yield later
            if buffer in later.written:
                return

    def _step(self, outlined: OutlinedStep) -> str:
        measured = self._measured[outlined.number - 1]
        time = ""
        if measured is not None:
            time = f" <small>{written(measured.seconds)}, {escape(measured.rate)}</small>"
        head = f"<summary><b>{outlined.number}</b> {escape(outlined.title)}{time}</summary>"
        code = "\n".join(f"{line}  {line.text}" for line in outlined.lines)
        # A link to what lies inside of folded details opens them.
        parts = [f'<pre class="code" id="step-{outlined.number}">{escape(code)}</pre>']
        if outlined.kernel is None:
            parts.append("<p>There is no kernel for this operation: NumPy evaluates it.</p>")
        else:
            parts.append(self._kernel(outlined, outlined.kernel))
        return f'<details class="step">{head}{"".join(parts)}</details>'

    def _kernel(self, outlined: OutlinedStep, number: int) -> str:
        """The forms of a kernel, shown with the first step that calls it."""
        same = next(step for step in self._outline.steps if step.kernel == number)
        loops = f"<pre>{escape(self._explanation.loops_of(number))}</pre>"
        if same is not outlined:
            shown = f'<a href="#step-{same.number}">step {same.number}</a>'
            return f"{loops}<p>It calls the kernel of {shown}.</p>"
        kernel = self._outline.kernels[number - 1]
        return (
            loops
            + _folded("in LLVM's language", written_for_llvm(kernel, host()))
            + _folded("in assembly language", assembly_of(kernel))
        )


def _section(title: str, introduction: str, content: str) -> str:
    return f"<section><h2>{title}</h2><p>{introduction}</p>{content}</section>"


def _folded(summary: str, text: str) -> str:
    count = text.count("\n") + 1
    return (
        f"<details><summary>{escape(summary)} <small>{count} lines</small></summary>"
        f"<pre>{escape(text)}</pre></details>"
    )


def _source_row(number: str, text: str, found: Sequence[tuple[Line, int]]) -> str:
    cells: tuple[list[str], list[str]] = ([], [])
    for line, step in found:
        cells[line.is_backward].append(f'<a href="#step-{step}">{step}</a>')
    steps, gradient = (" ".join(links) for links in cells)
    return (
        f'<tr><td class="number">{escape(number)}</td><td><code>{escape(text)}</code></td>'
        f"<td>{steps}</td><td>{gradient}</td></tr>"
    )
