"""``fathom train``"""

import sys
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from .parameters import (
    DataName,
    Name,
    Setting,
    as_command,
    data_names,
    eager_option,
    model_names,
    optimizer_names,
)
from .run import labels_of, make_trainer, take_checkpoint
from .settings import SCHEDULES, Settings

if TYPE_CHECKING:
    from ..data.datasets import Splits
    from ..train import Trainer

_INTERRUPTED = 130
# What may be given together with --resume; the run folder knows the rest.
_WITH_RESUME = {"resume", "epochs"}


@as_command("""
fathom train                                      the embedded digits, in seconds
fathom train mnist --epochs 5
fathom train fashion-mnist --model resnet18 --out runs/clothes
fathom train train.csv --label species --model mlp --set sizes=4,32,3
fathom train --resume runs/mnist                  go on where Ctrl-C stopped it
""")
@click.argument("data", type=DataName("data set", data_names), default="digits")
@click.option(
    "--model",
    type=Name("model", model_names),
    help="A model of fathom.models: mlp, lenet5, small_cnn, resnet18, …  "
    "[default: small_cnn with batch normalization and dropout for images, mlp for features]",
)
@click.option(
    "--set",
    "options",
    type=Setting(),
    multiple=True,
    help="An option of the model, such as dropout=0.25 or sizes=784,100,10.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How often the training data are gone through.",
)
@click.option(
    "--optimizer",
    type=Name("optimizer", optimizer_names),
    default="adam",
    show_default=True,
    help="sgd, adam, adamw, rmsprop, lion, …",
)
@click.option(
    "--lr",
    type=click.FloatRange(0, min_open=True),
    help="The learning rate.  [default: 0.003 for adam and adamw, 0.1 for sgd, "
    "else the optimizer's own]",
)
@click.option("--weight-decay", type=click.FloatRange(0), help="The optimizer's weight decay.")
@click.option(
    "--schedule",
    type=Name("schedule", lambda: list(SCHEDULES)),
    default="onecycle",
    show_default=True,
    help=f"How the learning rate changes: {', '.join(SCHEDULES)}.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    help="How many samples each step sees.",
)
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.1,
    show_default=True,
    help="The share of the training data that is held back to choose the best epoch with.",
)
@click.option(
    "--patience", type=click.IntRange(0), help="Stop after so many epochs without improvement."
)
@click.option(
    "--label",
    default="label",
    show_default=True,
    help="The label's column in a CSV file: a name, or a position from 0 on.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Where all random numbers start."
)
@eager_option
@click.option("--tensorboard", is_flag=True, help="Write a log for TensorBoard too.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The run folder, new or empty.  [default: runs/DATA]",
)
@click.option(
    "--resume",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A run folder whose training shall go on, with its own settings.",
)
@click.pass_context
def command(context: click.Context, /, out: Path | None, resume: Path | None, **given: Any) -> None:
    """Train a model on DATA, and test it.

    DATA is digits (the default), mnist, fashion-mnist, kmnist, cifar10, or a CSV file with a
    column of labels. The run folder gets the configuration, checkpoints, a log, plots and a
    report.
    """
    if resume is not None:
        settings, folder = _settings_to_resume(context, resume), resume
    else:
        settings = Settings(**{**given, "options": dict(given["options"])})
        folder = _folder_for(settings.data, out)
    data = settings.load_data()
    training, validation = _without_validation(data, settings)
    trainer = make_trainer(settings, data, len(training), folder)
    click.echo(_heading(settings, data, trainer))
    trainer.fit(training, validation, settings.epochs, resume=resume is not None)
    if trainer.is_interrupted:
        click.echo(f"go on with: fathom train --resume {folder}", err=True)
        sys.exit(_INTERRUPTED)
    _conclude(trainer, data, folder)


def _settings_to_resume(context: click.Context, folder: Path) -> Settings:
    settings = Settings.of_run(folder)
    given = {
        name for name in context.params
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }  # fmt: skip
    if extra := sorted(given - _WITH_RESUME):
        names = ", ".join("DATA" if name == "data" else _option(name) for name in extra)
        raise click.UsageError(
            f"a resumed run keeps its settings; leave out {names}, or start a new run", context
        )
    if "epochs" in given and context.params["epochs"] != settings.epochs:
        if settings.schedule == "onecycle":
            raise click.UsageError(
                f"the one-cycle schedule of this run ends after {settings.epochs} epochs; train "
                f"anew with --epochs, or with another --schedule",
                context,
            )
        settings.epochs = context.params["epochs"]
    return settings


def _option(name: str) -> str:
    return "--set" if name == "options" else "--" + name.replace("_", "-")


def _folder_for(data: str, out: Path | None) -> Path:
    """The folder that was asked for, or one that does not exist yet."""
    if out is not None:
        if out.is_dir() and any(out.iterdir()):
            raise click.UsageError(
                f"the folder '{out}' is not empty; give another one, or go on with its run: "
                f"--resume {out}"
            )
        return out
    name = Path(data).stem
    endings = chain([""], (f"-{number}" for number in count(2)))
    folders = (Path("runs") / (name + ending) for ending in endings)
    return next(folder for folder in folders if not folder.exists())


def _without_validation(data: "Splits", settings: Settings) -> tuple[Any, Any]:
    """The training data, of which a part is held back to choose the best epoch with."""
    from ..data import random_split
    from ..functional.random import Generator

    if not settings.validation:
        return data.train, None
    shares = [1 - settings.validation, settings.validation]
    generator = Generator().manual_seed(settings.seed)
    parts = random_split(data.train, shares, generator, stratified=labels_of(data.train))
    if not all(map(len, parts)):
        raise click.UsageError(
            f"--validation {settings.validation} of {len(data.train)} samples leaves one of the "
            f"two parts empty"
        )
    return parts[0], parts[1]


def _heading(settings: Settings, data: "Splits", trainer: "Trainer") -> str:
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    shape = "×".join(map(str, data.input_shape))
    return (
        f"{data.name}: {len(data.train)} training and {len(data.test)} test samples of shape "
        f"{shape}, {len(data.classes)} classes\n"
        f"{trainer.config['model']['name']}: {parameters:,} parameters, "
        f"trained with {settings.optimizer}, seed {settings.seed}"
    )


def _conclude(trainer: "Trainer", data: "Splits", folder: Path) -> None:
    """Test the best epoch's model, save it, and write the report."""
    from .. import formats
    from ..train import write_report

    epoch = take_checkpoint(trainer, folder)
    figures = trainer.evaluate(data.test)
    write_report(trainer, data.test, data.classes, title="test")
    weights = folder / "model.safetensors"
    formats.save(trainer.model_state(), weights)
    click.echo(
        f"test accuracy {100 * figures['accuracy']:.2f} % on {len(data.test)} samples "
        f"(the model of epoch {epoch})\n"
        f"model   {weights}\n"
        f"report  {folder / 'report.md'}\n"
        f"next    fathom evaluate {folder}"
    )
