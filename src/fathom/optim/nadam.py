"""NAdam: Adam with Nesterov's momentum."""

from ..ops import Cast, Sqrt
from ..promotion import float64
from ..tape import Value
from ..tensor import Tensor, constant
from .adam import decayed
from .optimizer import (
    Optimizer,
    Parameters,
    State,
    assign,
    moving_average,
    number,
    step_count,
    zeros_like,
)
from .parameter_group import ParameterGroup

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """NAdam: Adam that looks ahead along its average.

    With the gradient g (plus weight_decay * p), the step count t and
    mu(t) = beta1 * (1 - 0.96^(t * momentum_decay) / 2)::

        m ← beta1 * m + (1 - beta1) * g
        v ← beta2 * v + (1 - beta2) * g²
        M ← M * mu(t)
        d ← mu(t + 1) / (1 - M * mu(t + 1)) * m + (1 - mu(t)) / (1 - M) * g
        p ← p - lr * d / (√(v / (1 - beta2^t)) + eps)

    Dozat, "Incorporating Nesterov momentum into Adam" (2016), algorithm 8.

    Args:
        params: tensors, or groups of them.
        lr: the learning rate.
        betas: the decay rates of the two averages.
        eps: added to the denominator.
        weight_decay: the factor of the L2 penalty; of the decay itself where it is decoupled.
        momentum_decay: how fast mu(t) grows to beta1.
        decoupled_weight_decay: whether the decay acts on the parameter, as in `AdamW`,
            rather than through the gradient.
        maximize: whether to climb rather than to descend.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def initial_state(self, param: Tensor, group: ParameterGroup) -> State:
        return {
            "step": step_count(),
            "mu_product": constant(1.0, float64),
            "exp_avg": zeros_like(param),
            "exp_avg_sq": zeros_like(param),
        }

    def update(self, param: Tensor, value: Value, grad: Value, group: ParameterGroup) -> Value:
        state = self.state_of(param, group)
        step = self.count_step(state)
        beta1, beta2 = group["betas"]
        grad, start = decayed(self, value, grad, group)
        mean = moving_average(state["exp_avg"], grad, beta1)
        square = moving_average(state["exp_avg_sq"], grad * grad, beta2)
        beta1, beta2 = number(beta1, float64), number(beta2, float64)
        mu = (1 - 0.96 ** (step * group["momentum_decay"]) * 0.5) * beta1
        mu_next = (1 - 0.96 ** ((step + 1) * group["momentum_decay"]) * 0.5) * beta1
        product = assign(state["mu_product"], state["mu_product"]._node.value * mu)
        # The correction of v is a number: moved out of the denominator it costs no pass.
        scale = Sqrt()(1 - beta2**step)
        lr = group["lr"]._node.value
        as_factor = Cast(value.dtype)
        mean_rate = as_factor(lr * scale * mu_next / (1 - product * mu_next))
        grad_rate = as_factor(lr * scale * (1 - mu) / (1 - product))
        denominator = Sqrt()(square) + as_factor(scale * group["eps"])
        return start - (mean * mean_rate + grad * grad_rate) / denominator
