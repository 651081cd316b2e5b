"""Images run wherever they lie, without LLVM."""

import ctypes
import mmap
import subprocess
import sys

import pytest

from fathom.compiler import target as targets
from fathom.compiler.target import NATIVE, Target, host, llvm
from fathom.errors import FathomError
from fathom.runtime.linker import Unlinkable, is_image, linked, put_in_memory
from fathom.runtime.machine_code import load, to_object

LINUX = sys.platform == "linux" and host().triple.startswith("x86_64")
pytestmark = pytest.mark.skipif(not LINUX, reason="images are for Linux on x86-64")

# Constants of several alignments, calls within the module and to the C library.
MIXED = """
@numbers = private constant [4 x double] [double 1.0, double 2.0, double 4.0, double 8.0]

define double @main(double %x, i64 %n) {
  %place = getelementptr double, ptr @numbers, i64 %n
  %number = load double, ptr %place
  %product = call double @scaled(double %x)
  %sum = fadd double %product, %number
  %power = call double @pow(double %sum, double 2.0)
  %rest = frem double %power, 1000.0
  ret double %rest
}

define double @scaled(double %x) noinline {
  %one = insertelement <8 x double> zeroinitializer, double %x, i64 3
  %many = fmul <8 x double> %one, <double 0.1, double 0.2, double 0.3, double 0.5,
                                   double 0.6, double 0.7, double 0.8, double 0.9>
  %result = extractelement <8 x double> %many, i64 3
  ret double %result
}

define internal i32 @unused() {
  ret i32 0
}

declare double @pow(double, double)
"""
COUNTER = """
@count = internal global i64 0

define i64 @next() {
  %old = atomicrmw add ptr @count, i64 1 seq_cst
  ret i64 %old
}
"""


def call(address: int, x: float, n: int) -> float:
    signature = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_int64)
    return signature(address)(x, n)


def test_constants_and_calls_find_each_other() -> None:
    image = to_object(MIXED, host())
    assert is_image(image)
    code = load(image, ["main"])
    for n in range(4):
        expected = (2.0**n + 1.5) ** 2 % 1000
        assert call(code["main"], 3.0, n) == expected


def test_an_image_can_lie_at_several_places() -> None:
    image = to_object(MIXED, host())
    (first, _), (second, _) = loaded = [put_in_memory(image) for _ in range(2)]
    assert len(loaded) == 2
    assert first["main"] != second["main"]
    assert first["main"] % 4096 == second["main"] % 4096
    assert call(first["main"], 3.0, 2) == call(second["main"], 3.0, 2) == 30.25


def test_a_system_that_forbids_new_code_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    image = to_object(MIXED, host())
    monkeypatch.setattr(mmap, "PROT_EXEC", -1)
    with pytest.raises(FathomError, match=r"machine code .*; eager mode works"):
        put_in_memory(image)


def test_what_is_in_memory_cannot_be_written() -> None:
    code = load(to_object(MIXED, host()), ["main"])
    with open("/proc/self/maps") as file:
        for line in file:
            start, stop = (int(bound, 16) for bound in line.split()[0].split("-"))
            if start <= code["main"] < stop:
                assert line.split()[1] == "r-xp"
                break
        else:
            pytest.fail("the code is nowhere")


def test_llvm_links_what_is_more_than_code_and_constants() -> None:
    object_code = to_object(COUNTER, host())
    assert not is_image(object_code)
    with pytest.raises(Unlinkable):
        linked(object_code)
    code = load(object_code, ["next"])
    count = ctypes.CFUNCTYPE(ctypes.c_int64)(code["next"])
    assert [count() for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("file", [b"", b"\x7fELF\x01\x01", b"MZ" + bytes(100), bytes(64)])
def test_other_files_are_left_to_llvm(file: bytes) -> None:
    with pytest.raises(Unlinkable):
        linked(file)


def test_running_from_the_cache_does_not_load_llvm(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FATHOM_CACHE", str(tmp_path))
    code = (
        "import sys\nfrom fathom.runtime.executor import Program\n"
        "Program(1, []).segment().run()\nprint('llvmlite' in sys.modules)"
    )
    printed = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert [done.stdout for done in printed] == ["True\n", "False\n"]


@pytest.mark.parametrize(
    "target",
    [
        Target("x86_64-unknown-linux-gnu", "x86-64", "+sse2", 16, 16),
        Target("x86_64-unknown-linux-gnu", "", "", 64, 32),
        Target("x86_64-unknown-linux-gnu", "haswell", "", 32, 16),
    ],
)
def test_code_for_lesser_processors_gives_the_same(target: Target) -> None:
    code = load(to_object(MIXED, target), ["main"])
    assert call(code["main"], 3.0, 2) == 30.25


def test_this_machine_is_known_as_llvm_knows_it() -> None:
    target = host()
    assert target.processor == NATIVE
    features = llvm().get_host_cpu_features()
    expected = 64 if features["avx512f"] else 32 if features["avx"] else 16
    assert target.vector_bytes == expected
    assert target.triple.split("-")[0] == llvm().get_process_triple().split("-")[0]
    assert target.lanes(4) == expected // 4


def test_where_the_system_does_not_say_llvm_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "_described_by_linux", lambda: None)
    target = host.__wrapped__()
    assert target.vector_bytes == host().vector_bytes
    code = load(to_object(MIXED, target), ["main"])
    assert call(code["main"], 3.0, 2) == 30.25


def test_an_unknown_processor_gets_narrow_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> None:
        raise RuntimeError("failed to get host cpu features")

    monkeypatch.setattr(targets, "_described_by_linux", lambda: None)
    monkeypatch.setattr(llvm(), "get_host_cpu_features", unknown)
    target = host.__wrapped__()
    assert (target.processor, target.vector_bytes) == ("", 16)
    code = load(to_object(MIXED, target), ["main"])
    assert call(code["main"], 3.0, 2) == 30.25
