"""Published data sets: found, downloaded, checked; CSV files; data sets by name."""

import gzip
import hashlib
import io
import os
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from fathom.data import DataLoader, datasets
from fathom.data.datasets import sources, table
from fathom.errors import (
    DatasetError,
    DownloadError,
    FathomError,
    FileFormatError,
    MissingFileError,
)
from fathom.formats import write_idx

CLASSES = {"mnist": datasets.MNIST, "kmnist": datasets.KMNIST}


@pytest.fixture(autouse=True)
def empty_machine(monkeypatch, tmp_path):
    """A machine that has no data sets, and an empty cache."""
    monkeypatch.delenv("FATHOM_DATA", raising=False)
    monkeypatch.setattr(sources, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setattr(sources, "cache_folder", lambda: tmp_path / "cache")


def write_small_mnist(folder, count=5, suffix=".gz"):
    images = np.arange(count * 784, dtype=np.uint8).reshape(count, 28, 28)
    labels = np.arange(count, dtype=np.uint8) % 10
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "t10k"):
        write_idx(folder / f"{part}-images-idx3-ubyte{suffix}", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte{suffix}", labels)
    return images, labels


# The embedded digits.


def test_the_digits_are_those_of_the_uci_repository():
    digits = datasets.digits()
    assert digits.data.shape == (1797, 1, 8, 8)
    assert np.bincount(np.asarray(digits.targets)).tolist() == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip
    image, label = digits[0]
    assert label == 0
    assert image.dtype == np.float32
    assert (image * 16).tolist()[0][0] == [0, 0, 5, 13, 9, 1, 0, 0]


def test_the_digits_are_those_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.datasets")
    digits = sklearn.load_digits()
    np.testing.assert_array_equal(datasets.digits().data.numpy()[:, 0], digits.images)
    np.testing.assert_array_equal(datasets.digits().targets.numpy(), digits.target)


def test_the_digits_parts_are_disjoint_and_hold_each_class_in_proportion():
    train, test = datasets.digits(train=True), datasets.digits(train=False)
    assert (len(train), len(test)) == (1433, 364)
    assert np.bincount(np.asarray(test.targets)).min() >= 35


# Finding files.


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("place", ["environment", "root", "torchvision", "system", "cache"])
def test_files_are_found_in_every_place_compressed_or_not(tmp_path, monkeypatch, place, suffix):
    folders = {
        "environment": tmp_path / "data" / "mnist",
        "root": tmp_path / "root" / "mnist",
        "torchvision": tmp_path / "root" / "MNIST" / "raw",
        "system": tmp_path / "system" / "mnist",
        "cache": tmp_path / "cache" / "mnist",
    }
    images, labels = write_small_mnist(folders[place], suffix=suffix)
    monkeypatch.setenv("FATHOM_DATA", str(tmp_path / "data"))
    root = tmp_path / "root" if place in ("root", "torchvision") else None
    mnist = datasets.MNIST(root, download=False)
    np.testing.assert_array_equal(mnist.data.numpy()[:, 0], images)
    assert mnist.targets.tolist() == labels.tolist()


def test_files_that_are_nowhere_are_an_error_that_says_where_it_looked(tmp_path):
    with pytest.raises(MissingFileError, match=r"train-images.*system/mnist.*FATHOM_DATA"):
        datasets.MNIST(download=False)
    with pytest.raises(MissingFileError, match="cifar-10-binary"):
        datasets.CIFAR10(tmp_path, download=False)


def test_local_files_are_checked_for_their_structure(tmp_path):
    folder = tmp_path / "mnist"
    for images, labels, message in [
        (np.zeros((3, 28, 28), np.int8), np.zeros(3, np.uint8), "not uint8 images"),
        (np.zeros((3, 28, 27), np.uint8), np.zeros(3, np.uint8), "not uint8 images"),
        (np.zeros((3, 28, 28), np.uint8), np.zeros(4, np.uint8), "not a uint8 label for each"),
        (np.zeros((3, 28, 28), np.uint8), np.array([0, 10, 1], np.uint8), "label 10 of image 1"),
    ]:
        write_small_mnist(folder)
        write_idx(folder / "train-images-idx3-ubyte.gz", images)
        write_idx(folder / "train-labels-idx1-ubyte.gz", labels)
        with pytest.raises(FathomError, match=message):
            datasets.MNIST(tmp_path, download=False)


# CIFAR-10.


def cifar_records(count, seed):
    records = np.random.default_rng(seed).integers(0, 256, (count, 3073), dtype=np.uint8)
    records[:, 0] %= 10
    return records


def write_small_cifar(path):
    parts = [cifar_records(2, seed) for seed in range(6)]
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    path.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name, part in zip(names, parts, strict=True):
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = part.nbytes
            archive.addfile(member, io.BytesIO(part.tobytes()))
    return names, parts


def test_cifar10_is_read_from_its_archive_and_from_unpacked_files(tmp_path):
    names, parts = write_small_cifar(tmp_path / "cifar10")
    train = datasets.CIFAR10(tmp_path, train=True, download=False)
    assert train.data.shape == (10, 3, 32, 32)
    assert train.targets.tolist() == np.concatenate(parts[:5])[:, 0].tolist()
    expected = np.concatenate(parts[:5])[:, 1:].reshape(-1, 3, 32, 32)
    np.testing.assert_array_equal(train.data.numpy(), expected)
    os.remove(tmp_path / "cifar10" / "cifar-10-binary.tar.gz")
    unpacked = tmp_path / "cifar10" / "cifar-10-batches-bin"
    unpacked.mkdir()
    for name, part in zip(names, parts, strict=True):
        (unpacked / name).write_bytes(part.tobytes())
    test = datasets.CIFAR10(tmp_path, train=False, download=False)
    assert test.targets.tolist() == parts[5][:, 0].tolist()


def test_a_damaged_cifar10_archive_is_an_error(tmp_path):
    write_small_cifar(tmp_path / "cifar10")
    path = tmp_path / "cifar10" / "cifar-10-binary.tar.gz"
    whole = path.read_bytes()
    for content in (b"", b"junk", whole[: len(whole) // 2], gzip.compress(b"")):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="cifar-10-binary"):
            datasets.CIFAR10(tmp_path, download=False)


# Downloads, from a server of our own.


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/truncated/"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"half")
        else:
            super().do_GET()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    """The address of a server that gives the files of ``tmp_path / "server"``."""
    (tmp_path / "server").mkdir()
    handler = partial(Handler, directory=str(tmp_path / "server"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


def md5(path):
    return "md5:" + hashlib.md5(path.read_bytes()).hexdigest()


def test_a_download_is_checked_kept_and_found_the_next_time(tmp_path, server, monkeypatch):
    images, _ = write_small_mnist(tmp_path / "server" / "files")
    hashes = {path.name: md5(path) for path in (tmp_path / "server" / "files").iterdir()}
    source = sources.Source("MNIST", "mnist", (server + "missing/", server + "files/"), hashes)
    monkeypatch.setattr(datasets.MNIST, "source", source)
    mnist = datasets.MNIST()
    np.testing.assert_array_equal(mnist.data.numpy()[:, 0], images)
    assert len(os.listdir(tmp_path / "cache" / "mnist")) == 2
    assert len(datasets.MNIST(download=False)) == len(images)
    datasets.MNIST(tmp_path / "root")
    assert not (tmp_path / "root").exists()  # the cache has it already


@pytest.mark.parametrize(
    ("mirror", "message"),
    [
        ("missing/", "404"),
        ("truncated/", "(?i)incomplete|published checksum"),
        ("files/", "not the published checksum"),
    ],
)
def test_a_failed_download_is_one_error_and_leaves_no_file(tmp_path, server, mirror, message):
    write_small_mnist(tmp_path / "server" / "files")
    name = "train-images-idx3-ubyte.gz"
    wrong = {name: "md5:" + "0" * 32}
    source = sources.Source("MNIST", "mnist", (server + mirror,), wrong)
    with pytest.raises(DownloadError, match=message) as caught:
        source.find(name, None, download=True)
    assert name in str(caught.value)
    assert server in str(caught.value)
    left = tmp_path / "cache" / "mnist"
    assert not left.exists() or os.listdir(left) == []


def test_a_server_that_does_not_answer_is_an_error(tmp_path):
    with pytest.raises(DownloadError, match=r"could not be downloaded"):
        sources.fetch("file", ["http://127.0.0.1:9/"], "md5:" + "0" * 32, tmp_path)


# CSV files.


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "file.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_file_with_a_header_and_one_without_give_the_same(write):
    named = datasets.csv(write("label,a,b\n3,1,2\n0,4,5\n"))
    plain = datasets.csv(write("3,1,2\n0,4,5"), label=0)
    for result in (named, plain):
        assert result.data.tolist() == [[1, 2], [4, 5]]
        assert result.data.dtype == np.float32
        assert result.targets.tolist() == [3, 0]
        assert result.targets.dtype == np.int64
        assert result.classes == ["0", "1", "2", "3"]
    assert named.feature_names == ["a", "b"]
    assert plain.feature_names is None


@pytest.mark.parametrize("label", ["kind", 1, -2])
def test_the_label_column_is_named_or_counted(write, label):
    result = datasets.csv(write("a,kind,b\n1,0,2\n3,1,4\n"), label=label)
    assert result.data.tolist() == [[1, 2], [3, 4]]
    assert result.targets.tolist() == [0, 1]
    assert result.feature_names == ["a", "b"]


def test_a_file_without_labels_is_read_with_label_none(write):
    result = datasets.csv(write("pixel0,pixel1\n1,2\n3,4\n"), label=None)
    assert result.targets is None
    assert result[1][0].tolist() == [3, 4]
    batch = next(iter(DataLoader(result, batch_size=2)))
    assert batch[0].tolist() == [[1, 2], [3, 4]]


def test_texts_quotes_blanks_and_windows_line_ends_are_understood(write):
    content = '\ufeff"x","y, z",label\r\n"1.5", -2e-1 ,"cat"\r\n\r\n+.5,3,dog\r\n1,1,"cat"\r\n'
    result = datasets.csv(write(content))
    np.testing.assert_allclose(result.data.numpy(), [[1.5, -0.2], [0.5, 3], [1, 1]])
    assert result.targets.tolist() == [0, 1, 0]
    assert result.classes == ["cat", "dog"]
    assert result.feature_names == ["x", "y, z"]


def test_labels_that_do_not_count_from_0_are_numbered_in_order(write):
    assert datasets.csv(write("label,a\n1,0\n-1,0\n1,0\n")).targets.tolist() == [1, 0, 1]
    assert datasets.csv(write("label,a\n1.5,0\n0.5,0\n")).classes == ["0.5", "1.5"]
    assert datasets.csv(write("label,a\n70000,0\n5,0\n")).classes == ["5", "70000"]
    assert datasets.csv(write("label,a\n1.0,0.5\n2.0,0\n")).classes == ["0", "1", "2"]


def test_known_classes_number_the_labels_of_another_file(write):
    path = write("label,a\ndog,1\ndog,2\n")
    result = datasets.csv(path, classes=["cat", "dog"])
    assert result.targets.tolist() == [1, 1]
    with pytest.raises(DatasetError, match="none of the 1 classes: dog"):
        datasets.csv(path, classes=["cat"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("label,a\n1,2\n3,\n", r"line 3, column 2 \('a'\): the cell is empty"),
        ("label,a\n1,2\n,4\n", r"line 3, column 1 \('label'\): the cell is empty"),
        ("label,a\n1,2\n3,x\n", r"line 3, column 2 \('a'\): 'x' is not a finite number"),
        ("a,b,label\n1,2,3\n1,NaN,3\n", r"line 3, column 2 \('b'\): 'NaN' is not"),
        ("a,label\n1e99,1\n", r"line 2, column 1 \('a'\): '1e99' is not"),
        ("a,label\n1_0,1\n", r"line 2, column 1 \('a'\): '1_0' is not"),
        ("label,a\n1,2\n3\n", "line 3 has 1 cells, the first line has 2"),
        ("label,a\n1,2\n\n3,4,5\n", "line 4 has 3 cells"),
        ('label,a\n1,"2\n', "unexpected end of data|line"),
        (b"label,a\n1,2\n3,\xe4\n", "line 3, column 2: byte 0xe4 is not UTF-8"),
        ("label,a\n1,2\n".encode("utf-16"), "not UTF-8"),
        ("", "is empty"),
        ("\n\n", "no rows of data"),
        ("label,a\n", "no rows of data"),
        ("a,b\n1,2\n", "no column 'label'; it has a, b"),
        ("1,2\n3,4\n", "no header, so its label"),
    ],
)
def test_a_wrong_file_is_an_error_that_names_the_place(write, content, message):
    with pytest.raises(FathomError, match=message):
        datasets.csv(write(content))


def test_a_column_beyond_the_last_is_an_error(write):
    with pytest.raises(DatasetError, match="2 columns, there is no column 2"):
        datasets.csv(write("1,2\n"), label=2)


def test_the_first_line_is_data_unless_no_cell_is_a_number(write):
    with pytest.raises(FileFormatError, match=r"line 1, column 2: 'x'.*header=True"):
        datasets.csv(write("1,x\n2,3\n"), label=0)
    result = datasets.csv(write("0,1\n2,3\n"), label=0, header=True)
    assert result.data.tolist() == [[3]]


def test_blocks_of_every_size_give_the_same_table(write, monkeypatch):
    rows = [f"{row % 3},{row * 7},{'0.5' if row == 50 else row}" for row in range(100)]
    rows[30] = '1,"7",8'
    path = write("label,a,b\n" + "\n".join(rows))
    whole = datasets.csv(path)
    for size in (1, 7, 64, 500):
        monkeypatch.setattr(table, "_BLOCK", size)
        result = datasets.csv(path)
        np.testing.assert_array_equal(result.data.numpy(), whole.data.numpy())
        assert result.targets.tolist() == whole.targets.tolist()
    monkeypatch.setattr(table, "_BLOCK", 64)
    with pytest.raises(FileFormatError, match="line 78, column 3"):
        datasets.csv(write("label,a,b\n" + "\n".join([*rows[:76], "1,2,x", *rows])))


def test_a_file_that_does_not_fit_into_memory_is_an_error(write, monkeypatch):
    monkeypatch.setattr(table, "available_memory", lambda: 100)
    with pytest.raises(DatasetError, match=r"GiB of memory.*split the file"):
        datasets.csv(write("label,a\n" + "1,2\n" * 100))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_of_pixels_is_never_read_cell_by_cell(write, monkeypatch, end):
    monkeypatch.delattr(table, "_parse_rows")
    pixels = np.random.default_rng(0).integers(0, 256, (300, 784))
    lines = ["label," + ",".join(f"pixel{number}" for number in range(784))]
    lines += [f"{row % 10}," + ",".join(map(str, pixels[row])) for row in range(300)]
    result = datasets.csv(write(end.join(lines)))
    np.testing.assert_array_equal(result.data.numpy(), pixels)
    assert result.targets.tolist() == [row % 10 for row in range(300)]


# By name.


def test_digits_by_name_are_ready_for_training():
    splits = datasets.load("digits")
    assert splits.input_shape == (1, 8, 8)
    assert splits.classes == list("0123456789")
    inputs, labels = next(iter(DataLoader(splits.train, batch_size=10)))
    assert inputs.shape == (10, 1, 8, 8)
    assert inputs.dtype == np.float32
    assert 0 <= inputs.numpy().min() <= inputs.numpy().max() <= 1
    assert labels.dtype == np.int64


def test_an_unknown_name_is_an_error_that_offers_the_nearest():
    with pytest.raises(FathomError, match="no data set 'mnits'; did you mean 'mnist'"):
        datasets.load("mnits")


def test_a_csv_file_of_pixels_becomes_images(write):
    chance = np.random.default_rng(0)
    rows = [",".join(map(str, [row % 2, *chance.integers(0, 256, 64)])) for row in range(50)]
    splits = datasets.load(str(write("label," + ",".join("p" * 64) + "\n" + "\n".join(rows))))
    assert splits.input_shape == (1, 8, 8)
    assert (len(splits.train), len(splits.test)) == (40, 10)
    assert splits.test.targets.sum().item() == 5
    assert splits.train[0][0].numpy().max() <= 1


def test_a_csv_file_of_features_is_standardized_by_its_training_part(write):
    chance = np.random.default_rng(0)
    values = chance.normal(5, 3, (100, 3))
    rows = [f"{'ab'[row % 2]},{','.join(map(str, values[row]))}" for row in range(100)]
    splits = datasets.load(str(write("label,x,y,z\n" + "\n".join(rows))))
    assert splits.input_shape == (3,)
    assert splits.classes == ["a", "b"]
    train = splits.train.tensors[0].numpy()
    np.testing.assert_allclose(train.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(train.std(0), 1, atol=1e-5)
    np.testing.assert_allclose(
        splits.transform(values.astype(np.float32)).numpy().mean(0), 0, atol=0.3
    )


# The real files, where they are.

REAL = os.environ.get("FATHOM_DATA", "")


@pytest.mark.skipif(not os.path.isdir(os.path.join(REAL, "mnist")), reason="no FATHOM_DATA")
def test_the_real_mnist_is_complete():
    train, test = datasets.MNIST(REAL), datasets.MNIST(REAL, train=False)
    assert train.data.shape == (60_000, 1, 28, 28)
    assert train.targets.tolist()[:5] == [5, 0, 4, 1, 9]
    assert test.targets.tolist()[:5] == [7, 2, 1, 0, 4]


@pytest.mark.skipif(not os.path.isdir(os.path.join(REAL, "fashion-mnist")), reason="no data")
def test_the_real_fashion_mnist_is_complete():
    test = datasets.FashionMNIST(REAL, train=False)
    assert test.data.shape == (10_000, 1, 28, 28)
    assert [test.classes[label] for label in test.targets.tolist()[:2]] == [
        "Ankle boot",
        "Pullover",
    ]
