"""Losses that compare numbers: regression, probabilities of single events, densities."""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from ..anomaly import anomaly_mode, require_input_without_nan
from ..errors import ArgumentError, ShapeError
from ..ops import Absolute, Exp, Log, LogAddExp, Maximum, Where
from ..recording import is_recording
from ..tensor import Tensor, binary
from .elementwise import floating

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "gaussian_nll_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
]

Loss = TypeVar("Loss", bound=Callable[..., Tensor])


def checked(loss: Loss) -> Loss:
    """Let a loss raise on NaN in its first two arguments while anomalies are looked for."""

    @wraps(loss)
    def checking(*tensors: Any, **options: Any) -> Tensor:
        if anomaly_mode.enabled:
            for argument, tensor in zip(("input", "target"), tensors, strict=False):
                require_input_without_nan(loss.__name__, argument, tensor)
        return loss(*tensors, **options)

    return checking  # type: ignore[return-value]


def reduce(name: str, losses: Tensor, reduction: str) -> Tensor:
    """The losses themselves, their mean or their sum."""
    if reduction == "mean":
        return losses.mean()
    require_reduction(name, reduction)
    return losses if reduction == "none" else losses.sum()


def require_reduction(name: str, reduction: str) -> None:
    """Raise unless `reduction` is one of the three names."""
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(f"{name}: reduction is {reduction!r}, expected 'mean', 'sum' or 'none'")


def require_same_shape(name: str, input: Tensor, target: Tensor) -> None:
    """Raise unless input and target have one shape; broadcasting them would hide a mistake."""
    shape, other = input.shape, target.shape
    if shape == other:
        return
    advice = ""
    for one, expression in ((shape, "input"), (other, "target")):
        rest = other if one is shape else shape
        if one == (*rest, 1):
            advice = f"; try {expression}.squeeze(-1)"
    raise ShapeError(
        f"{name}: input of shape {shape} and target of shape {other} must have the same "
        f"shape{advice}"
    )


@checked
def mse_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None
) -> Tensor:
    """(input - target)².

    Args:
        input: predictions of any shape.
        target: true values of the same shape.
        reduction: "mean" over all elements, "sum", or "none".
        weight: a factor for every element; the mean is then weighted.

    Raises:
        ShapeError: the shapes differ.
    """
    require_same_shape("mse_loss", input, target)
    difference = input - target
    return _weighted("mse_loss", difference * difference, weight, reduction)


@checked
def l1_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None
) -> Tensor:
    """|input - target|; the arguments are those of `mse_loss`."""
    require_same_shape("l1_loss", input, target)
    return _weighted("l1_loss", Absolute()(input - target), weight, reduction)


@checked
def smooth_l1_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """d²/(2 beta) where d = |input - target| is below `beta`, and d - beta/2 above.

    Args:
        input: predictions of any shape.
        target: true values of the same shape.
        reduction: "mean" over all elements, "sum", or "none".
        beta: where the parabola turns into a line; 0 gives `l1_loss`.

    Raises:
        ShapeError: the shapes differ.

    Source: Girshick, "Fast R-CNN", 2015, equation 3.
    """
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: beta is {beta}, expected 0 or more")
    require_same_shape("smooth_l1_loss", input, target)
    distance = Absolute()(input - target)
    if beta > 0:
        parabola = distance * distance * (0.5 / beta)
        distance = Where()(distance < beta, parabola, distance - 0.5 * beta)
    return reduce("smooth_l1_loss", distance, reduction)


@checked
def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """d²/2 where d = |input - target| is at most `delta`, and delta (d - delta/2) above.

    Args:
        input: predictions of any shape.
        target: true values of the same shape.
        reduction: "mean" over all elements, "sum", or "none".
        delta: where the parabola turns into a line.
        weight: a factor for every element.

    Raises:
        ShapeError: the shapes differ.

    Source: Huber, "Robust estimation of a location parameter", 1964.
    """
    if delta <= 0:
        raise ArgumentError(f"huber_loss: delta is {delta}, expected more than 0")
    require_same_shape("huber_loss", input, target)
    distance = Absolute()(input - target)
    line = (distance - 0.5 * delta) * delta
    losses = Where()(distance <= delta, distance * distance * 0.5, line)
    if weight is not None:
        require_same_shape("huber_loss", losses, weight)
        losses = losses * weight
    return reduce("huber_loss", losses, reduction)


@checked
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """-(t log(x) + (1 - t) log(1 - x)), each logarithm at least -100.

    Where logits are at hand, `binary_cross_entropy_with_logits` is more exact.

    Args:
        input: probabilities in [0, 1], of any shape.
        target: the true probabilities, of the same shape.
        weight: a factor for every element.
        reduction: "mean" over all elements, "sum", or "none".

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: an input is outside [0, 1].
    """
    require_same_shape("binary_cross_entropy", input, target)
    _require_probabilities(input)
    losses = -(target * _bounded_log(input) + (1 - target) * _bounded_log(1 - input))
    if weight is not None:
        losses = losses * weight
    return reduce("binary_cross_entropy", losses, reduction)


@checked
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """-(p t log(sigmoid(x)) + (1 - t) log(1 - sigmoid(x))), finite for every finite x.

    Args:
        input: logits of any shape.
        target: probabilities of the same shape.
        weight: a factor for every element.
        reduction: "mean" over all elements, "sum", or "none".
        pos_weight: the factor p of the positive part; broadcasts.

    Raises:
        ShapeError: the shapes of input and target differ.
    """
    name = "binary_cross_entropy_with_logits"
    require_same_shape(name, input, target)
    input = floating(input)
    # -log(sigmoid(x)) = softplus(-x) and -log(1 - sigmoid(x)) = softplus(-x) + x.
    losses = LogAddExp()(-input, 0.0)
    if pos_weight is not None:
        losses = losses * ((pos_weight - 1) * target + 1)
    losses = losses + (1 - target) * input
    if weight is not None:
        losses = losses * weight
    return reduce(name, losses, reduction)


@checked
def kl_div(
    input: Tensor, target: Tensor, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    """t (log t - x): the Kullback-Leibler divergence from exp(input) to the target.

    Args:
        input: log-probabilities of any shape.
        target: probabilities, or log-probabilities with `log_target`, of the same shape.
        reduction: "mean" over all elements, "batchmean" (the sum over the first dimension's
            size, which is the divergence by its definition), "sum", or "none".
        log_target: whether the target holds logarithms.

    Raises:
        ShapeError: the shapes differ.
    """
    require_same_shape("kl_div", input, target)
    if log_target:
        losses = Exp()(target) * (target - input)
    else:
        positive = target > 0
        logarithm = Log()(Where()(positive, target, 1.0))
        losses = Where()(positive, target * logarithm, 0.0) - target * input
    if reduction == "batchmean":
        return losses.sum() / (input.shape[0] if input.shape else 1)
    return reduce("kl_div", losses, reduction)


@checked
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """The negative logarithm of the Poisson distribution: exp(x) - t x.

    Args:
        input: the logarithm of the expected count, of any shape.
        target: counts of the same shape.
        log_input: False where the input is the expected count itself; then x - t log(x + eps).
        full: whether Stirling's approximation of log(t!), for t > 1, is added.
        eps: keeps the logarithm finite where `log_input` is False.
        reduction: "mean" over all elements, "sum", or "none".

    Raises:
        ShapeError: the shapes differ.
    """
    require_same_shape("poisson_nll_loss", input, target)
    input = floating(input)
    losses = Exp()(input) - target * input if log_input else input - target * Log()(input + eps)
    if full:
        large = target > 1
        count = Where()(large, floating(target), 1.0)
        stirling = count * Log()(count) - count + 0.5 * Log()(count * (2 * math.pi))
        losses = losses + Where()(large, stirling, 0.0)
    return reduce("poisson_nll_loss", losses, reduction)


@checked
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """The negative logarithm of the normal distribution: (log v + (x - t)²/v) / 2.

    Args:
        input: the mean, of any shape.
        target: true values of the same shape.
        var: the variance v; of the same shape, or with a last dimension of size 1, or
            without the last dimension, or a number.
        full: whether log(2 pi)/2 is added.
        eps: the least variance that is used.
        reduction: "mean" over all elements, "sum", or "none".

    Raises:
        ShapeError: the shapes do not fit.
    """
    require_same_shape("gaussian_nll_loss", input, target)
    if not isinstance(var, Tensor):
        var = input.detach() * 0 + var
    if var.shape == input.shape[:-1] != input.shape:
        var = var.reshape(*var.shape, 1)
    if var.shape not in (input.shape, (*input.shape[:-1], 1)):
        raise ShapeError(
            f"gaussian_nll_loss: var of shape {var.shape} does not fit an input of shape "
            f"{input.shape}"
        )
    # The bound is no part of the gradient.
    var = var + binary(Maximum(), var.detach(), eps).detach() - var.detach()
    difference = input - target
    losses = 0.5 * (Log()(var) + difference * difference / var)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduce("gaussian_nll_loss", losses, reduction)


def _weighted(name: str, losses: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    if weight is None:
        return reduce(name, losses, reduction)
    require_same_shape(name, losses, weight)
    losses = losses * weight
    if reduction == "mean":
        return losses.sum() / weight.sum()
    return reduce(name, losses, reduction)


def _bounded_log(x: Tensor) -> Tensor:
    """log(x), but at least -100, with a finite gradient at 0."""
    positive = x > 0
    return binary(Maximum(), Where()(positive, Log()(Where()(positive, x, 1.0)), -100.0), -100.0)


def _require_probabilities(input: Tensor) -> None:
    """Raise where a number is outside [0, 1]; looks at values, where there are any yet."""
    if is_recording():
        return
    values = np.asarray(input)
    if values.size and (values.min() < 0 or values.max() > 1):
        raise ArgumentError(
            f"binary_cross_entropy: the input must be probabilities in [0, 1], it reaches from "
            f"{values.min():.6g} to {values.max():.6g}; apply sigmoid first, or better, use "
            f"binary_cross_entropy_with_logits"
        )
