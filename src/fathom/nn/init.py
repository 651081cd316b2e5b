"""Initial values for parameters. Every function rebinds its tensor and returns it.

The fans of a tensor of shape (out, in, …) are in * … and out * …, where … is the size of a
convolution's kernel.
"""

import math

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..functional import random
from ..functional.random import Generator, rand
from ..tape import no_grad
from ..tensor import Tensor, constant

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "lecun_normal_",
    "lecun_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


@no_grad()
def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Numbers uniform in [a, b)."""
    drawn = rand(tensor.shape, dtype=tensor.dtype, generator=generator)
    return tensor.rebind(drawn * (b - a) + a)


@no_grad()
def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Normally distributed numbers."""
    drawn = random.randn(tensor.shape, dtype=tensor.dtype, generator=generator)
    return tensor.rebind(drawn * std + mean)


@no_grad()
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Normally distributed numbers in [a, b], by the inverse of the distribution function.

    Args:
        tensor: the tensor to fill.
        mean, std: those of the distribution before it is cut.
        a, b: the bounds, in the units of the numbers (not in standard deviations).
        generator: where to draw from.
    """
    low, high = (math.erf((bound - mean) / (std * math.sqrt(2))) for bound in (a, b))
    drawn = rand(tensor.shape, dtype=tensor.dtype, generator=generator) * (high - low) + low
    values = drawn.erfinv() * (std * math.sqrt(2)) + mean
    return tensor.rebind(values.clamp(a, b))


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """One number everywhere."""
    return tensor.rebind(constant(np.full(tensor.shape, val, tensor.dtype)))


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere."""
    return constant_(tensor, 0.0)


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix; the tensor needs two dimensions."""
    if tensor.ndim != 2:
        raise ShapeError(f"eye_ needs a tensor with two dimensions, got shape {tensor.shape}")
    return tensor.rebind(constant(np.eye(*tensor.shape, dtype=tensor.dtype)))


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution's weight that hands each channel on, as far as there are channels.

    Args:
        tensor: shape (out, in / groups, …) with one to three kernel dimensions.
        groups: the convolution's groups.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ShapeError(f"dirac_ needs a convolution's weight, got shape {tensor.shape}")
    outputs, inputs, *kernel = tensor.shape
    if outputs % groups:
        raise ShapeError(f"dirac_: {outputs} channels cannot be split into {groups} groups")
    value = np.zeros(tensor.shape, tensor.dtype)
    middle = tuple(size // 2 for size in kernel)
    for group in range(groups):
        for channel in range(min(outputs // groups, inputs)):
            value[(group * (outputs // groups) + channel, channel, *middle)] = 1
    return tensor.rebind(constant(value))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which an activation shrinks the standard deviation, to be made up for.

    Args:
        nonlinearity: "linear", "conv2d" (and its like), "sigmoid", "tanh", "relu",
            "leaky_relu" or "selu".
        param: the negative slope of "leaky_relu"; 0.01 by default.
    """
    if nonlinearity in _OF_GAIN_ONE:
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ArgumentError(
        f"calculate_gain: unknown nonlinearity {nonlinearity!r}; known are linear, conv1d, "
        f"conv2d, conv3d, sigmoid, tanh, relu, leaky_relu, selu"
    )


_OF_GAIN_ONE = frozenset(
    ["linear", "sigmoid"]
    + [f"conv{kind}{rank}d" for kind in ("", "_transpose") for rank in (1, 2, 3)]
)


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform in ±gain √(6 / (fan_in + fan_out)).

    Source: Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010, equation 16.
    """
    bound = gain * math.sqrt(6.0 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with standard deviation gain √(2 / (fan_in + fan_out)).

    Source: Glorot, Bengio, 2010, equation 12.
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_fans(tensor))), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform in ±gain √(3 / fan).

    Args:
        tensor: a weight with two dimensions or more.
        a: the negative slope of a leaky ReLU that follows.
        mode: "fan_in" keeps the variance of the activations, "fan_out" that of the gradients.
        nonlinearity: what follows; see `calculate_gain`.
        generator: where to draw from.

    Source: He et al., "Delving deep into rectifiers", 2015, equations 10 and 14.
    """
    bound = math.sqrt(3.0) * _kaiming_deviation(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal with standard deviation gain / √fan; the arguments are those of
    `kaiming_uniform_`."""
    return normal_(tensor, 0.0, _kaiming_deviation(tensor, a, mode, nonlinearity), generator)


def lecun_uniform_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """Uniform in ±√(3 / fan_in): variance 1 / fan_in.

    Source: LeCun, Bottou, Orr, Müller, "Efficient backprop", 1998, section 4.6.
    """
    bound = math.sqrt(3.0 / _fans(tensor)[0])
    return uniform_(tensor, -bound, bound, generator)


def lecun_normal_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """Normal with variance 1 / fan_in, as self-normalizing networks need it.

    Source: LeCun, Bottou, Orr, Müller, "Efficient backprop", 1998, section 4.6.
    """
    return normal_(tensor, 0.0, math.sqrt(1.0 / _fans(tensor)[0]), generator)


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """A random matrix with orthonormal rows or columns, times `gain`.

    Args:
        tensor: shape (rows, …); the dimensions after the first count as columns.
        gain: the factor.
        generator: where to draw from.

    Source: Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks", 2013.
    """
    if tensor.ndim < 2:
        raise ShapeError(
            f"orthogonal_ needs a tensor with two dimensions or more, got shape {tensor.shape}"
        )
    rows = tensor.shape[0]
    columns = math.prod(tensor.shape[1:])
    drawn = random.randn((max(rows, columns), min(rows, columns)), generator=generator)
    orthonormal, triangle = np.linalg.qr(np.asarray(drawn, np.float64))
    # The signs make the distribution uniform (Mezzadri, 2007).
    orthonormal = orthonormal * np.sign(np.diag(triangle))
    matrix = orthonormal.T if rows < columns else orthonormal
    value = (matrix * gain).reshape(tensor.shape).astype(tensor.dtype)
    return tensor.rebind(constant(value))


@no_grad()
def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Normally distributed numbers with a share of zeros in every column.

    Args:
        tensor: a tensor with two dimensions.
        sparsity: the share of zeros.
        std: the standard deviation of the others.
        generator: where to draw from.

    Source: Martens, "Deep learning via Hessian-free optimization", 2010, section 5.
    """
    if tensor.ndim != 2:
        raise ShapeError(f"sparse_ needs a tensor with two dimensions, got shape {tensor.shape}")
    normal_(tensor, 0.0, std, generator)
    order = np.argsort(np.asarray(rand(tensor.shape, generator=generator)), axis=0)
    zeros = math.ceil(sparsity * tensor.shape[0])
    value = np.array(tensor)
    value[order < zeros] = 0
    return tensor.rebind(constant(value))


def uniform_within_fan_in(weight: Tensor, bias: Tensor | None) -> None:
    """Weight and bias uniform in ±1/√fan_in: what PyTorch gives linear layers and convolutions."""
    fan_in = math.prod(weight.shape[1:])
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    uniform_(weight, -bound, bound)
    if bias is not None:
        uniform_(bias, -bound, bound)


def _fans(tensor: Tensor) -> tuple[int, int]:
    if tensor.ndim < 2:
        raise ShapeError(
            f"the fans of a tensor of shape {tensor.shape} are not defined: initialization by "
            f"fan needs two dimensions or more"
        )
    kernel = math.prod(tensor.shape[2:])
    return tensor.shape[1] * kernel, tensor.shape[0] * kernel


def _kaiming_deviation(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"mode is {mode!r}, expected 'fan_in' or 'fan_out'")
    fan = _fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0
