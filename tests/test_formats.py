"""Files: what is written comes back exactly, and what cannot be is refused with the reason."""

import errno
import gzip
import json
import os
import stat
import zlib
from collections import OrderedDict

import numpy as np
import pytest

import fathom
from fathom.errors import (
    ArgumentError,
    DTypeError,
    FathomError,
    FileAccessError,
    FileFormatError,
    MissingFileError,
)
from fathom.formats import (
    atomic_write,
    read_idx,
    read_image,
    read_safetensors,
    write_idx,
    write_safetensors,
)

DTYPES = ["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]
IDX_DTYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]
SHAPES = [(), (1,), (0,), (3,), (2, 3), (0, 4), (2, 0, 3), (2, 3, 4)]


def sample(shape, dtype):
    size = int(np.prod(shape))
    return np.asarray(np.arange(size).reshape(shape) * 37 % 101 - 50).astype(dtype)


# Writing a file whole or not at all.


def test_a_written_file_holds_what_was_written_and_nothing_lies_beside_it(tmp_path):
    path = tmp_path / "file"
    for content in (b"first", b"second"):
        with atomic_write(path) as file:
            file.write(content)
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_write(path) as file:  # noqa: PT012
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_nothing(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FileAccessError, match=r"cannot write '.*file': No space left"):
        fathom.save({"a": 1}, path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_that_does_not_exist_or_is_a_file_is_an_error(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    for path in (tmp_path / "missing" / "file", tmp_path / "plain" / "file"):
        with pytest.raises(FileAccessError, match="cannot write"):
            fathom.save({}, path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind root")
def test_a_read_only_folder_is_an_error(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(FileAccessError, match="Permission denied"):
            fathom.save({}, tmp_path / "file")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


@pytest.mark.skipif(os.name != "posix", reason="needs process ids")
def test_what_a_killed_process_has_left_is_removed_by_the_next_write(tmp_path):
    process = 2**22 + 1  # above the largest process id
    (tmp_path / f".file.{process}.1.tmp").write_bytes(b"half")
    (tmp_path / f".file.{os.getpid()}.1.tmp").write_bytes(b"in progress")
    with atomic_write(tmp_path / "file") as file:
        file.write(b"whole")
    assert sorted(os.listdir(tmp_path)) == [f".file.{os.getpid()}.1.tmp", "file"]


def test_a_file_behind_a_link_is_written_and_the_link_stays(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with atomic_write(tmp_path / "pipe") as file:
        file.write(b"new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("read", [read_idx, read_image, read_safetensors, fathom.load])
def test_a_missing_file_and_a_folder_are_errors_that_name_them(tmp_path, read):
    with pytest.raises(MissingFileError, match=r"there is no file '.*nothing'"):
        read(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing")
    with pytest.raises(FileAccessError, match="cannot read"):
        read(tmp_path)


# IDX.


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("dtype", IDX_DTYPES)
def test_idx_files_give_back_every_dtype_and_shape(tmp_path, dtype, suffix):
    for shape in SHAPES:
        array = sample(shape, dtype)
        write_idx(tmp_path / f"a{suffix}", array)
        result = read_idx(tmp_path / f"a{suffix}")
        assert result.dtype == array.dtype
        assert result.dtype.isnative
        np.testing.assert_array_equal(result, array, strict=True)


def test_an_idx_file_is_laid_out_as_the_format_says(tmp_path):
    write_idx(tmp_path / "a", np.array([[1, 2, 258]], np.int16))
    header = bytes([0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 3])
    assert (tmp_path / "a").read_bytes() == header + bytes([0, 1, 0, 2, 1, 2])


def test_the_same_array_gives_the_same_compressed_file(tmp_path):
    write_idx(tmp_path / "a.gz", np.arange(9, dtype=np.uint8))
    write_idx(tmp_path / "b.gz", np.arange(9, dtype=np.uint8))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "starts with nothing"),
        (b"\x89PNG", "starts with 89 50 4e 47"),
        (b"\0\0\x0a\1\0\0\0\0", "not an IDX file"),
        (b"\0\0\x08\3\0\0\0\1", "ends within its header"),
        (b"\0\0\x08\1\0\0\0\4abc", "promises 4 bytes .* but holds 3"),
        (b"\0\0\x08\1\0\0\0\2abc", "promises 2 bytes .* but holds more"),
        (b"\0\0\x08\3" + b"\xff" * 12 + b"abc", "but holds 3"),
        (b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"a", "shape"),
    ],
)
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_wrong_idx_file_is_an_error_that_says_why(tmp_path, content, message, compress):
    path = tmp_path / "a"
    path.write_bytes(compress(content))
    with pytest.raises(FileFormatError, match=message):
        read_idx(path)


def test_idx_refuses_a_dtype_that_it_has_not(tmp_path):
    with pytest.raises(DTypeError, match="cannot hold int64"):
        write_idx(tmp_path / "a", np.zeros(3, np.int64))
    assert os.listdir(tmp_path) == []


# Safetensors.


def raw_safetensors(path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def entry(dtype="F32", shape=(1,), offsets=(0, 4)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize("dtype", DTYPES)
def test_safetensors_give_back_every_dtype_and_shape(tmp_path, dtype):
    arrays = {f"t{number}": sample(shape, dtype) for number, shape in enumerate(SHAPES)}
    write_safetensors(tmp_path / "a", {name: fathom.tensor(a) for name, a in arrays.items()})
    result = read_safetensors(tmp_path / "a")
    assert result.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(result[name].numpy(), array, strict=True)


def test_a_strided_tensor_is_written_by_its_values(tmp_path):
    array = np.arange(12.0).reshape(3, 4)
    write_safetensors(tmp_path / "a", {"t": array.T[::2]})
    np.testing.assert_array_equal(read_safetensors(tmp_path / "a")["t"].numpy(), array.T[::2])


def test_safetensors_are_those_of_the_safetensors_package(tmp_path):
    numpy_files = pytest.importorskip("safetensors.numpy")
    arrays = {"a": sample((2, 3), "float32"), "b": np.array(5)}
    numpy_files.save_file(arrays, tmp_path / "theirs")
    ours = read_safetensors(tmp_path / "theirs")
    write_safetensors(tmp_path / "ours", ours)
    theirs = numpy_files.load_file(tmp_path / "ours")
    for name, array in arrays.items():
        np.testing.assert_array_equal(theirs[name], array, strict=True)


def test_half_precision_is_widened_when_asked_for(tmp_path):
    values = np.array([1.0, -2.5, 65504.0, np.inf, 2**-24], np.float32)
    half = values.astype("<f2").tobytes()
    brain = (np.array([1.0, -2.5, np.inf], "<f4").view("<u4") >> 16).astype("<u2").tobytes()
    header = {"h": entry("F16", (5,), (0, 10)), "b": entry("BF16", (3,), (10, 16))}
    path = raw_safetensors(tmp_path / "a", header, half + brain)
    with pytest.raises(DTypeError, match=r"'h' has dtype float16; read it with widen=True"):
        read_safetensors(path)
    result = read_safetensors(path, widen=True)
    np.testing.assert_array_equal(result["h"].numpy(), values)
    np.testing.assert_array_equal(result["b"].numpy(), [1.0, -2.5, np.inf])
    assert result["b"].dtype == fathom.float32


def test_a_dtype_that_fathom_has_not_is_an_error_that_names_it(tmp_path):
    path = raw_safetensors(tmp_path / "a", {"x": entry("U64", (1,), (0, 8))}, b"12345678")
    with pytest.raises(DTypeError, match="'x' has dtype uint64"):
        read_safetensors(path)


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        (b"", b"", "not JSON"),
        (b"[1]", b"", "not a JSON object"),
        (b"[" * 200_000, b"", "not JSON"),
        (b'{"a":1,"a":2}', b"", "occurs twice"),
        (b'{"a":\xff}', b"", "not JSON"),
        ({"a": 1}, b"", "not described"),
        ({"a": {**entry(), "x": 1}}, b"abcd", "not of whole numbers"),
        ({"a": entry(shape=(-1,))}, b"abcd", "not of whole numbers"),
        ({"a": entry(shape=(1.5,))}, b"abcd", "not of whole numbers"),
        ({"a": entry(shape=(True,))}, b"abcd", "not of whole numbers"),
        ({"a": entry(shape=(2,))}, b"abcd", "does not fill"),
        ({"a": entry(shape=(2**62, 2**62))}, b"abcd", "does not fill"),
        ({"a": entry(shape=(2**62, 0), offsets=(0, 0))}, b"", "impossible shape|shape"),
        ({"a": entry("X9")}, b"abcd", "unknown dtype"),
        ({"a": entry(offsets=(4, 0))}, b"abcd", "from byte 4 to 0"),
        ({"a": entry(shape=(2**40,), offsets=(0, 2**42))}, b"abcd", "beyond the end"),
        ({"a": entry(), "b": entry()}, b"abcd", "overlap"),
        ({"a": entry(), "b": entry(offsets=(8, 12))}, b"0" * 12, "gap"),
        ({"a": entry()}, b"abcdefgh", "beyond the end|gap"),
        ({"__metadata__": {"a": 1}}, b"", "metadata"),
        ({"a": entry(shape=[1] * 70)}, b"abcd", "does not fill"),
    ],
)
def test_a_damaged_or_hostile_header_is_an_error_that_says_why(tmp_path, header, data, message):
    path = raw_safetensors(tmp_path / "a", header, data)
    with pytest.raises(FileFormatError, match=message):
        read_safetensors(path)


def test_a_header_longer_than_the_file_is_refused_before_it_is_read(tmp_path):
    for length in (2**63, 2**64 - 1, 10_000):
        (tmp_path / "a").write_bytes(length.to_bytes(8, "little") + b"{}")
        with pytest.raises(FileFormatError, match="claims"):
            read_safetensors(tmp_path / "a")


# save and load.


def assert_same(result, expected):
    assert type(result) is type(expected)
    if isinstance(expected, fathom.Tensor):
        np.testing.assert_array_equal(result.numpy(), expected.detach().numpy(), strict=True)
    elif isinstance(expected, dict):
        assert list(result) == list(expected)
        for key in expected:
            assert_same(result[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(result) == len(expected)
        for one, other in zip(result, expected, strict=True):
            assert_same(one, other)
    else:
        assert repr(result) == repr(expected)


def test_nested_objects_come_back_exactly(tmp_path):
    tensors = {d: [fathom.tensor(sample(shape, d)) for shape in SHAPES] for d in DTYPES}
    obj = {
        "tensors": tensors,
        "state": OrderedDict([("z.weight", fathom.ones(2)), ("a.bias", fathom.zeros(3))]),
        "numbers": [0, -1, 2**70, 1.5, float("inf"), float("-inf"), float("nan"), True, None],
        "texts": ("", "ä€😀", "a.b"),
        "empty": [{}, [], (), OrderedDict()],
        "keys": {0: "int", 1.5: "float", None: "none", True: {"tensor": "not a tensor"}},
    }
    fathom.save(obj, tmp_path / "a")
    assert_same(fathom.load(tmp_path / "a"), obj)


@pytest.mark.parametrize("obj", [None, 3, "text", [1, 2], fathom.tensor(2.5)])
def test_any_supported_object_may_stand_alone(tmp_path, obj):
    fathom.save(obj, tmp_path / "a")
    assert_same(fathom.load(tmp_path / "a"), obj)


def test_tensors_whose_places_have_the_same_name_stay_apart(tmp_path):
    obj = {"a": {"b": fathom.tensor(1)}, "a.b": fathom.tensor(2), "__metadata__": fathom.tensor(3)}
    fathom.save(obj, tmp_path / "a")
    assert_same(fathom.load(tmp_path / "a"), obj)


def test_a_saved_state_dict_is_a_safetensors_file_with_the_same_names(tmp_path):
    state = OrderedDict([("fc.weight", fathom.ones(2, 3)), ("fc.bias", fathom.zeros(2))])
    fathom.save(state, tmp_path / "a")
    assert read_safetensors(tmp_path / "a").keys() == state.keys()


def test_any_safetensors_file_loads_as_a_dict_of_tensors(tmp_path):
    write_safetensors(tmp_path / "a", {"w": fathom.ones(2)})
    assert_same(fathom.load(tmp_path / "a"), {"w": fathom.ones(2)})


def test_a_tensor_that_requires_a_gradient_is_saved_without_its_history(tmp_path):
    weight = fathom.ones(2, requires_grad=True)
    fathom.save({"leaf": weight, "result": weight * 2}, tmp_path / "a")
    result = fathom.load(tmp_path / "a")
    assert result["result"].tolist() == [2, 2]
    assert not result["leaf"].requires_grad


def holds_itself():
    obj = []
    obj.append(obj)
    return obj


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({"a": [1, {"b": object()}]}, r"object\['a'\]\[1\]\['b'\] is of type object"),
        ({"a": {1, 2}}, r"object\['a'\] is of type set"),
        ({"a": np.float32(1)}, r"of type float32.*\.item\(\)"),
        ({(1, 2): 3}, r"object has the key \(1, 2\)"),
        (holds_itself(), "holds itself"),
        (lambda: 0, "object is of type function"),
    ],
)
def test_an_object_that_no_file_can_hold_is_named_by_its_place(tmp_path, obj, message):
    with pytest.raises(FathomError, match=message):
        fathom.save(obj, tmp_path / "a")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "structure",
    [
        '{"tensor":"missing"}',
        '{"float":"1"}',
        '{"dict":[[1]]}',
        '{"dict":[[[1],2]]}',
        '{"eval":"1"}',
        '{"tuple":1}',
        "{}",
        "[",
        "[" * 100_000,
    ],
)
def test_a_structure_that_means_nothing_is_an_error(tmp_path, structure):
    write_safetensors(tmp_path / "a", {"w": fathom.ones(2)}, {"fathom": structure})
    with pytest.raises(FileFormatError, match="not a sound file"):
        fathom.load(tmp_path / "a")


# Pictures.


@pytest.fixture
def image():
    return pytest.importorskip("PIL.Image")


def test_a_picture_is_read_in_grey_and_in_colour(tmp_path, image):
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels.transpose(2, 0, 1))
    grey = np.array([[0, 255, 7]], np.uint8)
    image.fromarray(grey).save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_image(tmp_path / "b.png", "GRAY"), grey[None])
    image.fromarray(pixels).save(tmp_path / "c.jpg")
    assert read_image(tmp_path / "c.jpg").shape == (3, 2, 3)


def test_a_transparent_picture_lies_on_white(tmp_path, image):
    pixels = np.zeros((1, 2, 4), np.uint8)
    pixels[0, 0, 3] = 255
    image.fromarray(pixels).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", "GRAY").tolist() == [[[0, 255]]]


def test_sixteen_bits_of_grey_keep_their_range(tmp_path, image):
    image.fromarray(np.array([[0, 0x8000, 0xFFFF]], np.uint16)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", "L").tolist() == [[[0, 128, 255]]]


def test_a_picture_that_claims_more_pixels_than_its_bytes_can_hold_is_refused(tmp_path, image):
    image.new("L", (10, 10)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = (8_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(FileFormatError, match="8000 x 8000"):
        read_image(tmp_path / "a.png")


def test_other_modes_and_formats_are_errors(tmp_path, image):
    image.new("L", (4, 4)).save(tmp_path / "a.gif")
    with pytest.raises(FileFormatError, match="PNG or JPEG"):
        read_image(tmp_path / "a.gif")
    with pytest.raises(ArgumentError, match="no image mode 'CMYK'"):
        read_image(tmp_path / "a.gif", "CMYK")
