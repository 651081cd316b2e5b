"""Keras's files: weights are read and laid out as here; nothing else in a file is looked at."""

import io
import json
import random
import zipfile

import numpy as np
import pytest

import fathom
from fathom import nn
from fathom.errors import FathomError, FileFormatError
from fathom.formats import read_keras
from fathom.models import ModelError, load_keras

h5py = pytest.importorskip("h5py")


def arrays():
    """What Keras writes for Embedding, Conv2D, BatchNormalization, LayerNormalization, Dense."""
    chance = np.random.default_rng(0)
    shapes = {
        "conv2d": [(3, 2, 4, 5), (5,)],
        "batch_normalization": [(5,)] * 4,
        "conv1d": [(3, 4, 5), (5,)],
        "embedding": [(7, 4)],
        "layer_normalization": [(6,)] * 2,
        "dense": [(6, 3), (3,)],
        "dense_1": [(3, 2), (2,)],
    }
    return {
        name: [chance.uniform(0.5, 1.5, shape).astype("f") for shape in found]
        for name, found in shapes.items()
    }


def h5_bytes(layers=None, prefix="layers", **options):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, variables in (layers or arrays()).items():
            for number, value in enumerate(variables):
                file.create_dataset(f"{prefix}/{name}/vars/{number}", data=value, **options)
        file.create_group("optimizer/vars")
        file["optimizer/vars"]["0"] = np.int64(3)
    return buffer.getvalue()


def keras_bytes(content=None, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps({"module": "os", "class_name": "system"}))
        archive.writestr("model.weights.h5", h5_bytes() if content is None else content)
    return buffer.getvalue()


class Layers(nn.Module):
    """A module of every kind that is known."""

    def __init__(self, last=2):
        super().__init__()
        self.conv = nn.Conv2d(4, 5, (3, 2))
        self.norm = nn.BatchNorm2d(5, eps=1e-3)
        self.line = nn.Conv1d(4, 5, 3)
        self.words = nn.Embedding(7, 4)
        self.layer = nn.LayerNorm(6, eps=1e-3)
        self.relu = nn.ReLU()
        self.dense = nn.Sequential(nn.Linear(6, 3), nn.Linear(3, last))


@pytest.mark.parametrize("make", [h5_bytes, keras_bytes])
def test_weights_are_laid_out_as_here(tmp_path, make):
    (tmp_path / "a.keras").write_bytes(make())
    model = load_keras(Layers(), tmp_path / "a.keras").eval()
    given = arrays()
    x = np.random.default_rng(1).uniform(-1, 1, (2, 8, 9, 4)).astype("f")  # channels last
    kernel, bias = given["conv2d"]
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 2), axis=(1, 2))
    expected = np.einsum("nhwcij,ijco->nohw", windows, kernel) + bias[:, None, None]
    gamma, beta, mean, variance = (v[:, None, None] for v in given["batch_normalization"])
    expected = gamma * (expected - mean) / np.sqrt(variance + 1e-3) + beta
    with fathom.no_grad():
        found = model.norm(model.conv(fathom.tensor(x.transpose(0, 3, 1, 2).copy())))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
        vector = x[:, 0, :6, 0].copy()
        found = model.dense(fathom.tensor(vector))
    (first, first_bias), (second, second_bias) = given["dense"], given["dense_1"]
    expected = (vector @ first + first_bias) @ second + second_bias
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.words.weight.detach(), given["embedding"][0])
    np.testing.assert_array_equal(model.layer.bias.detach(), given["layer_normalization"][1])
    np.testing.assert_array_equal(model.line.weight.detach(), given["conv1d"][0].transpose(2, 1, 0))


def test_tensors_have_the_names_of_the_file(tmp_path):
    (tmp_path / "a.weights.h5").write_bytes(h5_bytes())
    read = read_keras(tmp_path / "a.weights.h5")
    assert read["layers/dense/vars/0"].shape == (6, 3)
    assert read["optimizer/vars/0"].item() == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda given: given.pop("dense_1"), "has 0 variables of the layer 'dense_1'"),
        (lambda given: given["dense"].pop(), "has 1 variables of the layer 'dense'"),
        (lambda given: given.update(gru=[np.ones(1)]), r"model has not: \['gru'\]"),
        (lambda given: given.update(dense_1=[np.ones((3, 4)), np.ones(4)]), r"shape \(4, 3\)"),
    ],
)
def test_a_model_of_other_layers_is_refused_and_unchanged(tmp_path, change, message):
    given = arrays()
    change(given)
    (tmp_path / "a.h5").write_bytes(h5_bytes(given))
    model = Layers()
    before = {name: np.array(value) for name, value in model.state_dict().items()}
    with pytest.raises(ModelError, match=message):
        load_keras(model, tmp_path / "a.h5")
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def hostile(fill):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


def make_links(file):
    file["a"] = np.ones(3)
    file["b"] = file["a"]


def make_circle(file):
    group = file.create_group("a")
    group["b"] = file


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (hostile(lambda f: f.__setitem__("a", h5py.ExternalLink("/etc/passwd", "/"))), "is a link"),
        (hostile(lambda f: f.__setitem__("a", h5py.SoftLink("/"))), "is a link"),
        (hostile(make_links), "in two places"),
        (hostile(make_circle), "in two places|nest too deeply"),
        (
            hostile(
                lambda f: f.create_dataset("a", (10**6,), "f", chunks=(1000,), compression="gzip")
            ),
            "compressed",
        ),
        (hostile(lambda f: f.create_dataset("a", (10**9,), "f")), "claims 4000000000 bytes"),
        (hostile(lambda f: f.create_dataset("a", (10**9,), "f", chunks=(10,))), "claims"),
        (
            hostile(lambda f: f.create_dataset("a", (9,), "u1", external=[("/etc/passwd", 0, 9)])),
            "somewhere else",
        ),
        (hostile(lambda f: f.create_dataset("a", data=b"text")), "no array of numbers"),
        (hostile(lambda f: f.__setitem__("a", h5py.Empty("f"))), "compressed, or lies"),
        (hostile(lambda f: f.create_group("/".join("a" * 40))), "nest too deeply"),
        (keras_bytes(compression=zipfile.ZIP_DEFLATED), "compressed"),
        (keras_bytes(b"no HDF5"), "cannot be read"),
        (b"PK\x03\x04", "no sound zip|not a sound zip"),
        (b"", "cannot be read"),
    ],
)
def test_what_leads_elsewhere_or_claims_too_much_is_refused(tmp_path, content, message):
    (tmp_path / "a.keras").write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        read_keras(tmp_path / "a.keras")


@pytest.mark.parametrize("make", [h5_bytes, keras_bytes])
def test_damaged_files_are_read_or_refused(tmp_path, make):
    sound = make()
    path = tmp_path / "a.keras"
    chance = random.Random(0)
    for number in range(60):
        if number < 30:
            content = sound[: chance.randrange(len(sound))]
        else:
            content = bytearray(sound)
            for _ in range(chance.choice([1, 2, 8])):
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        try:
            read_keras(path)
        except FathomError as error:
            assert str(path) in str(error)  # noqa: PT017
