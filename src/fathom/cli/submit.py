"""``fathom submit``"""

from pathlib import Path

import click
import numpy as np

from .parameters import as_command, checkpoint_option, eager_option, run_argument
from .run import scale

_BATCH_SIZE = 256


@as_command("""
fathom submit runs/train test.csv -o submission.csv
""")
@run_argument
@click.argument("test", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("submission.csv"),
    show_default=True,
    help="The file to write.",
)
@checkpoint_option
@eager_option
def command(run: Path, test: Path, output: Path, checkpoint: str, eager: bool) -> None:
    """Write what the model of RUN makes of each row of TEST, a CSV file without labels.

    The file has Kaggle's columns ImageId, from 1 on, and Label.
    """
    from ..data.datasets import csv
    from ..errors import ShapeError
    from ..formats import atomic_write
    from ..tensor import constant
    from ..train import load_run
    from ..train.compilation import Compilation
    from ..train.evaluation import predict, prediction_of

    loaded = load_run(run, checkpoint)
    features = np.asarray(csv(test, label=None).data)
    shape = tuple(loaded.config["input_shape"])
    if features.shape[1] != np.prod(shape):
        raise ShapeError(
            f"'{test}' has {features.shape[1]} columns, and the model of '{run}' takes "
            f"{np.prod(shape)} features of shape {shape}; is a column of labels or ids among them?"
        )
    inputs = scale(features.reshape(-1, *shape), loaded.config["scaling"])
    batches = [
        (constant(inputs[start : start + _BATCH_SIZE]),)
        for start in range(0, len(inputs), _BATCH_SIZE)
    ]
    step = prediction_of(loaded.model, Compilation(not eager))
    found = np.asarray(predict(step, batches).argmax(1))
    names = loaded.config["classes"]
    lines = [
        "ImageId,Label",
        *(f"{number},{names[label]}" for number, label in enumerate(found, 1)),
    ]
    with atomic_write(output) as file:
        file.write(("\n".join(lines) + "\n").encode())
    click.echo(f"{len(found)} predictions in {output}")
