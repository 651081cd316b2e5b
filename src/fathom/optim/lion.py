"""Lion: the sign of a moving average."""

from ..ops import Sign
from ..tape import Value
from ..tensor import Tensor
from .optimizer import Optimizer, Parameters, State, moving_average, number, zeros_like
from .parameter_group import ParameterGroup

__all__ = ["Lion"]


class Lion(Optimizer):
    """Lion: every element moves by the learning rate, in the direction of an average's sign.

    With the gradient g::

        u ← sign(beta1 * m + (1 - beta1) * g)
        p ← p - lr * (u + weight_decay * p)
        m ← beta2 * m + (1 - beta2) * g

    Chen et al., "Symbolic discovery of optimization algorithms" (2023), algorithm 2. It
    wants a learning rate three to ten times smaller than AdamW's.

    Args:
        params: tensors, or groups of them.
        lr: the learning rate.
        betas: the weights of the average in the direction, and in the average that is kept.
        weight_decay: the factor of the decoupled weight decay, times `lr`.
        maximize: whether to climb rather than to descend.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float | Tensor = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def initial_state(self, param: Tensor, group: ParameterGroup) -> State:
        return {"exp_avg": zeros_like(param)}

    def update(self, param: Tensor, value: Value, grad: Value, group: ParameterGroup) -> Value:
        beta1, beta2 = group["betas"]
        if group["maximize"]:
            grad = -grad
        mean = self.state_of(param, group)["exp_avg"]
        beta1 = number(beta1, value.dtype)
        direction = Sign()(mean._node.value * beta1 + grad * (1 - beta1))
        moving_average(mean, grad, beta2)
        if group["weight_decay"] != 0:
            direction = direction + value * group["weight_decay"]
        return value - direction * self.rate(group, value.dtype)
