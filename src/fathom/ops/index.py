"""Operations that read and write elements at positions given by index tensors."""

import math
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import numpy as np

from .elementwise import Cast, Where
from .errors import IndexOutOfRange, ShapeError
from .layout import order_for
from .movement import Expand
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
        before, after = self.whole_axes(len(x.shape))
        front, back = ([x.shape[axis] for axis in axes] for axes in (before, after))
        return Spec((*front, *shape, *back), x.dtype)

    def whole_axes(self, rank: int) -> tuple[list[int], list[int]]:
        """The axes taken whole: those before the index shape in the result, those after it."""
        rest = [axis for axis in range(rank) if axis not in self.axes]
        first = self.axes[0]
        adjacent = self.axes == tuple(range(first, first + len(self.axes)))
        front = first if adjacent else 0
        return rest[:front], rest[front:]

    def require_in_range(self, shape: Shape, indices: tuple[Array, ...]) -> None:
        """Raise `IndexOutOfRange` where an index lies outside its axis."""
        for axis, positions in zip(self.axes, indices, strict=True):
            require_in_range(positions, shape, axis, self.wrap)

    def index(self, shape: Shape, indices: tuple[Array, ...]) -> tuple[Any, ...]:
        """NumPy's index for a value of `shape`; raises where an index lies outside."""
        self.require_in_range(shape, indices)
        index: list[Any] = [slice(None)] * len(shape)
        for axis, positions in zip(self.axes, indices, strict=True):
            index[axis] = positions
        return tuple(index)

    def flat_positions(self, shape: Shape, indices: tuple[Array, ...]) -> Array:
        """Where in a flat value of `shape` each element of the result lies."""
        self.require_in_range(shape, indices)
        strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        chosen: Any = 0
        for axis, positions in zip(self.axes, indices, strict=True):
            position = positions.astype(np.intp, copy=False)
            if self.wrap:
                position = np.where(position < 0, position + shape[axis], position)
            chosen = chosen + position * strides[axis]
        before, after = self.whole_axes(len(shape))
        front, back = (
            [np.arange(shape[axis]) * strides[axis] for axis in axes] for axes in (before, after)
        )
        return reduce(np.add.outer, [*front, chosen, *back])

    def evaluate(self, x: Array, *indices: Array) -> Array:
        if len(self.axes) == 1 and x.flags.c_contiguous:
            self.require_in_range(x.shape, indices)
            return np.take(x, indices[0], self.axes[0])
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
        require_broadcast_to("AddAtIndex", values.shape, target)
        return Spec(self.shape, values.dtype)

    def evaluate(self, values: Array, *indices: Array) -> Array:
        result = np.zeros(self.shape, values.dtype)
        accumulate(np.add, result, values, self.where, indices)
        return result

    def gradient(
        self, operand: int, grad: Operand, output: Operand, values: Operand, *indices: Operand
    ) -> Operand:
        return self.where(grad, *indices) if operand == 0 else None


@dataclass(unsafe_hash=True)
class Pick(Op):
    """Reads one element along an axis at each position of the other axes: a label's logit.

    The operands are the value and an index of the value's shape without the axis.
    """

    axis: int

    def infer(self, x: Spec, index: Spec) -> Spec:
        others = x.shape[: self.axis] + x.shape[self.axis + 1 :]
        if index.shape != others:
            raise ShapeError(
                f"Pick: a value of shape {x.shape} without dimension {self.axis} needs an index "
                f"of shape {others}, got {index.shape}"
            )
        return Spec(others, x.dtype)

    def evaluate(self, x: Array, index: Array) -> Array:
        require_in_range(index, x.shape, self.axis)
        return x[picked_positions(self.axis, index)]

    def gradient(
        self, operand: int, grad: Operand, output: Operand, x: Operand, index: Operand
    ) -> Operand:
        return PlacePicked(self.axis, x.shape[self.axis])(grad, index) if operand == 0 else None


@dataclass(unsafe_hash=True)
class PlacePicked(Op):
    """Zeros in which the first operand's elements lie where `Pick` reads with this index."""

    axis: int
    size: int

    def infer(self, picked: Spec, index: Spec) -> Spec:
        if index.shape != picked.shape:
            raise ShapeError(
                f"PlacePicked: values of shape {picked.shape} and an index of shape "
                f"{index.shape} need the same shape"
            )
        return Spec(self._shape(picked.shape), picked.dtype)

    def _shape(self, picked: Shape) -> Shape:
        return (*picked[: self.axis], self.size, *picked[self.axis :])

    def evaluate(self, picked: Array, index: Array) -> Array:
        shape = self._shape(picked.shape)
        result = np.zeros(shape, picked.dtype, order_for(shape, self.axis))
        result[picked_positions(self.axis, index)] = picked
        return result

    def gradient(
        self, operand: int, grad: Operand, output: Operand, picked: Operand, index: Operand
    ) -> Operand:
        return Pick(self.axis)(grad, index) if operand == 0 else None


def picked_positions(axis: int, index: Array) -> tuple[Array, ...]:
    """NumPy's index for the elements that `index` names along `axis`."""
    rank = index.ndim
    positions = [
        np.arange(size).reshape((size,) + (1,) * (rank - 1 - dim))
        for dim, size in enumerate(index.shape)
    ]
    return (*positions[:axis], index, *positions[axis:])


def accumulate(
    combine: np.ufunc, target: Array, values: Array, where: Index, indices: tuple[Array, ...]
) -> None:
    """Combine `values` into the positions of `where` in a row-major array, one after the other."""
    # Positions in a flat array, because only there `ufunc.at` is fast: six times as fast as
    # for rows of 128 numbers.
    positions = where.flat_positions(target.shape, indices)
    values = np.broadcast_to(values, positions.shape)
    combine.at(target.reshape(-1), positions.ravel(), values.ravel())


@dataclass(unsafe_hash=True)
class AssignIndex(Op):
    """The first operand with the positions of an `Index` replaced by the second.

    Where a position is named twice, the last value stays.
    """

    where: Index

    def infer(self, x: Spec, values: Spec, *indices: Spec) -> Spec:
        target = self.where.infer(x, *indices).shape
        require_broadcast_to("Assignment", values.shape, target)
        return x

    def evaluate(self, x: Array, values: Array, *indices: Array) -> Array:
        result = np.array(x, order="C")
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


class CombineAtIndex(Op):
    """The first operand, at the positions of an `Index` combined with the second, one by one."""

    where: Index
    combine: ClassVar[np.ufunc]

    def infer(self, x: Spec, values: Spec, *indices: Spec) -> Spec:
        target = self.where.infer(x, *indices).shape
        require_broadcast_to(self.name, values.shape, target)
        return x

    def evaluate(self, x: Array, values: Array, *indices: Array) -> Array:
        result = np.array(x, order="C")
        accumulate(self.combine, result, values, self.where, indices)
        return result


@dataclass(unsafe_hash=True)
class MultiplyAtIndex(CombineAtIndex):
    """The first operand, multiplied by the second at the positions of an `Index`."""

    where: Index
    combine: ClassVar[np.ufunc] = np.multiply

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
            ones = Expand(tuple(x.shape))(np.ones((), np.dtype(x.dtype)))
            return grad * self(ones, values, *indices)
        if operand > 1:
            return None
        # The product of the other factors: the whole product divided by the value, or where
        # the value is the only zero, the product without it.
        dtype = np.dtype(values.dtype)
        is_zero = values == 0
        zeros = AddAtIndex(tuple(x.shape), self.where)(Cast(dtype)(is_zero), *indices)
        only_zero = is_zero & (self.where(zeros, *indices) == 1)
        without_zeros = self(x, Where()(only_zero, np.ones((), dtype), values), *indices)
        divisor = Where()(is_zero, np.ones((), dtype), values)
        others = Where()(
            only_zero,
            self.where(without_zeros, *indices),
            self.where(output, *indices) / divisor,
        )
        return self.where(grad, *indices) * others


@dataclass(unsafe_hash=True)
class LargestAtIndex(CombineAtIndex):
    """The larger of the first operand and all that the second has at the positions of an `Index`.

    Equal largest elements share the gradient.
    """

    where: Index
    combine: ClassVar[np.ufunc] = np.maximum

    def gradient(
        self,
        operand: int,
        grad: Operand,
        output: Operand,
        x: Operand,
        values: Operand,
        *indices: Operand,
    ) -> Operand:
        if operand > 1:
            return None
        dtype = np.dtype(values.dtype)
        stayed = Cast(dtype)(x == output)
        chosen = Cast(dtype)(values == self.where(output, *indices))
        count = stayed + AddAtIndex(tuple(x.shape), self.where)(chosen, *indices)
        share = grad / count
        return stayed * share if operand == 0 else chosen * self.where(share, *indices)


class SmallestAtIndex(LargestAtIndex):
    """The smaller of the first operand and all that the second has at the positions of an `Index`.

    Equal smallest elements share the gradient.
    """

    combine: ClassVar[np.ufunc] = np.minimum


def require_broadcast_to(name: str, shape: Shape, target: Shape) -> None:
    """Raise `ShapeError` where a value of `shape` does not broadcast to `target`."""
    added = len(target) - len(shape)
    if added < 0 or any(
        size not in (1, larger) for size, larger in zip(shape, target[added:], strict=True)
    ):
        raise ShapeError(
            f"{name}: a value of shape {shape} does not fit into the selected part "
            f"of shape {target}"
        )


def require_in_range(positions: Array, shape: Shape, axis: int, wrap: bool = False) -> None:
    """Raise `IndexOutOfRange` where a position lies outside the axis of a value of `shape`."""
    size = shape[axis]
    # Seen as unsigned numbers, negative positions are large ones: one pass finds both.
    if positions.size == 0 or positions.astype(np.uint64, copy=False).max() < size:
        return
    floor = -size if wrap else 0
    lowest, highest = int(positions.min()), int(positions.max())
    if lowest < floor or highest >= size:
        wrong = lowest if lowest < floor else highest
        allowed = f"allowed: {floor} to {size - 1}" if size else "there are none"
        raise IndexOutOfRange(
            f"index {wrong} is out of range for dimension {axis} with {size} elements "
            f"of a value of shape {shape} ({allowed})"
        )
