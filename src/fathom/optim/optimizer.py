"""What all optimizers share: groups of parameters, state, and one step over all of them."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops import Add, Cast, Clone
from ..promotion import DType, float64
from ..recording import Watched, note_change
from ..tape import Node, Value, enable_grad
from ..tensor import Tensor, constant, wrap
from .parameter_group import ParameterGroup, plain

State = dict[str, Any]
Found = TypeVar("Found")
Parameters = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]


class OptimizerError(ArgumentError):
    """An optimizer or a schedule was given what it cannot work with."""


class Optimizer(Watched):
    """The base of all optimizers.

    A subclass defines `update`, which takes one parameter's step, and, if it keeps anything
    from step to step, `initial_state`. What is kept are long-lived tensors whose values are
    replaced: the learning rate of each group, and each parameter's
    moments and step count.

    Args:
        params: the tensors to optimize, or ``(name, tensor)`` pairs, or dicts that describe
            groups: ``{"params": [...], "lr": 0.1}``.
        defaults: the options of groups that do not set them.

    Raises:
        OptimizerError: there are no parameters, one is given twice, or one is not a leaf.

    Attributes:
        param_groups: the groups; ``group["lr"]`` may be assigned to.
        state: what is kept for each parameter.
    """

    unwatched = frozenset({"defaults", "_shared"})

    def __init__(self, params: Parameters, defaults: Mapping[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise OptimizerError(
                f"{self._name} expects a list of tensors or of groups, got a single tensor; "
                f"write [parameter], or model.parameters()"
            )
        self.defaults = dict(defaults)
        self.state: dict[Tensor, State] = {}
        self.param_groups: list[ParameterGroup] = []
        # Numbers that several parameters need in one step, for `shared`.
        self._shared: dict[Any, Any] = {}
        given = list(params)
        if not given:
            raise OptimizerError(f"{self._name} got no parameters to optimize")
        groups = given if isinstance(given[0], Mapping) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)  # type: ignore[arg-type]

    @property
    def _name(self) -> str:
        return type(self).__name__

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Optimize further parameters, with options of their own.

        Args:
            param_group: ``"params"``, a tensor or a list of them, and any options that shall
                differ from the optimizer's defaults.
        """
        given = param_group["params"]
        params = [given] if isinstance(given, Tensor) else list(given)
        params = [entry[1] if isinstance(entry, tuple) else entry for entry in params]
        taken = {id(param) for group in self.param_groups for param in group["params"]}
        for position, param in enumerate(params):
            if not isinstance(param, Tensor):
                raise OptimizerError(
                    f"{self._name} optimizes tensors; entry {position} of the group is a "
                    f"{type(param).__name__}"
                )
            if not param.is_leaf:
                raise OptimizerError(
                    f"{self._name} optimizes leaf tensors; entry {position} of the group, of "
                    f"shape {param.shape}, is the result of {param.grad_fn.name}"  # type: ignore[union-attr]
                )
            if id(param) in taken:
                raise OptimizerError(
                    f"{self._name}: entry {position} of the group, of shape {param.shape}, is "
                    f"among the optimizer's parameters already"
                )
            taken.add(id(param))
        options = {**self.defaults, **param_group, "params": params}
        self.check_options(options)
        self.param_groups.append(ParameterGroup(options))
        note_change()

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise `OptimizerError` where a group's options are out of their range.

        Rates, weights and small constants are never negative, and the decay rates of moving
        averages lie in [0, 1).
        """
        for option in ("lr", "momentum", "weight_decay", "eps", "lr_decay", "momentum_decay"):
            if option in options and not float(options[option]) >= 0:
                raise OptimizerError(
                    f"{self._name}: {option} must not be negative, got {options[option]}"
                )
        for position, beta in enumerate(options.get("betas", ())):
            if not 0 <= float(beta) < 1:
                raise OptimizerError(
                    f"{self._name}: betas[{position}] must be at least 0 and below 1, got {beta}"
                )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Args:
            set_to_none: whether they become None rather than zeros.
        """
        self.note_use()
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    param.grad = zeros_like(param)

    # NaN and infinity arise silently, as IEEE 754 has them.
    @np.errstate(all="ignore")
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step with the gradients in ``param.grad``; a parameter without one stays.

        Args:
            closure: computes the loss anew, calls `backward` on it and returns it.

        Returns:
            What the closure returned, if there is one.
        """
        self.note_use()
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._shared.clear()
            for param in group["params"]:
                grad = param.grad
                if grad is not None:
                    value = param._node.value
                    assign(param, self.update(param, value, grad._node.value, group))
        self._shared.clear()
        return loss

    def update(self, param: Tensor, value: Value, grad: Value, group: ParameterGroup) -> Value:
        """One parameter's step.

        Like the gradients of operations, it is written with operators and operations on bare
        values, arrays in eager mode: on tensors it would take twice as long.

        Args:
            param: the parameter, by which `state_of` finds what is kept for it.
            value: its value.
            grad: the value of its gradient.
            group: the options.

        Returns:
            The parameter's new value.
        """
        raise NotImplementedError

    def initial_state(self, param: Tensor, group: ParameterGroup) -> State:
        """What is kept for a parameter, as it is before the first step."""
        return {}

    def state_of(self, param: Tensor, group: ParameterGroup) -> State:
        """What is kept for a parameter; made when it is first asked for."""
        state = self.state.get(param)
        if state is None:
            state = self.state[param] = self.initial_state(param, group)
        return state

    def shared(self, key: Hashable, compute: Callable[[], Found]) -> Found:
        """What `compute` returns; called once in a step for all parameters with one key.

        Values never change, so a value itself can be the key: parameters that were stepped
        together have the same node for their step counts.
        """
        found = self._shared.get(key)
        if found is None:
            found = self._shared[key] = compute()
        return found

    def count_step(self, state: State) -> Value:
        """The parameter's step count, after adding 1 to it."""
        step = state["step"]
        before = step._node
        step._node = self.shared(before, lambda: Node(Add()(before.value, 1.0)))
        return step._node.value

    def rate(self, group: ParameterGroup, dtype: DType) -> Value:
        """The learning rate in a parameter's dtype."""
        return self.shared(dtype, lambda: Cast(dtype)(group["lr"]._node.value))

    def state_dict(self) -> dict[str, Any]:
        """The state and the groups' options, with parameters numbered in order.

        Returns:
            ``{"state": {number: {name: tensor}}, "param_groups": [{option: value, …,
            "params": [number, …]}]}``. Later steps leave it as it is.
        """
        number = {
            param: position
            for position, param in enumerate(
                param for group in self.param_groups for param in group["params"]
            )
        }
        return {
            "state": {
                number[param]: {
                    key: constant(value, value.dtype) if isinstance(value, Tensor) else value
                    for key, value in state.items()
                }
                for param, state in self.state.items()
            },
            "param_groups": [
                {
                    **{option: plain(group[option]) for option in group if option != "params"},
                    "params": [number[param] for param in group["params"]],
                }
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned, from this optimizer or an equal one.

        Args:
            state_dict: groups of as many parameters as this optimizer has, in the same
                order. Tensors may also be arrays, or PyTorch's.

        Raises:
            OptimizerError: groups, options or shapes differ; nothing is changed then.
        """
        loaded = self._checked(state_dict)
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            group.update({option: saved[option] for option in saved if option != "params"})
        for param in [param for param in self.state if param not in loaded]:
            del self.state[param]
        counts: dict[float, Tensor] = {}
        for param, state in loaded.items():
            present = self.state.setdefault(param, {})
            for key, value in state.items():
                if not isinstance(value, Tensor):
                    present[key] = value
                    continue
                # Equal counts get one node, as they would have after steps taken together.
                fresh = Clone()(value)
                fresh = counts.setdefault(value.item(), fresh) if key == "step" else fresh
                if isinstance(present.get(key), Tensor):
                    present[key].rebind(fresh)
                else:
                    present[key] = wrap(fresh._node)
        note_change()

    def _checked(self, state_dict: Mapping[str, Any]) -> dict[Tensor, State]:
        """Each parameter's state in a state dict, if the dict fits this optimizer."""
        lacking = [part for part in ("state", "param_groups") if part not in state_dict]
        if lacking:
            raise OptimizerError(
                f"{self._name} cannot load this: an optimizer's state has 'state' and "
                f"'param_groups'; {' and '.join(lacking)} is missing. Nothing was changed"
            )
        # A file may have turned the numbers into text.
        saved_states = {int(number): state for number, state in state_dict["state"].items()}
        loaded: dict[Tensor, State] = {}
        problems = self._differing_groups(state_dict["param_groups"])
        if not problems:
            for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
                options = ParameterGroup({**group, **saved, "params": []})
                for param, number in zip(group["params"], saved["params"], strict=True):
                    if number in saved_states:
                        expected = self.initial_state(param, options)
                        loaded[param] = self.complete_state(saved_states[number], expected)
                        problems += _differing_state(number, loaded[param], expected)
        if problems:
            raise OptimizerError(
                f"{self._name} cannot load this state: {'; '.join(problems)}. Nothing was changed"
            )
        return loaded

    def complete_state(self, saved: State, expected: State) -> State:
        """One parameter's saved state as tensors, of the dtypes that are expected here."""
        return {
            key: constant(np.asarray(value), _dtype_of(expected.get(key)))
            if hasattr(value, "dtype") or isinstance(expected.get(key), Tensor)
            else value
            for key, value in saved.items()
            if value is not None
        }

    def _differing_groups(self, groups: list[Any]) -> list[str]:
        if len(groups) != len(self.param_groups):
            return [f"it has {len(groups)} groups, this optimizer {len(self.param_groups)}"]
        problems = []
        for position, (group, saved) in enumerate(zip(self.param_groups, groups, strict=True)):
            if len(saved["params"]) != len(group["params"]):
                problems.append(
                    f"group {position} has {len(saved['params'])} parameters there, "
                    f"{len(group['params'])} here"
                )
            missing = [option for option in self.defaults if option not in saved]
            if missing:
                problems.append(
                    f"group {position} lacks {', '.join(missing)} "
                    f"(was it saved by another optimizer?)"
                )
        return problems

    def __repr__(self) -> str:
        lines = [f"{self._name} ("]
        for position, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {position}")
            lines += [
                f"    {option}: {plain(group[option])}"
                for option in sorted(group)
                if option != "params"
            ]
        return "\n".join([*lines, ")"])


def _differing_state(number: int, state: State, expected: State) -> list[str]:
    problems = []
    for key, tensor in expected.items():
        if key not in state:
            problems.append(f"parameter {number} lacks {key}")
        elif state[key].shape != tensor.shape:
            problems.append(
                f"{key} of parameter {number} has shape {state[key].shape} there, "
                f"{tensor.shape} here"
            )
    return problems


def _dtype_of(tensor: Tensor | None) -> Any:
    return None if tensor is None else tensor.dtype


def zeros_like(param: Tensor) -> Tensor:
    """Zeros in a parameter's shape and dtype: what a moment starts from."""
    return constant(np.zeros(param.shape, param.dtype), param.dtype)


def step_count() -> Tensor:
    """A count of steps, at 0: a tensor of float64, in which powers of it are exact enough."""
    return wrap(_NO_STEPS)


# All counts begin at one node: see `Optimizer.shared`.
_NO_STEPS = Node(np.zeros((), float64))


def is_used(option: Any) -> bool:
    """Whether an option is in use: not 0, or a tensor, whose value is not looked at."""
    return isinstance(option, Tensor) or option != 0


def number(option: Any, dtype: DType) -> Any:
    """An option as a factor of values of a dtype: a Python number, or a tensor's value."""
    return Cast(dtype)(option._node.value) if isinstance(option, Tensor) else option


def assign(tensor: Tensor, value: Value) -> Value:
    """Let a tensor that lives from step to step have a new value, and return it.

    It is `Tensor.rebind` for bare values.
    """
    node = tensor._node
    before = node.value
    if value.shape != before.shape:
        raise ShapeError(
            f"an optimizer's step gave shape {value.shape} for a tensor of shape {before.shape}; "
            f"has the gradient been given another shape?"
        )
    if value.dtype != before.dtype:
        value = Cast(before.dtype)(value)
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if node.needs_gradient:
        tensor._become_leaf(value, node.hooks)
    else:
        tensor._node = Node(value)
    return value


def moving_average(average: Tensor, new: Value, beta: float | Tensor) -> Value:
    """average ← beta * average + (1 - beta) * new; its value."""
    value = average._node.value
    if isinstance(beta, Tensor):
        kept = beta._node.value
        old, fresh = Cast(value.dtype)(kept), Cast(value.dtype)(1 - kept)
        return assign(average, value * old + new * fresh)
    return assign(average, value * beta + new * (1 - beta))


def effective_gradient(value: Value, grad: Value, group: ParameterGroup) -> Value:
    """The gradient of what is minimized: negated to maximize, with the L2 penalty's share."""
    if group["maximize"]:
        grad = -grad
    if group["weight_decay"] != 0:
        grad = grad + value * group["weight_decay"]
    return grad
