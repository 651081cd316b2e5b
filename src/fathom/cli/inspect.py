"""``fathom inspect``"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from .parameters import as_command

_LONGEST = 100
Row = tuple[str, str, str]


@as_command("""
fathom inspect model.pt
fathom inspect darknet53.weights --cfg darknet53.cfg
""")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--cfg",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The network that Darknet's .weights belong to.",
)
def command(file: Path, cfg: Path | None) -> None:
    """List what FILE holds: tensors with their shapes and element types, values and metadata.

    The file is of any format that `fathom convert` knows. Nothing in it is run, and the numbers
    themselves are not read.
    """
    from ..formats.conversion import format_of

    kind = format_of(file)
    describe = {
        "ONNX": _describe_onnx,
        "Darknet": lambda path: _describe_weights(path, cfg),
        "Darknet's cfg": _describe_cfg,
    }.get(kind, _describe_tensors)
    for line in describe(file):
        click.echo(_printable(line))


def _printable(line: str) -> str:
    """The line without what would move the cursor or colour the terminal."""
    return "".join(sign if sign.isprintable() else "�" for sign in line)


def _describe_tensors(file: Path) -> Iterator[str]:
    from ..formats.conversion import read_contents

    contents = read_contents(file)
    yield f"{contents.format}: {file}"
    for name, text in contents.metadata.items():
        yield f"{_short(name)}: {_short(text)}"
    for name, value in contents.values().items():
        yield f"{_short(name)} = {_short(repr(value))}"
    tensors = contents.tensors()
    yield from _table(
        [(name, one.element.name, _shape(one.shape)) for name, one in tensors.items()]
    )
    numbers = sum(one.array.size for one in tensors.values())
    size = sum(one.array.nbytes for one in tensors.values())
    yield f"{len(tensors)} tensors, {numbers:,} numbers, {size:,} bytes"


def _describe_weights(file: Path, cfg: Path | None) -> Iterator[str]:
    from ..formats.darknet import read_weights
    from ..models import DarknetNetwork

    header, numbers = read_weights(file)
    yield f"Darknet: {file}"
    yield f"version {header.major}.{header.minor}.{header.revision}, {header.seen:,} images seen"
    if cfg is not None:
        state = DarknetNetwork.read(cfg, file, partial=True).state_dict()
        yield from _table(
            [(name, str(one.dtype), _shape(one.shape)) for name, one in state.items()]
        )
    yield f"{numbers.size:,} numbers of float32"


def _describe_cfg(file: Path) -> Iterator[str]:
    from ..formats import read_cfg
    from ..models.darknet_plan import plan_network

    sections = read_cfg(file)
    plan = plan_network(sections)
    yield f"Darknet's cfg: {file}, for images {_shape(plan.input_shape)}"
    yield from _table(
        [
            (f"{number} {section.name}", f"{layer.numbers:,} numbers", _shape(layer.shape))
            for number, (section, layer) in enumerate(zip(sections[1:], plan.layers, strict=True))
        ]
    )
    total = sum(layer.numbers for layer in plan.layers)
    yield f"{len(plan.layers)} layers, {total:,} numbers in a .weights file"


def _describe_onnx(file: Path) -> Iterator[str]:
    from ..onnx.reading import read_model

    model, _ = read_model(file)
    producer = f"{model.producer_name} {model.producer_version}".strip() or "unknown"
    versions = ", ".join(f"{one.domain or 'ai.onnx'} {one.version}" for one in model.opset_import)
    yield f"ONNX: {file}"
    yield f"made by {_short(producer)}; operators of {_short(versions)}"
    for entry in model.metadata_props:
        yield f"{_short(entry.key)}: {_short(entry.value)}"
    for word, ports in (("input", model.graph.input), ("output", model.graph.output)):
        for port in ports:
            yield f"{word} {_short(port.name)}: {_onnx_shape(port)}"
    counts = Counter(node.op_type for node in model.graph.node)
    yield "nodes: " + _short(", ".join(f"{count} {name}" for name, count in counts.most_common()))
    tensors = model.graph.initializer
    yield from _table([(one.name, _onnx_type(one.data_type), _shape(one.dims)) for one in tensors])
    yield f"{len(tensors)} tensors"


def _onnx_type(number: int) -> str:
    from ..onnx.package import onnx_package

    names = onnx_package().TensorProto.DataType
    return str(names.Name(number)).lower() if number in names.values() else f"type {number}"


def _onnx_shape(port: Any) -> str:
    tensor = port.type.tensor_type
    sizes = [one.dim_param or (one.dim_value or "?") for one in tensor.shape.dim]
    return f"{_onnx_type(tensor.elem_type)} {_shape(sizes)}"


def _shape(sizes: Any) -> str:
    return "(" + ", ".join(map(str, sizes)) + ")"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def _table(rows: list[Row]) -> Iterator[str]:
    """Rows with their columns one below another."""
    names = [_short(row[0]) for row in rows]
    width = max(map(len, names), default=0)
    middle = max((len(row[1]) for row in rows), default=0)
    for name, (_, kind, shape) in zip(names, rows, strict=True):
        yield f"  {name:{width}}  {kind:{middle}}  {shape}"
