"""The processor that code is made for: how wide its vectors are and how many it holds."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TextIO

from ..errors import MissingExtra

NATIVE = "native"

# LLVM's and Linux's names of vector units, with the width in bytes and the number of registers
# each brings, from the best to the least.
_UNITS = {
    "avx512f": (64, 32),
    "avx": (32, 16),
    "neon": (16, 32),
    "sse2": (16, 16),
}
# What fits any processor: LLVM takes wider vectors apart than there are.
_LEAST = (16, 16)
_OLDEST_LLVM = (20, 0, 0)  # the first that reads every constant as the emitter writes it
_LINUX_ON_X86 = "x86_64-unknown-linux-gnu"


@dataclass(frozen=True)
class Target:
    """What the compiler has to know of a processor.

    Attributes:
        triple: LLVM's name of architecture and system.
        processor: LLVM's name of the processor; `NATIVE` for that of this machine.
        features: LLVM's list of features, such as ``+avx2,+fma``; for a `NATIVE` processor what
            the system says of it, which tells machines apart.
        vector_bytes: the width of a vector register.
        vector_registers: how many of them there are.
        cores: how many processors share the work.
    """

    triple: str
    processor: str
    features: str
    vector_bytes: int
    vector_registers: int
    cores: int = 2

    def lanes(self, itemsize: int) -> int:
        """How many elements of `itemsize` bytes a vector holds."""
        return max(self.vector_bytes // itemsize, 1)


@cache
def llvm() -> Any:
    """LLVM, ready to write code for this machine.

    Raises:
        MissingExtra: llvmlite is missing or too old.
    """
    remedy = "install it with: pip install 'llvmlite>=0.45'; eager mode works without it"
    try:
        import llvmlite.binding as library  # type: ignore[import-untyped]
    except (ImportError, OSError) as error:
        raise MissingExtra(f"fathom.compile needs llvmlite: {remedy}") from error
    found = library.llvm_version_info
    if found < _OLDEST_LLVM:
        version = ".".join(map(str, found))
        raise MissingExtra(
            f"fathom.compile needs a newer llvmlite than one of LLVM {version}: {remedy}"
        )
    library.initialize_native_target()
    library.initialize_native_asmprinter()
    return library


@cache
def host() -> Target:
    """The processor this process runs on."""
    described = _described_by_linux()
    if described is not None:
        unit = _widest_unit(described.split())
        return Target(_LINUX_ON_X86, NATIVE, described, *unit, _cores())
    triple = llvm().get_process_triple()
    processor, features = native_processor()
    units = [feature[1:] for feature in features.split(",") if feature.startswith("+")]
    if triple.startswith(("aarch64", "arm64")):
        units.append("neon")
    return Target(triple, processor, features, *_widest_unit(units), _cores())


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def native_processor() -> tuple[str, str]:
    """LLVM's name of this machine's processor, and the list of its features."""
    try:
        return llvm().get_host_cpu_name(), llvm().get_host_cpu_features().flatten()
    except RuntimeError:  # LLVM does not know the kind
        return "", ""


def _widest_unit(units: list[str]) -> tuple[int, int]:
    """The width and the number of the registers of the best of the vector units."""
    return next((sizes for name, sizes in _UNITS.items() if name in units), _LEAST)


def _described_by_linux() -> str | None:
    """What Linux says of an x86-64 processor, asked because loading LLVM takes much longer."""
    if sys.platform != "linux" or os.uname().machine != "x86_64" or sys.maxsize < 2**32:
        return None
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            first = dict(_entries(file))
    except OSError:
        return None
    names = ("vendor_id", "cpu family", "model", "stepping", "flags")
    return " ".join(first.get(name, "") for name in names) if "flags" in first else None


def _entries(file: TextIO) -> Iterator[tuple[str, str]]:
    """Names and values of the first processor: the lines up to an empty one."""
    for line in file:
        name, colon, value = line.partition(":")
        if not colon:
            return
        yield name.strip(), value.strip()
