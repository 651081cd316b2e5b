"""A model from an ONNX file as a module: it runs the nodes one after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ArgumentError, DTypeError, FathomError, ShapeError
from ..graph.overlay import SeenPlainly
from ..nn import Module, Parameter
from ..ops import Array
from ..promotion import DType
from ..recording import is_recording
from ..tape import Node
from ..tensor import Tensor, wrap
from .plan import Step

__all__ = ["Holder", "ImportedModel", "Port"]

# What Python and NumPy raise where numbers, shapes and sizes do not fit.
_MISFITS = (ArithmeticError, AssertionError, LookupError, MemoryError, TypeError, ValueError)

# A value while the model runs: a tensor, or an array where it does not depend on the inputs'
# elements (but on their shapes at most), so that it can steer what is recorded.
Value = Tensor | Array


@dataclass(frozen=True)
class Port:
    """What a model expects as one of its inputs, or promises as one of its outputs.

    Attributes:
        name: its name.
        dtype: the element type; None where the model does not say.
        shape: the sizes, with a name or None for one that may vary; None where the number of
            dimensions is not known either.
    """

    name: str
    dtype: DType | None
    shape: tuple[int | str | None, ...] | None

    def __str__(self) -> str:
        shape = "" if self.shape is None else str(["?" if n is None else n for n in self.shape])
        return f"'{self.name}' {self.dtype or ''}{shape}".replace("'?'", "?")

    def check(self, given: Tensor) -> None:
        """Raise where a tensor is not what the model expects."""
        if self.dtype is not None and given.dtype != self.dtype:
            raise DTypeError(
                f"the input {self} got a tensor of dtype {given.dtype}; convert it: "
                f"x.to(fathom.{self.dtype})"
            )
        if self.shape is not None and (
            len(self.shape) != given.ndim
            or any(
                isinstance(expected, int) and expected != size
                for expected, size in zip(self.shape, given.shape, strict=True)
            )
        ):
            raise ShapeError(f"the input {self} got a tensor of shape {given.shape}")


@dataclass(frozen=True, eq=False)
class Program:
    """What an imported model computes.

    Attributes:
        inputs: what it expects.
        outputs: what it promises.
        steps: the nodes in their order.
        constants: the initializers that are not trained, by name.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    steps: tuple[Step, ...]
    constants: Mapping[str, Array]

    def last_uses(self) -> list[list[str]]:
        """For each step the values that nothing after it needs."""
        seen = {port.name for port in self.outputs}
        found = []
        for step in reversed(self.steps):
            names = {*step.inputs, *step.outputs} - seen
            seen |= names
            found.append(sorted(names))
        return found[::-1]


class Holder(Module):
    """The parameters whose names in a file begin alike: those of ``"layer1.0."``."""


class ImportedModel(Module):
    """A model from an ONNX file; made by `fathom.onnx.load`.

    Its floating-point initializers with dimensions are parameters, the running statistics of
    its normalizations buffers, under the names they have in the file; other initializers are
    constants. It computes what ONNX defines, in evaluation and in training: batch normalization
    uses its running statistics, and dropout drops nothing, unless the file says otherwise.

    Args:
        program: what it computes.

    Attributes:
        inputs, outputs: what the model expects and promises.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._last_uses = program.last_uses()
        # For each initializer that is state, the module that holds it and its name there.
        self._places: dict[str, tuple[Module, str]] = {}

    @property
    def inputs(self) -> tuple[Port, ...]:
        """What the model expects."""
        return self._program.inputs

    @property
    def outputs(self) -> tuple[Port, ...]:
        """What the model returns."""
        return self._program.outputs

    def hold(self, name: str, array: Array, *, trained: bool) -> None:
        """Make an initializer a parameter or a buffer; points part its name into modules."""
        *path, last = [part or "_" for part in name.split(".")]
        holder: Module = self
        for part in path:
            holder = _child(holder, part)
        last = _free(holder, last)
        tensor = wrap(Node(array))
        if trained:
            holder.register_parameter(last, Parameter(tensor))
        else:
            holder.register_buffer(last, tensor)
        self._places[name] = holder, last

    def forward(self, *inputs: Tensor, **named: Tensor) -> Any:
        """Run the model.

        Args:
            inputs: the inputs in their order.
            named: further ones by name.

        Returns:
            The output; a tuple where the model has several.

        Raises:
            ArgumentError, DTypeError, ShapeError: the inputs are not what the model expects.
        """
        program = self._program
        values: dict[str, Value] = dict(program.constants)
        for name, (holder, attribute) in self._places.items():
            holder.note_use()
            values[name] = holder.__dict__[attribute]
        values.update(self._arguments(inputs, named))
        for step, done in zip(program.steps, self._last_uses, strict=True):
            found = run(step, [values[name] if name else None for name in step.inputs])
            values.update(zip(step.outputs, found, strict=False))
            for name in done:
                values.pop(name, None)
        results = tuple([as_tensor(values[port.name]) for port in program.outputs])
        return results[0] if len(results) == 1 else results

    def _arguments(self, inputs: Sequence[Tensor], named: Mapping[str, Tensor]) -> dict[str, Value]:
        ports = self._program.inputs
        given = {**dict(zip([port.name for port in ports], inputs, strict=False)), **named}
        if len(given) != len(inputs) + len(named) or given.keys() != {port.name for port in ports}:
            raise ArgumentError(
                f"the model expects the inputs {', '.join(map(str, ports)) or '(none)'}; got "
                f"{len(inputs)}{f' and {sorted(named)}' if named else ''}"
            )
        for port in ports:
            if not isinstance(given[port.name], Tensor):
                raise ArgumentError(
                    f"the input '{port.name}' got a {type(given[port.name]).__name__}; pass a "
                    f"tensor, for an array fathom.from_numpy(array)"
                )
            port.check(given[port.name])
        return {**given}

    def extra_repr(self) -> str:
        """The model's inputs, outputs and size."""
        program = self._program
        return (
            f"inputs: {', '.join(map(str, program.inputs))}; "
            f"outputs: {', '.join(map(str, program.outputs))}; {len(program.steps)} nodes"
        )


def run(step: Step, operands: Sequence[Value | None]) -> Sequence[Value]:
    """Compute one node.

    What is computed from arrays alone is an array again.

    Raises:
        FathomError: of the kind that the computation raised, with the node's name.
    """
    try:
        if step.operator.is_random or any(isinstance(operand, Tensor) for operand in operands):
            return _call(step, operands)
        if not is_recording():
            return [to_array(result) for result in _call(step, operands)]
        with SeenPlainly():
            return [to_array(result) for result in _call(step, operands)]
    except FathomError as error:
        error.args = (f"{step}: {error}",)
        raise
    except _MISFITS as error:
        # Whatever else does not fit: a file may hold any nonsense.
        raise ArgumentError(f"{step}: {type(error).__name__}: {error}") from error


def _call(step: Step, operands: Sequence[Value | None]) -> Sequence[Value]:
    arguments = [
        operand
        if operand is None
        else to_array(operand)
        if step.operator.needs_values(position)
        else as_tensor(operand)
        for position, operand in enumerate(operands)
    ]
    result = step.operator.function(*arguments, **step.options)
    return result if isinstance(result, tuple | list) else (result,)


def to_array(value: Value) -> Array:
    """The value's elements."""
    return value.detach().numpy() if isinstance(value, Tensor) else value


def as_tensor(value: Value) -> Tensor:
    """The value as a tensor."""
    return value if isinstance(value, Tensor) else wrap(Node(value))


def _child(holder: Module, name: str) -> Module:
    present = holder.__dict__.get(name)
    if isinstance(present, Holder):
        return present
    name = _free(holder, name)
    child = Holder()
    holder.add_module(name, child)
    return child


def _free(holder: Module, name: str) -> str:
    """The name, or one with underscores behind it that the module has not yet."""
    while hasattr(holder, name):
        name += "_"
    return name
