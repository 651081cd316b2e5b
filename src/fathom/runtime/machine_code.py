"""From LLVM's intermediate representation to functions that can be called."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any

from ..compiler.target import NATIVE, Target, llvm, native_processor
from ..errors import FathomError
from .linker import Unlinkable, is_image, linked, put_in_memory

_SPEED_LEVEL = 2


class CompileError(FathomError, RuntimeError):
    """LLVM rejects what a kernel wrote: a bug of the compiler."""


class Code:
    """Loaded machine code; its functions can be called as long as this object lives.

    Attributes:
        addresses: where each function starts.
    """

    def __init__(self, addresses: dict[str, int], owner: object) -> None:
        self.addresses = addresses
        self._owner = owner

    def __getitem__(self, name: str) -> int:
        return self.addresses[name]


def to_object(text: str, target: Target) -> bytes:
    """Compile a module to what `load` takes.

    Args:
        text: the module, in LLVM's intermediate representation.
        target: the processor to compile for.

    Raises:
        CompileError: the module is not valid.
    """
    with _optimized(text, target) as (module, machine):
        object_code = bytes(machine.emit_object(module))
    try:
        return linked(object_code)
    except Unlinkable:
        return object_code


def assembly(text: str, target: Target) -> str:
    """What `to_object` makes of a module, in assembly language."""
    with _optimized(text, target) as (module, machine):
        return str(machine.emit_assembly(module))


def optimized(text: str, target: Target) -> str:
    """A module after LLVM's optimizations."""
    with _optimized(text, target) as (module, _):
        return str(module)


def load(code: bytes, names: Sequence[str]) -> Code:
    """Make code callable in this process.

    Args:
        code: what `to_object` gave, now or in an earlier process.
        names: the functions whose addresses are wanted.
    """
    if is_image(code):
        addresses, owner = put_in_memory(code)
    else:
        addresses, owner = _linked_by_llvm(code, names)
    return Code({name: addresses[name] for name in names}, owner)


def _linked_by_llvm(object_code: bytes, names: Sequence[str]) -> tuple[dict[str, int], object]:
    library = llvm().JITLibraryBuilder().add_object_img(object_code).add_current_process()
    for name in names:
        library.export_symbol(name)
    tracker = library.link(_linker(), f"code{next(_numbers)}")
    return {name: tracker[name] for name in names}, tracker


_numbers = count()


@cache
def _linker() -> Any:
    return llvm().create_lljit_compiler()


@contextmanager
def _optimized(text: str, target: Target) -> Iterator[tuple[Any, Any]]:
    """A module after LLVM's optimizations, and what writes its code."""
    library, machine = llvm(), _machine(target)
    try:
        module = library.parse_assembly(text, library.create_context())
        module.verify()
    except RuntimeError as error:
        raise CompileError(str(error)) from error
    with module:
        options = library.create_pipeline_tuning_options(speed_level=_SPEED_LEVEL)
        # Kernels say themselves what is a vector and how far a loop is unrolled.
        options.loop_vectorization = False
        options.slp_vectorization = False
        options.loop_unrolling = False
        builder = library.create_pass_builder(machine, options)
        passes = builder.getModulePassManager()
        passes.run(module, builder)
        yield module, machine


@cache
def _machine(target: Target) -> Any:
    """What writes code for a processor."""
    processor, features = target.processor, target.features
    if processor == NATIVE:
        processor, features = native_processor()
    return (
        llvm()
        .Target.from_triple(target.triple)
        .create_target_machine(
            cpu=processor,
            features=features,
            opt=_SPEED_LEVEL,
            reloc="pic",
            codemodel="small",
        )
    )
