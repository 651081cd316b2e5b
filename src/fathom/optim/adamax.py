"""Adamax: Adam with the largest gradient in place of the mean square."""

from ..ops import Absolute, Cast, Maximum
from ..promotion import float64
from ..tape import Value
from ..tensor import Tensor
from .optimizer import (
    Optimizer,
    Parameters,
    State,
    assign,
    effective_gradient,
    moving_average,
    number,
    step_count,
    zeros_like,
)
from .parameter_group import ParameterGroup

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """Adamax: Adam with the infinity norm.

    With the gradient g (plus weight_decay * p) and the step count t::

        m ← beta1 * m + (1 - beta1) * g
        u ← max(beta2 * u, |g| + eps)
        p ← p - lr / (1 - beta1^t) * m / u

    Kingma and Ba, "Adam: A method for stochastic optimization" (2015), algorithm 2.

    Args:
        params: tensors, or groups of them.
        lr: the learning rate.
        betas: the decay rates of the average and of the norm.
        eps: added to the gradient's absolute value.
        weight_decay: the factor of the L2 penalty.
        maximize: whether to climb rather than to descend.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def initial_state(self, param: Tensor, group: ParameterGroup) -> State:
        return {
            "step": step_count(),
            "exp_avg": zeros_like(param),
            "exp_inf": zeros_like(param),
        }

    def update(self, param: Tensor, value: Value, grad: Value, group: ParameterGroup) -> Value:
        state = self.state_of(param, group)
        step = self.count_step(state)
        beta1, beta2 = group["betas"]
        grad = effective_gradient(value, grad, group)
        mean = moving_average(state["exp_avg"], grad, beta1)
        decayed = state["exp_inf"]._node.value * number(beta2, value.dtype)
        norm = assign(state["exp_inf"], Maximum()(decayed, Absolute()(grad) + group["eps"]))

        def corrected() -> Value:
            rate = group["lr"]._node.value / (1 - number(beta1, float64) ** step)
            return Cast(value.dtype)(rate)

        rate = self.shared((state["step"]._node, value.dtype), corrected)
        return value - mean / norm * rate
