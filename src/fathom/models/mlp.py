"""The multilayer perceptron."""

from collections.abc import Sequence
from itertools import pairwise

from .. import nn
from ..naming import look_up
from .errors import ModelError

__all__ = ["mlp"]


_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
}


def mlp(
    sizes: Sequence[int] = (784, 128, 10),
    activation: str = "relu",
    output_activation: str | None = None,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Linear layers with an activation between them; images are flattened first.

    Args:
        sizes: the number of inputs, of features of each hidden layer, and of outputs.
        activation: the hidden layers' activation by name: ``"relu"``, ``"tanh"``,
            ``"sigmoid"``, …
        output_activation: that of the last layer; by default there is none, so that the
            outputs are logits.
        dropout: the share of each hidden layer's features that are dropped in training.

    Returns:
        A model that maps (N, …) with sizes[0] numbers each to (N, sizes[-1]).

    Raises:
        ModelError: there are fewer than two sizes.
        UnknownNameError: there is no activation of that name.
    """
    if len(sizes) < 2:
        raise ModelError(f"mlp: sizes must name inputs and outputs at least, got {list(sizes)}")
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(sizes[:-1]):
        layers += [nn.Linear(inputs, outputs), _activation(activation)]
        if dropout:
            layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(sizes[-2], sizes[-1]))
    if output_activation is not None:
        layers.append(_activation(output_activation))
    return nn.Sequential(*layers)


def _activation(name: str) -> nn.Module:
    return look_up("activation", name, _ACTIVATIONS)()
