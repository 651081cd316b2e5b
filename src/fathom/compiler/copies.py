"""Steps that copy a value from one buffer to another, or fill one."""

from .kernel import Access, Action, Body, DType, Instruction, Literal, Load, Store
from .loops import LoopKernel
from .plan import Buffer, Step
from .views import Layout


def copy_step(source: Buffer, read: Layout, target: Buffer, written: Layout) -> Step:
    """The step that copies what lies in `source` as `read` says to `target` as `written` says."""
    load = Load(Access(0, read.offset, read.strides))
    kernel = _kernel((source.dtype, target.dtype), load, written)
    return Step((source, target), frozenset((target,)), (), kernel)


def fill_step(number: float, target: Buffer, written: Layout) -> Step:
    """The step that fills what lies in `target` as `written` says with a number."""
    kernel = _kernel((target.dtype,), Literal(number), written)
    return Step((target,), frozenset((target,)), (), kernel)


def _kernel(buffers: tuple[DType, ...], action: Action, written: Layout) -> LoopKernel:
    store = Store(0, Access(len(buffers) - 1, written.offset, written.strides))
    body = Body((Instruction(action, buffers[-1]),), (store,))
    return LoopKernel(buffers, written.shape, (), body)
