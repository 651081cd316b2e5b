"""Work on the parameters of a model as a whole, under PyTorch's name for the place."""

import math
from collections.abc import Iterable

import numpy as np

from ..errors import FathomError, ShapeError
from ..functional.distance import vector_norm
from ..ops import Concatenate, Maximum, Minimum, Reshape
from ..tape import no_grad
from ..tensor import Tensor, binary, constant

__all__ = [
    "NonFiniteError",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "vector_to_parameters",
]


class NonFiniteError(FathomError, RuntimeError):
    """A norm is NaN or infinite."""


@no_grad()
def get_total_norm(
    tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """The norm of all elements of the tensors together.

    Args:
        tensors: a tensor or several.
        norm_type: the exponent of the norm; infinity for the largest absolute value.
        error_if_nonfinite: whether NaN and infinity raise.

    Raises:
        NonFiniteError: the norm is NaN or infinite.
    """
    exponent = float(norm_type)
    norms = [
        Reshape((1,))(vector_norm(Reshape((math.prod(tensor.shape),))(tensor), exponent, 0, False))
        for tensor in _as_list(tensors)
    ]
    if not norms:
        return constant(0.0)
    total = vector_norm(Concatenate(0)(*norms), exponent, 0, False)
    if error_if_nonfinite and not np.isfinite(np.asarray(total)):
        raise NonFiniteError(
            f"the total norm is {float(total)}: look for a learning rate that is too high, or "
            f"use fathom.autograd.detect_anomaly() to find where it arises"
        )
    return total


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients by one factor so that their norm is at most `max_norm`.

    Args:
        parameters: a tensor or several; those without a gradient are passed over.
        max_norm: the largest norm.
        norm_type: the exponent of the norm; infinity for the largest absolute value.
        error_if_nonfinite: whether NaN and infinity raise.

    Returns:
        The norm before.

    Raises:
        NonFiniteError: the norm is NaN or infinite; the gradients are as they were.

    Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural
    networks", 2013, algorithm 1.
    """
    parameters = _as_list(parameters)
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    total = get_total_norm(gradients, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor
) -> None:
    """Scale all gradients so that a norm of `total_norm` becomes at most `max_norm`."""
    # PyTorch's formula: the small number keeps 0 / 0 away.
    factor = binary(Minimum(), max_norm / (total_norm + 1e-6), 1.0)
    for parameter in _as_list(parameters):
        if parameter.grad is not None:
            parameter.grad = parameter.grad * factor


@no_grad()
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Bound every element of the gradients by ±`clip_value`.

    Args:
        parameters: a tensor or several; those without a gradient are passed over.
        clip_value: the largest absolute value.
    """
    for parameter in _as_list(parameters):
        if parameter.grad is not None:
            bounded = binary(Minimum(), parameter.grad, float(clip_value))
            parameter.grad = binary(Maximum(), bounded, -float(clip_value))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of the parameters in one vector, through which gradients flow."""
    return Concatenate(0)(*[Reshape((math.prod(p.shape),))(p) for p in parameters])


@no_grad()
def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write a vector that `parameters_to_vector` gave back into the parameters.

    Raises:
        ShapeError: the vector has another length; the parameters are as they were.
    """
    targets = list(parameters)
    sizes = [math.prod(target.shape) for target in targets]
    if vec.shape != (sum(sizes),):
        raise ShapeError(
            f"the parameters have {sum(sizes)} elements, the vector has shape {vec.shape}"
        )
    start = 0
    for target, size in zip(targets, sizes, strict=True):
        target.rebind(Reshape(target.shape)(vec[start : start + size]))
        start += size


def _as_list(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)
