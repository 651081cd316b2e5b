"""``fathom predict``"""

from pathlib import Path

import click
import numpy as np

from .parameters import as_command, checkpoint_option, eager_option, run_argument
from .pictures import prepare_picture

_BATCH_SIZE = 64


@as_command("""
fathom predict runs/digits photo.png
fathom predict runs/mnist *.jpg --top 3
""")
@run_argument
@click.argument(
    "images", type=click.Path(exists=True, dir_okay=False, path_type=Path), nargs=-1, required=True
)
@click.option(
    "--top",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many classes to name for each picture.",
)
@checkpoint_option
@eager_option
def command(run: Path, images: tuple[Path, ...], top: int, checkpoint: str, eager: bool) -> None:
    """Say what the model of RUN sees in IMAGES, which are PNG or JPEG files of any size.

    Grey pictures may be dark on light or light on dark. What is drawn is brought to the place
    and the size that it has in the pictures of the training.
    """
    from ..errors import FathomError
    from ..tensor import constant
    from ..train import TrainingError, load_run
    from ..train.compilation import Compilation
    from ..train.evaluation import predict, prediction_of

    loaded = load_run(run, checkpoint)
    config = loaded.config
    shape = tuple(config["input_shape"])
    if len(shape) != 3:
        raise TrainingError(f"the model of '{run}' takes {shape[0]} features, not pictures")
    found, pictures = [], []
    for image in images:
        try:
            pictures.append(prepare_picture(image, shape, config["data"]))
            found.append(image)
        except FathomError as error:
            click.echo(f"fathom: {error}", err=True)
    batches = [
        (constant(np.stack(pictures[start : start + _BATCH_SIZE])),)
        for start in range(0, len(pictures), _BATCH_SIZE)
    ]
    step = prediction_of(loaded.model, Compilation(not eager))
    shares = np.asarray(predict(step, batches).softmax(1)) if batches else ()
    for image, share in zip(found, shares, strict=True):
        best = np.argsort(-share)[:top]
        named = "  ".join(
            f"{config['classes'][label]} ({100 * share[label]:.1f} %)" for label in best
        )
        click.echo(f"{image}: {named}")
    if len(found) < len(images):
        raise click.exceptions.Exit(1)
