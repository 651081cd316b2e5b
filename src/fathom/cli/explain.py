"""``fathom explain``"""

from pathlib import Path
from typing import Any

import click

from .parameters import Name, as_command
from .step import CODE, make_step, step_options


def _stages() -> list[str]:
    from ..runtime.explain import STAGES

    return list(STAGES)


@as_command("""
fathom explain                                     a training step of the model mlp, in outline
fathom explain mlp --stage kernels                 the steps of its compiled program
fathom explain mlp --stage loops --batch-size 1
fathom explain lenet5 --optimizer adam --html lenet5.html
""")
@step_options
@click.option(
    "--stage",
    type=Name("stage", _stages),
    help="Show graph, simplified, kernels, memory, loops, llvm, optimized or assembly.",
)
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all stages, measured too, to a page for a browser.",
)
def command(stage: str | None, page: Path | None, **settings: Any) -> None:
    """Show what becomes of a training step of MODEL, from Python to machine code.

    The step is that of a classifier, with cross entropy, on random images.
    """
    step, images, labels = make_step(**settings)
    for _ in range(2):  # the second call may find state that the first one made
        step(images, labels)
    if page is not None:
        step.explain_page(page, profile=step.profile(images, labels))
        click.echo(f"page    {page}")
    if stage is not None:
        click.echo(step.explain(stage))
    elif page is None:
        stages = step.explain().rpartition("\n")[0]
        click.echo(f"{CODE}\n{stages}\n--stage NAME shows one of them, --html FILE all.")
