"""Whatever bytes a reader is given, it gives valid data or a Fathom error, soon and small."""

import gzip
import io
import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fathom
from fathom.data import datasets
from fathom.errors import FathomError
from fathom.formats import read_idx, read_image, read_safetensors, write_idx, write_safetensors

# Beyond the file's own size: what the interpreter, a decoder's tables and a chunk need.
ALLOWANCE = 12 << 20


def idx_bytes(folder):
    write_idx(folder / "seed", np.arange(60, dtype=np.int32).reshape(3, 4, 5))
    return (folder / "seed").read_bytes()


def gzipped_idx_bytes(folder):
    return gzip.compress(idx_bytes(folder), mtime=0)


def csv_bytes(folder):
    rows = "\r\n".join(f"{row % 3},{row / 7:.3f},{-row},{row * row}" for row in range(12))
    return f'label,"a",b,c\r\n{rows}\r\n'.encode()


def pixels_csv_bytes(folder):
    return b"label,p0,p1\n" + b"".join(b"%d,%d,255\n" % (row % 10, row * 9) for row in range(20))


def safetensors_bytes(folder):
    tensors = {"a": fathom.ones(3, 4), "b": fathom.tensor([True, False]), "c": fathom.zeros(0)}
    write_safetensors(folder / "seed", tensors, {"note": "text"})
    return (folder / "seed").read_bytes()


def saved_bytes(folder):
    obj = {"model": {"w": fathom.ones(3), 5: [1, 2.5, None, (True, "x")]}, "inf": float("inf")}
    fathom.save(obj, folder / "seed")
    return (folder / "seed").read_bytes()


def png_bytes(folder):
    image = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    image.fromarray(np.arange(12 * 9 * 3, dtype=np.uint8).reshape(12, 9, 3)).save(buffer, "PNG")
    return buffer.getvalue()


def jpeg_bytes(folder):
    image = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    image.fromarray(np.arange(16 * 16, dtype=np.uint8).reshape(16, 16)).save(buffer, "JPEG")
    return buffer.getvalue()


READERS = {
    "idx": (read_idx, idx_bytes),
    "gzipped idx": (read_idx, gzipped_idx_bytes),
    "csv": (datasets.csv, csv_bytes),
    "csv of pixels": (datasets.csv, pixels_csv_bytes),
    "safetensors": (read_safetensors, safetensors_bytes),
    "save": (fathom.load, saved_bytes),
    "png": (read_image, png_bytes),
    "jpeg": (read_image, jpeg_bytes),
}


@pytest.fixture(params=READERS)
def reader(request, tmp_path):
    """A function that reads bytes as a file, and the bytes of a sound file."""
    read, make = READERS[request.param]
    sound = make(tmp_path)
    path = tmp_path / "file"

    def read_bytes(content):
        path.write_bytes(content)
        try:
            read(path)
        except FathomError as error:
            assert str(path) in str(error)  # noqa: PT017 - there may be no error
            return False
        return True

    assert read_bytes(sound)
    return read_bytes, sound


def test_a_file_cut_short_anywhere_is_read_or_refused(reader):
    read, sound = reader
    for length in sorted({*range(min(len(sound), 160)), *range(0, len(sound), 7)}):
        read(sound[:length])


def test_a_file_with_flipped_bits_is_read_or_refused(reader):
    read, sound = reader
    chance = random.Random(0)
    for _ in range(200):
        content = bytearray(sound)
        for _ in range(chance.choice([1, 1, 2, 8])):
            position = chance.randrange(min(len(content), chance.choice([32, 10**9])))
            content[position] ^= 1 << chance.randrange(8)
        read(bytes(content))


def test_a_file_with_replaced_or_inserted_bytes_is_read_or_refused(reader):
    read, sound = reader
    chance = random.Random(1)
    for _ in range(200):
        start = chance.randrange(len(sound))
        stop = start + chance.randrange(12)
        filling = chance.choice([b"\xff", b"\0", b'"', b"9", b",", b"\n", b"[", b"\r"])
        read(sound[:start] + filling * chance.randrange(1, 12) + sound[stop:])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=300), keep=st.integers(0, 40))
def test_random_bytes_are_read_or_refused(reader, content, keep):
    read, sound = reader
    read(content)
    read(sound[:keep] + content)


@pytest.mark.parametrize("reader", READERS, indirect=True)
def test_no_damage_makes_a_reader_allocate_more_than_its_file_justifies(reader):
    read, sound = reader
    chance = random.Random(2)
    tracemalloc.start()
    try:
        for _ in range(40):
            content = bytearray(sound)
            start = chance.randrange(min(len(sound), 40))
            content[start : start + 4] = bytes(chance.choice([0xFF, 0x7F, 0x39]) for _ in range(4))
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            read(bytes(content))
            assert tracemalloc.get_traced_memory()[1] - before < ALLOWANCE
    finally:
        tracemalloc.stop()
