"""Activations."""

from ...functional.creation import ones_like
from ...functional.elementwise import where
from ...nn import functional as F
from ...ops import Array, Shape
from ...promotion import bool_
from ...tensor import Tensor
from ..operator import operator
from .elementwise import _of_one

for _name, _function in {
    "HardSwish": F.hardswish,
    "Mish": F.mish,
    "Relu": F.relu,
    "Sigmoid": F.sigmoid,
    "Softsign": F.softsign,
}.items():
    operator(_name)(_of_one(_function))


@operator("LeakyRelu")
def leaky_relu(input: Tensor, *, alpha: float = 0.01) -> Tensor:
    """x where it is positive, else alpha x."""
    return F.leaky_relu(input, alpha)


@operator("PRelu")
def parametric_relu(input: Tensor, slope: Tensor, *, opset: int) -> Tensor:
    """x where it is positive, else slope x."""
    if opset < 7 and slope.ndim == 1 and input.ndim > 1:
        slope = slope.reshape((-1,) + (1,) * (input.ndim - 2))
    return where(input < 0, slope * input, input)


@operator("Elu")
def elu(input: Tensor, *, alpha: float = 1.0) -> Tensor:
    """x where it is positive, else alpha (e^x - 1)."""
    return F.elu(input, alpha)


@operator("Celu")
def celu(input: Tensor, *, alpha: float = 1.0) -> Tensor:
    """x where it is positive, else alpha (e^(x / alpha) - 1)."""
    return F.celu(input, alpha)


@operator("Selu")
def selu(
    input: Tensor, *, alpha: float = 1.67326319217681884765625, gamma: float = 1.05070102214813232
) -> Tensor:
    """gamma times `elu`."""
    return F.elu(input, alpha) * gamma


@operator("Gelu")
def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """x times the normal distribution's probability of less than x."""
    return F.gelu(input, approximate)


@operator("Softplus")
def softplus(input: Tensor) -> Tensor:
    """log(1 + e^x)."""
    return F.softplus(input)


@operator("Swish")
def swish(input: Tensor, *, alpha: float = 1.0) -> Tensor:
    """x sigmoid(alpha x)."""
    return input * F.sigmoid(input * alpha)


@operator("SwiGLU")
def swiglu(gate: Tensor, input: Tensor, *, alpha: float = 1.0) -> Tensor:
    """The input times `swish` of the gate."""
    return swish(gate, alpha=alpha) * input


@operator("HardSigmoid")
def hard_sigmoid(input: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> Tensor:
    """alpha x + beta between 0 and 1."""
    return (input * alpha + beta).clamp(0, 1)


@operator("ThresholdedRelu")
def thresholded_relu(input: Tensor, *, alpha: float = 1.0) -> Tensor:
    """x where it is more than alpha, else 0."""
    return F.threshold(input, alpha, 0.0)


@operator("Shrink")
def shrink(input: Tensor, *, lambd: float = 0.5, bias: float = 0.0) -> Tensor:
    """What lies within lambd of 0 becomes 0, the rest comes nearer by `bias`."""
    nearer = where(input > lambd, input - bias, input + bias)
    return where(input.abs() > lambd, nearer, nearer * 0).to(input.dtype)


def _as_rows(shape: Shape, axis: int | None, opset: int) -> tuple[Shape, int]:
    """The shape in which to normalize, and the axis.

    Up to version 12 all dimensions from `axis` on were normalized together.
    """
    if opset >= 13:
        return shape, -1 if axis is None else axis
    first = 1 if axis is None else axis % max(len(shape), 1)
    return (*shape[:first], -1), first


@operator("Softmax")
def softmax(input: Tensor, *, axis: int | None = None, opset: int) -> Tensor:
    """e^x in proportion to the sum of these along an axis."""
    rows, along = _as_rows(input.shape, axis, opset)
    return F.softmax(input.reshape(rows), along).reshape(input.shape)


@operator("LogSoftmax")
def log_softmax(input: Tensor, *, axis: int | None = None, opset: int) -> Tensor:
    """The logarithm of `softmax`."""
    rows, along = _as_rows(input.shape, axis, opset)
    return F.log_softmax(input.reshape(rows), along).reshape(input.shape)


@operator("Hardmax")
def hardmax(input: Tensor, *, axis: int | None = None, opset: int) -> Tensor:
    """1 for the first of the largest elements along an axis, else 0."""
    rows, along = _as_rows(input.shape, axis, opset)
    flat = input.reshape(rows)
    moved = F.one_hot(flat.argmax(along), flat.shape[along]).movedim(-1, along)
    return moved.to(input.dtype).reshape(input.shape)


@operator("Dropout")
def dropout(
    input: Tensor,
    ratio: Array | None = None,
    training_mode: Array | None = None,
    *,
    seed: int = 0,
    is_test: int = 0,
    outputs: int,
) -> tuple[Tensor, ...]:
    """The input, from which elements are dropped where `training_mode` holds."""
    if training_mode is not None and bool(training_mode) and (ratio is None or float(ratio) > 0):
        kept = F.dropout(input * 0 + 1, 0.5 if ratio is None else float(ratio))
        return input * kept, kept > 0
    return (input,) if outputs < 2 else (input, ones_like(input, dtype=bool_))
