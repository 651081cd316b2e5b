"""Operations that move elements without computing: most are free views of the operand."""

import math
from dataclasses import dataclass

import numpy as np

from .errors import ShapeError
from .op import Array, Op, Operand, Shape, Spec, broadcast_shapes


class Movement(Op):
    """An operation whose result is the operand's memory read with other strides."""

    is_view = True


@dataclass(unsafe_hash=True)
class Reshape(Movement):
    """The same elements in row-major order under another shape."""

    shape: Shape

    def infer(self, x: Spec) -> Spec:
        if math.prod(x.shape) != math.prod(self.shape):
            raise ShapeError(
                f"Reshape: shape {x.shape} has {math.prod(x.shape)} elements, "
                f"shape {self.shape} has {math.prod(self.shape)}"
            )
        return Spec(self.shape, x.dtype)

    def evaluate(self, x: Array) -> Array:
        return x.reshape(self.shape)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return Reshape(tuple(x.shape))(grad)


@dataclass(unsafe_hash=True)
class Permute(Movement):
    """The axes in another order; `order` holds each of them once."""

    order: tuple[int, ...]

    def infer(self, x: Spec) -> Spec:
        if sorted(self.order) != list(range(len(x.shape))):
            raise ShapeError(f"Permute: {self.order} is not an order of the axes of {x.shape}")
        return Spec(tuple(x.shape[axis] for axis in self.order), x.dtype)

    def evaluate(self, x: Array) -> Array:
        return x.transpose(self.order)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return Permute(tuple(sorted(range(len(self.order)), key=self.order.__getitem__)))(grad)


@dataclass(unsafe_hash=True)
class Expand(Movement):
    """Axes of size 1, and new ones in front, repeated to `shape`."""

    shape: Shape

    def infer(self, x: Spec) -> Spec:
        if broadcast_shapes("Expand", [x.shape, self.shape]) != self.shape:
            raise ShapeError(f"Expand: shape {x.shape} cannot grow to {self.shape}")
        return Spec(self.shape, x.dtype)

    def evaluate(self, x: Array) -> Array:
        if x.size == 1:
            # Every loss has this case in its gradient; it is ten times as fast this way.
            return np.ndarray(self.shape, x.dtype, x, strides=(0,) * len(self.shape))
        return np.broadcast_to(x, self.shape)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad  # the backward walk sums it to the operand's shape


@dataclass(unsafe_hash=True)
class Flip(Op):
    """The elements along `axes` in reverse."""

    axes: tuple[int, ...]

    def infer(self, x: Spec) -> Spec:
        return x

    def evaluate(self, x: Array) -> Array:
        return np.flip(x, self.axes)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return Flip(self.axes)(grad)


@dataclass(unsafe_hash=True)
class Diagonal(Movement):
    """The diagonals of the matrices in the last two axes; `offset` counts upwards."""

    offset: int

    def infer(self, x: Spec) -> Spec:
        rows, columns = x.shape[-2:]
        length = min(rows, columns - self.offset, columns, rows + self.offset)
        return Spec((*x.shape[:-2], max(length, 0)), x.dtype)

    def evaluate(self, x: Array) -> Array:
        return x.diagonal(self.offset, -2, -1)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return PlaceDiagonal(self.offset, *x.shape[-2:])(grad)


@dataclass(unsafe_hash=True)
class PlaceDiagonal(Op):
    """Matrices of zeros, `rows` by `columns`, with the operand on a diagonal."""

    offset: int
    rows: int
    columns: int

    def infer(self, x: Spec) -> Spec:
        shape = (*x.shape[:-1], self.rows, self.columns)
        expected = Diagonal(self.offset).infer(Spec(shape, x.dtype)).shape
        if x.shape != expected:
            raise ShapeError(
                f"PlaceDiagonal: vectors of {x.shape[-1]} elements for a diagonal of {expected[-1]}"
            )
        return Spec(shape, x.dtype)

    def evaluate(self, x: Array) -> Array:
        value = np.zeros((*x.shape[:-1], self.rows, self.columns), x.dtype)
        row, column = max(-self.offset, 0), max(self.offset, 0)
        along = np.arange(x.shape[-1])
        value[..., row + along, column + along] = x
        return value

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return Diagonal(self.offset)(grad)


@dataclass(unsafe_hash=True)
class Slice(Movement):
    """From `starts` up to `stops` in `steps` (all positive), one of each for every axis."""

    starts: tuple[int, ...]
    stops: tuple[int, ...]
    steps: tuple[int, ...]

    @property
    def index(self) -> tuple[slice, ...]:
        """The slices that NumPy takes."""
        return tuple(map(slice, self.starts, self.stops, self.steps))

    def infer(self, x: Spec) -> Spec:
        if len(x.shape) != len(self.starts):
            raise ShapeError(f"Slice: {len(self.starts)} slices for a value of shape {x.shape}")
        ranges = zip(x.shape, self.index, strict=True)
        return Spec(tuple(len(range(*part.indices(size))) for size, part in ranges), x.dtype)

    def evaluate(self, x: Array) -> Array:
        return x[self.index]

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return Place(tuple(x.shape), self)(grad)


@dataclass(unsafe_hash=True)
class Place(Op):
    """Zeros of `shape` in which the operand fills a slice."""

    shape: Shape
    where: Slice

    def infer(self, x: Spec) -> Spec:
        expected = self.where.infer(Spec(self.shape, x.dtype)).shape
        if x.shape != expected:
            raise ShapeError(f"Place: a value of shape {x.shape} for a slice of shape {expected}")
        return Spec(self.shape, x.dtype)

    def evaluate(self, x: Array) -> Array:
        value = np.zeros(self.shape, x.dtype)
        value[self.where.index] = x
        return value

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return self.where(grad)


@dataclass(unsafe_hash=True)
class AssignSlice(Op):
    """The first operand with a slice replaced by the second, which is broadcast to it."""

    where: Slice

    def infer(self, x: Spec, value: Spec) -> Spec:
        target = self.where.infer(x).shape
        if broadcast_shapes("Assignment", [target, value.shape]) != target:
            raise ShapeError(
                f"Assignment: a value of shape {value.shape} does not fit into the "
                f"selected part of shape {target}"
            )
        return x

    def evaluate(self, x: Array, value: Array) -> Array:
        result = x.copy()
        result[self.where.index] = value
        return result

    def gradient(
        self, operand: int, grad: Operand, output: Operand, x: Operand, value: Operand
    ) -> Operand:
        if operand == 1:
            return self.where(grad)
        nothing = np.zeros((), np.dtype(grad.dtype))
        return AssignSlice(self.where)(grad, nothing)


@dataclass(unsafe_hash=True)
class Concatenate(Op):
    """The operands one after the other along an axis."""

    axis: int

    def infer(self, *operands: Spec) -> Spec:
        first = operands[0].shape
        for operand in operands[1:]:
            fits = len(operand.shape) == len(first) and all(
                axis == self.axis or size == other
                for axis, (size, other) in enumerate(zip(operand.shape, first, strict=True))
            )
            if not fits:
                raise ShapeError(
                    f"Concatenate: shapes {first} and {operand.shape} differ in a dimension "
                    f"other than {self.axis}"
                )
        size = sum(operand.shape[self.axis] for operand in operands)
        return Spec((*first[: self.axis], size, *first[self.axis + 1 :]), operands[0].dtype)

    def evaluate(self, *operands: Array) -> Array:
        return np.concatenate(operands, axis=self.axis)

    def gradient(self, operand: int, grad: Operand, output: Operand, *inputs: Operand) -> Operand:
        start = sum(value.shape[self.axis] for value in inputs[:operand])
        starts, stops = [0] * len(grad.shape), list(grad.shape)
        starts[self.axis], stops[self.axis] = start, start + inputs[operand].shape[self.axis]
        return Slice(tuple(starts), tuple(stops), (1,) * len(starts))(grad)
