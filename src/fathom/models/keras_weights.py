"""Weights of Keras's layers for the modules that compute the same."""

import os
from collections import Counter

from .. import nn
from ..formats import read_keras
from ..formats.files import PathLike
from ..tensor import Tensor
from .errors import ModelError

__all__ = ["load_keras"]

# For each kind of module: Keras's name of the layer, the tensors in the order of its variables.
_KINDS: list[tuple[type[nn.Module], str, tuple[str, ...]]] = [
    (nn.Linear, "dense", ("weight", "bias")),
    (nn.Conv1d, "conv1d", ("weight", "bias")),
    (nn.Conv2d, "conv2d", ("weight", "bias")),
    (nn.BatchNorm1d, "batch_normalization", ("weight", "bias", "running_mean", "running_var")),
    (nn.BatchNorm2d, "batch_normalization", ("weight", "bias", "running_mean", "running_var")),
    (nn.LayerNorm, "layer_normalization", ("weight", "bias")),
    (nn.Embedding, "embedding", ("weight",)),
]


def load_keras(model: nn.Module, path: PathLike) -> nn.Module:
    """Give a model the weights of a ``.keras`` or ``.weights.h5`` file of Keras 3.

    The first `nn.Linear` takes those of the layer ``dense``, the second those of ``dense_1``, and
    so on for each kind: Keras numbers them in the order in which the model has them. Kernels are
    laid out as here. Two things a file of weights does not say: Keras's normalizations add 0.001
    to the variance where Fathom's add 0.00001 (build them with ``eps=1e-3``), and a dense layer
    after images that were flattened expects the channels last.

    Args:
        model: the model, of Linear, Conv1d, Conv2d, BatchNorm1d, BatchNorm2d, LayerNorm and
            Embedding among layers without weights.
        path: the file.

    Returns:
        The model.

    Raises:
        MissingFileError, FileAccessError, FileFormatError: the file cannot be read.
        ModelError: the file has not the layers of the model, or of other shapes; the model is
            as it was.
        MissingExtra: h5py is not installed.
    """
    weights = read_keras(path, widen=True)
    layers = {
        name.rpartition("/vars/")[0].rpartition("/")[2] for name in weights if _is_of_layer(name)
    }
    state = model.state_dict()
    counts: Counter[str] = Counter()
    taken: dict[str, Tensor] = {}
    used = set()
    for prefix, module in model.named_modules():
        for kind, stem, names in _KINDS:
            if type(module) is not kind:
                continue
            number = counts[stem]
            counts[stem] += 1
            layer = f"{stem}_{number}" if number else stem
            used.add(layer)
            own = [name for name in names if getattr(module, name, None) is not None]
            found = _variables(weights, layer)
            if len(found) != len(own):
                raise ModelError(
                    f"{os.fspath(path)!r} has {len(found)} variables of the layer {layer!r}, and "
                    f"'{prefix}' ({kind.__name__}) takes {len(own)}: {', '.join(own)}"
                )
            for name, value in zip(own, found, strict=True):
                key = f"{prefix}.{name}" if prefix else name
                taken[key] = _laid_out(value) if name == "weight" and kind in _TURNED else value
                if taken[key].shape != state[key].shape:
                    raise ModelError(
                        f"{layer!r} of {os.fspath(path)!r} has {name} of shape "
                        f"{taken[key].shape}, and '{key}' has {state[key].shape}"
                    )
    if layers - used:
        raise ModelError(
            f"{os.fspath(path)!r} has layers that the model has not: {sorted(layers - used)[:5]}"
        )
    model.load_state_dict(taken, strict=False)
    return model


_TURNED = (nn.Linear, nn.Conv1d, nn.Conv2d)


def _is_of_layer(name: str) -> bool:
    return "/vars/" in name and not name.startswith("optimizer/")


def _layer_of(name: str) -> str:
    return name.rpartition("/vars/")[0].rpartition("/")[2]


def _variables(weights: dict[str, Tensor], layer: str) -> list[Tensor]:
    """The variables of a layer in their order."""
    found = {
        int(number): value
        for name, value in weights.items()
        for number in [name.rpartition("/")[2]]
        if _is_of_layer(name) and _layer_of(name) == layer and number.isdecimal()
    }
    return [found[number] for number in sorted(found)]


def _laid_out(kernel: Tensor) -> Tensor:
    """Of (…, inputs, outputs) a kernel of (outputs, inputs, …)."""
    order = [kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2)]
    return kernel.permute(order)
