"""Modules become ONNX files that others compute the same with."""

import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fathom
from fathom import models, nn
from fathom.graph.structure import tensors_in
from fathom.nn import functional as F

onnx = pytest.importorskip("onnx")

from onnx.reference import ReferenceEvaluator  # noqa: E402

from fathom.errors import ArgumentError  # noqa: E402
from fathom.onnx import UnsupportedModel  # noqa: E402


class Attention(nn.Module):
    """Tokens, attention and normalization."""

    def __init__(self) -> None:
        self.embedding = nn.Embedding(50, 16)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.norm = nn.LayerNorm(16)

    def forward(self, tokens: fathom.Tensor) -> fathom.Tensor:
        x = self.embedding(tokens)
        y, _ = self.attention(x, x, x, need_weights=False)
        return self.norm(x + y)


class Movements(nn.Module):
    """Slices, paddings and reversals."""

    def forward(self, x: fathom.Tensor) -> Any:
        padded = F.pad(x, (1, 2), value=3.0)
        return x[:, 1:, ::2].flip(1), padded.roll(1, 0), x.diagonal(0, 1, 2), x.repeat(1, 2, 1)


class Functions(nn.Module):
    """Elementwise functions, reductions and sorting."""

    def forward(self, x: fathom.Tensor) -> Any:
        values, places = x.sort(-1)
        return {
            "elementwise": (F.gelu(x), F.elu(x), F.softplus(x), x.remainder(0.3), x.trunc()),
            "reduced": [x.var(1), x.argmax(1), x.cumsum(1), x.logsumexp(1)],
            "sorted": (values, places, x.topk(2)[0]),
            "chosen": x.gather(1, places),
        }


class Images(nn.Sequential):
    """Transposed convolution, normalizations, resizing, pooling."""

    def __init__(self) -> None:
        super().__init__(
            nn.ConvTranspose2d(3, 4, 3, 2, 1, 1),
            nn.GroupNorm(2, 4),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.AvgPool2d(3, 2, 1),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.BatchNorm2d(4),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, 5),
            nn.Softmax(1),
        )


CASES = {
    "lenet5": (models.lenet5, (1, 1, 28, 28)),
    "mlp": (models.mlp, (2, 784)),
    "Attention": (Attention, None),
    "Movements": (Movements, (3, 5, 6)),
    "Functions": (Functions, (3, 6)),
    "Images": (Images, (2, 3, 8, 8)),
}


def example(shape: tuple[int, ...] | None, batch: int) -> fathom.Tensor:
    if shape is None:
        return fathom.randint(0, 50, (batch, 7))
    return fathom.randn(batch, *shape[1:])


def results(module: nn.Module, *inputs: fathom.Tensor) -> list[Any]:
    module.eval()
    with fathom.no_grad():
        return [tensor.numpy() for tensor in tensors_in(module(*inputs))]


def assert_equal(found: Any, expected: Any) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_others_compute_the_same_with_any_batch(name: str, tmp_path: Path) -> None:
    fathom.manual_seed(0)
    build, shape = CASES[name]
    module = build()
    path = tmp_path / "model.onnx"
    fathom.onnx.export(
        module,
        example(shape, 1),
        path,
        input_names=["x"],
        dynamic_axes={"x": {0: "batch"}},
    )
    loaded = fathom.onnx.load(path)
    reference = ReferenceEvaluator(str(path))
    for batch in (1, 3):
        x = example(shape, batch)
        expected = results(module, x)
        assert_equal(results(loaded, x), expected)
        if name != "lenet5":  # the reference needs a second for each convolution
            assert_equal(reference.run(None, {"x": x.numpy()}), expected)


@pytest.mark.parametrize("name", CASES)
def test_onnx_runtime_computes_the_same(name: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    fathom.manual_seed(0)
    build, shape = CASES[name]
    module, x = build(), example(shape, 2)
    path = tmp_path / "model.onnx"
    fathom.onnx.export(module, x, path, input_names=["x"])
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert_equal(session.run(None, {"x": x.numpy()}), results(module, x))


def kinds(path: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(path).graph.node)


def test_layers_become_the_nodes_that_others_know(tmp_path: Path) -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)
    )
    path = tmp_path / "model.onnx"
    fathom.onnx.export(module, fathom.rand(1, 3, 8, 8), path)
    assert kinds(path) == Counter(
        ["Conv", "BatchNormalization", "Relu", "Reshape", "Gemm", "Identity"]
    )
    names = {tensor.name for tensor in onnx.load(path).graph.initializer}
    assert module.state_dict().keys() - {"1.num_batches_tracked"} <= names


def test_names_and_open_dimensions_are_written(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    fathom.onnx.export(
        models.mlp(),
        fathom.rand(1, 784),
        path,
        input_names=["pixels"],
        output_names=["logits"],
        dynamic_axes={"pixels": [0]},
    )
    loaded = fathom.onnx.load(path)
    assert [str(port) for port in (*loaded.inputs, *loaded.outputs)] == [
        "'pixels' float32['pixels_dim_0', 784]",
        "'logits' float32['pixels_dim_0', 10]",
    ]


def test_a_module_stays_in_its_mode(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    module[0].eval()
    fathom.onnx.export(module, fathom.rand(1, 2), tmp_path / "model.onnx")
    assert module.training
    assert not module[0].training
    assert kinds(tmp_path / "model.onnx") == Counter(["Gemm", "Identity"])


class Branching(nn.Module):
    """Computes otherwise for many samples."""

    def forward(self, x: fathom.Tensor) -> fathom.Tensor:
        return x if len(x) < 3 else x.exp()


class Counting(nn.Module):
    """Counts its calls."""

    def __init__(self) -> None:
        self.register_buffer("calls", fathom.zeros(()))

    def forward(self, x: fathom.Tensor) -> fathom.Tensor:
        self.calls += 1
        return x + self.calls


class Inverse(nn.Module):
    """Something that ONNX has not."""

    def forward(self, x: fathom.Tensor) -> fathom.Tensor:
        return x.inverse()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Branching(), "computes otherwise when 'batch' has another size"),
        (Counting(), "changes its state"),
        (Inverse(), "test_onnx_exporting.py:.*ONNX has nothing for the operation Inverse"),
    ],
)
def test_what_cannot_be_written_is_said(module: nn.Module, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(UnsupportedModel, match=message):
        fathom.onnx.export(module, fathom.rand(2, 3, 3), path, dynamic_axes={"x": {0: "batch"}})
    assert not path.exists()


def test_a_loaded_model_is_written_again(tmp_path: Path) -> None:
    module, x = models.lenet5(), fathom.rand(2, 1, 28, 28)
    first, second = tmp_path / "first.onnx", tmp_path / "second.onnx"
    fathom.onnx.export(module, x, first)
    fathom.onnx.export(fathom.onnx.load(first), x, second)
    loaded = fathom.onnx.load(second)
    assert_equal(results(loaded, x), results(module, x))
    assert loaded.state_dict().keys() == fathom.onnx.load(first).state_dict().keys()


def test_names_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    module, x, path = nn.Linear(2, 2), fathom.rand(1, 2), tmp_path / "model.onnx"
    with pytest.raises(ArgumentError, match="names for 1 inputs"):
        fathom.onnx.export(module, x, path, input_names=["a", "b"])
    with pytest.raises(ArgumentError, match="'z', which is none of 'input', 'output'"):
        fathom.onnx.export(module, x, path, dynamic_axes={"z": [0]})
    with pytest.raises(ArgumentError, match="has no dimension 2"):
        fathom.onnx.export(module, x, path, dynamic_axes={"input": [2]})


def test_the_document_lists_what_is_left_out() -> None:
    root = Path(__file__).parent.parent
    spec = importlib.util.spec_from_file_location("suite", root / "scripts" / "onnx_backend.py")
    suite = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(suite)
    text = (root / "docs" / "onnx.md").read_text()
    assert suite.documented(text) == text, "run: python scripts/onnx_backend.py --document"
