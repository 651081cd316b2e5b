"""Normalization over batches, features, channels and groups."""

import math
from collections.abc import Sequence

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops import Concatenate, Reshape, Shape, Sqrt, Standardize, Sum, Variance
from ..tape import no_grad
from ..tensor import Tensor, constant
from .distance import normalize

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "normalize",
    "rms_norm",
]


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias for every channel.

    Args:
        input: shape (N, C, …).
        running_mean, running_var: shape (C,). In training they move towards the batch's mean
            and unbiased variance by the share `momentum`; otherwise they are used.
        weight, bias: shape (C,).
        training: whether the batch's mean and (biased) variance are used.
        momentum: how far the running statistics move.
        eps: keeps the root away from 0.

    Raises:
        ShapeError: in training, there is only one value for each channel.

    Source: Ioffe, Szegedy, "Batch normalization", 2015, algorithm 1.
    """
    channels = _channels("batch_norm", input)
    for name, tensor in (
        ("running_mean", running_mean),
        ("running_var", running_var),
        ("weight", weight),
        ("bias", bias),
    ):
        _require_shape("batch_norm", name, tensor, (channels,), input.shape)
    beside = (channels,) + (1,) * (input.ndim - 2)
    if not training:
        if running_mean is None or running_var is None:
            raise ArgumentError("batch_norm: running_mean and running_var are needed in evaluation")
        scale = 1 / Sqrt()(running_var + eps)
        scale = scale if weight is None else scale * weight
        shift = -running_mean * scale
        shift = shift if bias is None else shift + bias
        return input * Reshape(beside)(scale) + Reshape(beside)(shift)
    axes = (0, *range(2, input.ndim))
    count = math.prod(input.shape) // channels if channels else 0
    if count == 1:
        raise ShapeError(
            f"batch_norm: an input of shape {input.shape} has one value for each channel, whose "
            f"variance is 0; train with larger batches, or call eval() first"
        )
    result, mean, variance = _standardized(input, axes, eps)
    with no_grad():
        if running_mean is not None:
            _move(running_mean, Reshape((channels,))(mean), momentum)
        if running_var is not None:
            unbiased = Reshape((channels,))(variance) * (count / (count - 1))
            _move(running_var, unbiased, momentum)
    return _affine(result, weight, bias, beside)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias for every channel of every sample.

    Args:
        input: shape (N, C, …).
        running_mean, running_var: shape (C,); moved towards the samples' averages.
        weight, bias: shape (C,).
        use_input_stats: whether each sample's own mean and variance are used rather than the
            running ones.
        momentum: how far the running statistics move.
        eps: keeps the root away from 0.

    Raises:
        ShapeError: there is only one value for each channel of a sample.

    Source: Ulyanov, Vedaldi, Lempitsky, "Instance normalization", 2016.
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    channels = _channels("instance_norm", input)
    _require_shape("instance_norm", "weight", weight, (channels,), input.shape)
    _require_shape("instance_norm", "bias", bias, (channels,), input.shape)
    beside = (channels,) + (1,) * (input.ndim - 2)
    axes = tuple(range(2, input.ndim))
    count = math.prod(input.shape[2:])
    if count == 1:
        raise ShapeError(
            f"instance_norm: an input of shape {input.shape} has one value for each channel of a "
            f"sample, whose variance is 0"
        )
    result, mean, variance = _standardized(input, axes, eps)
    with no_grad():
        if running_mean is not None:
            _move(running_mean, Reshape((channels,))(mean.mean(0)), momentum)
        if running_var is not None:
            unbiased = Reshape((channels,))(variance.mean(0)) * (count / (count - 1))
            _move(running_var, unbiased, momentum)
    return _affine(result, weight, bias, beside)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias over the last dimensions.

    Args:
        input: shape (…, *normalized_shape).
        normalized_shape: the sizes of the dimensions over which mean and variance are taken.
        weight, bias: of shape `normalized_shape`.
        eps: keeps the root away from 0.

    Raises:
        ShapeError: the input's last dimensions are others.

    Source: Ba, Kiros, Hinton, "Layer normalization", 2016.
    """
    shape = tuple(normalized_shape)
    axes = _last_axes("layer_norm", input, shape)
    _require_shape("layer_norm", "weight", weight, shape, input.shape)
    _require_shape("layer_norm", "bias", bias, shape, input.shape)
    return _affine(_standardized(input, axes, eps)[0], weight, bias, shape)


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """x / sqrt(mean(x²) + eps) * weight over the last dimensions.

    Args:
        input: shape (…, *normalized_shape).
        normalized_shape: the sizes of the dimensions over which the mean is taken.
        weight: of shape `normalized_shape`.
        eps: keeps the root away from 0; by default the dtype's machine epsilon.

    Raises:
        ShapeError: the input's last dimensions are others.

    Source: Zhang, Sennrich, "Root mean square layer normalization", 2019.
    """
    shape = tuple(normalized_shape)
    axes = _last_axes("rms_norm", input, shape)
    _require_shape("rms_norm", "weight", weight, shape, input.shape)
    if eps is None:
        eps = float(np.finfo(input.dtype).eps)
    square = Sum(axes, keepdims=True)(input * input) / math.prod(shape)
    result = input / Sqrt()(square + eps)
    return result if weight is None else result * weight


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias for every group of channels.

    Args:
        input: shape (N, C, …).
        num_groups: into how many groups the channels are split.
        weight, bias: shape (C,).
        eps: keeps the root away from 0.

    Raises:
        ShapeError: the channels cannot be split evenly.

    Source: Wu, He, "Group normalization", 2018.
    """
    channels = _channels("group_norm", input)
    if num_groups < 1 or channels % num_groups:
        raise ShapeError(
            f"group_norm: {channels} channels (input of shape {input.shape}) cannot be split "
            f"into {num_groups} equal groups"
        )
    _require_shape("group_norm", "weight", weight, (channels,), input.shape)
    _require_shape("group_norm", "bias", bias, (channels,), input.shape)
    size = channels // num_groups * math.prod(input.shape[2:])
    groups = Reshape((input.shape[0], num_groups, size))(input)
    result = Reshape(input.shape)(_standardized(groups, (2,), eps)[0])
    return _affine(result, weight, bias, (channels,) + (1,) * (input.ndim - 2))


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + alpha * mean of x² over `size` neighbouring channels)^beta.

    Args:
        input: shape (N, C, …).
        size: how many channels; those beyond the ends count as 0.
        alpha, beta, k: the constants of the formula.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional
    neural networks", 2012, section 3.3, with the mean in place of the sum, as in PyTorch.
    """
    channels = _channels("local_response_norm", input)
    if input.ndim < 3:
        raise ShapeError(
            f"local_response_norm expects an input of shape (N, C, …) with three dimensions or "
            f"more, got {input.shape}"
        )
    square = input * input
    before, after = size // 2, (size - 1) // 2
    ends = [
        constant(np.zeros((input.shape[0], count, *input.shape[2:]), input.dtype))
        for count in (before, after)
    ]
    padded = Concatenate(1)(ends[0], square, ends[1])
    total = padded[:, :channels]
    for shift in range(1, size):
        total = total + padded[:, shift : shift + channels]
    return input / (total * (alpha / size) + k) ** beta


def _standardized(
    input: Tensor, axes: tuple[int, ...], eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The input with mean 0 and variance 1 along some axes; that mean, and that variance."""
    mean = Sum(axes, keepdims=True)(input) / math.prod(input.shape[axis] for axis in axes)
    variance = Variance(axes, keepdims=True)(input)
    return Standardize(axes)(input, mean, 1 / Sqrt()(variance + eps)), mean, variance


def _affine(input: Tensor, weight: Tensor | None, bias: Tensor | None, beside: Shape) -> Tensor:
    """The input scaled and shifted, by numbers that lie as `beside` says."""
    if weight is not None:
        input = input * Reshape(beside)(weight)
    return input if bias is None else input + Reshape(beside)(bias)


def _move(running: Tensor, value: Tensor, momentum: float | Tensor) -> None:
    running.rebind(running + (value - running) * momentum)


def _channels(name: str, input: Tensor) -> int:
    if input.ndim < 2:
        raise ShapeError(f"{name} expects an input of shape (N, C, …), got shape {input.shape}")
    return input.shape[1]


def _last_axes(name: str, input: Tensor, shape: Shape) -> tuple[int, ...]:
    if not shape or input.shape[-len(shape) :] != shape:
        raise ShapeError(
            f"{name}: the last dimensions of the input must be {shape}, got shape {input.shape}"
        )
    return tuple(range(input.ndim - len(shape), input.ndim))


def _require_shape(
    name: str, what: str, tensor: Tensor | None, expected: Shape, input_shape: Shape
) -> None:
    if tensor is not None and tensor.shape != expected:
        raise ShapeError(
            f"{name}: {what} has shape {tensor.shape}; an input of shape {input_shape} needs "
            f"{expected}"
        )
