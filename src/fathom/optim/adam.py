"""Adam, and its form with decoupled weight decay."""

from ..ops import Cast, Maximum, Sqrt
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

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Adam: steps scaled by moving averages of the gradient and of its square.

    With the gradient g (plus weight_decay * p) and the step count t::

        m ← beta1 * m + (1 - beta1) * g
        v ← beta2 * v + (1 - beta2) * g²
        p ← p - lr * m / (1 - beta1^t) / (√(v / (1 - beta2^t)) + eps)

    Kingma and Ba, "Adam: A method for stochastic optimization" (2015), algorithm 1; with
    `amsgrad` the largest v so far takes the place of v: Reddi, Kale and Kumar, "On the
    convergence of Adam and beyond" (2018), algorithm 2.

    Args:
        params: tensors, or groups of them.
        lr: the learning rate.
        betas: the decay rates of the two averages.
        eps: added to the denominator.
        weight_decay: the factor of the L2 penalty; of the decay itself where it is decoupled.
        amsgrad: whether to divide by the largest average of squares so far.
        maximize: whether to climb rather than to descend.
        decoupled_weight_decay: whether the decay acts on the parameter, as in `AdamW`,
            rather than through the gradient.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def initial_state(self, param: Tensor, group: ParameterGroup) -> State:
        state = {
            "step": step_count(),
            "exp_avg": zeros_like(param),
            "exp_avg_sq": zeros_like(param),
        }
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_like(param)
        return state

    def update(self, param: Tensor, value: Value, grad: Value, group: ParameterGroup) -> Value:
        state = self.state_of(param, group)
        step = self.count_step(state)
        beta1, beta2 = group["betas"]
        grad, start = decayed(self, value, grad, group)
        mean = moving_average(state["exp_avg"], grad, beta1)
        square = moving_average(state["exp_avg_sq"], grad * grad, beta2)
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            square = assign(largest, Maximum()(largest._node.value, square))

        def corrected() -> tuple[Value, Value]:
            # Both corrections are numbers: moved out of the denominator they cost no pass.
            scale = Sqrt()(1 - number(beta2, float64) ** step)
            rate = group["lr"]._node.value * scale / (1 - number(beta1, float64) ** step)
            return Cast(value.dtype)(rate), Cast(value.dtype)(scale * group["eps"])

        rate, eps = self.shared((state["step"]._node, value.dtype), corrected)
        return start - mean / (Sqrt()(square) + eps) * rate


class AdamW(Adam):
    """Adam with weight decay that acts on the parameter, not through the gradient.

    As `Adam`, after ``p ← p * (1 - lr * weight_decay)``. Loshchilov and Hutter, "Decoupled
    weight decay regularization" (2019), algorithm 2.

    Args:
        params: tensors, or groups of them.
        lr: the learning rate.
        betas: the decay rates of the two averages.
        eps: added to the denominator.
        weight_decay: the factor of the decay, times `lr`.
        amsgrad: whether to divide by the largest average of squares so far.
        maximize: whether to climb rather than to descend.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            decoupled_weight_decay=True,
        )


def decayed(
    optimizer: Optimizer, value: Value, grad: Value, group: ParameterGroup
) -> tuple[Value, Value]:
    """The gradient, and the point that the step starts from, with the weight decay in one.

    A decay that is decoupled shrinks the parameter; otherwise its share is in the gradient.
    """
    if not (group["decoupled_weight_decay"] and group["weight_decay"]):
        return effective_gradient(value, grad, group), value

    def shrink() -> Value:
        return Cast(value.dtype)(1 - group["lr"]._node.value * group["weight_decay"])

    start = value * optimizer.shared(("shrink", value.dtype), shrink)
    return -grad if group["maximize"] else grad, start
