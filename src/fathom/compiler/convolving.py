"""Convolutions and their gradients as sums of products over windows.

All are made for images without padding: see `margins`. The axes of every kernel's body are
those of the result: images, places and channels, or places in the kernel and channels; what a
body of the result's own axes does is rewritten for them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..ops import Convolution, ConvolutionWeightGradient, Op, Shape
from .convolution import ConvolutionKernel, simplified
from .kernel import Access, Body, DType, Kernel, Position, rewritten
from .margins import ConvolutionInputGradientInside
from .matmul import MatMulKernel
from .orientation import oriented
from .parts import ConvolutionWeightGradientInParts
from .phases import combinations, phases_along


@dataclass(frozen=True)
class Factor:
    """An operand: where it lies, and its shape.

    Attributes:
        access: with strides over its own axes.
        shape: its shape.
    """

    access: Access
    shape: Shape


def convolving(
    buffers: tuple[DType, ...], op: Op | None, first: Factor, second: Factor, body: Body
) -> Iterator[Kernel]:
    """The kernels of a convolution or one of its gradients.

    Args:
        buffers: see `Kernel`.
        op: what is computed.
        first, second: its operands.
        body: what follows, with strides over the axes of the result.
    """
    match op:
        case Convolution():
            yield convolution(buffers, op, first, second, body)
        case ConvolutionWeightGradient(convolution=inner, kernel=kernel):
            yield weight_gradient(buffers, inner, kernel, first, second, body)
        case ConvolutionWeightGradientInParts(whole=whole, parts=parts):
            inner, kernel = whole.convolution, whole.kernel
            yield weight_gradient(buffers, inner, kernel, first, second, body, parts)
        case ConvolutionInputGradientInside(convolution=inner, sizes=sizes, margins=margins):
            yield from input_gradient(buffers, inner, sizes, margins, first, second, body)
        case _:
            raise AssertionError(f"{op} is no convolution")


def convolution(
    buffers: tuple[DType, ...], op: Convolution, x: Factor, weight: Factor, body: Body
) -> Kernel:
    """The kernel of a convolution.

    Args:
        buffers: see `Kernel`.
        op: without padding.
        x: the images (N, C, *sizes).
        weight: (O, C / groups, *kernel).
        body: what follows, with strides over (N, O, *counts).
    """
    counts = op.windows(weight.shape).counts(x.shape[2:])
    batch, channel, *places = x.access.strides
    moves = [stride * step for stride, step in zip(places, op.stride, strict=True)]
    within = [stride * step for stride, step in zip(places, op.dilation, strict=True)]
    outputs, channels, *kernel = weight.shape
    to_output, to_channel, *to_place = weight.access.strides
    kind = _Groups(op.groups, channels, outputs // op.groups)
    return _kernel(
        buffers,
        (x.shape[0], *counts),
        kind,
        tuple(kernel),
        _Walk(x.access, (batch, *moves), tuple(within), channel, channels * channel),
        _Walk(weight.access, (), tuple(to_place), to_channel, kind.columns * to_output, to_output),
        _channels_behind(body),
    )


def input_gradient(
    buffers: tuple[DType, ...],
    op: Convolution,
    sizes: Shape,
    margins: tuple[tuple[int, int], ...],
    grad: Factor,
    weight: Factor,
    body: Body,
) -> Iterator[Kernel]:
    """The kernels of a convolution's gradient with respect to its images.

    Where a convolution has a stride, places that lie a stride apart see the same elements of
    its kernel, and those between them others: each kind has a kernel of its own.

    Args:
        buffers: see `Kernel`.
        op: the convolution, with its padding.
        sizes: of the images.
        margins: how many zeros stand before and after the gradient along each dimension.
        grad: the gradient (N, O, *counts) with its margins.
        weight: (O, C / groups, *kernel).
        body: what follows, with strides over (N, C, *sizes).
    """
    outputs, channels, *kernel = weight.shape
    batch, channel, *places = grad.access.strides
    to_output, to_channel, *to_place = weight.access.strides
    kind = _Groups(op.groups, outputs // op.groups, channels)
    body = _channels_behind(body)
    parts = [
        list(phases_along(size, length, *rest))
        for size, length, *rest in zip(
            sizes, kernel, op.stride, op.dilation, op.padding, margins, strict=True
        )
    ]
    for phases in combinations(parts):
        begin = sum(phase.grad * stride for phase, stride in zip(phases, places, strict=True))
        at_kernel = sum(
            phase.kernel * stride for phase, stride in zip(phases, to_place, strict=True)
        )
        within = tuple(
            -phase.grad_step * stride for phase, stride in zip(phases, places, strict=True)
        )
        to_next = tuple(
            phase.kernel_step * stride for phase, stride in zip(phases, to_place, strict=True)
        )
        first = replace(grad.access, offset=grad.access.offset + begin)
        second = replace(weight.access, offset=weight.access.offset + at_kernel)
        yield _kernel(
            buffers,
            (grad.shape[0], *(phase.places for phase in phases)),
            kind,
            tuple(phase.taps for phase in phases),
            _Walk(first, (batch, *places), within, channel, kind.inner * channel),
            _Walk(second, (), to_next, to_output, kind.inner * to_output, to_channel),
            _every(body, [(phase.start, op.stride[axis]) for axis, phase in enumerate(phases)]),
        )


def weight_gradient(
    buffers: tuple[DType, ...],
    op: Convolution,
    kernel: Shape,
    x: Factor,
    grad: Factor,
    body: Body,
    parts: int = 1,
) -> Kernel:
    """The kernel of a convolution's gradient with respect to its weight.

    Args:
        buffers: see `Kernel`.
        op: without padding.
        kernel: the weight's spatial sizes.
        x: the images (N, C, *sizes).
        grad: the gradient of the result (N, O, *counts).
        body: what follows, with strides over (O, C / groups, *kernel), after one over the parts
            if there are several.
        parts: how many parts of the batch there are, each with a gradient of its own. Only a
            convolution of one group, or of one for each channel, is divided.
    """
    batch, channel, *places = x.access.strides
    grad_batch, grad_channel, *grad_places = grad.access.strides
    channels, outputs = x.shape[1] // op.groups, grad.shape[1] // op.groups
    moves = [stride * step for stride, step in zip(places, op.stride, strict=True)]
    within = [stride * step for stride, step in zip(places, op.dilation, strict=True)]
    images = x.shape[0] // parts
    inner = (images, *grad.shape[2:])
    is_depthwise = channels == outputs == 1 < op.groups
    rank = len(kernel)
    # The weight's axes (O, C, *kernel) become (*kernel, C, O), or (*kernel, O) where each
    # channel has a kernel of its own.
    if parts > 1:
        body = _with_parts_beside(body)
    order = [*range(2, rank + 2), *([] if is_depthwise else [1]), 0]
    body = _reordered(body, order)
    groups = parts if parts > 1 else op.groups
    to_next = (channels * channel, outputs * grad_channel)
    if parts > 1:
        to_next = (images * batch, images * grad_batch)
    if is_depthwise:
        return _finished(
            ConvolutionKernel(
                buffers,
                parts,
                kernel,
                op.groups,
                inner,
                _with(x.access, images * batch, *within, batch, *moves, channel),
                _with(grad.access, images * grad_batch, grad_batch, *grad_places, grad_channel),
                body,
            )
        )
    return _finished(
        ConvolutionKernel(
            buffers,
            groups,
            (*kernel, channels),
            outputs,
            inner,
            _with(x.access, to_next[0], *within, channel, batch, *moves, 0),
            _with(grad.access, to_next[1], grad_batch, *grad_places, grad_channel),
            body,
        )
    )


@dataclass(frozen=True)
class _Groups:
    """How channels fall into groups.

    Attributes:
        count: how many groups there are.
        inner: how many channels of each are summed over.
        columns: how many of the result each has.
    """

    count: int
    inner: int
    columns: int

    @property
    def is_depthwise(self) -> bool:
        """Whether each channel is a group of its own."""
        return self.inner == self.columns == 1 < self.count


@dataclass(frozen=True)
class _Walk:
    """How a factor is walked through.

    Attributes:
        access: where it begins.
        rows: the strides along the rows.
        taps: the strides along the places within a window.
        channel: the stride along the channels that are summed over.
        group: the stride from one group to the next.
        column: the stride along the columns.
    """

    access: Access
    rows: tuple[int, ...]
    taps: tuple[int, ...]
    channel: int
    group: int
    column: int = 0


def _kernel(
    buffers: tuple[DType, ...],
    rows: Shape,
    kind: _Groups,
    taps: Shape,
    first: _Walk,
    second: _Walk,
    body: Body,
) -> Kernel:
    if kind.is_depthwise:
        return _finished(
            ConvolutionKernel(
                buffers,
                1,
                rows,
                kind.count,
                taps,
                _with(first.access, 0, *first.rows, *first.taps, first.group),
                _with(second.access, 0, *second.taps, second.group),
                body,
            )
        )
    return _finished(
        ConvolutionKernel(
            buffers,
            kind.count,
            rows,
            kind.columns,
            (*taps, kind.inner),
            _with(first.access, first.group, *first.rows, *first.taps, first.channel, 0),
            _with(second.access, second.group, *second.taps, second.channel, second.column),
            body,
        )
    )


def _with(access: Access, *strides: int) -> Access:
    return replace(access, strides=strides)


def _finished(kernel: ConvolutionKernel) -> Kernel:
    """The kernel in its simplest form: one of matrices where windows are single places."""
    kernel = simplified(kernel)
    is_matrix = len(kernel.rows) == len(kernel.inner) == 1 and kernel.first.strides[-1] == 0
    if not is_matrix or kernel.groups > 1 or kernel.is_empty:
        return kernel
    return oriented(
        MatMulKernel(
            kernel.buffers,
            (),
            kernel.rows[0],
            kernel.columns,
            kernel.inner[0],
            _with(kernel.first, *kernel.first.strides[1:-1]),
            _with(kernel.second, *kernel.second.strides[1:]),
            kernel.body,
        )
    )


# Bodies


def _reordered(body: Body, order: list[int]) -> Body:
    """A body whose axes are those of another one in another order."""
    return rewritten(
        body,
        lambda access: _with(access, *(access.strides[axis] for axis in order)),
        lambda position: replace(position, axis=order.index(position.axis)),
    )


def _with_parts_beside(body: Body) -> Body:
    """A body over (parts, O, C, *kernel) as one over (parts * O, C, *kernel)."""

    def access(old: Access) -> Access:
        _, output, *rest = old.strides
        return _with(old, output, *rest)

    return rewritten(body, access, lambda position: position)


def _channels_behind(body: Body) -> Body:
    """A body over (N, C, *sizes) as one over (N, *sizes, C)."""
    rank = len(body.stores[0].access.strides)
    return _reordered(body, [0, *range(2, rank), 1])


def _every(body: Body, parts: list[tuple[int, int]]) -> Body:
    """A body over (N, *sizes, C) at some of the places only: from `start` on, every `step`."""

    def access(old: Access) -> Access:
        batch, *places, channel = old.strides
        begin = sum(start * stride for (start, _), stride in zip(parts, places, strict=True))
        steps = [step * stride for (_, step), stride in zip(parts, places, strict=True)]
        return Access(old.buffer, old.offset + begin, (batch, *steps, channel))

    def position(old: Position) -> Position:
        if not 1 <= old.axis <= len(parts):
            return old
        start, step = parts[old.axis - 1]
        return replace(old, stride=old.stride * step, offset=old.offset + old.stride * start)

    return rewritten(body, access, position)
