"""Text becomes machine code that can be called."""

import ctypes
import sys

import numpy as np
import pytest

from fathom.compiler.emitter import Emitter, index, number
from fathom.compiler.target import Target, host, llvm
from fathom.errors import FathomError
from fathom.runtime.machine_code import CompileError, assembly, load, optimized, to_object
from fathom.runtime.steps import emit_steps
from fathom.runtime.team import emit_team


def doubling(name: str = "double") -> str:
    """A function that doubles the first `count` float64 of an array."""
    emitter = Emitter(host())
    signature = (("array", "ptr"), ("count", "i64"))
    with (
        emitter.function(name, signature) as (array, count),
        emitter.loop(index(0), count) as i,
    ):
        place = emitter.address(array, "double", i)
        twice = emitter.multiply(emitter.load("double", place), number(2, "double"))
        emitter.store(twice, place)
    return emitter.text


def test_object_code_is_loaded_and_called() -> None:
    code = load(to_object(doubling(), host()), ["double"])
    array = np.arange(5.0)
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(code["double"])
    function(array.ctypes.data, 4)
    assert array.tolist() == [0, 2, 4, 6, 4]


def test_two_modules_with_the_same_names_live_side_by_side() -> None:
    object_code = to_object(doubling(), host())
    first, second = load(object_code, ["double"]), load(object_code, ["double"])
    assert first["double"] != second["double"]


def test_functions_of_the_c_library_can_be_called() -> None:
    emitter = Emitter(host())
    with emitter.function("rest", (("a", "double"), ("b", "double")), "double") as (a, b):
        emitter.give(emitter.remainder(a, b))
    code = load(to_object(emitter.text, host()), ["rest"])
    rest = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_double)(code["rest"])
    assert rest(7.5, 2.0) == 1.5


def test_explaining_shows_optimized_text_and_assembly() -> None:
    assert "phi" in optimized(doubling(), host())
    assert "double:" in assembly(doubling(), host())


def test_the_runtime_can_be_written_for_arm() -> None:
    llvm().initialize_all_targets()
    llvm().initialize_all_asmprinters()
    target = Target("aarch64-unknown-linux-gnu", "generic", "+neon", 16, 32)
    emitter = Emitter(target)
    emit_team(emitter)
    emit_steps(emitter)
    written = assembly(emitter.text, target).lower()
    assert all(word in written for word in ("yield", "fpcr", "ldar"))


def test_what_llvm_rejects_is_reported() -> None:
    with pytest.raises(CompileError, match="expected"):
        to_object("define nonsense", host())


def test_a_missing_llvmlite_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    llvm.cache_clear()
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    with pytest.raises(FathomError, match="pip install 'llvmlite"):
        llvm()


def test_an_old_llvmlite_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    library = llvm()
    llvm.cache_clear()
    monkeypatch.setattr(library, "llvm_version_info", (15, 0, 7))
    with pytest.raises(FathomError, match=r"LLVM 15\.0\.7"):
        llvm()
