"""Activation functions as layers."""

from typing import Any

from ..functional import activation as functions
from ..functional.creation import full
from ..tensor import Tensor
from .module import Module
from .parameter import Parameter

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SELU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


class _WithInplace(Module):
    """An activation that can rebind its input to the result.

    Args:
        inplace: whether it does.
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""

    def _inplace_repr(self) -> str:
        return ", inplace=True" if self.inplace else ""


class ReLU(_WithInplace):
    """max(x, 0)."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.relu(input, self.inplace)


class ReLU6(_WithInplace):
    """min(max(x, 0), 6)."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.relu6(input, self.inplace)


class SELU(_WithInplace):
    """See `fathom.nn.functional.selu`."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.selu(input, self.inplace)


class SiLU(_WithInplace):
    """x sigmoid(x)."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.silu(input, self.inplace)


class Mish(_WithInplace):
    """x tanh(softplus(x))."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.mish(input, self.inplace)


class Hardswish(_WithInplace):
    """x min(max(x + 3, 0), 6) / 6."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.hardswish(input, self.inplace)


class Hardsigmoid(_WithInplace):
    """min(max(x + 3, 0), 6) / 6."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.hardsigmoid(input, self.inplace)


class LeakyReLU(_WithInplace):
    """x where x > 0, elsewhere ``negative_slope * x``.

    Args:
        negative_slope: the slope on the negative side.
        inplace: whether the input is rebound to the result.
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        return functions.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}{self._inplace_repr()}"


class RReLU(_WithInplace):
    """`LeakyReLU` with a slope drawn for every element in training.

    Args:
        lower, upper: the slopes are uniform between these; in evaluation, their mean is used.
        inplace: whether the input is rebound to the result.
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.lower = lower
        self.upper = upper

    def forward(self, input: Tensor) -> Tensor:
        return functions.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}{self._inplace_repr()}"


class ELU(_WithInplace):
    """x where x > 0, elsewhere alpha (exp(x) - 1).

    Args:
        alpha: minus the limit on the negative side.
        inplace: whether the input is rebound to the result.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        return functions.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}{self._inplace_repr()}"


class CELU(ELU):
    """x where x > 0, elsewhere alpha (exp(x / alpha) - 1).

    Args:
        alpha: minus the limit on the negative side.
        inplace: whether the input is rebound to the result.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functions.celu(input, self.alpha, self.inplace)


class Hardtanh(_WithInplace):
    """x, but at least `min_val` and at most `max_val`.

    Args:
        min_val, max_val: the bounds.
        inplace: whether the input is rebound to the result.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, input: Tensor) -> Tensor:
        return functions.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}{self._inplace_repr()}"


class Threshold(_WithInplace):
    """x where x > `threshold`, elsewhere `value`.

    Args:
        threshold: the bound.
        value: what stands in for x at and below it.
        inplace: whether the input is rebound to the result.
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold = threshold
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return functions.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}{self._inplace_repr()}"


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, input: Tensor) -> Tensor:
        return input.sigmoid()


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, input: Tensor) -> Tensor:
        return input.tanh()


class LogSigmoid(Module):
    """log(sigmoid(x)), finite for every finite x."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.logsigmoid(input)


class Softsign(Module):
    """x / (1 + \\|x\\|)."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x)."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.tanhshrink(input)


class Hardshrink(Module):
    """x where \\|x\\| > `lambd`, elsewhere 0.

    Args:
        lambd: the bound.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return functions.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Softshrink(Module):
    """x moved towards 0 by `lambd`, and 0 where \\|x\\| is at most that.

    Args:
        lambd: the distance.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return functions.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class GELU(Module):
    """x Φ(x), where Φ is the standard normal distribution function.

    Args:
        approximate: "none", or "tanh" for the approximation with tanh.
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return functions.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """log(1 + exp(beta x)) / beta.

    Args:
        beta: how sharply it bends.
        threshold: where beta x is above it, x itself is returned.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        return functions.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class GLU(Module):
    """a sigmoid(b), where a and b are the halves of the input along a dimension.

    Args:
        dim: the dimension.
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return functions.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class PReLU(Module):
    """x where x > 0, elsewhere ``weight * x`` with a slope that is learned.

    Args:
        num_parameters: 1, or the number of channels for a slope for each.
        init: the slope to begin with.
        device: the CPU.
        dtype: float32 by default.

    Attributes:
        weight: shape (num_parameters,).
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(full((num_parameters,), float(init), device=device, dtype=dtype))

    def forward(self, input: Tensor) -> Tensor:
        return functions.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class _AlongDimension(Module):
    """A function along one dimension.

    Args:
        dim: the dimension; name it (see `fathom.nn.functional.softmax`).
    """

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_AlongDimension):
    """exp(x) / sum(exp(x)) along a dimension."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.softmax(input, self.dim)


class Softmin(_AlongDimension):
    """The softmax of -x along a dimension."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.softmin(input, self.dim)


class LogSoftmax(_AlongDimension):
    """x - log(sum(exp(x))) along a dimension."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.log_softmax(input, self.dim)


class Softmax2d(Module):
    """The softmax over the channels of images of shape (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.softmax(input, -3)
