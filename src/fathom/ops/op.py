"""What an operation is: the one place that knows a shape rule, a value and a gradient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import ShapeError

Array = NDArray[Any]
Shape = tuple[int, ...]

# What an operation is applied to: an array (it is evaluated at once), or anything with a
# method `apply_operation` (a tensor, which notes it for the gradient; a symbol, which
# records it). Gradients are written with operations and operators only, so they serve all.
Operand = Any


class Spec(NamedTuple):
    """All that is known of a value before it is computed."""

    shape: Shape
    dtype: "np.dtype[Any]"


def spec_of(operand: Operand) -> Spec:
    """The shape and dtype of an array, a tensor, a symbol or a number."""
    if hasattr(operand, "shape") and hasattr(operand, "dtype"):
        return Spec(tuple(operand.shape), np.dtype(operand.dtype))
    array = np.asarray(operand)
    return Spec(array.shape, array.dtype)


@dataclass(unsafe_hash=True)
class Op:
    """An operation on arrays: shape rule, value and gradient in one place.

    An instance carries the operation's static parameters (axes, strides, …) and is called
    with its operands: ``Sum((0,), keepdims=False)(x)``. Two instances of one class with the
    same parameters are the same operation.
    """

    # Whether the result is the operand seen differently, so that writing into it in place
    # would have to reach the operand, which values that never change cannot do.
    is_view: ClassVar[bool] = False

    def infer(self, *operands: Spec) -> Spec:
        """The shape and dtype of the result; raises `ShapeError` where they do not fit."""
        raise NotImplementedError

    def evaluate(self, *operands: Array) -> Array:
        """The value, computed by NumPy, whose warnings the caller turns off."""
        raise NotImplementedError

    def gradient(self, operand: int, grad: Operand, output: Operand, *inputs: Operand) -> Operand:
        """The gradient with respect to one operand.

        Args:
            operand: which of `inputs` is meant.
            grad: the gradient of the loss with respect to `output`, of the same shape.
            output: the value this operation produced.
            inputs: the values it was applied to.

        Returns:
            The gradient of the loss with respect to ``inputs[operand]``, or None where
            it vanishes everywhere (an index, a condition). Where the operand was broadcast,
            the gradient may keep the broadcast shape; the backward walk sums it.
        """
        return None

    def multiply_adds(self, output: Shape, *operands: Shape) -> int:
        """How many multiplications with additions it takes, where it is made of such."""
        return 0

    def __call__(self, *operands: Operand) -> Operand:
        for operand in operands:
            # The plain check of the type first: it spares arrays the look for the method.
            if type(operand) is not np.ndarray and hasattr(operand, "apply_operation"):
                return operand.apply_operation(self, operands)
        return self.compute(*operands)

    def compute(self, *operands: Operand) -> Array:
        """The value for arrays and numbers, or an error that says what does not fit."""
        try:
            value = self.evaluate(*operands)
        except (ValueError, IndexError, TypeError):
            self.infer(*map(spec_of, operands))
            raise
        return value if type(value) is np.ndarray else np.asarray(value)

    @property
    def name(self) -> str:
        """The operation's name in messages and printed graphs."""
        return type(self).__name__


def broadcast_shapes(name: str, shapes: Sequence[Shape]) -> Shape:
    """The shape that NumPy's broadcasting gives, or a `ShapeError` that names the dimension."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " and ".join(map(str, shapes))
        rank = max(map(len, shapes))
        padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
        clash = max(dim for dim in range(rank) if len({shape[dim] for shape in padded} - {1}) > 1)
        sizes = " and ".join(str(shape[clash]) for shape in padded)
        raise ShapeError(
            f"{name}: shapes {listed} cannot be broadcast together: sizes {sizes} meet in "
            f"dimension {clash - rank} (counted from the end), where they must be equal or 1"
        ) from None
