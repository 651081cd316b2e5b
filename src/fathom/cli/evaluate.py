"""``fathom evaluate``"""

from pathlib import Path

import click

from .parameters import as_command, checkpoint_option, eager_option, run_argument
from .run import trainer_of_run


@as_command("""
fathom evaluate runs/digits
fathom evaluate runs/digits --checkpoint last
""")
@run_argument
@checkpoint_option
@eager_option
def command(run: Path, checkpoint: str, eager: bool) -> None:
    """Test the model of the run folder RUN on the test part of its data set."""
    from ..train.metrics import F1, ConfusionMatrix, Precision, Recall

    trainer, data = trainer_of_run(run, checkpoint, eager)
    matrix = ConfusionMatrix()
    trainer.metrics += [Precision(), Recall(), F1(), matrix]
    figures = trainer.evaluate(data.test)
    counts = figures.pop(matrix.name)
    click.echo(f"{data.name}: {len(data.test)} test samples")
    for name, figure in figures.items():
        click.echo(f"{name:10} {figure:.4f}")
    click.echo("\nrows: true classes; columns: what they were taken for")
    click.echo(_as_text(counts.tolist(), data.classes))


def _as_text(rows: list[list[float]], names: list[str]) -> str:
    """A table of counts, whose columns are as wide as they need to be."""
    short = [name[:8] for name in names]
    cells = [["", *short]]
    cells += [
        [name, *(f"{count:.0f}" for count in row)] for name, row in zip(short, rows, strict=True)
    ]
    width = max(len(cell) for row in cells for cell in row)
    return "\n".join(" ".join(cell.rjust(width) for cell in row) for row in cells)
