"""Adagrad: steps that shrink where gradients have been large."""

import numpy as np

from ..ops import Cast, Sqrt
from ..tape import Value
from ..tensor import Tensor, constant
from .optimizer import (
    Optimizer,
    Parameters,
    State,
    assign,
    effective_gradient,
    step_count,
)
from .parameter_group import ParameterGroup

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Adagrad: the gradient divided by the root of the sum of its squares so far.

    With the gradient g (plus weight_decay * p) and the step count t::

        s ← s + g²
        p ← p - lr / (1 + (t - 1) * lr_decay) * g / (√s + eps)

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12 (2011), with diagonal matrices.

    Args:
        params: tensors, or groups of them.
        lr: the learning rate.
        lr_decay: how the learning rate falls with the steps.
        weight_decay: the factor of the L2 penalty.
        initial_accumulator_value: what the sum starts from.
        eps: added to the denominator.
        maximize: whether to climb rather than to descend.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def initial_state(self, param: Tensor, group: ParameterGroup) -> State:
        total = np.full(param.shape, group["initial_accumulator_value"])
        return {"step": step_count(), "sum": constant(total, param.dtype)}

    def update(self, param: Tensor, value: Value, grad: Value, group: ParameterGroup) -> Value:
        state = self.state_of(param, group)
        step = self.count_step(state)
        grad = effective_gradient(value, grad, group)
        total = assign(state["sum"], state["sum"]._node.value + grad * grad)

        def falling() -> Value:
            rate = group["lr"]._node.value / (1 + (step - 1) * group["lr_decay"])
            return Cast(value.dtype)(rate)

        rate = self.shared((state["step"]._node, value.dtype), falling)
        return value - grad / (Sqrt()(total) + group["eps"]) * rate
