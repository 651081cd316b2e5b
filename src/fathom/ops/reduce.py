"""Operations that combine the elements along axes."""

from dataclasses import dataclass

import numpy as np

from .elementwise import Cast
from .errors import NoElements
from .movement import Expand, Flip, Reshape
from .op import Array, Op, Operand, Shape, Spec


@dataclass(unsafe_hash=True)
class Reduction(Op):
    """An operation that combines all elements along `axes` (not negative) into one."""

    axes: tuple[int, ...]
    keepdims: bool = False

    def infer(self, x: Spec) -> Spec:
        return Spec(reduced_shape(x.shape, self.axes, self.keepdims), x.dtype)

    def restore(self, value: Operand, shape: Shape) -> Operand:
        """A reduced value spread again over the shape it was reduced from."""
        if not self.keepdims and len(self.axes) < len(shape):
            value = Reshape(reduced_shape(shape, self.axes, keepdims=True))(value)
        return Expand(shape)(value)


def reduced_shape(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """The shape that remains when `axes` are reduced."""
    if keepdims:
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


class Sum(Reduction):
    def evaluate(self, x: Array) -> Array:
        return np.add.reduce(x, self.axes, x.dtype, keepdims=self.keepdims)  # type: ignore[call-overload]

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return self.restore(grad, x.shape)


class Largest(Reduction):
    """The largest element; NaN wins. Equal largest elements share the gradient."""

    def infer(self, x: Spec) -> Spec:
        spec = super().infer(x)
        require_elements(self.name, x.shape, self.axes)
        return spec

    def evaluate(self, x: Array) -> Array:
        return np.maximum.reduce(x, axis=self.axes, keepdims=self.keepdims)  # type: ignore[call-overload]

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        chosen = Cast(np.dtype(x.dtype))(x == self.restore(output, x.shape))
        count = Sum(self.axes, keepdims=True)(chosen)
        return self.restore(grad, x.shape) * (chosen / count)


class Smallest(Largest):
    """The smallest element; NaN wins. Equal smallest elements share the gradient."""

    def evaluate(self, x: Array) -> Array:
        return np.minimum.reduce(x, axis=self.axes, keepdims=self.keepdims)  # type: ignore[call-overload]


@dataclass(unsafe_hash=True)
class ArgLargest(Op):
    """The index of the first largest element along an axis; NaN counts as largest."""

    axis: int
    keepdims: bool = False
    dtype: "np.dtype[np.generic]" = np.dtype(np.int64)  # noqa: RUF009

    def infer(self, x: Spec) -> Spec:
        require_elements(self.name, x.shape, (self.axis,))
        return Spec(reduced_shape(x.shape, (self.axis,), self.keepdims), self.dtype)

    def evaluate(self, x: Array) -> Array:
        index = np.argmax(x, axis=self.axis, keepdims=self.keepdims)
        return np.asarray(index, self.dtype)


class ArgSmallest(ArgLargest):
    """The index of the first smallest element along an axis; NaN counts as smallest."""

    def evaluate(self, x: Array) -> Array:
        index = np.argmin(x, axis=self.axis, keepdims=self.keepdims)
        return np.asarray(index, self.dtype)


@dataclass(unsafe_hash=True)
class ArgSort(Op):
    """The indices that sort along an axis, stably; NaN counts as largest."""

    axis: int
    descending: bool = False

    def infer(self, x: Spec) -> Spec:
        return Spec(x.shape, np.dtype(np.int64))

    def evaluate(self, x: Array) -> Array:
        if not self.descending:
            return np.argsort(x, axis=self.axis, kind="stable")
        # Sorting the reversed sequence and reversing the result keeps ties in order.
        order = np.argsort(np.flip(x, self.axis), axis=self.axis, kind="stable")
        return x.shape[self.axis] - 1 - np.flip(order, self.axis)


@dataclass(unsafe_hash=True)
class CumulativeSum(Op):
    """The sums of the elements up to and with each one, along an axis."""

    axis: int

    def infer(self, x: Spec) -> Spec:
        return x

    def evaluate(self, x: Array) -> Array:
        if x.dtype == np.float32:  # a long sum needs the longer digits
            return np.cumsum(x, axis=self.axis, dtype=np.float64).astype(np.float32)
        return np.cumsum(x, axis=self.axis, dtype=x.dtype)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        backwards = Flip((self.axis,))
        return backwards(CumulativeSum(self.axis)(backwards(grad)))


@dataclass(unsafe_hash=True)
class CumulativeLargest(Op):
    """The largest of the elements up to and with each one, along an axis; NaN wins."""

    axis: int

    def infer(self, x: Spec) -> Spec:
        return x

    def evaluate(self, x: Array) -> Array:
        return np.maximum.accumulate(x, axis=self.axis)


class CumulativeSmallest(CumulativeLargest):
    """The smallest of the elements up to and with each one, along an axis; NaN wins."""

    def evaluate(self, x: Array) -> Array:
        return np.minimum.accumulate(x, axis=self.axis)


def require_elements(name: str, shape: Shape, axes: tuple[int, ...]) -> None:
    """Raise where there is nothing to choose from along `axes`."""
    if any(shape[axis] == 0 for axis in axes):
        raise NoElements(
            f"{name}: the input of shape {shape} has no elements along "
            f"dimension{'s' if len(axes) > 1 else ''} {', '.join(map(str, axes))} to choose from"
        )
