"""Stochastic gradient descent."""

from collections.abc import Mapping
from typing import Any

from ..ops import Cast, Minimum, MultiplyAdd
from ..tape import Value
from ..tensor import Tensor
from .optimizer import (
    Optimizer,
    OptimizerError,
    Parameters,
    State,
    assign,
    effective_gradient,
    is_used,
    number,
    step_count,
    zeros_like,
)
from .parameter_group import ParameterGroup

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

    With the gradient g (plus weight_decay * p)::

        b ← momentum * b + (1 - dampening) * g      (at the first step: b ← g)
        p ← p - lr * b                              (nesterov: p - lr * (g + momentum * b))

    Polyak, "Some methods of speeding up the convergence of iteration methods" (1964);
    Nesterov's form as in Sutskever et al., "On the importance of initialization and momentum
    in deep learning" (2013), with the learning rate outside the buffer as in PyTorch.

    Args:
        params: tensors, or groups of them.
        lr: the learning rate.
        momentum: the share of the buffer that stays at each step.
        dampening: the share of the gradient that does not enter the buffer.
        weight_decay: the factor of the L2 penalty.
        nesterov: whether to look ahead along the buffer.
        maximize: whether to climb rather than to descend.

    Raises:
        OptimizerError: an option is out of range; `nesterov` without momentum, or with
            dampening.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check_options(self, options: Mapping[str, Any]) -> None:
        super().check_options(options)
        if options["nesterov"] and (options["momentum"] <= 0 or options["dampening"] != 0):
            raise OptimizerError(
                f"SGD: nesterov needs a momentum and no dampening, got "
                f"momentum={options['momentum']}, dampening={options['dampening']}"
            )

    def initial_state(self, param: Tensor, group: ParameterGroup) -> State:
        state: State = {}
        if is_used(group["momentum"]):
            state["momentum_buffer"] = zeros_like(param)
            if group["dampening"] != 0:
                state["step"] = step_count()
        return state

    def complete_state(self, saved: State, expected: State) -> State:
        # PyTorch's state has no step count; that there is a buffer means a step was taken.
        if "step" in expected and "momentum_buffer" in saved:
            saved = {"step": 1.0, **saved}
        return super().complete_state(saved, expected)

    def update(self, param: Tensor, value: Value, grad: Value, group: ParameterGroup) -> Value:
        grad = effective_gradient(value, grad, group)
        momentum = group["momentum"]
        if is_used(momentum):
            momentum = number(momentum, value.dtype)
            state = self.state_of(param, group)
            fresh = grad
            if group["dampening"] != 0:
                # It holds from the second step on.
                dampened = Minimum()(self.count_step(state) - 1, 1.0)
                fresh = grad * Cast(value.dtype)(1 - dampened * group["dampening"])
            buffer = state["momentum_buffer"]
            buffer = assign(buffer, buffer._node.value * momentum + fresh)
            grad = grad + buffer * momentum if group["nesterov"] else buffer
        return MultiplyAdd()(grad, -self.rate(group, value.dtype), value)
