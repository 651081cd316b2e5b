"""The document on the compiler lists the operations that have no native kernel."""

from pathlib import Path

from op_cases import CASES
from test_compiled_operations import LOOKING_AT_VALUES, all_calls_of, step_of

from fathom.compiler.lower import lower
from fathom.graph.recorder import record
from fathom.graph.simplify import simplify

DOCUMENT = Path(__file__).parent.parent / "docs" / "compiler.md"
HEAD = "| operation | used by |\n|---|---|\n"


def rows() -> str:
    """The rows of the document's table: operations, and the functions that use them."""
    users: dict[str, set[str]] = {}
    for case in CASES:
        if case.name in LOOKING_AT_VALUES:
            continue
        step, tensors = step_of(case, all_calls_of(case, "float32"))
        plan = lower(simplify(record(step, tuple(tensors), {}).graph), {}, {})
        for planned in plan.steps:
            if planned.op is not None:
                users.setdefault(planned.op.name, set()).add(case.name)
    return "".join(
        f"| `{operation}` | {', '.join(f'`{name}`' for name in sorted(names))} |\n"
        for operation, names in sorted(users.items())
    )


def test_the_document_lists_the_operations_that_numpy_evaluates() -> None:
    listed = DOCUMENT.read_text(encoding="utf-8").partition(HEAD)[2].partition("\n\n")[0]
    assert listed.strip() == rows().strip(), "put these rows into docs/compiler.md"
