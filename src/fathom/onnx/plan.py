"""The nodes of a model as steps that can be run, after all that can be checked has been."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import operators  # noqa: F401 - they enter themselves in the table
from .errors import MalformedModel, UnsupportedModel
from .limits import reason_for
from .operator import OPERATORS, Operator
from .reading import read_tensor

# Operator sets up to this one have been looked through.
NEWEST_OPSET = 28
_OLDEST_OPSET = 1
_STANDARD_DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True, eq=False)
class Step:
    """One node of a model.

    Attributes:
        name: the node's name, or what takes its place in messages.
        operator: what it computes.
        inputs: the names of its operands; empty for one that is left out.
        outputs: the names of its results; empty for one that nobody needs.
        options: the attributes, and what the operator wants to know of the model.
    """

    name: str
    operator: Operator
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: dict[str, Any]

    def __str__(self) -> str:
        return f"node '{self.name}' ({self.operator.name})"


def steps_of(
    model: Any, known: Sequence[str], folder: Path | None, *, widen: bool
) -> tuple[Step, ...]:
    """The nodes of a model in their order.

    Args:
        model: the `ModelProto`.
        known: the names of inputs and initializers.
        folder: where external data lie.
        widen: whether float16 and bfloat16 become float32.

    Raises:
        MalformedModel: a node needs what no node before it computes, computes what another one
            has, or does not fit its operator.
        UnsupportedModel: Fathom lacks an operator.
    """
    versions = _versions(model)
    _require_operators(model)
    present = set(known)
    steps = []
    for position, node in enumerate(model.graph.node):
        name = node.name or next(filter(None, node.output), f"number {position}")
        for operand in node.input:
            if operand and operand not in present:
                raise MalformedModel(
                    f"node '{name}' ({node.op_type}): its input '{operand}' is neither an input "
                    f"of the model nor the result of a node before it"
                )
        for output in filter(None, node.output):
            if output in present:
                raise MalformedModel(
                    f"node '{name}' ({node.op_type}): its result '{output}' has the name of "
                    f"another value"
                )
            present.add(output)
        try:
            steps.append(_step(name, node, versions, folder, widen))
        except (MalformedModel, UnsupportedModel) as error:
            raise type(error)(f"node '{name}' ({node.op_type}): {error}") from None
    for output in model.graph.output:
        if output.name not in present:
            raise MalformedModel(f"no node computes the model's output '{output.name}'")
    return tuple(steps)


def _step(name: str, node: Any, versions: dict[str, int], folder: Path | None, widen: bool) -> Step:
    operator = OPERATORS[_full_name(node)]
    attributes = {
        attribute.name: _value(attribute, folder, widen)
        for attribute in node.attribute
        if attribute.name not in _FORGOTTEN
    }
    if len(attributes) < len({attribute.name for attribute in node.attribute} - _FORGOTTEN):
        raise MalformedModel("an attribute is there twice")
    operator.check_call([bool(operand) for operand in node.input], attributes)
    values = {operand for operand, needs_values in operator.inputs if needs_values}
    options = {
        attribute: np.asarray(value) if attribute in values else value
        for attribute, value in attributes.items()
    }
    domain = "" if node.domain in _STANDARD_DOMAINS else node.domain
    context = {"opset": versions.get(domain, 0), "outputs": len(node.output)}
    options |= {key: context[key] for key in operator.context}
    if domain not in versions:
        raise MalformedModel(f"the model names no version of the operators of '{domain}'")
    return Step(name, operator, tuple(node.input), tuple(node.output), options)


# Hints of early versions that change no value.
_FORGOTTEN = frozenset({"consumed_inputs"})


def _full_name(node: Any) -> str:
    domain = "" if node.domain in _STANDARD_DOMAINS else f"{node.domain}."
    return f"{domain}{node.op_type}"


def _versions(model: Any) -> dict[str, int]:
    versions = {}
    for entry in model.opset_import:
        domain = "" if entry.domain in _STANDARD_DOMAINS else entry.domain
        versions[domain] = entry.version
        if domain == "" and not _OLDEST_OPSET <= entry.version <= NEWEST_OPSET:
            raise UnsupportedModel(
                f"the model was made for version {entry.version} of the operators; Fathom knows "
                f"{_OLDEST_OPSET} to {NEWEST_OPSET} (onnx.version_converter converts models)"
            )
    return versions


def _require_operators(model: Any) -> None:
    """Raise an error that names all operators which are missing, with a node for each."""
    if model.functions:
        own = ", ".join(function.name for function in model.functions)
        raise UnsupportedModel(
            f"the model defines functions of its own ({own}); put their nodes in the place of "
            f"their calls first: onnx.inliner.inline_local_functions(model)"
        )
    missing: dict[str, str] = {}
    for node in model.graph.node:
        if _full_name(node) not in OPERATORS:
            missing.setdefault(_full_name(node), node.name or next(iter(node.output), ""))
    if missing:
        listed = ", ".join(f"{operator} (node '{name}')" for operator, name in missing.items())
        reasons = dict.fromkeys(filter(None, map(reason_for, missing)))
        why = f": {'; '.join(reasons)}" if reasons else ""
        raise UnsupportedModel(f"Fathom has no operator {listed}{why}")


def _value(attribute: Any, folder: Path | None, widen: bool) -> Any:
    """The value of an attribute: a number, a text, an array, or a list of numbers or texts."""
    what = f"the attribute '{attribute.name}'"
    kind = attribute.type or next(_filled(attribute), 0)
    if kind not in _VALUES:
        raise UnsupportedModel(f"{what} is a graph, a sparse tensor or a type")
    value = getattr(attribute, _VALUES[kind])
    if kind == attribute.TENSOR:
        return read_tensor(value, folder, what, widen=widen)
    try:
        if kind == attribute.STRING:
            return value.decode()
        if kind == attribute.STRINGS:
            return [text.decode() for text in value]
    except UnicodeDecodeError:
        raise MalformedModel(f"{what} is no text") from None
    return list(value) if kind in (attribute.FLOATS, attribute.INTS) else value


_VALUES = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}


def _filled(attribute: Any) -> Iterator[int]:
    """The kinds of the fields that an attribute without a kind has; so wrote the first version."""
    for kind, field in _VALUES.items():
        if any(descriptor.name == field for descriptor, value in attribute.ListFields()):
            yield kind
