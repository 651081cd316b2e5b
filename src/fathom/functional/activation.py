"""Activation functions."""

import math

from ..errors import ArgumentError, ShapeError
from ..ops import (
    Absolute,
    Erf,
    Expm1,
    LogAddExp,
    LogSoftmax,
    Relu,
    Reshape,
    Sigmoid,
    Softmax,
    Tanh,
    Where,
)
from ..promotion import DType, supported
from ..tensor import Tensor, cast, tensor_method
from .arguments import axis_from, with_axis
from .creation import zeros_like
from .elementwise import floating
from .random import rand

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "selu",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanhshrink",
    "threshold",
]


@tensor_method
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    result = Relu()(input)
    return input.rebind(result) if inplace else result


@tensor_method
def relu_(input: Tensor) -> Tensor:
    """The in-place spelling of `relu`."""
    return input.rebind(Relu()(input))


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """x, but at least `min_val` and at most `max_val`; the gradient at both bounds is 0."""
    if min_val > max_val:
        raise ArgumentError(f"hardtanh: min_val {min_val} is larger than max_val {max_val}")
    bounded = Where()(input >= max_val, float(max_val), input)
    return _settle(input, Where()(input <= min_val, float(min_val), bounded), inplace)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, elsewhere ``negative_slope * x``."""
    return _settle(input, Where()(input > 0, input, input * negative_slope), inplace)


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """`leaky_relu` with a slope that is drawn for every element in training.

    Args:
        input: a tensor of any shape.
        lower, upper: the slopes are uniform between these; in evaluation, their mean is used.
        training: whether slopes are drawn.
        inplace: whether the input is rebound to the result.
    """
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slopes = rand(input.shape, dtype=input.dtype) * (upper - lower) + lower
    return _settle(input, Where()(input > 0, input, input * slopes), inplace)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, elsewhere ``weight * x``.

    Args:
        input: shape (N, C, …).
        weight: one slope, of shape (1,), or one for each channel, of shape (C,).
    """
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.shape not in ((), (1,), (channels,)):
        raise ShapeError(
            f"prelu: weight of shape {weight.shape} does not fit an input of shape {input.shape} "
            f"with {channels} channels; expected shape (1,) or ({channels},)"
        )
    if weight.ndim and input.ndim != 1:
        weight = Reshape((*weight.shape, *(1,) * (input.ndim - 2))[: input.ndim])(weight)
    return Where()(input > 0, input, input * weight)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > `threshold`, elsewhere `value`."""
    return _settle(input, Where()(input <= threshold, float(value), input), inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, elsewhere alpha (exp(x) - 1).

    Source: Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by
    exponential linear units", 2016, equation 15.
    """
    return _settle(input, _elu(input, alpha, 1.0), inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, elsewhere alpha (exp(x / alpha) - 1).

    Source: Barron, "Continuously differentiable exponential linear units", 2017.
    """
    return _settle(input, _elu(input, alpha, 1.0 / alpha), inplace)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """1.0507 `elu(x, 1.6733)`, with which activations keep mean 0 and variance 1.

    Source: Klambauer et al., "Self-normalizing neural networks", 2017, equation 2.
    """
    result = _elu(input, 1.6732632423543772, 1.0) * 1.0507009873554805
    return _settle(input, result, inplace)


def _elu(input: Tensor, alpha: float, steepness: float) -> Tensor:
    positive = input > 0
    # The exponential must not overflow where it is not used: its gradient would be NaN.
    below = Where()(positive, 0.0, input)
    return Where()(positive, input, Expm1()(below * steepness) * alpha)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x Φ(x), where Φ is the standard normal distribution function.

    Args:
        input: a tensor of any shape.
        approximate: "tanh" for x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.

    Source: Hendrycks, Gimpel, "Gaussian error linear units", 2016.
    """
    if approximate == "none":
        return input * (Erf()(input * math.sqrt(0.5)) + 1) * 0.5
    if approximate == "tanh":
        inner = (input + input * input * input * 0.044715) * math.sqrt(2 / math.pi)
        return input * (Tanh()(inner) + 1) * 0.5
    raise ArgumentError(f"gelu: approximate is {approximate!r}, expected 'none' or 'tanh'")


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x sigmoid(x)."""
    return _settle(input, input * Sigmoid()(input), inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x tanh(softplus(x)).

    Source: Misra, "Mish: a self regularized non-monotonic activation function", 2019.
    """
    return _settle(input, input * Tanh()(LogAddExp()(input, 0.0)), inplace)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta x)) / beta.

    Args:
        input: a tensor of any shape.
        beta: how sharply it bends.
        threshold: where beta x is above it, x itself is returned.
    """
    scaled = input * beta
    return Where()(scaled > threshold, input, LogAddExp()(scaled, 0.0) / beta)


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(x)), finite for every finite x."""
    return -LogAddExp()(-input, 0.0)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6."""
    return _settle(input, hardtanh(input + 3, 0.0, 6.0) / 6, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x min(max(x + 3, 0), 6) / 6.

    Source: Howard et al., "Searching for MobileNetV3", 2019, section 5.2.
    """
    return _settle(input, input * hardtanh(input + 3, 0.0, 6.0) / 6, inplace)


@tensor_method
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x where \\|x\\| > `lambd`, elsewhere 0."""
    return Where()(Absolute()(input) <= lambd, 0.0, input)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by `lambd`, and 0 where \\|x\\| is at most that."""
    if lambd < 0:
        raise ArgumentError(f"softshrink: lambd is {lambd}, expected 0 or more")
    # 0 * x, which keeps NaN.
    middle = Where()(input < -lambd, input + lambd, input * 0)
    return Where()(input > lambd, input - lambd, middle)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    input = floating(input)
    return input - Tanh()(input)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + \\|x\\|)."""
    return input / (Absolute()(input) + 1)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a sigmoid(b), where a and b are the halves of the input along a dimension.

    Source: Dauphin et al., "Language modeling with gated convolutional networks", 2017.
    """
    axis = axis_from(dim, input.ndim)
    size = input.shape[axis] if input.ndim else 1
    if size % 2:
        raise ShapeError(
            f"glu: dimension {dim} of shape {input.shape} has {size} elements, which cannot be "
            f"halved"
        )
    whole = (slice(None),) * axis
    return input[(*whole, slice(size // 2))] * Sigmoid()(input[(*whole, slice(size // 2, None))])


@tensor_method
@with_axis
def softmax(input: Tensor, dim: int | None = None, dtype: DType | None = None) -> Tensor:
    """exp(x) / sum(exp(x)) along a dimension, computed from x - max(x), so that it stays finite.

    Args:
        input: a tensor of any shape.
        dim: the dimension that adds up to 1. Name it: without one, it is the first for
            tensors of 0, 1 or 3 dimensions and the second for others, as in PyTorch.
        dtype: the dtype in which to compute.
    """
    return _along(Softmax, input, dim, dtype)


def gumbel_softmax(
    logits: Tensor, tau: float = 1.0, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """softmax((x + g) / tau) with noise g of Gumbel's distribution: a class drawn, differentiably.

    Args:
        logits: unnormalized log-probabilities of any shape.
        tau: the temperature; the smaller, the nearer the result to one-hot.
        hard: whether the result is one-hot, with the gradient of the soft one.
        eps: accepted for PyTorch's sake, which ignores it too.
        dim: the dimension of the classes.

    Source: E. Jang, S. Gu, B. Poole, "Categorical reparameterization with Gumbel-softmax",
    ICLR 2017, equation 2.
    """
    # A waiting time with rate 1 is -log of a uniform number; Gumbel's noise is -log of that.
    noise = -logits.detach().clone().exponential_().clamp(min=1e-30).log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    places = soft.detach().argmax(dim, keepdim=True)
    chosen = zeros_like(soft).scatter(dim, places, 1.0)
    return chosen - soft.detach() + soft


@tensor_method
@with_axis
def log_softmax(input: Tensor, dim: int | None = None, dtype: DType | None = None) -> Tensor:
    """x - log(sum(exp(x))) along a dimension, computed from x - max(x), so that it stays finite.

    Args:
        input: a tensor of any shape.
        dim: the dimension that is normalized; see `softmax`.
        dtype: the dtype in which to compute.
    """
    return _along(LogSoftmax, input, dim, dtype)


def softmin(input: Tensor, dim: int | None = None, dtype: DType | None = None) -> Tensor:
    """The `softmax` of -x."""
    return softmax(-input, dim, dtype)


def _along(
    op: type[Softmax] | type[LogSoftmax], input: Tensor, dim: int | None, dtype: DType | None
) -> Tensor:
    input = floating(input) if dtype is None else cast(input, supported(dtype))
    rank = input.ndim
    if dim is None:
        dim = 0 if rank in (0, 1, 3) else 1
    axis = axis_from(dim, rank)
    if rank == 0:
        return Reshape(())(op(0)(Reshape((1,))(input)))
    return op(axis)(input)


def _settle(input: Tensor, result: Tensor, inplace: bool) -> Tensor:
    return input.rebind(result) if inplace else result
