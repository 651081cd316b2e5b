"""What an ONNX operator is here: a Python function whose signature says how to call it.

A function's parameters have the names that ONNX gives to attributes and to such inputs as once
were attributes; an attribute is passed by its name, an input by its position. So one function
serves all versions of an operator that differ only in this. The annotation of an input says
what the function gets: a `Tensor`, or for `Array` its values, which then have to be known before
the model runs (shapes, axes, the sizes of a padding). An input that is `Tensor | float` was a
number among the attributes once.

Two parameters are filled in by the caller where a function has them: `opset`, the version of the
operator set that the model was made for, and `outputs`, how many outputs are asked for.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from ..ops import Array
from .errors import MalformedModel

Function = TypeVar("Function", bound=Callable[..., Any])

_CONTEXT = ("opset", "outputs")


@dataclass(frozen=True)
class Operator:
    """An operator with the function that computes it.

    Attributes:
        name: its name in ONNX; with its domain in front where this is not the standard one.
        function: what computes it.
        inputs: the names of the inputs, and whether each is needed as values.
        variadic: whether the last input may come several times.
        required: how many inputs there have to be.
        attributes: the names of the attributes that it takes.
        needed: the names of those that have to be there.
        context: which of `opset` and `outputs` it takes.
        is_random: whether it gives something else each time.
        statistics: the inputs that training does not change, but a running mean.
    """

    name: str
    function: Callable[..., Any]
    inputs: tuple[tuple[str, bool], ...]
    variadic: bool
    required: int
    attributes: frozenset[str]
    needed: frozenset[str]
    context: tuple[str, ...]
    is_random: bool = False
    statistics: frozenset[str] = frozenset()

    def needs_values(self, position: int) -> bool:
        """Whether an input is needed as values."""
        return self.inputs[min(position, len(self.inputs) - 1)][1]

    def is_statistic(self, position: int) -> bool:
        """Whether an input is a running statistic."""
        return position < len(self.inputs) and self.inputs[position][0] in self.statistics

    def check_call(self, given: Sequence[bool], attributes: Mapping[str, Any]) -> None:
        """Raise `MalformedModel` where a node's inputs or attributes do not fit.

        Args:
            given: for each input that the node names, whether it is there (rather than empty).
            attributes: the node's attributes.
        """
        if len(given) > len(self.inputs) and not self.variadic:
            raise MalformedModel(f"expected at most {len(self.inputs)} inputs, got {len(given)}")
        for position, (name, _) in enumerate(self.inputs[: self.required]):
            is_given = position < len(given) and given[position]
            if not is_given and name not in attributes:
                raise MalformedModel(f"the input '{name}' (number {position}) is missing")
        for name in sorted(self.needed - attributes.keys()):
            raise MalformedModel(f"the attribute '{name}' is missing")
        names = {name for name, _ in self.inputs[: len(given)]}
        for name in attributes:
            if name not in self.attributes or name in names:
                raise MalformedModel(f"an attribute '{name}' is unknown for this operator")


OPERATORS: dict[str, Operator] = {}


def operator(
    *names: str, is_random: bool = False, statistics: Sequence[str] = ()
) -> Callable[[Function], Function]:
    """Let a function compute the ONNX operators of these names.

    Args:
        names: the names, with the domain and a point in front where it is not the standard one.
        is_random: whether it gives something else each time.
        statistics: the inputs that are running statistics.
    """

    def register(function: Function) -> Function:
        for name in names:
            assert name not in OPERATORS, f"{name} is defined twice"
            OPERATORS[name] = _operator(name, function, is_random, frozenset(statistics))
        return function

    return register


def _operator(
    name: str, function: Callable[..., Any], is_random: bool, statistics: frozenset[str]
) -> Operator:
    inputs, required, variadic = [], 0, False
    attributes, needed, context = [], [], []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in _CONTEXT:
            context.append(parameter.name)
        elif parameter.kind is parameter.KEYWORD_ONLY:
            attributes.append(parameter.name)
            if parameter.default is parameter.empty:
                needed.append(parameter.name)
        else:
            kinds = {parameter.annotation, *get_args(parameter.annotation)}
            inputs.append((parameter.name, Array in kinds))
            variadic = parameter.kind is parameter.VAR_POSITIONAL
            if kinds & {Array, float}:
                attributes.append(parameter.name)
            if parameter.default is parameter.empty and not variadic:
                required = len(inputs)
    return Operator(
        name,
        function,
        tuple(inputs),
        variadic,
        required,
        frozenset(attributes),
        frozenset(needed),
        tuple(context),
        is_random,
        statistics,
    )
