"""Describes a matrix product in another way that gives the same numbers, but faster."""

from dataclasses import replace

from .kernel import Access, Position, accesses, rewritten
from .matmul import MatMulKernel
from .target import Target, host


def oriented(kernel: MatMulKernel, target: Target | None = None) -> MatMulKernel:
    """The fastest description of a product: with fewer batch dimensions, or transposed.

    Args:
        kernel: the product.
        target: the processor to choose for; this one if not given.
    """
    target = target or host()
    kernel = with_merged_batch(kernel)
    other = with_merged_batch(transposed(kernel))
    return other if other.cycles(target) < kernel.cycles(target) else kernel


def transposed(kernel: MatMulKernel) -> MatMulKernel:
    """The product with rows and columns exchanged: second^T @ first^T."""
    axes = len(kernel.batch)

    def exchanged(access: Access) -> Access:
        *batch, row, column = access.strides
        return replace(access, strides=(*batch, column, row))

    def position(action: Position) -> Position:
        axis = action.axis
        return replace(action, axis=axis if axis < axes else 2 * axes + 1 - axis)

    return replace(
        kernel,
        rows=kernel.columns,
        columns=kernel.rows,
        first=exchanged(kernel.second),
        second=exchanged(kernel.first),
        body=rewritten(kernel.body, exchanged, position),
    )


def with_merged_batch(kernel: MatMulKernel) -> MatMulKernel:
    """The product with the dimensions of the batch that can be joined made one.

    The last of them can become part of the rows where all products have the second matrix in
    common, as for a linear layer applied to a batch of sequences.
    """
    for axis in reversed(range(len(kernel.batch))):
        if _may_merge(kernel, axis):
            kernel = _with_merged(kernel, axis)
    return kernel


def _may_merge(kernel: MatMulKernel, axis: int) -> bool:
    """Whether a dimension of the batch and the one behind it are walked through as one."""
    sizes = (*kernel.batch, kernel.rows)
    inside = axis + 1 < len(kernel.batch)
    walked = [kernel.first, *accesses(kernel.body), *([kernel.second] if inside else [])]
    actions = (instruction.action for instruction in kernel.body.instructions)
    if any(isinstance(action, Position) and action.axis in (axis, axis + 1) for action in actions):
        return False
    if not inside and sizes[axis] > 1 and kernel.second.strides[axis] != 0:
        return False
    return 1 in sizes[axis : axis + 2] or all(
        access.strides[axis] == sizes[axis + 1] * access.strides[axis + 1] for access in walked
    )


def _with_merged(kernel: MatMulKernel, axis: int) -> MatMulKernel:
    sizes = [*kernel.batch, kernel.rows]
    inside = axis + 1 < len(kernel.batch)
    # The one that is walked through with the smaller stride gives the stride.
    gone = axis + 1 if sizes[axis + 1] == 1 else axis
    sizes[axis : axis + 2] = [sizes[axis] * sizes[axis + 1]]

    def joined(access: Access, gone: int = gone) -> Access:
        return replace(access, strides=access.strides[:gone] + access.strides[gone + 1 :])

    return replace(
        kernel,
        batch=tuple(sizes[:-1]),
        rows=sizes[-1],
        first=joined(kernel.first),
        second=joined(kernel.second, gone if inside else axis),
        body=rewritten(
            kernel.body, joined, lambda other: replace(other, axis=other.axis - (other.axis > axis))
        ),
    )
