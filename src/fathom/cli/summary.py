"""``fathom summary``"""

from typing import Any

import click

from .parameters import Name, Setting, Shape, as_command, model_names


@as_command("""
fathom summary lenet5
fathom summary resnet18 --input-shape 3x32x32 --classes 10
fathom summary mlp --set sizes=784,100,10 --set activation=tanh
""")
@click.argument("model", type=Name("model", model_names))
@click.option(
    "--input-shape",
    type=Shape(),
    default="1x28x28",
    show_default=True,
    help="Channels, height and width of an image.",
)
@click.option(
    "--classes",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="The number of classes.",
)
@click.option(
    "--set",
    "options",
    type=Setting(),
    multiple=True,
    help="An option of the model, such as dropout=0.25.",
)
def command(
    model: str, input_shape: tuple[int, ...], classes: int, options: tuple[tuple[str, Any], ...]
) -> None:
    """Show the layers of MODEL: output shapes, parameters, multiply-adds and memory."""
    from .. import models

    if len(input_shape) != 3:
        raise click.UsageError("--input-shape needs channels, height and width, such as 1x28x28")
    chosen = models.options_for_images(model, input_shape, classes, **dict(options))
    click.echo(str(models.create(model, **chosen).summary(input_shape)))
