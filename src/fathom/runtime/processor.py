"""What threads ask of a processor, each kind of which has instructions of its own for it."""

from ..compiler.emitter import Emitter, Value, index, number

_FLUSH_ON_X86 = 0x8040  # FTZ and DAZ: results and operands
_FLUSH_ON_ARM = 1 << 24  # FZ


def pause(emitter: Emitter) -> None:
    """Tell the processor that this thread only waits."""
    if _is_x86(emitter):
        emitter.call("llvm.x86.sse2.pause", "void")
    elif _is_arm(emitter):
        emitter.call("llvm.aarch64.hint", "void", number(1, "i32"))


def flush_denormals(emitter: Emitter) -> Value:
    """Let denormal numbers count as zero from here on; gives what `restore_denormals` takes."""
    if _is_x86(emitter):
        state = emitter.variable(number(0, "i32"))
        emitter.call("llvm.x86.sse.stmxcsr", "void", state.place)
        before = emitter.read(state)
        emitter.assign(state, emitter.bits("or", before, number(_FLUSH_ON_X86, "i32")))
        emitter.call("llvm.x86.sse.ldmxcsr", "void", state.place)
        return before
    if _is_arm(emitter):
        before = emitter.call("llvm.aarch64.get.fpcr", "i64")
        flushing = emitter.bits("or", before, index(_FLUSH_ON_ARM))
        emitter.call("llvm.aarch64.set.fpcr", "void", flushing)
        return before
    return index(0)


def restore_denormals(emitter: Emitter, before: Value) -> None:
    """Let denormal numbers count as they did before `flush_denormals`."""
    if _is_x86(emitter):
        state = emitter.variable(before)
        emitter.call("llvm.x86.sse.ldmxcsr", "void", state.place)
    elif _is_arm(emitter):
        emitter.call("llvm.aarch64.set.fpcr", "void", before)


def _is_x86(emitter: Emitter) -> bool:
    return emitter.target.triple.startswith("x86_64")


def _is_arm(emitter: Emitter) -> bool:
    return emitter.target.triple.startswith(("aarch64", "arm64"))
