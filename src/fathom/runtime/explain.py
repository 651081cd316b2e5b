"""Shows what becomes of a function, stage by stage from Python to machine code."""

from collections.abc import Callable, Iterator

from ..compiler.kernel import Kernel
from ..compiler.memory import lifetimes
from ..compiler.plan import Buffer
from ..compiler.target import host
from ..graph import Graph
from ..graph.recorded import Recording
from ..naming import look_up
from .kernels import written
from .machine_code import assembly, optimized
from .outline import Outline, OutlinedStep
from .program import NativeProgram
from .table import table
from .threads import get_num_threads

_BAR = 40  # characters of the widest drawing of a lifetime


class Explanation:
    """All stages of a compiled function, as text.

    Args:
        name: the function's.
        recording: what was recorded.
        native: the program made of it.

    Attributes:
        outline: the steps of the program.
    """

    def __init__(self, name: str, recording: Recording, native: NativeProgram) -> None:
        self.name = name
        self.recording = recording
        self.native = native
        self.outline = Outline(native.plan)

    def stage(self, name: str) -> str:
        """One stage.

        Args:
            name: one of `STAGES`.

        Raises:
            UnknownNameError: there is no stage of that name.
        """
        show: Callable[[Explanation], str] = look_up("stage", name, STAGES)
        return show(self)

    def overview(self) -> str:
        """What each stage is, and how much there is to see in it."""
        graph, plan = self.recording.graph, self.native.plan
        state = [place for place in self.recording.inputs if place.argument is None]
        shared = sum(step.is_shared for step in plan.steps)
        meetings = sum(step.waits for step in plan.steps)
        calls = sum(step.kernel is None for step in plan.steps)
        temporaries = list(lifetimes(plan))
        alone = sum(buffer.bytes for buffer in temporaries)
        lines = {
            "graph": f"{_operations(graph)} operations, recorded on "
            f"{len(graph.inputs) - len(state)} tensors of the call and {len(state)} of state",
            "simplified": f"{_operations(self.native.graph)} operations",
            "kernels": f"{len(plan.steps)} steps that call {len(self.outline.kernels)} different "
            f"kernels" + f" and {calls} times NumPy" * bool(calls) + f"; {get_num_threads()} "
            f"threads share {shared} of the steps and meet {meetings} times",
            "memory": f"{len(temporaries)} temporaries of {_size(alone)} in an arena of "
            f"{_size(plan.arena_bytes)}",
            "loops": "what each kernel does, in readable loops",
            "llvm": "each kernel as LLVM gets it",
            "optimized": "what LLVM makes of it",
            "assembly": f"the machine code, for vectors of {host().vector_bytes} bytes",
        }
        listed = "\n".join(f"  {stage:<12}{text}" for stage, text in lines.items())
        return f"{self.name}, compiled:\n{listed}\nexplain(stage) shows a stage."

    def graph(self) -> str:
        """The operations as they were recorded."""
        return str(self.recording.graph)

    def simplified(self) -> str:
        """The operations that are left after simplification."""
        return str(self.native.graph)

    def kernels(self) -> str:
        """The steps in order."""
        return "\n".join(line for step in self.outline.steps for line in self._step_lines(step))

    def _step_lines(self, step: OutlinedStep) -> Iterator[str]:
        if step.step.waits:
            yield "── all threads meet ──"
        kernel = "" if step.kernel is None else f" (kernel {step.kernel})"
        yield f"{step.number}  {step.title}{kernel}, {_who(step)}"
        described = {
            "reads": [self.outline.describe(buffer) for buffer in step.read],
            "writes": [self.outline.describe(buffer) for buffer in step.written],
            "from": [f"{line}  {line.text}" for line in step.lines],
        }
        for label, texts in described.items():
            for text in texts:
                yield f"       {label if text is texts[0] else '':<7}{text}"

    def memory(self) -> str:
        """Where each temporary lies in the arena, and from which step to which it is needed."""
        plan = self.native.plan
        if not plan.arena_bytes:
            return "There are no temporaries."
        needed = sorted(lifetimes(plan).items(), key=lambda item: (item[1], item[0].place))
        columns = min(len(plan.steps), _BAR)
        rows = [("buffer", "offset", "bytes", "steps", "")]
        for buffer, (first, last) in needed:
            start, stop = (step * columns // len(plan.steps) for step in (first, last))
            bar = "·" * start + "█" * (stop - start + 1) + "·" * (columns - stop - 1)
            steps = f"{first + 1}–{last + 1}"
            name = self._name_in_arena(buffer)
            rows.append((name, f"{buffer.place:,}", f"{buffer.bytes:,}", steps, bar))
        apart = sum(buffer.bytes for buffer, _ in needed)
        return (
            f"{table(rows, left=(0, 4))}\n"
            f"arena: {plan.arena_bytes:,} bytes; without sharing it would be {apart:,}"
        )

    def _name_in_arena(self, buffer: Buffer) -> str:
        if buffer in self.outline.names:
            return self.outline.describe(buffer)
        return "working memory of the step"

    def loops(self) -> str:
        """Every kernel in readable loops."""
        return "\n\n".join(map(self.loops_of, range(1, len(self.outline.kernels) + 1)))

    def loops_of(self, number: int) -> str:
        """One kernel in readable loops, with what its buffers hold when it is first called."""
        step = next(step for step in self.outline.steps if step.kernel == number)
        buffers = [
            f"# b{place}: {self.outline.describe(buffer)}"
            for place, buffer in enumerate(step.step.operands)
            if buffer in self.outline.names
        ]
        return "\n".join([self._head(number), *buffers, str(self.outline.kernels[number - 1])])

    def llvm(self) -> str:
        """Every kernel in LLVM's intermediate representation, as it is written."""
        return self._translated(lambda kernel: written(kernel, host()))

    def optimized(self) -> str:
        """Every kernel after LLVM's optimizations."""
        return self._translated(lambda kernel: optimized(written(kernel, host()), host()))

    def assembly(self) -> str:
        """Every kernel in assembly language."""
        return self._translated(assembly_of)

    def _translated(self, translate: Callable[[Kernel], str]) -> str:
        return "\n\n".join(
            f"{self._head(number)}\n{translate(kernel).strip()}"
            for number, kernel in enumerate(self.outline.kernels, 1)
        )

    def _head(self, number: int) -> str:
        steps = [step for step in self.outline.steps if step.kernel == number]
        listed = ", ".join(str(step.number) for step in steps)
        return f"# kernel {number} of step {listed}: {steps[0].title}"


# What `explain` shows, in the order in which one becomes the next.
STAGES: dict[str, Callable[[Explanation], str]] = {
    "graph": Explanation.graph,
    "simplified": Explanation.simplified,
    "kernels": Explanation.kernels,
    "memory": Explanation.memory,
    "loops": Explanation.loops,
    "llvm": Explanation.llvm,
    "optimized": Explanation.optimized,
    "assembly": Explanation.assembly,
}


def assembly_of(kernel: Kernel) -> str:
    """A kernel in assembly language, without what only the linker reads."""
    text = assembly(written(kernel, host()), host())
    return "\n".join(line for line in text.splitlines() if not _is_for_the_linker(line))


def _is_for_the_linker(line: str) -> bool:
    kept = (".L", ".long", ".quad", ".zero", ".byte", ".short")
    word = line.strip()
    return not word or (word.startswith(".") and not word.startswith(kept))


def _who(step: OutlinedStep) -> str:
    if step.step.kernel is None:
        return "called back"
    return "shared by all threads" if step.step.is_shared else "one thread alone"


def _operations(graph: Graph) -> int:
    return sum(vertex.op is not None for vertex in graph.vertices())


def _size(count: int) -> str:
    """A number of bytes: ``"1.5 kB"``."""
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= one:
            return f"{count / one:.1f} {unit}"
    return f"{count} bytes"
