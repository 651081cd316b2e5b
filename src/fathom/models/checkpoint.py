"""Checkpoints of torchvision's models, of any age, as state dicts of the models here."""

import re
from collections.abc import Mapping
from typing import Any

from .. import nn
from ..formats import load
from ..formats.files import PathLike
from ..functional.creation import zeros
from ..promotion import int64
from ..tensor import Tensor
from .errors import ModelError

__all__ = ["load_checkpoint"]

# Under one of these, scripts keep the parameters of a model beside other things.
_PLACES = ("state_dict", "model_state_dict", "model", "net")
# The older names in the layers of DenseNet, which the published files still have.
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.")
_COUNTER = "num_batches_tracked"


def load_checkpoint(
    model: nn.Module, checkpoint: PathLike | Mapping[str, Any], strict: bool = True
) -> nn.Module:
    """Give a model the parameters of a checkpoint with torchvision's names.

    What scripts commonly add is taken away: a dict around the parameters, the prefix
    ``module.`` of several GPUs. Counters that files from before PyTorch 0.4.1 lack begin with 0,
    and the older names in DenseNet's layers become today's.

    Args:
        model: the model.
        checkpoint: a file for `fathom.load`, or what is in one.
        strict: whether the names must be the same on both sides.

    Returns:
        The model.

    Raises:
        MissingFileError, FileAccessError, FileFormatError: the file cannot be read.
        ModelError: there are no parameters in it.
        StateDictError: names or shapes differ.
    """
    if not isinstance(checkpoint, Mapping):
        checkpoint = load(checkpoint, widen=True)
    parameters = _find_parameters(checkpoint)
    own = model.state_dict()
    for name in own:
        owner, _, last = name.rpartition(".")
        if last == _COUNTER and name not in parameters and f"{owner}.running_var" in parameters:
            parameters[name] = zeros((), dtype=int64)
    model.load_state_dict(parameters, strict)
    return model


def _find_parameters(checkpoint: Any) -> dict[str, Any]:
    for place in _PLACES:
        if isinstance(checkpoint, Mapping) and isinstance(checkpoint.get(place), Mapping):
            checkpoint = checkpoint[place]
    if not isinstance(checkpoint, Mapping) or not any(
        isinstance(value, Tensor) for value in checkpoint.values()
    ):
        raise ModelError("the checkpoint holds no parameters by name")
    parameters = {str(name): value for name, value in checkpoint.items()}
    if all(name.startswith("module.") for name in parameters):
        parameters = {name.removeprefix("module."): one for name, one in parameters.items()}
    return {_OLD_DENSENET.sub(r"\1\2.", name): value for name, value in parameters.items()}
