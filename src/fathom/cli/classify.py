"""``fathom classify``"""

from pathlib import Path

import click
import numpy as np

from .parameters import as_command, eager_option

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@as_command("""
fathom classify dog.jpg --cfg darknet53.cfg --weights darknet53.weights
fathom classify *.jpg --cfg small.cfg --weights small.weights --labels names.txt --top 3
""")
@click.argument("images", type=_FILE, nargs=-1, required=True)
@click.option("--cfg", type=_FILE, required=True, help="Darknet's description of the network.")
@click.option("--weights", type=_FILE, required=True, help="The file of its parameters.")
@click.option(
    "--labels",
    type=_FILE,
    help="The names of the classes, one in each line.  [default: ImageNet's, if there are 1000]",
)
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, help="How many classes to name."
)
@eager_option
def command(
    images: tuple[Path, ...], cfg: Path, weights: Path, labels: Path | None, top: int, eager: bool
) -> None:
    """Say what IMAGES, which are PNG or JPEG files, show, by a network of Darknet's.

    The shorter side of a photograph is scaled to the size of the network, and its middle cut out.
    """
    from ..errors import ArgumentError, FathomError
    from ..formats import read_image
    from ..models import DarknetNetwork, fit_photograph
    from ..tensor import constant
    from ..train.compilation import Compilation
    from ..train.evaluation import predict, prediction_of

    network = DarknetNetwork.read(cfg, weights)
    if len(network.input_shape) != 3 or network.input_shape[0] not in (1, 3):
        raise ArgumentError(f"'{cfg}' describes a network that takes no photographs")
    channels, height, width = network.input_shape
    step = prediction_of(network, Compilation(not eager))
    names, failed = None, False
    for image in images:
        try:
            pixels = read_image(image, "RGB" if channels == 3 else "GRAY")
        except FathomError as error:
            click.echo(f"fathom: {error}", err=True)
            failed = True
            continue
        batch = constant(fit_photograph(pixels, height, width)[np.newaxis])
        shares = np.asarray(predict(step, [(batch,)])).reshape(-1)
        names = names or _names(labels, len(shares))
        if len(images) > 1:
            click.echo(f"{image}:")
        for label in np.argsort(-shares, kind="stable")[:top]:
            click.echo(f"{100 * shares[label]:6.2f} %  {names[label]}")
    if failed:
        raise click.exceptions.Exit(1)


def _names(labels: Path | None, count: int) -> list[str]:
    """The names of the classes."""
    from ..errors import ArgumentError
    from ..models import imagenet_classes

    if labels is None:
        names = imagenet_classes()
        advice = "; give their names with --labels"
    else:
        names = labels.read_text(encoding="utf-8", errors="replace").splitlines()
        advice = ""
    # Darknet's list of ImageNet's names goes on after the thousand classes of its networks.
    if len(names) < count or (labels is None and len(names) != count):
        raise ArgumentError(
            f"the network knows {count} classes, and '{labels or 'ImageNet'}' names "
            f"{len(names)}{advice}"
        )
    return names
