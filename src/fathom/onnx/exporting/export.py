"""Exporting: a module becomes an ONNX file."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ArgumentError
from ...formats.files import PathLike, atomic_write
from ...graph import Constant, Vertex
from ...graph.recorded import Output, Place, Recording
from ...graph.structure import map_structure
from ...nn import Module
from ...tensor import Tensor
from ..errors import UnsupportedModel
from ..package import onnx_package
from .constants import write_constant
from .patterns import needed, recognize
from .recordings import DynamicAxes, Recordings, open_axes
from .sizes import Size
from .translation import TRANSLATIONS, Translation
from .writer import Writer, element_number

__all__ = ["export", "model_proto"]

# The version of the operators that is written, and of the file format that goes with it.
OPSET = 18
_IR_VERSION = 8

# The largest file that the format allows without files beside it.
_LARGEST_FILE = (1 << 31) - 1


def export(
    model: Module,
    args: Any,
    f: PathLike,
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_axes: DynamicAxes | None = None,
) -> None:
    """Write a module as an ONNX file, for ONNX Runtime and all others that read such files.

    The module is recorded on example inputs in evaluation mode, and each operation translated.
    The file is checked by `onnx.checker` before it is written.

    Args:
        model: the module; its parameters and buffers are written under their paths.
        args: an example input, or a tuple of them; they count by their shapes and dtypes.
        f: the path of the file.
        input_names: names for the inputs; by default those of the parameters of `forward`.
        output_names: names for the outputs; by default ``"output"``, or ``"output_0"``, ….
        dynamic_axes: the dimensions whose sizes are left open: ``{"x": {0: "batch"}}``, or
            ``{"x": [0]}``. Dimensions with one name have one size. The outputs' open
            dimensions are found by themselves; naming them here names them in the file.

    Raises:
        UnsupportedModel: the module computes what ONNX cannot, or changes its state.
        RecordingError: the module's Python code depends on the values of tensors.
        ArgumentError: there are more or fewer names than inputs or outputs.
        FileAccessError: the file cannot be written.
        MissingExtra: the package `onnx` is not installed.
    """
    made = model_proto(
        model, args, input_names=input_names, output_names=output_names, dynamic_axes=dynamic_axes
    )
    with atomic_write(f) as file:
        file.write(made.SerializeToString())


def model_proto(
    model: Module,
    args: Any,
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_axes: DynamicAxes | None = None,
) -> Any:
    """The `ModelProto` that `export` writes."""
    onnx = onnx_package()
    examples = args if isinstance(args, tuple) else (args,)
    if not all(isinstance(example, Tensor) for example in examples):
        raise ArgumentError("export takes a tensor or a tuple of tensors as example inputs")
    names = _input_names(model, len(examples), input_names)
    axes = open_axes(dynamic_axes or {})
    recordings = Recordings(model, names, examples, axes)
    writer = Writer(recordings.trials, recordings.sizes, recordings.parallel())
    for name in names:
        writer.name(name)
        for axis, dimension in axes.get(name, {}).items():
            writer.sources.setdefault(dimension, (name, axis))
    results = _results(recordings.first)
    outputs = _output_names(len(results), output_names)
    for name in outputs:
        writer.name(name)
    _require_known(axes, [*names, *outputs])
    values = _translated(writer, model, recordings.first, names)
    for name, result in zip(outputs, results, strict=True):
        writer.nodes.append(onnx.helper.make_node("Identity", [values[result]], [name], name))
    inputs = [
        _value_info(name, example.dtype, _named(example.shape, axes.get(name, {})))
        for name, example in zip(names, examples, strict=True)
    ]
    promised = [
        _value_info(name, result.dtype, _output_shape(writer, result, axes.get(name, {})))
        for name, result in zip(outputs, results, strict=True)
    ]
    graph = onnx.helper.make_graph(
        writer.nodes, type(model).__name__, inputs, promised, writer.initializers
    )
    made = onnx.helper.make_model(
        graph,
        producer_name="fathom",
        ir_version=_IR_VERSION,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
    )
    if made.ByteSize() > _LARGEST_FILE:
        raise UnsupportedModel("the model takes more than 2 GB, which one ONNX file cannot hold")
    onnx.checker.check_model(made, full_check=True)
    return made


def _input_names(model: Module, count: int, given: Sequence[str] | None) -> list[str]:
    """The names given, or those of the parameters of `forward`."""
    if given is not None:
        if len(given) != count or len(set(given)) < count:
            raise ArgumentError(f"{list(given)} are not different names for {count} inputs")
        return list(given)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(model.forward).parameters.values()
    names = [parameter.name for parameter in parameters if parameter.kind in kinds]
    return (names + [f"input_{number}" for number in range(len(names), count)])[:count]


def _output_names(count: int, given: Sequence[str] | None) -> list[str]:
    if given is not None:
        if len(given) != count or len(set(given)) < count:
            raise ArgumentError(f"{list(given)} are not different names for {count} outputs")
        return list(given)
    return ["output"] if count == 1 else [f"output_{number}" for number in range(count)]


def _require_known(axes: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in axes:
        if name not in names:
            raise ArgumentError(
                f"dynamic_axes names '{name}', which is none of {', '.join(map(repr, names))}"
            )


def _results(recording: Recording) -> list[Vertex]:
    """The vertices that the module returns, in the order in which they stand in its result."""
    graph = recording.graph
    found: list[Vertex] = []

    def note(leaf: Any) -> None:
        if isinstance(leaf, Output):
            found.append(graph.outputs[len(recording.writes) + leaf.position])
        elif isinstance(leaf, Place):
            found.append(graph.inputs[_position(recording, leaf)])
        else:
            raise UnsupportedModel(
                f"the module returns a {type(leaf).__name__} among its results; an ONNX model "
                f"returns tensors"
            )

    map_structure(note, recording.result)
    return found


def _position(recording: Recording, place: Place) -> int:
    for number, other in enumerate(recording.inputs):
        if (other.argument, other.handles, other.slot) == (
            place.argument,
            place.handles,
            place.slot,
        ):
            return number
    raise UnsupportedModel("the module returns a tensor that it does not compute")


def _translated(
    writer: Writer, model: Module, recording: Recording, names: Sequence[str]
) -> dict[Vertex, str]:
    """The name of each value, once all nodes are written."""
    paths = {id(tensor): path for path, tensor in model.named_parameters()}
    paths |= {id(tensor): path for path, tensor in model.named_buffers()}
    graph = recording.graph
    patterns = recognize(graph.vertices(), graph.outputs)
    places = dict(zip(graph.inputs, recording.inputs, strict=True))
    values: dict[Vertex, str] = {}
    for vertex, operands in needed(graph.outputs, patterns):
        writer.origin = vertex.origin
        if vertex in places:
            values[vertex] = _found(writer, places[vertex], names, paths)
        elif isinstance(vertex, Constant):
            values[vertex] = write_constant(writer, vertex)
        else:
            write = patterns[vertex].write if vertex in patterns else _translation(vertex)
            values[vertex] = write(writer, vertex, *[values[operand] for operand in operands])
    return values


def _found(writer: Writer, place: Place, names: Sequence[str], paths: Mapping[int, str]) -> str:
    """The name of what the module is given, or finds as its state."""
    if place.argument is not None:
        return names[place.argument]
    tensor = next(place.tensors(()))
    path = paths.get(id(place.handles[0]), "state")
    return writer.initializer(path, tensor.detach().numpy())


def _translation(vertex: Vertex) -> Translation:
    if vertex.kind not in TRANSLATIONS:
        raise UnsupportedModel(
            f"{vertex.origin}: ONNX has nothing for the operation {vertex.kind}, or Fathom does "
            f"not know it; compute this part outside of the exported module"
        )
    return TRANSLATIONS[vertex.kind]


def _named(shape: Sequence[int], axes: Mapping[int, str]) -> list[int | str]:
    return [axes.get(axis, size) for axis, size in enumerate(shape)]


def _output_shape(writer: Writer, vertex: Vertex, names: Mapping[int, str]) -> list[int | str]:
    sizes = writer.sizes_of(vertex, lambda v: v.shape)
    return [names.get(axis) or _written(size) for axis, size in enumerate(sizes)]


def _written(size: Size) -> int | str:
    """The size as a number, a name or a formula."""
    if size.is_fixed:
        return size.constant
    terms = [name if factor == 1 else f"{factor}*{name}" for name, factor in size.factors.items()]
    return " + ".join(terms + [str(size.constant)] * bool(size.constant))


def _value_info(name: str, dtype: Any, shape: Sequence[int | str]) -> Any:
    helper = onnx_package().helper
    return helper.make_tensor_value_info(name, element_number(dtype), list(shape))
