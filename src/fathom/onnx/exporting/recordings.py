"""A module recorded once, or several times where dimensions are left open."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from ...errors import ArgumentError
from ...graph import Vertex
from ...graph.recorded import Recording
from ...graph.recorder import record
from ...nn import Module
from ...tape import no_grad
from ...tensor import Tensor, constant
from ..errors import UnsupportedModel
from .sizes import Trial

# For each name of an input or output the axes that are left open, with or without names.
DynamicAxes = Mapping[str, Mapping[int, str] | Sequence[int]]
OpenAxes = dict[str, dict[int, str]]


def open_axes(given: DynamicAxes) -> OpenAxes:
    """The open axes with a name for each."""
    return {
        name: dict(axes)
        if isinstance(axes, Mapping)
        else {axis: f"{name}_dim_{axis}" for axis in axes}
        for name, axes in given.items()
    }


class Recordings:
    """A module recorded on examples, and again with each open dimension larger by one.

    Args:
        model: the module.
        names: the names of its inputs.
        examples: the inputs.
        axes: the open axes by the names of inputs (and outputs, which do not matter here).

    Attributes:
        first: the recording that is translated.
        others: those of the trials.
        trials: what was changed in each.
        sizes: the open dimensions in the first recording.
    """

    def __init__(
        self, model: Module, names: Sequence[str], examples: Sequence[Tensor], axes: OpenAxes
    ) -> None:
        # Two at least: one element may be treated in another way than several.
        self.sizes: dict[str, int] = {}
        for name, example in zip(names, examples, strict=True):
            for axis, dimension in axes.get(name, {}).items():
                if not 0 <= axis < example.ndim:
                    raise ArgumentError(
                        f"dynamic_axes: the input '{name}' has no dimension {axis}; its example "
                        f"has shape {example.shape}"
                    )
                self.sizes.setdefault(dimension, max(example.shape[axis], 2))
        self.trials = tuple(Trial(dimension, 1) for dimension in self.sizes)

        def at(sizes: Mapping[str, int]) -> Recording:
            resized = [
                _resized(example, {a: sizes[d] for a, d in axes.get(name, {}).items()})
                for name, example in zip(names, examples, strict=True)
            ]
            return _recorded(model, resized)

        self.first = at(self.sizes)
        self.others = [
            at({**self.sizes, trial.dimension: self.sizes[trial.dimension] + trial.change})
            for trial in self.trials
        ]

    def parallel(self) -> dict[Vertex, tuple[Vertex, ...]]:
        """For each vertex of the first recording those of the others.

        Raises:
            UnsupportedModel: the module computes otherwise for another size.
        """
        columns = [recording.graph.vertices() for recording in (self.first, *self.others)]
        places = [{vertex: n for n, vertex in enumerate(column)} for column in columns]
        lengths = {len(column) for column in columns}
        shapes = [
            [
                (vertex.kind, tuple(place[operand] for operand in vertex.operands))
                for vertex in column
            ]
            for column, place in zip(columns, places, strict=True)
        ]
        for trial, shape in zip(self.trials, shapes[1:], strict=True):
            if len(lengths) > 1 or shape != shapes[0]:
                raise UnsupportedModel(
                    f"the module computes otherwise when '{trial.dimension}' has another size, so "
                    f"this dimension cannot be left open; leave it out of dynamic_axes"
                )
        return {first: tuple(others) for first, *others in zip(*columns, strict=True)}


def _resized(example: Tensor, sizes: Mapping[int, int]) -> Tensor:
    """The example with its elements repeated along some axes."""
    array = example.detach().numpy()
    for axis, size in sizes.items():
        array = np.take(array, np.arange(size) % max(array.shape[axis], 1), axis)
    return constant(array)


def _recorded(model: Module, examples: Sequence[Tensor]) -> Recording:
    with _evaluating(model), no_grad():
        recording = record(model, tuple(examples), {})
    if recording.writes:
        raise UnsupportedModel(
            "the module changes its state when it is called, which an ONNX model cannot"
        )
    return recording


@contextmanager
def _evaluating(model: Module) -> Iterator[None]:
    """All modules in evaluation mode, as long as the block lasts."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
