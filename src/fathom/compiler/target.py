"""The processor that code is made for: how wide its vectors are and how many it holds."""

from dataclasses import dataclass
from functools import cache

from ..errors import ArgumentError

# LLVM's names of vector features, with the width in bytes and the number of registers each
# brings, from the best to the least.
_FEATURES = (
    ("avx512f", 64, 32),
    ("avx", 32, 16),
    ("neon", 16, 32),
    ("sse2", 16, 16),
)


@dataclass(frozen=True)
class Target:
    """What the compiler has to know of a processor.

    Attributes:
        triple: LLVM's name of architecture and system.
        processor: LLVM's name of the processor.
        features: LLVM's list of features, such as ``+avx2,+fma``.
        vector_bytes: the width of a vector register.
        vector_registers: how many of them there are.
    """

    triple: str
    processor: str
    features: str
    vector_bytes: int
    vector_registers: int

    def lanes(self, itemsize: int) -> int:
        """How many elements of `itemsize` bytes a vector holds."""
        return max(self.vector_bytes // itemsize, 1)


@cache
def host() -> Target:
    """The processor this process runs on."""
    import llvmlite.binding as llvm

    features = dict(llvm.get_host_cpu_features())
    triple = llvm.get_process_triple()
    if triple.startswith(("aarch64", "arm64")):
        features["neon"] = True
    for feature, vector_bytes, registers in _FEATURES:
        if features.get(feature):
            flattened = llvm.get_host_cpu_features().flatten()
            return Target(triple, llvm.get_host_cpu_name(), flattened, vector_bytes, registers)
    raise ArgumentError(
        f"the processor {llvm.get_host_cpu_name()} has no vector unit that the compiler knows"
    )
