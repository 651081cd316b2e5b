"""Dropout: in training, parts of a tensor are zeroed at random."""

from ..errors import ArgumentError, ShapeError
from ..ops import GreaterEqual, Shape
from ..tensor import Tensor, cast
from .random import rand

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]

# The limit of SELU on the negative side.
_SELU_FLOOR = -1.0507009873554805 * 1.6732632423543772


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero every element with probability p, and divide the others by 1 - p.

    Args:
        input: a tensor of any shape.
        p: the probability.
        training: False returns the input as it is.
        inplace: whether the input is rebound to the result.

    Raises:
        ArgumentError: p is outside [0, 1].

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from
    overfitting", 2014; scaled in training rather than in use.
    """
    return _drop("dropout", input, input.shape, p, training, inplace)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """`dropout` of whole channels, shape (N, C, L) or (C, L)."""
    if input.ndim not in (2, 3):
        raise ShapeError(f"dropout1d expects shape (N, C, L) or (C, L), got {input.shape}")
    return _drop("dropout1d", input, (*input.shape[:-1], 1), p, training, inplace)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """`dropout` of whole channels, shape (N, C, H, W).

    Source: Tompson et al., "Efficient object localization using convolutional networks", 2015.
    """
    return _drop("dropout2d", input, _channel_shape("dropout2d", input), p, training, inplace)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """`dropout` of whole channels, shape (N, C, D, H, W)."""
    return _drop("dropout3d", input, _channel_shape("dropout3d", input), p, training, inplace)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout for `selu`: mean 0 and variance 1 are kept.

    Elements are set to SELU's limit on the negative side with probability p; then all are
    scaled and shifted.

    Args:
        input: a tensor of any shape.
        p: the probability.
        training: False returns the input as it is.
        inplace: whether the input is rebound to the result.

    Source: Klambauer et al., "Self-normalizing neural networks", 2017, section 2.
    """
    return _drop_to_floor("alpha_dropout", input, input.shape, p, training, inplace)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels, shape (N, C, …)."""
    shape = _channel_shape("feature_alpha_dropout", input)
    return _drop_to_floor("feature_alpha_dropout", input, shape, p, training, inplace)


def _drop(
    name: str, input: Tensor, shape: Shape, p: float, training: bool, inplace: bool
) -> Tensor:
    _require_probability(name, p)
    if not training or p == 0:
        return input
    kept = cast(GreaterEqual()(rand(shape), p), input.dtype)
    result = input * (kept * (1 / (1 - p) if p < 1 else 0.0))
    return input.rebind(result) if inplace else result


def _drop_to_floor(
    name: str, input: Tensor, shape: Shape, p: float, training: bool, inplace: bool
) -> Tensor:
    _require_probability(name, p)
    if not training or p == 0:
        return input
    if p == 1:
        result = input * 0
    else:
        kept = cast(GreaterEqual()(rand(shape), p), input.dtype)
        scale = ((1 - p) * (1 + p * _SELU_FLOOR**2)) ** -0.5
        shift = -scale * p * _SELU_FLOOR
        result = input * (kept * scale) + ((1 - kept) * (_SELU_FLOOR * scale) + shift)
    return input.rebind(result) if inplace else result


def _channel_shape(name: str, input: Tensor) -> Shape:
    if input.ndim < 2:
        raise ShapeError(f"{name} expects an input of shape (N, C, …), got shape {input.shape}")
    return (*input.shape[:2], *(1,) * (input.ndim - 2))


def _require_probability(name: str, p: float) -> None:
    if not 0 <= p <= 1:
        raise ArgumentError(f"{name}: p is {p}, expected a probability in [0, 1]")
