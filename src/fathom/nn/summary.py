"""A table of a model's layers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import ArgumentError
from ..functional.creation import zeros
from ..functional.random import default_generator
from ..ops import Shape
from ..promotion import float32, is_floating, supported
from ..tape import Node, enable_grad
from ..tensor import Tensor

if TYPE_CHECKING:
    from .module import Module

__all__ = ["LayerSummary", "Summary", "summarize"]


class LayerSummary(NamedTuple):
    """One row of a `Summary`.

    Attributes:
        path: the layer's path in the model; empty for the model itself.
        kind: the class.
        output_shape: the shape of the (last) output, with the batch dimension.
        parameters: how many numbers the layer's own parameters hold.
        multiply_adds: those of the layer's own matrix products and convolutions.
        activation_bytes: the size of the outputs.
    """

    path: str
    kind: str
    output_shape: Any
    parameters: int
    multiply_adds: int
    activation_bytes: int


@dataclass(frozen=True)
class Summary:
    """What `Module.summary` returns: the rows as data, and the table as text.

    Attributes:
        rows: one for each layer that was called.
        parameters: how many numbers all parameters hold; shared ones count once.
        trainable_parameters: those of them that get gradients.
        multiply_adds: of a forward pass.
        parameter_bytes: the size of parameters and buffers.
        activation_bytes: the size of all layers' outputs together.
    """

    rows: tuple[LayerSummary, ...]
    parameters: int
    trainable_parameters: int
    multiply_adds: int
    parameter_bytes: int
    activation_bytes: int

    def __str__(self) -> str:
        head = ("Layer", "Output shape", "Parameters", "Multiply-adds", "Output memory")
        body = [
            (
                f"{row.path} ({row.kind})" if row.path else row.kind,
                str(row.output_shape),
                f"{row.parameters:,}",
                f"{row.multiply_adds:,}",
                _bytes_as_text(row.activation_bytes),
            )
            for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        line = "-" * (sum(widths) + 2 * (len(widths) - 1))

        def lay_out(cells: Sequence[str]) -> str:
            left = [cell.ljust(width) for cell, width in zip(cells[:2], widths, strict=False)]
            right = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
            return "  ".join(left + right)

        return "\n".join(
            [
                lay_out(head),
                line,
                *map(lay_out, body),
                line,
                f"Parameters:    {self.parameters:,} ({self.trainable_parameters:,} trainable)",
                f"Multiply-adds: {self.multiply_adds:,}",
                f"Memory:        {_bytes_as_text(self.parameter_bytes)} of parameters and "
                f"buffers, {_bytes_as_text(self.activation_bytes)} of outputs",
            ]
        )

    __repr__ = __str__


def summarize(model: "Module", input_shape: Sequence[Any], dtype: Any = float32) -> Summary:
    """Run a model once on zeros, and note what its layers do; see `Module.summary`."""
    shapes = _shapes_from(input_shape)
    state = [*model.parameters(), *model.buffers(), default_generator.key]
    # Values never change, so what a handle points to is all there is to put back.
    nodes = [tensor._node for tensor in state]
    modes = [(module, module.training) for module in model.modules()]
    recorder = _Recorder(model)
    try:
        model.eval()
        # Gradients are noted so that the operations can be found afterwards.
        model.requires_grad_()
        inputs = [_sample(shape, supported(dtype)) for shape in shapes]
        with enable_grad():
            model(*inputs)
    finally:
        recorder.remove()
        for module, training in modes:
            module.__dict__["training"] = training
        for tensor, node in zip(state, nodes, strict=True):
            tensor._node = node
    return recorder.summary()


class _Recorder:
    """Notes the outputs of every module's calls, and which operations ran within them."""

    def __init__(self, model: "Module") -> None:
        self.model = model
        self.paths = {id(module): path for path, module in model.named_modules()}
        self.trainable = sum(
            math.prod(parameter.shape)
            for parameter in model.parameters()
            if parameter.requires_grad
        )
        self.calls: list[_Call] = []
        self.open: list[_Call] = []
        self.handles = []
        for module in model.modules():
            self.handles.append(module.register_forward_pre_hook(self._enter, prepend=True))
            self.handles.append(module.register_forward_hook(self._leave))

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()

    def _enter(self, module: "Module", args: Any) -> None:
        call = _Call(module, Node(None).number)
        self.calls.append(call)
        self.open.append(call)

    def _leave(self, module: "Module", args: Any, output: Any) -> None:
        call = self.open.pop()
        call.outputs = [value for value in _leaves(output) if isinstance(value, Tensor)]
        call.last = Node(None).number

    def summary(self) -> Summary:
        counts = self._multiply_adds()
        rows = []
        for module_id, path in self.paths.items():
            calls = [call for call in self.calls if id(call.module) == module_id]
            if not calls:
                continue
            module = calls[0].module
            own = sum(math.prod(p.shape) for p in module.parameters(recurse=False))
            multiply_adds = sum(counts[id(call)] for call in calls)
            if any(True for _ in module.children()) and not own and not multiply_adds:
                continue
            outputs = [output for call in calls for output in call.outputs]
            shapes = [output.shape for output in calls[-1].outputs]
            rows.append(
                LayerSummary(
                    path,
                    type(module).__name__,
                    shapes[0] if len(shapes) == 1 else tuple(shapes),
                    own,
                    multiply_adds,
                    sum(output._node.value.nbytes for output in outputs),
                )
            )
        parameters = list(self.model.parameters())
        return Summary(
            tuple(rows),
            sum(math.prod(parameter.shape) for parameter in parameters),
            self.trainable,
            sum(counts.values()),
            sum(tensor._node.value.nbytes for tensor in [*parameters, *self.model.buffers()]),
            sum(row.activation_bytes for row in rows),
        )

    def _multiply_adds(self) -> dict[int, int]:
        """For each call, by its id: those of its own operations, not of calls within it."""
        counts = {id(call): 0 for call in self.calls}
        waiting = [output._node for call in self.calls for output in call.outputs]
        seen: set[Node] = set()
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            waiting += node.inputs
            if node.inputs and node.op is not None:
                shapes = [operand.value.shape for operand in node.inputs]
                amount = node.op.multiply_adds(node.value.shape, *shapes)
                inside = [call for call in self.calls if call.first < node.number < call.last]
                if amount and inside:
                    # The call that began last is the innermost.
                    counts[id(max(inside, key=lambda call: call.first))] += amount
        return counts


class _Call:
    """A module's call: the nodes made meanwhile have numbers between `first` and `last`."""

    def __init__(self, module: "Module", first: int) -> None:
        self.module = module
        self.first = first
        self.last = first
        self.outputs: list[Tensor] = []


def _shapes_from(input_shape: Sequence[Any]) -> list[Shape]:
    shapes = [input_shape] if all(isinstance(n, int) for n in input_shape) else input_shape
    for shape in shapes:
        if not all(isinstance(size, int) and size > 0 for size in shape):
            raise ArgumentError(
                f"summary: input_shape is {input_shape}, expected positive sizes without the "
                f"batch dimension such as (1, 28, 28), or several such shapes"
            )
    return [tuple(shape) for shape in shapes]


def _sample(shape: Shape, dtype: "np.dtype[Any]") -> Tensor:
    sample = zeros((1, *shape), dtype=dtype)
    return sample.requires_grad_() if is_floating(dtype) else sample


def _leaves(output: Any) -> list[Any]:
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, list | tuple):
        return [leaf for part in output for leaf in _leaves(part)]
    return [output]


def _bytes_as_text(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB"):
        if size < 1000:
            return f"{size:.4g} {unit}"
        size /= 1000
    return f"{size:,.1f} MB"
