"""Adam, and its form with decoupled weight decay."""

from ..ops import Maximum, Sqrt
from ..tensor import Tensor, cast
from .optimizer import (
    Optimizer,
    Parameters,
    State,
    effective_gradient,
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

    def update(self, param: Tensor, grad: Tensor, group: ParameterGroup) -> None:
        state = self.state_of(param, group)
        step = self.count_step(state)
        beta1, beta2 = group["betas"]
        grad, start = decayed(self, param, grad, group)
        mean = state["exp_avg"]
        mean.rebind(moving_average(mean, grad, beta1))
        square = state["exp_avg_sq"]
        square.rebind(moving_average(square, grad * grad, beta2))
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            square = largest.rebind(Maximum()(largest, square))

        def corrected() -> tuple[Tensor, Tensor]:
            # Both corrections are numbers: moved out of the denominator they cost no pass.
            scale = Sqrt()(1 - beta2**step)
            rate = group["lr"] * scale / (1 - beta1**step)
            return cast(rate, param.dtype), cast(scale * group["eps"], param.dtype)

        rate, eps = self.shared((step._node, param.dtype), corrected)
        param.rebind(start - mean / (Sqrt()(square) + eps) * rate)


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


def moving_average(average: Tensor, new: Tensor, beta: float | Tensor) -> Tensor:
    """beta * average + (1 - beta) * new."""
    if isinstance(beta, Tensor):
        return average * cast(beta, average.dtype) + new * cast(1 - beta, average.dtype)
    return average * beta + new * (1 - beta)


def decayed(
    optimizer: Optimizer, param: Tensor, grad: Tensor, group: ParameterGroup
) -> tuple[Tensor, Tensor]:
    """The gradient, and the point that the step starts from, with the weight decay in one.

    A decay that is decoupled shrinks the parameter; otherwise its share is in the gradient.
    """
    if not (group["decoupled_weight_decay"] and group["weight_decay"]):
        return effective_gradient(param, grad, group), param

    def shrink() -> Tensor:
        return cast(1 - group["lr"] * group["weight_decay"], param.dtype)

    start = param * optimizer.shared(("shrink", param.dtype), shrink)
    return -grad if group["maximize"] else grad, start
