"""The machine code of kernels: compiled once in a process, and kept on disk for the next."""

from collections.abc import Iterable, Sequence

from ..compiler.emitter import Emitter
from ..compiler.kernel import Kernel
from ..compiler.target import Target
from .cache import cached
from .machine_code import Code, load, to_object

# LLVM takes longer to get ready than to compile a kernel, so it is given some at a time; not
# all of a large program, because what is compiled together is found on disk together only.
_TOGETHER = 32

# What is compiled once stays: the addresses of kernels, and the code that they lie in.
_addresses: dict[tuple[Kernel, Target], int] = {}
_code: list[Code] = []


def compile_kernels(kernels: Iterable[Kernel], target: Target) -> dict[Kernel, int]:
    """The addresses of kernels, those compiled first that have not been yet."""
    kernels = list(dict.fromkeys(kernels))
    missing = [kernel for kernel in kernels if (kernel, target) not in _addresses]
    for first in range(0, len(missing), _TOGETHER):
        _compile(missing[first : first + _TOGETHER], target)
    return {kernel: _addresses[kernel, target] for kernel in kernels}


def _compile(kernels: Sequence[Kernel], target: Target) -> None:
    names = [f"kernel{number}" for number in range(len(kernels))]

    def build() -> bytes:
        emitter = Emitter(target)
        for kernel, name in zip(kernels, names, strict=True):
            kernel.emit(emitter, name)
        return to_object(emitter.text, target)

    code = load(cached(repr((kernels, target)), build), names)
    _code.append(code)
    for kernel, name in zip(kernels, names, strict=True):
        _addresses[kernel, target] = code[name]


def written(kernel: Kernel, target: Target) -> str:
    """A kernel in LLVM's language."""
    emitter = Emitter(target)
    kernel.emit(emitter, "kernel")
    return emitter.text
