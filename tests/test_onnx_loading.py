"""ONNX models become modules that run, compile and train."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest

import fathom
from fathom import optim

onnx = pytest.importorskip("onnx")

from onnx_models import linear, model, node  # noqa: E402 - needs onnx

from fathom.errors import ArgumentError, DTypeError, MissingExtra, ShapeError  # noqa: E402


def load(made: onnx.ModelProto) -> fathom.onnx.ImportedModel:
    return fathom.onnx.load(made.SerializeToString())


def test_initializers_are_parameters_under_their_names() -> None:
    loaded = load(linear())
    assert list(loaded.state_dict()) == ["fc.weight", "fc.bias"]
    x = fathom.rand(5, 4)
    state = loaded.state_dict()
    expected = x.numpy() @ state["fc.weight"].numpy().T + state["fc.bias"].numpy()
    np.testing.assert_allclose(loaded(x).detach().numpy(), expected, rtol=1e-6)


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    onnx.save(linear(), tmp_path / "model.onnx")
    loaded = fathom.onnx.load(tmp_path / "model.onnx")
    assert [str(port) for port in loaded.inputs] == ["'x' float32['batch', 4]"]


def test_a_loaded_model_trains_and_compiles() -> None:
    loaded = load(linear())
    optimizer = optim.SGD(loaded.parameters(), lr=0.1)
    x, target = fathom.rand(8, 4), fathom.rand(8, 3)

    @fathom.compile
    def step(x: fathom.Tensor, target: fathom.Tensor) -> fathom.Tensor:
        optimizer.zero_grad()
        loss = (loaded(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    losses = [step(x, target).item() for _ in range(20)]
    assert losses[-1] < losses[0] / 4


def test_running_statistics_are_buffers_and_numbers_constants() -> None:
    ones = np.ones(2, np.float32)
    made = model(
        [
            node("BatchNormalization", ["x", "scale", "shift", "mean", "var"], ["h"]),
            node("Mul", ["h", "two"], ["y"]),
        ],
        {"x": [None, 2, 3]},
        initializers={
            "scale": ones,
            "shift": ones,
            "mean": 0 * ones,
            "var": ones,
            "two": np.float32(2),
        },
    )
    loaded = load(made)
    assert [name for name, _ in loaded.named_parameters()] == ["scale", "shift"]
    assert [name for name, _ in loaded.named_buffers()] == ["mean", "var"]
    assert loaded(fathom.zeros(1, 2, 3)).tolist() == [[[2.0] * 3] * 2]


def computed_shape() -> onnx.ModelProto:
    """Flattening as PyTorch writes it: the batch's size is taken from the input."""
    return model(
        [
            node("Shape", ["x"], ["shape"]),
            node("Gather", ["shape", "zero"], ["batch"], axis=0),
            node("Unsqueeze", ["batch", "axes"], ["first"]),
            node("Concat", ["first", "rest"], ["wanted"], axis=0),
            node("Reshape", ["x", "wanted"], ["y"]),
        ],
        {"x": [None, 2, 3]},
        initializers={"zero": np.int64(0), "axes": np.array([0]), "rest": np.array([-1])},
    )


def test_shapes_that_the_model_computes_do_not_hinder_compiling() -> None:
    loaded = load(computed_shape())
    loaded.compile()
    for batch in (1, 4):
        x = fathom.rand(batch, 2, 3)
        assert fathom.equal(loaded(x), x.reshape(batch, 6))


def test_a_shape_that_is_an_input_works_eagerly_only() -> None:
    made = model([node("Reshape", ["x", "shape"], ["y"])], {"x": [6], "shape": [2]})
    made.graph.input[1].type.tensor_type.elem_type = onnx.TensorProto.INT64
    loaded = load(made)
    x, shape = fathom.rand(6), fathom.tensor([2, 3])
    assert loaded(x, shape).shape == (2, 3)
    with pytest.raises(fathom.errors.RecordingError, match=r"'the_y' \(Reshape\)"):
        fathom.compile(loaded)(x, shape)


def test_attributes_of_early_versions_are_understood() -> None:
    clipped = model([node("Clip", ["x"], ["y"], min=0.0, max=1.0)], {"x": [3]}, opset=6)
    assert load(clipped)(fathom.tensor([-1.0, 0.5, 2.0])).tolist() == [0.0, 0.5, 1.0]
    added = model(
        [node("Add", ["x", "b"], ["y"], axis=0, broadcast=1)],
        {"x": [2, 3]},
        initializers={"b": np.array([1, 2], np.float32)},
        opset=6,
    )
    assert load(added)(fathom.zeros(2, 3)).tolist() == [[1.0] * 3, [2.0] * 3]


def test_inputs_are_checked() -> None:
    loaded = load(linear())
    assert loaded(x=fathom.rand(2, 4)).shape == (2, 3)
    with pytest.raises(ShapeError, match=r"'x' float32\['batch', 4\] .* \(2, 5\)"):
        loaded(fathom.rand(2, 5))
    with pytest.raises(DTypeError, match="float64; convert it"):
        loaded(fathom.rand(2, 4).double())
    with pytest.raises(ArgumentError, match="expects the inputs 'x'"):
        loaded()
    with pytest.raises(ArgumentError, match="from_numpy"):
        loaded(np.zeros((2, 4), np.float32))


def test_half_precision_is_widened_on_request() -> None:
    made = model(
        [node("Mul", ["x", "w"], ["y"])], {"x": [2]}, initializers={"w": np.float16([0.5, 2.0])}
    )
    with pytest.raises(fathom.onnx.UnsupportedModel, match="'w' has element type float16"):
        load(made)
    loaded = fathom.onnx.load(made.SerializeToString(), widen=True)
    assert loaded(fathom.ones(2)).tolist() == [0.5, 2.0]


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra, match=r"fathom-dl\[onnx\]"):
        fathom.onnx.load(b"")


@pytest.mark.filterwarnings("ignore")  # PyTorch's, about its own exporter
def test_what_pytorch_exports_computes_and_trains_as_it_does_there() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layers = torch.nn
    module = layers.Sequential(
        layers.Conv2d(3, 8, 3, 2, 1),
        layers.BatchNorm2d(8),
        layers.Hardswish(),
        layers.MaxPool2d(3, 2, 1, ceil_mode=True),
        layers.Conv2d(8, 8, 3, groups=8, padding=1),
        layers.Upsample(scale_factor=2, mode="bilinear"),
        layers.AdaptiveAvgPool2d(2),
        layers.Flatten(),
        layers.Linear(32, 4),
    ).eval()
    content = io.BytesIO()
    options = {"input_names": ["x"], "dynamic_axes": {"x": {0: "n"}}, "dynamo": False}
    torch.onnx.export(module, (torch.rand(1, 3, 32, 32),), content, **options)
    loaded = fathom.onnx.load(content.getvalue())
    x = torch.rand(3, 3, 32, 32)
    expected = module(x)
    found = fathom.compile(loaded)(fathom.from_numpy(x.numpy()))
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-4)
    expected.square().sum().backward()
    found.square().sum().backward()
    for name in ("4.weight", "8.weight", "8.bias"):
        gradient = loaded.get_parameter(name).grad.numpy()
        np.testing.assert_allclose(
            gradient, module.get_parameter(name).grad.numpy(), rtol=1e-3, atol=1e-6
        )
