"""How many bytes a step reads and writes at least."""

import math
from collections.abc import Iterator

from ..ops import Shape
from .convolution import ConvolutionKernel
from .kernel import Access, Load, LoadAt
from .loops import LoopKernel
from .matmul import MatMulKernel
from .plan import Step


def bytes_moved(step: Step) -> int:
    """How many bytes a step reads and writes, if it touches each element that it needs once."""
    return sum(elements * step.operands[buffer].dtype.itemsize for buffer, elements in _moved(step))


def _moved(step: Step) -> Iterator[tuple[int, int]]:
    """The numbers of buffers, each with how many of its elements are read or written."""
    kernel = step.kernel
    if not isinstance(kernel, LoopKernel | MatMulKernel | ConvolutionKernel):
        count = len(step.operands) if kernel is None else len(kernel.buffers)
        yield from ((number, step.operands[number].size) for number in range(count))
        return
    read: dict[int, int] = {}
    shape = kernel.shape
    if isinstance(kernel, ConvolutionKernel):
        # Windows overlap: no element is read more often than it is there.
        for access, sizes in (
            (kernel.first, (kernel.groups, *kernel.rows, *kernel.inner, kernel.columns)),
            (kernel.second, (kernel.groups, *kernel.inner, kernel.columns)),
        ):
            read[access.buffer] = _reached(access, sizes)
    if isinstance(kernel, MatMulKernel):
        factors = (
            (kernel.first, (*kernel.batch, kernel.rows, kernel.inner)),
            (kernel.second, (*kernel.batch, kernel.inner, kernel.columns)),
        )
        for factor, sizes in factors:
            read[factor.buffer] = _reached(factor, sizes)
    for instruction in kernel.body.instructions:
        match instruction.action:
            case Load(access):
                read[access.buffer] = read.get(access.buffer, 0) + _reached(access, shape)
            case LoadAt(access):
                read[access.buffer] = read.get(access.buffer, 0) + math.prod(shape)
    for buffer, elements in read.items():
        yield buffer, min(elements, step.operands[buffer].size)
    for store in kernel.body.stores:
        yield store.access.buffer, _reached(store.access, shape)


def _reached(access: Access, shape: Shape) -> int:
    """How many elements an access meets in a space."""
    return math.prod(
        size for size, stride in zip(shape, access.strides, strict=True) if stride != 0
    )
