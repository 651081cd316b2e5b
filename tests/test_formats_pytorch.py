"""PyTorch's files: all that is in them is read exactly, and nothing in them is run."""

import io
import os
import pickle
import pickletools
import random
import struct
import tracemalloc
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fathom
from fathom.errors import DTypeError, FathomError, FileFormatError
from fathom.formats import read_pytorch, write_pytorch
from fathom.formats.pytorch import read_pytorch_stored
from fathom.formats.stored import UnsupportedObject

DTYPES = ["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]
FOREIGN = ["float16", "bfloat16", "complex64", "uint16", "uint32", "uint64", "float8_e4m3fn"]
ALLOWANCE = 12 << 20


def sample():
    """An object with everything in it that a file can hold."""
    return OrderedDict(
        weights={name: fathom.tensor(np.arange(6).reshape(2, 3)).to(name) for name in DTYPES},
        empty=fathom.zeros(0, 3),
        number=fathom.tensor(2.5),
        plain=[1, -(2**40), 2.5, None, True, "tëxt", (), (1, ("x",)), {5: {}}],
    )


def archive_of(content, **members):
    """The bytes of an archive with this pickle, and with these storages."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        for name, data in members.items():
            archive.writestr(f"archive/data/{name}", data)
    return buffer.getvalue()


def tensor_pickle(
    offset=0, size=(2, 2), stride=(2, 1), count=4, storage="FloatStorage", key="0", numbers=None
):
    """A pickle of one tensor, as instructions."""

    def tuple_of(values):
        parts = b"".join(
            b"\x8a" + bytes([len(raw)]) + raw
            for raw in (v.to_bytes(v.bit_length() // 8 + 1, "little", signed=True) for v in values)
        )
        return b"(" + parts + b"t"

    return (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n"
        + f"{storage}\n".encode()
        + b"X"
        + struct.pack("<I", len(key))
        + key.encode()
        + b"X\x03\0\0\0cpu"
        + tuple_of([count])[1:-1]
        + b"tQ"
        + tuple_of([offset])[1:-1]
        + tuple_of(size)
        + tuple_of(stride)
        + b"\x89NtR."
    )


def read_bytes(folder, content):
    path = folder / "file.pt"
    path.write_bytes(content)
    return read_pytorch(path)


def refuse(folder, content, message):
    with pytest.raises(FileFormatError, match=message) as error:
        read_bytes(folder, content)
    assert "file.pt" in str(error.value)


class TestRoundTrip:
    @pytest.mark.parametrize("mmap", [False, True])
    def test_what_is_written_comes_back(self, tmp_path, mmap):
        write_pytorch(tmp_path / "a.pt", sample())
        read = read_pytorch(tmp_path / "a.pt", mmap=mmap)
        assert type(read) is OrderedDict
        assert read["plain"] == sample()["plain"]
        assert read["empty"].shape == (0, 3)
        assert read["number"].shape == ()
        for name, tensor in sample()["weights"].items():
            assert read["weights"][name].dtype == name
            np.testing.assert_array_equal(read["weights"][name], tensor)

    def test_the_same_object_gives_the_same_bytes(self, tmp_path):
        for name in "ab":
            write_pytorch(tmp_path / name, sample())
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_fathom_load_reads_it(self, tmp_path):
        write_pytorch(tmp_path / "a.pt", {"w": fathom.ones(2), "step": 3})
        read = fathom.load(tmp_path / "a.pt")
        assert read["step"] == 3
        assert read["w"].tolist() == [1, 1]

    def test_shared_values_are_once_on_the_disk_and_change_apart(self, tmp_path):
        tied = fathom.zeros(1000, 100)
        write_pytorch(tmp_path / "a.pt", {"first": tied, "second": tied.detach()})
        assert (tmp_path / "a.pt").stat().st_size < 410_000
        read = read_pytorch(tmp_path / "a.pt")
        read["first"] += 1
        assert float(read["second"].sum()) == 0
        write_pytorch(tmp_path / "b.pt", read_pytorch(tmp_path / "a.pt"))
        assert (tmp_path / "b.pt").read_bytes() == (tmp_path / "a.pt").read_bytes()

    def test_parameters_want_gradients(self, tmp_path):
        write_pytorch(tmp_path / "a.pt", [fathom.ones(2, requires_grad=True), fathom.ones(2)])
        assert [one.requires_grad for one in read_pytorch(tmp_path / "a.pt")] == [True, False]

    def test_a_state_dict_trains_on(self, tmp_path):
        first, second = fathom.nn.Linear(3, 2), fathom.nn.Linear(3, 2)
        write_pytorch(tmp_path / "a.pt", first.state_dict())
        second.load_state_dict(read_pytorch(tmp_path / "a.pt", mmap=True))
        x = fathom.randn(4, 3)
        np.testing.assert_array_equal(first(x).detach(), second(x).detach())
        second(x).sum().backward()
        fathom.optim.SGD(second.parameters(), lr=0.1).step()
        assert not np.array_equal(first.weight.detach(), second.weight.detach())

    @pytest.mark.parametrize(
        ("value", "place"),
        [({"a": [1, object()]}, r"object\['a'\]\[1\]"), ({(1, 2): 3}, "key"), ([2**4000], "long")],
    )
    def test_what_a_file_cannot_hold_is_named(self, tmp_path, value, place):
        with pytest.raises(UnsupportedObject, match=place):
            write_pytorch(tmp_path / "a.pt", value)
        assert not list(tmp_path.iterdir())

    def test_an_object_that_holds_itself_is_refused(self, tmp_path):
        endless = []
        endless.append(endless)
        with pytest.raises(UnsupportedObject, match="holds itself"):
            write_pytorch(tmp_path / "a.pt", endless)


class TestPyTorch:
    @pytest.fixture(autouse=True)
    def _torch(self):
        self.torch = pytest.importorskip("torch")

    def save(self, folder, obj, new):
        self.torch.save(obj, folder / "torch.pt", _use_new_zipfile_serialization=new)
        return folder / "torch.pt"

    @pytest.mark.parametrize("mmap", [False, True])
    @pytest.mark.parametrize("new", [True, False])
    def test_its_files_are_read(self, tmp_path, new, mmap):
        torch = self.torch
        base = torch.arange(24.0).reshape(4, 6)
        tensors = {
            "base": base,
            "transposed": base.t(),
            "part": base[1:, ::2],
            "empty": torch.zeros(0, 3),
            "number": torch.tensor(3),
            "expanded": torch.ones(1).expand(3, 4),
            "parameter": torch.nn.Parameter(torch.ones(2)),
            **{name: torch.arange(5).to(getattr(torch, name)) for name in DTYPES},
        }
        plain = {
            "values": [1, 2.5, None, True, "x", (1, 2**40, -5)],
            "size": torch.Size([2, 3]),
            "set": {1, 2},
            "state": torch.nn.Linear(2, 3).state_dict(),
            "dtype": torch.float32,
            "device": torch.device("cuda", 1),
        }
        read = read_pytorch(self.save(tmp_path, {**tensors, **plain}, new), mmap=mmap)
        for name, tensor in tensors.items():
            assert read[name].shape == tuple(tensor.shape)
            np.testing.assert_array_equal(read[name].detach(), tensor.detach().numpy())
        assert read["parameter"].requires_grad
        assert [read[name] for name in ("values", "size", "set")] == list(plain.values())[:3]
        assert read["dtype"] == fathom.float32
        assert read["device"] == "cuda:1"
        assert list(read["state"]) == ["weight", "bias"]

    @pytest.mark.parametrize("mmap", [False, True])
    def test_it_reads_ours_without_trust(self, tmp_path, mmap):
        write_pytorch(tmp_path / "a.pt", sample())
        read = self.torch.load(tmp_path / "a.pt", weights_only=True, mmap=mmap)
        assert read["plain"] == sample()["plain"]
        for name, tensor in sample()["weights"].items():
            np.testing.assert_array_equal(read["weights"][name].numpy(), tensor)

    @pytest.mark.parametrize("name", FOREIGN)
    @pytest.mark.parametrize("new", [True, False])
    def test_element_types_that_fathom_has_not_keep_their_bits(self, tmp_path, name, new):
        torch = self.torch
        values = (torch.arange(40) - 7).to(getattr(torch, name))
        path = self.save(tmp_path, {"a": values}, new)
        with pytest.raises(DTypeError, match=f"'a' has dtype {name}"):
            read_pytorch(path)
        stored = read_pytorch_stored(path)
        assert stored["a"].element.name == name
        write_pytorch(tmp_path / "b.pt", stored)
        again = torch.load(tmp_path / "b.pt", weights_only=True)["a"]
        assert again.dtype == values.dtype
        assert torch.equal(again.view(torch.uint8), values.view(torch.uint8))

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision_is_widened_when_asked_for(self, tmp_path, name):
        torch = self.torch
        values = torch.randn(1000, generator=torch.Generator().manual_seed(0))
        values = values.to(getattr(torch, name)).reshape(10, 100).t()
        read = read_pytorch(self.save(tmp_path, [values], True), widen=True)[0]
        assert read.dtype == fathom.float32
        np.testing.assert_array_equal(read, values.float().numpy())

    def test_a_program_of_torchscript_and_a_module_are_refused_with_advice(self, tmp_path):
        torch = self.torch
        path = self.save(tmp_path, torch.nn.Linear(2, 2), True)
        with pytest.raises(FileFormatError, match=r"names 'torch.nn.modules.linear.Linear'.*state"):
            read_pytorch(path)

    def test_sparse_tensors_are_refused_by_name(self, tmp_path):
        path = self.save(tmp_path, [self.torch.eye(2).to_sparse()], True)
        with pytest.raises(FileFormatError, match=r"sparse|layout"):
            read_pytorch(path)


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class TestHostile:
    @pytest.mark.parametrize("protocol", [2, 3, 4, 5])
    @pytest.mark.parametrize("function", [os.system, eval, getattr, io.open, __import__])
    def test_nothing_that_a_file_names_is_called(self, tmp_path, function, protocol):
        content = pickle.dumps(Call(function, "touch ran"), protocol)
        refuse(tmp_path, archive_of(content), "names '.*', which is not one of the names")
        refuse(tmp_path, content, "not one that torch.save wrote")

    def test_an_older_file_calls_nothing_either(self, tmp_path):
        start = b"".join(
            pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"a": 1})
        )
        refuse(tmp_path, start + pickle.dumps(Call(os.system, "false"), 2), "'.*system'")
        refuse(tmp_path, start[:15] + pickle.dumps(Call(os.system, "false"), 2), "'.*system'")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"\x80\x02ctorch\nFloatStorage\n)R.", "calls a StorageType"),
            (b"\x80\x02X\x01\0\0\0a)R.", "calls a str"),
            (b"\x80\x02ctorch\nSize\n)\x81.", "instruction"),
            (b"\x80\x02(itorch\nSize\n.", "instruction"),
            (b"\x80\x02\x82\x01.", "instruction"),
            (b"\x80\x02ctorch\nSize\nN}b.", "attributes of a NoneType"),
            (b"\x80\x02ctorch\nSize\n.", "holds a Function"),
            (b"\x80\x02ctorch\nSize\nX\x01\0\0\0a\x85R.", "no whole numbers"),
            (b"\x80\x02ctorch\nSize\n(K\1K\1K\1tR.", "wrong arguments"),
            (b"\x80\x02]q\0h\0a.", "holds itself"),
            (b"\x80\x02}q\0X\1\0\0\0ah\0s.", "holds itself"),
            (b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b".", "levels deep"),
            (b"\x80\x02]q\0" + b"".join(b"h%ch%c\x86q%c0" % (i, i, i + 1) for i in range(60))
             + b"h\x3c.", "unfolds to more than"),
            (b"\x80\x02})" + b"\x85" * 30 + b"Ns.", "tuple as the key"),
            (b"\x80\x02}]Ns.", "list as the key"),
            (b"\x80\x02h\x05.", "damaged"),
            (b"\x80\x02.", "damaged"),
            (b"\x80\x02N", "ends too early"),
            (b"\x80\x02X\xff\xff\xff\x7fa.", "ends too early"),
            (b"\x80\x04\x8d" + b"\xff" * 8 + b"a.", "ends too early"),
            (b"\x80\x09N.", "protocol 9"),
            (b"\x80\x02c" + b"a" * 5000 + b"\nb\n.", "name without an end"),
            (b"\x80\x02Nr\xff\xff\xff\xff.", None),
        ],
    )  # fmt: skip
    def test_pickles_that_go_wrong_are_refused(self, tmp_path, content, message):
        if message is None:
            assert read_bytes(tmp_path, archive_of(content)) is None
        else:
            refuse(tmp_path, archive_of(content), message)

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"offset": 1}, "beyond its storage"),
            ({"offset": -1}, "no whole numbers"),
            ({"offset": 2**62}, "no whole numbers"),
            ({"size": (3, 2)}, "beyond its storage"),
            ({"size": (2**40, 2**40)}, "beyond its storage"),
            ({"size": (2**47, 2**47), "stride": (0, 0)}, "again and again"),
            ({"size": (-1, 2)}, "no whole numbers"),
            ({"stride": (-1, 1)}, "no whole numbers"),
            ({"stride": (1,)}, "2 sizes and 1 strides"),
            ({"size": (1,) * 65, "stride": (0,) * 65}, "65 sizes"),
            ({"size": (2**40, 0), "stride": (1, 1), "offset": 5}, "beyond its storage"),
            ({"count": 5}, "has 16 bytes in the file"),
            ({"count": -4}, "impossible number"),
            ({"count": 2**60}, "impossible number"),
            ({"storage": "DoubleStorage"}, "has 16 bytes in the file"),
            ({"storage": "QInt8Storage"}, "names 'torch.QInt8Storage'"),
            ({"key": "1"}, "no member"),
            ({"key": "../data.pkl"}, "no member"),
        ],
    )
    def test_tensors_stay_within_their_storages(self, tmp_path, wrong, message):
        storage = np.arange(4, dtype="<f4").tobytes()
        good = read_bytes(tmp_path, archive_of(tensor_pickle(), **{"0": storage}))
        assert good.tolist() == [[0, 1], [2, 3]]
        content = archive_of(tensor_pickle(**wrong), **{"0": storage})
        refuse(tmp_path, content, message)

    def test_many_tensors_of_one_storage_are_refused(self, tmp_path):
        one = tensor_pickle(size=(100_000,), stride=(1,), count=100_000)[2:-1]
        content = archive_of(b"\x80\x02](" + one * 100 + b"e.", **{"0": bytes(400_000)})
        refuse(tmp_path, content, "again and again")

    def test_compressed_members_are_refused(self, tmp_path):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", tensor_pickle(count=1 << 20))
            archive.writestr("archive/data/0", bytes(4 << 20))
        refuse(tmp_path, buffer.getvalue(), "compressed")

    def test_members_that_lie_one_over_another_are_refused(self, tmp_path):
        content = bytearray(archive_of(tensor_pickle(), **{str(n): bytes(400) for n in range(9)}))
        first = content.rindex(b"PK\x01\x02")
        content[first + 20 : first + 28] = struct.pack("<II", len(content), len(content))
        refuse(tmp_path, bytes(content), "larger than the file")

    def test_other_archives_are_refused(self, tmp_path):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("archive/constants.pkl", b"")
            archive.writestr("archive/code.py", b"")
        refuse(tmp_path, buffer.getvalue(), "TorchScript")
        empty = io.BytesIO()
        with zipfile.ZipFile(empty, "w") as archive:
            archive.writestr("a/b", b"")
        refuse(tmp_path, empty.getvalue(), "no data.pkl")


def older_bytes(folder):
    """A file of the older form, without PyTorch."""
    heads = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    body = b"".join(pickle.dumps(head, 2) for head in heads)
    body += tensor_pickle() + pickle.dumps(["0"], 2)
    return body + struct.pack("<q", 4) + np.arange(4, dtype="<f4").tobytes()


def newer_bytes(folder):
    write_pytorch(folder / "seed", {"w": fathom.ones(3, 4), "b": [fathom.zeros(2), 1, "x"]})
    return (folder / "seed").read_bytes()


@pytest.fixture(params=[older_bytes, newer_bytes], ids=["older", "newer"])
def reader(request, tmp_path):
    path = tmp_path / "file"

    def read(content):
        path.write_bytes(content)
        try:
            return read_pytorch(path)
        except FathomError as error:
            assert str(path) in str(error)  # noqa: PT017 - there may be no error
            return None

    sound = request.param(tmp_path)
    assert read(sound) is not None
    return read, sound


class TestFuzz:
    def test_a_file_cut_short_anywhere_is_refused(self, reader):
        read, sound = reader
        assert all(read(sound[:length]) is None for length in range(len(sound)))

    def test_damaged_files_are_read_or_refused(self, reader):
        read, sound = reader
        chance = random.Random(0)
        tracemalloc.start()
        try:
            for _ in range(400):
                content = bytearray(sound)
                for _ in range(chance.choice([1, 1, 2, 6])):
                    place = chance.randrange(len(content))
                    content[place : place + chance.choice([1, 1, 0, 4])] = chance.choice(
                        [bytes([chance.randrange(256)]), b"\xff\xff\xff\xff", b"", b"R", b"q\xff"]
                    )
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0]
                read(bytes(content))
                assert tracemalloc.get_traced_memory()[1] - before < ALLOWANCE
        finally:
            tracemalloc.stop()

    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        codes=st.lists(
            st.sampled_from([op.code.encode("latin-1") for op in pickletools.opcodes])
            | st.binary(min_size=1, max_size=3)
            | st.just(tensor_pickle()[2:-1]),
            max_size=40,
        )
    )
    def test_any_instructions_are_run_or_refused(self, tmp_path, codes):
        content = archive_of(b"\x80\x02" + b"".join(codes) + b".", **{"0": bytes(16)})
        path = tmp_path / "file"
        path.write_bytes(content)
        try:
            read_pytorch(path)
        except FathomError as error:
            assert str(path) in str(error)  # noqa: PT017
