"""Malformed and hostile ONNX files raise an error that says where; nothing else happens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fathom

onnx = pytest.importorskip("onnx")

from onnx_models import linear, model, node  # noqa: E402 - needs onnx

from fathom.errors import ArgumentError, FathomError  # noqa: E402
from fathom.onnx import MalformedModel, UnsupportedModel  # noqa: E402


def changed(change: Callable[[Any], Any]) -> bytes:
    made = linear()
    change(made)
    return made.SerializeToString()


def rename(position: int, name: str) -> Callable[[Any], None]:
    def change(made: Any) -> None:
        made.graph.node[0].input[position] = name

    return change


def add_node(kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> Any:
    return lambda made: made.graph.node.append(node(kind, inputs, outputs, **attributes))


def set_dims(*dims: int) -> Callable[[Any], None]:
    def change(made: Any) -> None:
        made.graph.initializer[0].dims[:] = dims

    return change


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (rename(0, "z"), MalformedModel, r"'the_y' \(Gemm\): its input 'z' is neither"),
        (rename(0, "y"), MalformedModel, r"'the_y' \(Gemm\): its input 'y' is neither"),
        (rename(1, ""), MalformedModel, r"'the_y' \(Gemm\): the input 'B' .* is missing"),
        (add_node("Relu", ["y"], ["y"]), MalformedModel, r"\(Relu\): its result 'y'"),
        (add_node("Relu", ["y"], ["x"]), MalformedModel, r"\(Relu\): its result 'x'"),
        (add_node("Relu", ["y", "y"], ["z"]), MalformedModel, r"\(Relu\): expected at most 1"),
        (add_node("Relu", ["y"], ["z"], alpha=1.0), MalformedModel, "attribute 'alpha' is unknown"),
        (add_node("MaxPool", ["y"], ["z"]), MalformedModel, "attribute 'kernel_shape' is missing"),
        (add_node("Frobnicate", ["y"], ["z"]), UnsupportedModel, r"Frobnicate \(node 'the_z'\)"),
        (add_node("Loop", ["y"], ["z"]), UnsupportedModel, r"Loop \(node 'the_z'\): .* branches"),
        (add_node("Relu", ["y"], ["z"], domain="me"), UnsupportedModel, r"me.Relu \(node"),
        (set_dims(3, 5), MalformedModel, r"'fc.weight' has 48 bytes, .* \(3, 5\) .* 60"),
        (set_dims(3, -4), MalformedModel, r"'fc.weight' has the impossible shape \(3, -4\)"),
        (set_dims(1 << 40, 1 << 40), MalformedModel, "'fc.weight' has 48 bytes"),
        (lambda m: m.graph.initializer.append(m.graph.initializer[0]), MalformedModel, "two init"),
        (lambda m: m.graph.output.add(name="w"), MalformedModel, "computes .* output 'w'"),
        (lambda m: m.ClearField("opset_import"), MalformedModel, "no version of the operators"),
        (lambda m: m.ClearField("graph"), MalformedModel, "no graph"),
        (
            lambda m: setattr(m.opset_import[0], "version", 1000),
            UnsupportedModel,
            "version 1000 of the operators",
        ),
    ],
)
def test_a_malformed_model_names_what_is_wrong(
    change: Callable[[Any], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fathom.onnx.load(changed(change))


def test_what_does_not_fit_at_a_call_names_the_node() -> None:
    made = model(
        [node("Add", ["x", "w"], ["y"])], {"x": None}, initializers={"w": np.ones(3, "f4")}
    )
    loaded = fathom.onnx.load(made.SerializeToString())
    with pytest.raises(FathomError, match=r"node 'the_y' \(Add\): .*cannot be broadcast"):
        loaded(fathom.ones(4))


def test_a_truncated_file_is_an_error_wherever_it_ends() -> None:
    content = linear().SerializeToString()
    for length in range(len(content)):
        with pytest.raises((MalformedModel, UnsupportedModel)):
            fathom.onnx.load(content[:length])


@pytest.mark.parametrize("content", [b"", b"not a model", b"\xff" * 100])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedModel, match="no ONNX model"):
        fathom.onnx.load(content)


def test_a_changed_byte_does_no_harm() -> None:
    content = bytearray(linear().SerializeToString())
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(content), 300):
        damaged = content.copy()
        damaged[place] ^= int(rng.integers(1, 256))
        try:
            fathom.onnx.load(bytes(damaged))
        except FathomError:
            continue


def test_loading_computes_nothing() -> None:
    made = model(
        [node("ConstantOfShape", ["huge"], ["h"]), node("Add", ["x", "h"], ["y"])],
        {"x": [1]},
        initializers={"huge": np.array([1 << 40, 1 << 20])},
    )
    loaded = fathom.onnx.load(made.SerializeToString())
    with pytest.raises(ArgumentError, match="Unable to allocate"):
        loaded(fathom.ones(1))


def external(folder: Path, location: str, **entries: int) -> Path:
    """A model whose weight lies in another file."""
    made = linear()
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        weight.external_data.add(key=key, value=str(value))
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def test_data_beside_the_model_are_read(tmp_path: Path) -> None:
    weight = np.arange(12, dtype=np.float32)
    (tmp_path / "weights.bin").write_bytes(b"head" + weight.tobytes())
    loaded = fathom.onnx.load(external(tmp_path, "weights.bin", offset=4, length=48))
    assert loaded.state_dict()["fc.weight"].reshape(-1).tolist() == weight.tolist()


def test_data_outside_the_models_folder_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(48))
    (folder / "link.bin").symlink_to(secret)
    for location in ("../secret.bin", str(secret), "link.bin", "a/../../secret.bin"):
        with pytest.raises(MalformedModel, match="outside the model's folder"):
            fathom.onnx.load(external(folder, location))


def test_data_past_the_end_of_their_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes(48))
    for entries in ({"offset": 4}, {"offset": -4}, {"length": 1 << 50}, {"offset": 1 << 60}):
        with pytest.raises(MalformedModel, match="needs 48 bytes"):
            fathom.onnx.load(external(tmp_path, "weights.bin", **entries))
    with pytest.raises(fathom.errors.MissingFileError):
        fathom.onnx.load(external(tmp_path, "missing.bin"))
    with pytest.raises(MalformedModel, match="given as bytes"):
        fathom.onnx.load(external(tmp_path, "weights.bin").read_bytes())
