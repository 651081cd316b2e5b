"""The training step: all that happens to the state of a training for one batch."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ..nn import Module
from ..nn.utils import clip_grad_norm_, clip_grad_value_
from ..optim import Optimizer
from ..tensor import Tensor
from .errors import TrainingError

Loss = Callable[[Any, Any], Tensor]
Step = Callable[..., tuple[Tensor, Any]]


def training_step(
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Step:
    """The function that trains on one batch; it looks at no value, so it can be compiled.

    Args:
        model: the model.
        loss: takes the model's output and the target, returns a tensor with one element.
        optimizer: the optimizer of the model's parameters.
        clip_norm: the largest norm of all gradients together.
        clip_value: the largest magnitude of each element of a gradient.

    Returns:
        ``step(inputs, target, begins=True, ends=True, share=1.0)``, which takes a tuple of
        inputs and returns loss and output. Where gradients of several batches are
        accumulated, `begins` and `ends` say whether the batch is the first and the last of
        them, and `share` is what its loss is multiplied by.
    """

    clips = _clips(optimizer, clip_norm, clip_value)

    def step(
        inputs: tuple[Any, ...],
        target: Any,
        begins: bool = True,
        ends: bool = True,
        share: float = 1.0,
    ) -> tuple[Tensor, Any]:
        if begins:
            optimizer.zero_grad()
        output = model(*inputs)
        value = loss(output, target)
        _require_one_element(value)
        (value if share == 1 else value * share).backward()
        if ends:
            for clip in clips:
                clip()
            optimizer.step()
        return value.detach(), output.detach() if isinstance(output, Tensor) else output

    return step


def _require_one_element(value: Any) -> None:
    if not isinstance(value, Tensor):
        raise TrainingError(
            f"the loss returned a {type(value).__name__}; it must return the tensor that it "
            f"computed from the output, without float() or item()"
        )
    if value.shape not in ((), (1,)):
        raise TrainingError(
            f"the loss has shape {value.shape}; one number is needed: use reduction='mean', "
            f"or .mean() at the end"
        )


def _clips(
    optimizer: Optimizer, clip_norm: float | None, clip_value: float | None
) -> list[Callable[[], Any]]:
    parameters = [param for group in optimizer.param_groups for param in group["params"]]
    clips: list[Callable[[], Any]] = []
    if clip_value is not None:
        clips.append(partial(clip_grad_value_, parameters, clip_value))
    if clip_norm is not None:
        clips.append(partial(clip_grad_norm_, parameters, clip_norm))
    return clips
