"""`fathom convert` and `fathom inspect`: every bit stays, and nothing in a file is believed."""

import json
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest
from click.testing import CliRunner

import fathom
from fathom import models
from fathom.cli import program
from fathom.errors import ArgumentError, FathomError, FileFormatError, MissingFileError
from fathom.formats import read_pytorch, read_safetensors, write_pytorch, write_safetensors
from fathom.formats.conversion import Contents, format_of, read_contents, write_contents
from fathom.formats.stored import ELEMENT_TYPES, StoredTensor, narrowed, stored
from fathom.models import DarknetNetwork

SMALL = """[net]
height=8
width=8
channels=3
[convolutional]
batch_normalize=1
filters=4
size=3
pad=1
activation=leaky
[avgpool]
[connected]
output=3
activation=linear
"""


def call(*arguments):
    """Run the command in this process."""
    return CliRunner().invoke(program, [str(one) for one in arguments])


def succeed(*arguments):
    done = call(*arguments)
    assert done.exit_code == 0, done.output
    return done.output


def tensors_of_every_type():
    chance = np.random.default_rng(0)
    return {
        name: StoredTensor(
            element,
            np.frombuffer(chance.bytes(6 * element.lies_as.itemsize), element.lies_as).reshape(2, 3)
            if name != "bool"
            else np.array([[0, 1, 1], [1, 0, 0]], "u1"),
        )
        for name, element in ELEMENT_TYPES.items()
        if name != "complex128"  # safetensors has no name for it
    }


def bits(tensors):
    return {
        name: (one.element.name, one.shape, one.array.tobytes()) for name, one in tensors.items()
    }


class TestConvert:
    @pytest.mark.parametrize("order", [("a.pt", "b.safetensors"), ("a.safetensors", "b.pth")])
    def test_every_bit_of_every_element_type_stays(self, tmp_path, order):
        first, second = (tmp_path / name for name in order)
        tensors = tensors_of_every_type()
        write_contents(first, Contents("", tensors))
        succeed("convert", first, second)
        assert bits(read_contents(second).tensors()) == bits(tensors)
        again = tmp_path / f"again-{order[0]}"
        succeed("convert", second, again)
        assert bits(read_contents(again).tensors()) == bits(tensors)

    def test_files_written_twice_are_the_same(self, tmp_path):
        write_contents(tmp_path / "a.pt", Contents("", tensors_of_every_type()))
        for name in ("b.safetensors", "c.safetensors"):
            succeed("convert", tmp_path / "a.pt", tmp_path / name)
        first, second = ((tmp_path / n).read_bytes() for n in ("b.safetensors", "c.safetensors"))
        assert first == second

    def test_how_tensors_nest_survives_a_format_without_nesting(self, tmp_path):
        obj = {"model": OrderedDict(w=fathom.ones(2)), "epoch": 3, "l": [(1, fathom.zeros(1))]}
        write_pytorch(tmp_path / "a.pt", obj)
        succeed("convert", tmp_path / "a.pt", tmp_path / "b.safetensors")
        assert fathom.load(tmp_path / "b.safetensors")["epoch"] == 3
        succeed("convert", tmp_path / "b.safetensors", tmp_path / "c.pt")
        again = read_pytorch(tmp_path / "c.pt")
        assert type(again["model"]) is OrderedDict
        assert again["l"][0][1].tolist() == [0]
        assert (tmp_path / "c.pt").read_bytes() == (tmp_path / "a.pt").read_bytes()

    def test_metadata_that_is_lost_is_spoken_of(self, tmp_path):
        write_safetensors(tmp_path / "a.safetensors", {"w": np.ones(2)}, {"note": "x"})
        assert "metadata" in succeed("convert", tmp_path / "a.safetensors", tmp_path / "b.pt")
        succeed("convert", tmp_path / "a.safetensors", tmp_path / "c.safetensors")
        assert read_contents(tmp_path / "c.safetensors").metadata == {"note": "x"}

    def test_darknets_files_go_both_ways(self, tmp_path):
        (tmp_path / "a.cfg").write_text(SMALL)
        network = DarknetNetwork.read(tmp_path / "a.cfg")
        network.save_weights(tmp_path / "a.weights")
        options = ("--cfg", tmp_path / "a.cfg")
        succeed("convert", tmp_path / "a.weights", tmp_path / "b.safetensors", *options)
        assert read_safetensors(tmp_path / "b.safetensors").keys() == network.state_dict().keys()
        succeed("convert", tmp_path / "b.safetensors", tmp_path / "c.weights", *options)
        assert (tmp_path / "c.weights").read_bytes() == (tmp_path / "a.weights").read_bytes()

    def test_what_becomes_an_onnx_file_needs_its_model(self, tmp_path):
        pytest.importorskip("onnx")
        (tmp_path / "a.cfg").write_text(SMALL)
        network = DarknetNetwork.read(tmp_path / "a.cfg")
        network.save_weights(tmp_path / "a.weights")
        done = call("convert", tmp_path / "a.weights", tmp_path / "b.onnx")
        assert done.exit_code != 0
        assert "needs --cfg or --model" in done.output
        succeed("convert", tmp_path / "a.weights", tmp_path / "b.onnx", "--cfg", tmp_path / "a.cfg")
        images = fathom.rand(2, 3, 8, 8)
        with fathom.no_grad():
            found = fathom.onnx.load(tmp_path / "b.onnx")(images)
            np.testing.assert_allclose(found, network(images), rtol=1e-4, atol=1e-5)
        assert "input input: float (batch, 3, 8, 8)" in succeed("inspect", tmp_path / "b.onnx")
        succeed("convert", tmp_path / "b.onnx", tmp_path / "c.pt")
        assert read_pytorch(tmp_path / "c.pt")

    def test_a_checkpoint_becomes_weights_of_darknets(self, tmp_path):
        model = models.darknet19(num_classes=2, in_channels=1)
        write_pytorch(tmp_path / "a.pt", {"state_dict": model.state_dict()})
        options = ("--model", "darknet19", "--set", "num_classes=2", "--set", "in_channels=1")
        succeed("convert", tmp_path / "a.pt", tmp_path / "b.weights", *options)
        again = models.darknet19(num_classes=2, in_channels=1)
        models.load_darknet_weights(again, tmp_path / "b.weights")
        for name, value in model.state_dict().items():
            np.testing.assert_array_equal(value, again.state_dict()[name])

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("a.pt", "b.xyz"), "does not say which format"),
            (("a.pt", "b.keras"), "cannot be written"),
            (("a.pt", "b.weights"), "needs --cfg or --model"),
            (("a.weights", "b.pt"), "have no names"),
            (("a.cfg", "b.pt"), "no file of tensors"),
            (("a.pt", "b.onnx", "--cfg", "a.cfg", "--model", "resnet18"), "name two networks"),
            (("missing.pt", "b.pt"), "does not exist"),
        ],
    )
    def test_what_cannot_be_converted_is_said(self, tmp_path, monkeypatch, arguments, message):
        monkeypatch.chdir(tmp_path)
        write_pytorch("a.pt", {"w": fathom.ones(2)})
        (tmp_path / "a.cfg").write_text(SMALL)
        DarknetNetwork.read("a.cfg").save_weights("a.weights")
        done = call("convert", *arguments)
        assert done.exit_code != 0
        assert message in done.output
        assert not list(tmp_path.glob("b.*"))


class TestInspect:
    def test_tensors_values_and_metadata_are_listed(self, tmp_path):
        write_pytorch(tmp_path / "a.pt", {"m": {"w": fathom.ones(2, 3)}, "epoch": 3})
        text = succeed("inspect", tmp_path / "a.pt")
        assert "m.w  float32  (2, 3)" in text
        assert "epoch = 3" in text
        assert "1 tensors, 6 numbers, 24 bytes" in text
        write_safetensors(tmp_path / "a.safetensors", {"w": np.ones(2)}, {"note": "hello"})
        assert "note: hello" in succeed("inspect", tmp_path / "a.safetensors")

    def test_darknets_files_are_listed(self, tmp_path):
        (tmp_path / "a.cfg").write_text(SMALL)
        DarknetNetwork.read(tmp_path / "a.cfg").save_weights(tmp_path / "a.weights")
        assert "2 connected" in succeed("inspect", tmp_path / "a.cfg")
        assert "version 0.2.0" in succeed("inspect", tmp_path / "a.weights")
        text = succeed("inspect", tmp_path / "a.weights", "--cfg", tmp_path / "a.cfg")
        assert "layers.0.normalization.running_mean" in text

    def test_names_cannot_steer_the_terminal(self, tmp_path):
        write_safetensors(tmp_path / "a.safetensors", {"\x1b[2Jw\n": np.ones(1)}, {"\x07": "\r"})
        text = succeed("inspect", tmp_path / "a.safetensors")
        assert not set(text) & {"\x1b", "\x07", "\r"}

    def test_a_large_file_is_listed_without_being_read(self, tmp_path):
        with (tmp_path / "a.safetensors").open("wb") as file:
            header = {"w": {"dtype": "F32", "shape": [1 << 30], "data_offsets": [0, 1 << 32]}}
            text = json.dumps(header).encode()
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + (1 << 32))
        assert f"{1 << 32:,} bytes" in succeed("inspect", tmp_path / "a.safetensors")

    def test_hostile_files_are_one_line(self, tmp_path):
        (tmp_path / "a.pt").write_bytes(b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R.")
        done = subprocess.run(
            [sys.executable, "-m", "fathom", "inspect", str(tmp_path / "a.pt")],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1


class TestShards:
    def make(self, folder, places=None, index=None):
        tensors = {"a": np.arange(3, dtype="f"), "b": np.ones((2, 2), "f"), "c": np.zeros(1, "f")}
        write_safetensors(folder / "1.safetensors", {"a": tensors["a"]}, {"format": "pt"})
        write_safetensors(folder / "2.safetensors", {n: tensors[n] for n in "bc"})
        places = places or {"c": "2.safetensors", "a": "1.safetensors", "b": "2.safetensors"}
        index = index or {"metadata": {"total_size": 32}, "weight_map": places}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        return tensors

    @pytest.mark.parametrize("mmap", [False, True])
    def test_a_folder_is_read_as_one_file(self, tmp_path, mmap):
        tensors = self.make(tmp_path)
        for path in (tmp_path, tmp_path / "model.safetensors.index.json"):
            read = read_safetensors(path, mmap=mmap)
            assert list(read) == ["c", "a", "b"]
            for name, tensor in tensors.items():
                np.testing.assert_array_equal(read[name], tensor)
        assert fathom.load(tmp_path).keys() == tensors.keys()
        assert "total_size: 32" in succeed("inspect", tmp_path)
        succeed("convert", tmp_path, tmp_path / "all.pt")
        assert read_pytorch(tmp_path / "all.pt").keys() == tensors.keys()

    @pytest.mark.parametrize(
        ("places", "message"),
        [
            ({"a": "1.safetensors"} | {"b": "2.safetensors"}, "has besides .* tensor 'c'"),
            ({"a": "1.safetensors", "d": "1.safetensors"}, "lacks tensor 'd'"),
            ({"a": "../1.safetensors"}, "names of files"),
            ({"a": "/etc/x.safetensors"}, "names of files"),
            ({"a": "..\\x.safetensors"}, "names of files"),
            ({"a": "1.pt"}, "names of files"),
            ({"a": 1}, "names of files"),
        ],
    )
    def test_an_index_that_lies_or_leads_elsewhere_is_refused(self, tmp_path, places, message):
        self.make(tmp_path, places)
        with pytest.raises(FileFormatError, match=message):
            read_safetensors(tmp_path)

    def test_missing_parts_and_damaged_indexes_are_refused(self, tmp_path):
        self.make(tmp_path, {"a": "3.safetensors"})
        with pytest.raises(MissingFileError, match=r"3\.safetensors"):
            read_safetensors(tmp_path)
        index = tmp_path / "model.safetensors.index.json"
        for content in (b"", b"[]", b"{}", b'{"weight_map": []}', b"\xff", b"[" * 100_000):
            index.write_bytes(content)
            with pytest.raises(FathomError):
                read_safetensors(tmp_path)


class TestHalfPrecision:
    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_numbers_are_rounded_as_pytorch_rounds_them(self, tmp_path, name):
        torch = pytest.importorskip("torch")
        values = np.random.default_rng(0).standard_normal(2000).astype("f") * 100
        values[:8] = [0, -0.0, np.inf, -np.inf, np.nan, 1e-41, 65520, 3.3895314e38]
        # Halfway between two bfloat16 numbers.
        values[8:12] = np.array([0x3F808000, 0x3F818000, 0x3F808001, 0x3F80FFFF], "u4").view("f")
        write_safetensors(tmp_path / "a", {"x": values}, narrow=name)
        read = read_safetensors(tmp_path / "a", widen=True)["x"]
        expected = torch.tensor(values).to(getattr(torch, name)).float().numpy()
        np.testing.assert_array_equal(read, expected)
        assert (tmp_path / "a").stat().st_size < 4200

    def test_only_float32_is_narrowed_and_only_so(self, tmp_path):
        whole = stored(np.arange(3))
        assert narrowed(whole, ELEMENT_TYPES["float16"]) is whole
        with pytest.raises(ArgumentError, match="narrow"):
            write_safetensors(tmp_path / "a", {"x": np.ones(1)}, narrow="float8")

    def test_safetensors_own_library_reads_what_is_written(self, tmp_path):
        torch = pytest.importorskip("torch")
        library = pytest.importorskip("safetensors.torch")
        tensors = tensors_of_every_type()
        write_contents(tmp_path / "a.safetensors", Contents("", tensors))
        read = library.load_file(tmp_path / "a.safetensors")
        for name, one in tensors.items():
            assert (
                read[name].contiguous().view(torch.uint8).numpy().tobytes() == one.array.tobytes()
            )
        library.save_file(read, tmp_path / "b.safetensors")
        assert bits(read_contents(tmp_path / "b.safetensors").tensors()) == bits(tensors)


def test_formats_are_known_by_their_extensions():
    assert format_of("a.weights.h5") == "Keras"
    assert format_of("A.PTH") == "PyTorch"
    with pytest.raises(ArgumentError, match=r"\.safetensors"):
        format_of("a")
