"""Operations that read and write elements at positions given by index tensors."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import IndexOutOfRange
from .op import Array, Op, Operand, Shape, Spec, broadcast_shapes


@dataclass(unsafe_hash=True)
class Index(Op):
    """Reads elements by index tensors, as NumPy's advanced indexing does.

    The operands are the value and one index tensor for each axis in `axes`; the index
    tensors broadcast against each other. The other axes are taken whole. Where the indexed
    axes lie side by side, the broadcast index shape takes their place; otherwise it comes
    first. Negative indices count from the end only where `wrap` is set.
    """

    axes: tuple[int, ...]
    wrap: bool = False

    def infer(self, x: Spec, *indices: Spec) -> Spec:
        shape = broadcast_shapes("Index", [index.shape for index in indices])
        rest = [size for axis, size in enumerate(x.shape) if axis not in self.axes]
        adjacent = self.axes == tuple(range(self.axes[0], self.axes[0] + len(self.axes)))
        front = self.axes[0] if adjacent else 0
        return Spec((*rest[:front], *shape, *rest[front:]), x.dtype)

    def index(self, shape: Shape, indices: tuple[Array, ...]) -> tuple[Any, ...]:
        """NumPy's index for a value of `shape`; raises where an index lies outside."""
        index: list[Any] = [slice(None)] * len(shape)
        for axis, positions in zip(self.axes, indices, strict=True):
            require_in_range(positions, shape[axis], axis, self.wrap)
            index[axis] = positions
        return tuple(index)

    def evaluate(self, x: Array, *indices: Array) -> Array:
        return x[self.index(x.shape, indices)]

    def gradient(
        self, operand: int, grad: Operand, output: Operand, x: Operand, *indices: Operand
    ) -> Operand:
        if operand > 0:
            return None
        return AddAtIndex(tuple(x.shape), self)(grad, *indices)


@dataclass(unsafe_hash=True)
class AddAtIndex(Op):
    """Zeros of `shape` to which the first operand is added at the positions of an `Index`."""

    shape: Shape
    where: Index

    def infer(self, values: Spec, *indices: Spec) -> Spec:
        target = self.where.infer(Spec(self.shape, values.dtype), *indices).shape
        broadcast_shapes("AddAtIndex", [target, values.shape])
        return Spec(self.shape, values.dtype)

    def evaluate(self, values: Array, *indices: Array) -> Array:
        result = np.zeros(self.shape, values.dtype)
        np.add.at(result, self.where.index(self.shape, indices), values)
        return result

    def gradient(
        self, operand: int, grad: Operand, output: Operand, values: Operand, *indices: Operand
    ) -> Operand:
        return self.where(grad, *indices) if operand == 0 else None


@dataclass(unsafe_hash=True)
class AssignIndex(Op):
    """The first operand with the positions of an `Index` replaced by the second.

    Where a position is named twice, the last value stays.
    """

    where: Index

    def infer(self, x: Spec, values: Spec, *indices: Spec) -> Spec:
        broadcast_shapes("Assignment", [self.where.infer(x, *indices).shape, values.shape])
        return x

    def evaluate(self, x: Array, values: Array, *indices: Array) -> Array:
        result = x.copy()
        result[self.where.index(x.shape, indices)] = values
        return result

    def gradient(
        self,
        operand: int,
        grad: Operand,
        output: Operand,
        x: Operand,
        values: Operand,
        *indices: Operand,
    ) -> Operand:
        if operand == 0:
            return AssignIndex(self.where)(grad, np.zeros((), np.dtype(grad.dtype)), *indices)
        return self.where(grad, *indices) if operand == 1 else None


def require_in_range(positions: Array, size: int, axis: int, wrap: bool) -> None:
    """Raise `IndexOutOfRange` where a position lies outside an axis of `size` elements."""
    if positions.size == 0:
        return
    lowest, highest = int(positions.min()), int(positions.max())
    floor = -size if wrap else 0
    if lowest < floor or highest >= size:
        wrong = lowest if lowest < floor else highest
        raise IndexOutOfRange(
            f"Index: {wrong} is out of range for dimension {axis} with {size} elements "
            f"(allowed: {floor} to {size - 1})"
        )
