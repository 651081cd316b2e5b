"""Loading: an ONNX file becomes a module."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..formats.files import PathLike
from ..ops import Array
from ..promotion import is_floating
from .errors import MalformedModel, UnsupportedModel
from .module import ImportedModel, Port, Program
from .plan import Step, steps_of
from .reading import element_type, read_model, read_tensor

__all__ = ["load"]


def load(source: PathLike | bytes, *, widen: bool = False) -> ImportedModel:
    """Load an ONNX model as a module that runs, trains and compiles like any other.

    Args:
        source: the path of an ``.onnx`` file, or its content as bytes. Data that lie in other
            files are read from the model's folder and from nowhere else.
        widen: whether float16 and bfloat16 become float32, which holds all their values.

    Returns:
        The module. Its initializers are parameters and buffers under their names in the file;
        see `ImportedModel`. ``model.inputs`` and ``model.outputs`` say what it expects and
        returns.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        MalformedModel: it is no ONNX model or a damaged one; the message names the node.
        UnsupportedModel: it needs an operator or an element type that Fathom has not.
        MissingExtra: the package `onnx` is not installed.
    """
    model, folder = read_model(source)
    return module_of(model, folder, widen=widen)


def module_of(model: Any, folder: Path | None = None, *, widen: bool = False) -> ImportedModel:
    """The module for a `ModelProto`; see `load`."""
    graph = model.graph
    if graph.sparse_initializer:
        raise UnsupportedModel("the model has sparse initializers, which Fathom has not")
    arrays: dict[str, Array] = {}
    for tensor in graph.initializer:
        if tensor.name in arrays:
            raise MalformedModel(f"there are two initializers '{tensor.name}'")
        what = f"the initializer '{tensor.name}'"
        arrays[tensor.name] = read_tensor(tensor, folder, what, widen=widen)
    # In early versions the initializers are listed among the inputs, too.
    inputs = [_port(value, widen) for value in graph.input if value.name not in arrays]
    names = [port.name for port in inputs]
    if len(set(names)) < len(names):
        raise MalformedModel(f"two inputs of the model have one name: {names}")
    steps = steps_of(model, [*names, *arrays], folder, widen=widen)
    outputs = tuple([_port(value, widen) for value in graph.output])
    roles = dict(_roles(steps, arrays))
    constants = {name: array for name, array in arrays.items() if roles.get(name) == "constant"}
    module = ImportedModel(Program(tuple(inputs), outputs, steps, constants))
    for name, array in arrays.items():
        if name not in constants:
            module.hold(name, array, trained=roles[name] == "parameter")
    return module


def _roles(steps: tuple[Step, ...], arrays: Mapping[str, Array]) -> Iterator[tuple[str, str]]:
    """What becomes of each initializer."""
    uses: dict[str, list[tuple[Step, int]]] = {name: [] for name in arrays}
    for step in steps:
        for position, name in enumerate(step.inputs):
            if name in uses:
                uses[name].append((step, position))
    for name, array in arrays.items():
        trained = [
            (step, position)
            for step, position in uses[name]
            if not step.operator.needs_values(position)
        ]
        if not is_floating(array.dtype) or array.ndim == 0 or (uses[name] and not trained):
            yield name, "constant"
        elif uses[name] and all(step.operator.is_statistic(place) for step, place in trained):
            yield name, "buffer"
        else:
            yield name, "parameter"


def _port(value: Any, widen: bool) -> Port:
    kind = value.type.WhichOneof("value")
    if kind is None:
        return Port(value.name, None, None)
    if kind != "tensor_type":
        raise UnsupportedModel(f"'{value.name}' is no tensor, but a {kind.removesuffix('_type')}")
    tensor = value.type.tensor_type
    dtype = element_type(tensor.elem_type, f"'{value.name}'", widen=widen)
    if not tensor.HasField("shape"):
        return Port(value.name, dtype, None)
    return Port(value.name, dtype, tuple([_size(size) for size in tensor.shape.dim]))


def _size(size: Any) -> int | str | None:
    if size.WhichOneof("value") == "dim_value":
        return int(size.dim_value)
    return size.dim_param or None
