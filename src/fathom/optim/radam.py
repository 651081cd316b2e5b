"""RAdam: Adam that waits until its second moment can be trusted."""

from ..ops import Cast, Maximum, Sqrt, Where
from ..promotion import float64
from ..tape import Value
from ..tensor import Tensor
from .adam import decayed
from .optimizer import Optimizer, Parameters, State, moving_average, number, step_count, zeros_like
from .parameter_group import ParameterGroup

__all__ = ["RAdam"]


class RAdam(Optimizer):
    """RAdam: Adam with its variance rectified, so that it needs no warm-up.

    With the gradient g (plus weight_decay * p), the step count t and
    rho_max = 2 / (1 - beta2) - 1::

        m ← beta1 * m + (1 - beta1) * g
        v ← beta2 * v + (1 - beta2) * g²
        rho ← rho_max - 2 * t * beta2^t / (1 - beta2^t)
        r ← √((rho - 4) (rho - 2) rho_max / ((rho_max - 4) (rho_max - 2) rho))
        p ← p - lr * m / (1 - beta1^t) * r * √(1 - beta2^t) / (√v + eps)      where rho > 5
        p ← p - lr * m / (1 - beta1^t)                                        elsewhere

    Liu et al., "On the variance of the adaptive learning rate and beyond" (2020),
    algorithm 2.

    Args:
        params: tensors, or groups of them.
        lr: the learning rate.
        betas: the decay rates of the two averages.
        eps: added to the denominator.
        weight_decay: the factor of the L2 penalty; of the decay itself where it is decoupled.
        decoupled_weight_decay: whether the decay acts on the parameter, as in `AdamW`,
            rather than through the gradient.
        maximize: whether to climb rather than to descend.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def initial_state(self, param: Tensor, group: ParameterGroup) -> State:
        return {
            "step": step_count(),
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
        correction = 1 - beta2**step
        longest = 2 / (1 - beta2) - 1
        length = longest - step * 2 * beta2**step / correction
        # Clamped to where the root is of a positive number; below, it is not used.
        trusted = Maximum()(length, 5.0)
        rectifier = Sqrt()(
            (trusted - 4)
            * (trusted - 2)
            / trusted
            * (longest / ((longest - 4) * (longest - 2)))
            * correction
        )
        as_factor = Cast(value.dtype)
        adaptive = as_factor(rectifier) / (Sqrt()(square) + group["eps"])
        factor = Where()(length > 5, adaptive, as_factor(length * 0 + 1))
        rate = as_factor(group["lr"]._node.value / (1 - beta1**step))
        return start - mean * rate * factor
