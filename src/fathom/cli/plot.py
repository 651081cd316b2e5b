"""``fathom plot``"""

from importlib.util import find_spec
from pathlib import Path

import click

from .parameters import as_command, checkpoint_option, run_argument
from .run import trainer_of_run


@as_command("""
fathom plot runs/digits
""")
@run_argument
@checkpoint_option
def command(run: Path, checkpoint: str) -> None:
    """Draw the plots of the run folder RUN again, and write its report.

    They show the training curves, the confusion matrix, the surest mistakes and the first
    layer's weights, on the test part of the data set.
    """
    from ..errors import MissingExtra
    from ..train import write_report

    # Without matplotlib a report is written all the same, but here plots are asked for.
    if find_spec("matplotlib") is None:
        raise MissingExtra("plots need matplotlib: pip install 'fathom-dl[plots]'")
    trainer, data = trainer_of_run(run, checkpoint)
    report = write_report(trainer, data.test, data.classes, title="test")
    for plot in sorted((run / "plots").glob("*.png")):
        click.echo(plot)
    click.echo(report)
