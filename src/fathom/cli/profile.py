"""``fathom profile``"""

from typing import Any

import click

from .parameters import as_command
from .step import make_step, step_options


@as_command("""
fathom profile
fathom profile mlp --batch-size 256 --optimizer adam
fathom profile mlp --set sizes=784,100,100,100,10 --set activation=tanh
""")
@step_options
@click.option(
    "--repetitions",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="How many calls are timed as a whole, and then as many step by step.",
)
def command(repetitions: int, **settings: Any) -> None:
    """Measure where the time of a compiled training step of MODEL goes.

    The step is that of a classifier, with cross entropy, on random images.
    """
    step, images, labels = make_step(**settings)
    click.echo(step.profile(images, labels, repetitions=repetitions))
