"""Adadelta: steps in the units of earlier steps."""

from ..ops import Sqrt
from ..tape import Value
from ..tensor import Tensor
from .optimizer import (
    Optimizer,
    Parameters,
    State,
    effective_gradient,
    moving_average,
    step_count,
    zeros_like,
)
from .parameter_group import ParameterGroup

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """Adadelta: the gradient times the ratio of the root mean squares of steps and gradients.

    With the gradient g (plus weight_decay * p)::

        v ← rho * v + (1 - rho) * g²
        d ← √(u + eps) / √(v + eps) * g
        u ← rho * u + (1 - rho) * d²
        p ← p - lr * d

    Zeiler, "Adadelta: An adaptive learning rate method" (2012), algorithm 1.

    Args:
        params: tensors, or groups of them.
        lr: the factor of the steps.
        rho: the decay rate of the averages.
        eps: added below both roots.
        weight_decay: the factor of the L2 penalty.
        maximize: whether to climb rather than to descend.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def initial_state(self, param: Tensor, group: ParameterGroup) -> State:
        return {
            "step": step_count(),
            "square_avg": zeros_like(param),
            "acc_delta": zeros_like(param),
        }

    def update(self, param: Tensor, value: Value, grad: Value, group: ParameterGroup) -> Value:
        state = self.state_of(param, group)
        self.count_step(state)
        grad = effective_gradient(value, grad, group)
        rho, eps = group["rho"], group["eps"]
        square = moving_average(state["square_avg"], grad * grad, rho)
        steps = state["acc_delta"]._node.value
        direction = Sqrt()(steps + eps) / Sqrt()(square + eps) * grad
        moving_average(state["acc_delta"], direction * direction, rho)
        return value - direction * self.rate(group, value.dtype)
