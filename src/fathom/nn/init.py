"""Initial values for parameters."""

import math

from ..functional.random import rand
from ..tape import no_grad
from ..tensor import Tensor

__all__ = ["uniform_"]


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator=None) -> Tensor:
    """Numbers uniform in [a, b)."""
    return tensor.rebind(rand(tensor.shape, dtype=tensor.dtype, generator=generator) * (b - a) + a)


def uniform_within_fan_in(weight: Tensor, bias: Tensor | None) -> None:
    fan_in = math.prod(weight.shape[1:])
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    uniform_(weight, -bound, bound)
    if bias is not None:
        uniform_(bias, -bound, bound)
