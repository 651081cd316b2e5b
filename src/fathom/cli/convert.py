"""``fathom convert``"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .parameters import Name, Setting, Shape, as_command, model_names

if TYPE_CHECKING:
    from ..formats.conversion import Contents
    from ..nn import Module


@as_command("""
fathom convert model.pt model.safetensors
fathom convert darknet53.weights darknet53.pt --cfg darknet53.cfg
fathom convert resnet18.pth resnet18.onnx --model resnet18
""")
@click.argument("source", metavar="IN", type=click.Path(exists=True, path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--cfg",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The network that the parameters belong to, as Darknet describes it.",
)
@click.option(
    "--model",
    type=Name("model", model_names),
    help="The model that the parameters belong to, by name.",
)
@click.option("--set", "options", type=Setting(), multiple=True, help="An option of the model.")
@click.option(
    "--input-shape",
    type=Shape(),
    help="Of one input, for ONNX.  [default: the cfg's, or 3x224x224]",
)
def command(
    source: Path,
    target: Path,
    cfg: Path | None,
    model: str | None,
    options: tuple[tuple[str, Any], ...],
    input_shape: tuple[int, ...] | None,
) -> None:
    """Write the tensors of the file IN to OUT; both formats are known by their extensions.

    These are .pt, .pth, .safetensors, .onnx, .weights and, to read only, .keras, .weights.h5,
    pytorch_model.bin and folders of safetensors. Between files of tensors every bit stays, also
    of element types that Fathom has not. Darknet's .weights have no names, so they need the
    network or the model; so does what becomes an ONNX file.
    """
    from ..formats.conversion import format_of, write_contents

    made = _make(cfg, model, dict(options))
    kind = format_of(target)
    if kind in ("ONNX", "Darknet"):
        if made is None:
            raise click.UsageError(f"a file of {kind} needs --cfg or --model")
        _fill(made, source)
        _write_model(target, kind, made, input_shape)
    else:
        contents = _read(source, made)
        write_contents(target, contents)
        if kind == "PyTorch" and contents.metadata:
            click.echo("fathom: a file of PyTorch's has no place for the metadata", err=True)


def _make(cfg: Path | None, name: str | None, options: dict[str, Any]) -> "Module | None":
    from .. import models

    if cfg is not None and name is not None:
        raise click.UsageError("--cfg and --model name two networks")
    if cfg is not None:
        return models.DarknetNetwork.read(cfg)
    return models.create(name, **options).eval() if name is not None else None


def _read(source: Path, made: "Module | None") -> "Contents":
    from ..formats.conversion import Contents, format_of, read_contents
    from ..formats.stored import stored

    kind = format_of(source)
    if kind == "Darknet":
        if made is None:
            raise click.UsageError("Darknet's .weights have no names; give --cfg or --model")
        _fill(made, source)
        state = made.state_dict()
        return Contents(kind, {name: stored(value, name) for name, value in state.items()})
    if kind == "ONNX":
        from ..onnx import load

        state = load(source).state_dict()
        return Contents(kind, {name: stored(value, name) for name, value in state.items()})
    return read_contents(source)


def _fill(made: "Module", source: Path) -> None:
    """Give the network the parameters of a file."""
    from .. import models
    from ..formats.conversion import format_of

    kind = format_of(source)
    if kind == "Darknet":
        if isinstance(made, models.DarknetNetwork):
            made.load_weights(source)
        else:
            models.load_darknet_weights(made, source)
    elif kind == "Keras":
        models.load_keras(made, source)
    elif kind == "ONNX":
        from ..onnx import load

        models.load_checkpoint(made, load(source).state_dict())
    else:
        models.load_checkpoint(made, source)


def _write_model(
    target: Path, kind: str, made: "Module", input_shape: tuple[int, ...] | None
) -> None:
    from .. import models
    from ..functional.creation import zeros

    if kind == "Darknet":
        if isinstance(made, models.DarknetNetwork):
            made.save_weights(target)
        else:
            models.save_darknet_weights(made, target)
        return
    from ..onnx import export

    shape = input_shape or (3, 224, 224)
    if input_shape is None and isinstance(made, models.DarknetNetwork):
        shape = made.input_shape
    export(
        made, zeros(1, *shape), target, input_names=["input"], dynamic_axes={"input": {0: "batch"}}
    )
