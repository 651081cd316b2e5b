"""RMSprop: steps scaled by the root mean square of recent gradients."""

from ..ops import Sqrt
from ..tape import Value
from ..tensor import Tensor
from .optimizer import (
    Optimizer,
    Parameters,
    State,
    assign,
    effective_gradient,
    is_used,
    moving_average,
    number,
    step_count,
    zeros_like,
)
from .parameter_group import ParameterGroup

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """RMSprop: the gradient divided by the root of a moving average of its square.

    With the gradient g (plus weight_decay * p)::

        v ← alpha * v + (1 - alpha) * g²
        a ← alpha * a + (1 - alpha) * g             (centered; else a = 0)
        b ← momentum * b + g / (√(v - a²) + eps)
        p ← p - lr * b

    Hinton, "Neural networks for machine learning", lecture 6 (2012); centered as in Graves,
    "Generating sequences with recurrent neural networks" (2013), equations 38 to 41.

    Args:
        params: tensors, or groups of them.
        lr: the learning rate.
        alpha: the decay rate of the averages.
        eps: added to the denominator.
        weight_decay: the factor of the L2 penalty.
        momentum: the share of the buffer that stays at each step.
        centered: whether to divide by an estimate of the standard deviation.
        maximize: whether to climb rather than to descend.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def initial_state(self, param: Tensor, group: ParameterGroup) -> State:
        state = {"step": step_count(), "square_avg": zeros_like(param)}
        if is_used(group["momentum"]):
            state["momentum_buffer"] = zeros_like(param)
        if group["centered"]:
            state["grad_avg"] = zeros_like(param)
        return state

    def update(self, param: Tensor, value: Value, grad: Value, group: ParameterGroup) -> Value:
        state = self.state_of(param, group)
        self.count_step(state)
        grad = effective_gradient(value, grad, group)
        alpha = group["alpha"]
        variance = moving_average(state["square_avg"], grad * grad, alpha)
        if group["centered"]:
            mean = moving_average(state["grad_avg"], grad, alpha)
            variance = variance - mean * mean
        direction = grad / (Sqrt()(variance) + group["eps"])
        momentum = group["momentum"]
        if is_used(momentum):
            buffer = state["momentum_buffer"]
            kept = buffer._node.value * number(momentum, value.dtype)
            direction = assign(buffer, kept + direction)
        return value - direction * self.rate(group, value.dtype)
