"""The numerical check of gradients: do they agree with differences of the function's values?"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import AutogradError
from ..ops import Array
from ..promotion import float64
from ..tape import Node
from ..tensor import Tensor, wrap
from .walk import grad

Function = Callable[..., Any]


class GradcheckError(AutogradError):
    """A gradient differs from its numerical estimate."""


def gradcheck(
    func: Function,
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    fast_mode: bool = False,
) -> bool:
    """Whether the gradients of a function agree with central differences of its values.

    The full mode compares every element of the Jacobian J. The fast mode compares the one
    number v · J u for a random direction u of each input and random weights v of the
    outputs, and looks at the elements only where that fails.

    Args:
        func: takes `inputs` and returns a tensor or a tuple of tensors.
        inputs: its arguments; gradients are checked for the tensors that require one, which
            must be float64.
        eps: by how much an input element is moved to each side.
        atol, rtol: absolute and relative tolerance.
        raise_exception: whether a difference raises rather than returns False.
        fast_mode: whether to compare random projections of the Jacobian.

    Raises:
        GradcheckError: a gradient differs; the message holds both.
    """
    arguments = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    check = _Check(func, arguments, eps, atol, rtol)
    if fast_mode and check.projections_agree():
        return True
    message = check.first_difference()
    if message is None:
        return True
    if raise_exception:
        raise GradcheckError(message)
    return False


def gradgradcheck(
    func: Function,
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    fast_mode: bool = False,
) -> bool:
    """Whether the gradients of a function's gradients agree with central differences.

    Args:
        func: takes `inputs` and returns a tensor or a tuple of tensors.
        inputs: its arguments; gradients are checked for the tensors that require one, which
            must be float64.
        grad_outputs: the gradients with respect to the results from which to go back; random
            by default. Their influence is checked too.
        eps: by how much an input element is moved to each side.
        atol, rtol: absolute and relative tolerance.
        raise_exception: whether a difference raises rather than returns False.
        fast_mode: whether to compare random projections of the Jacobian.

    Raises:
        GradcheckError: a gradient differs; the message holds both.
    """
    arguments = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if grad_outputs is None:
        random = np.random.default_rng(0)
        outputs = _differentiable_outputs(func(*arguments))
        grad_outputs = [_leaf(random.standard_normal(output.shape)) for output in outputs]
    seeds = (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs)
    chosen = _chosen(arguments)

    def gradients(*both: Any) -> tuple[Tensor, ...]:
        values, weights = both[: len(arguments)], both[len(arguments) :]
        outputs = _differentiable_outputs(func(*values))
        found = grad(
            outputs,
            [values[place] for place in chosen],
            list(weights),
            create_graph=True,
            allow_unused=True,
        )
        return tuple(gradient for gradient in found if gradient is not None)

    return gradcheck(
        gradients,
        (*arguments, *seeds),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        fast_mode=fast_mode,
    )


class _Check:
    """A function at a point, and how exactly its gradients must fit there."""

    def __init__(
        self, func: Function, arguments: tuple[Any, ...], eps: float, atol: float, rtol: float
    ) -> None:
        self.func = func
        self.chosen = _chosen(arguments)
        self.arguments = list(arguments)
        for place in self.chosen:
            if arguments[place].dtype != float64:
                raise AutogradError(
                    f"gradcheck: input {place} has dtype {arguments[place].dtype}, but "
                    f"differences of values are exact enough in float64 only; use x.double()"
                )
            self.arguments[place] = _leaf(np.array(arguments[place].detach()))
        self.outputs = _differentiable_outputs(func(*self.arguments))
        self.eps = eps
        self.atol = atol
        self.rtol = rtol

    def values(self, place: int, moved: Array) -> list[Array]:
        """The function's values where one input is replaced."""
        arguments = self.arguments.copy()
        arguments[place] = _leaf(moved)
        outputs = _differentiable_outputs(self.func(*arguments))
        return [np.array(output.detach()) for output in outputs]

    @np.errstate(all="ignore")
    def change(self, place: int, direction: Array) -> list[Array]:
        """How fast the outputs change when an input moves in a direction: J u for each."""
        start = np.array(self.arguments[place].detach())
        ahead = self.values(place, start + self.eps * direction)
        behind = self.values(place, start - self.eps * direction)
        return [
            (after - before) / (2 * self.eps) for after, before in zip(ahead, behind, strict=True)
        ]

    def gradients(self, outputs: list[Tensor], weights: list[Array]) -> list[Array]:
        """The gradients of the weighted sum of outputs with respect to each chosen input."""
        inputs = [self.arguments[place] for place in self.chosen]
        seeds = [wrap(Node(weight)) for weight in weights]
        found = grad(outputs, inputs, seeds, retain_graph=True, allow_unused=True)
        return [
            np.zeros(tensor.shape) if gradient is None else np.array(gradient.detach())
            for tensor, gradient in zip(inputs, found, strict=True)
        ]

    def agree(self, analytical: Array | float, numerical: Array | float) -> Any:
        """Whether two gradients are equal within the tolerance, element by element."""
        return np.isclose(analytical, numerical, rtol=self.rtol, atol=self.atol, equal_nan=True)

    def projections_agree(self) -> bool:
        """Compare v · J u for one random direction u of each input and random weights v."""
        if not self.outputs:
            return True
        random = np.random.default_rng(0)
        weights = [random.standard_normal(output.shape) for output in self.outputs]
        gradients = self.gradients(self.outputs, weights)
        for place, gradient in zip(self.chosen, gradients, strict=True):
            direction = random.standard_normal(gradient.shape)
            changes = self.change(place, direction)
            numerical = sum(
                float(np.vdot(weight, change))
                for weight, change in zip(weights, changes, strict=True)
            )
            if not self.agree(float(np.vdot(gradient, direction)), numerical):
                return False
        return True

    def first_difference(self) -> str | None:
        """Where the Jacobians differ first, in words; None where they agree."""
        analytical = [self._rows(output) for output in self.outputs]
        for order, place in enumerate(self.chosen):
            shape = self.arguments[place].shape
            for position in np.ndindex(*shape):
                direction = np.zeros(shape)
                direction[position] = 1
                changes = self.change(place, direction)
                for number, numerical in enumerate(changes):
                    computed = analytical[number][order][(..., *position)]
                    wrong = np.argwhere(~self.agree(computed, numerical))
                    if len(wrong):
                        element = tuple(wrong[0].tolist())
                        return (
                            f"gradcheck: the gradient of output {number} element {element} "
                            f"with respect to input {place} element {position} is "
                            f"{computed[element]:.10g} (analytical), but differences give "
                            f"{numerical[element]:.10g} (numerical)\n"
                            f"with respect to this input element, for all of output {number}:\n"
                            f"analytical: {computed}\nnumerical: {numerical}"
                        )
        return None

    def _rows(self, output: Tensor) -> list[Array]:
        """The Jacobians of one output: for each input an array (*output shape, *input shape)."""
        rows = []
        for position in np.ndindex(*output.shape):
            weight = np.zeros(output.shape)
            weight[position] = 1
            rows.append(self.gradients([output], [weight]))
        return [
            np.array([row[order] for row in rows]).reshape(
                output.shape + self.arguments[place].shape
            )
            for order, place in enumerate(self.chosen)
        ]


def _chosen(arguments: tuple[Any, ...]) -> list[int]:
    chosen = [
        place
        for place, argument in enumerate(arguments)
        if isinstance(argument, Tensor) and argument.requires_grad
    ]
    if not chosen:
        raise AutogradError("gradcheck: no input requires a gradient, so there is none to check")
    return chosen


def _differentiable_outputs(returned: Any) -> list[Tensor]:
    outputs = [returned] if isinstance(returned, Tensor) else list(returned)
    return [output for output in outputs if output.requires_grad]


def _leaf(array: Array) -> Tensor:
    return wrap(Node(array)).requires_grad_()
