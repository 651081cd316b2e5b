"""Operations that treat every element alike, and those that only choose or convert.

Operands share a dtype and broadcast.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .errors import DTypeError
from .movement import Expand
from .op import Array, Op, Operand, Spec, broadcast_shapes

# What expressions are written with: a number inside a compiled kernel, which has Python's
# operators, NumPy's functions as methods, and a dtype.
Scalar = Any


class Elementwise(Op):
    """An operation whose every result element depends on the operands' elements beside it."""

    # The kinds of dtype it is defined for: bool, signed, unsigned, floating.
    kinds: ClassVar[str] = "biuf"

    def infer(self, *operands: Spec) -> Spec:
        shape = broadcast_shapes(self.name, [operand.shape for operand in operands])
        return Spec(shape, self.result_dtype(*(operand.dtype for operand in operands)))

    def result_dtype(self, *dtypes: "np.dtype[Any]") -> "np.dtype[Any]":
        """The dtype of the result: by default the operands' common one."""
        if len(set(dtypes)) != 1:
            raise DTypeError(f"{self.name}: operands have dtypes {', '.join(map(str, dtypes))}")
        if dtypes[0].kind not in self.kinds:
            raise DTypeError(f"{self.name} is not defined for {dtypes[0]}")
        return dtypes[0]

    def expression(self, *operands: Scalar) -> Scalar:
        """One element of the result, written with operators and methods of the operands only.

        The compiler makes native code of it. An operation without an expression is left to
        `evaluate`.
        """
        raise NotImplementedError(f"{self.name} has no expression")


class Predicate(Elementwise):
    """An elementwise question; the answer is a bool and has no gradient."""

    def result_dtype(self, *dtypes: "np.dtype[Any]") -> "np.dtype[Any]":
        super().result_dtype(*dtypes)
        return np.dtype(bool)


class Stepwise(Elementwise):
    """An operation that is constant between jumps: its gradient is zero."""

    def gradient(self, operand: int, grad: Operand, output: Operand, *_: Operand) -> Operand:
        return Expand(tuple(grad.shape))(np.zeros((), np.dtype(grad.dtype)))


@dataclass(unsafe_hash=True)
class Cast(Elementwise):
    """The same numbers in another dtype."""

    dtype: "np.dtype[Any]"

    def result_dtype(self, *dtypes: "np.dtype[Any]") -> "np.dtype[Any]":
        return self.dtype

    def evaluate(self, x: Array) -> Array:
        return x.astype(self.dtype)

    def expression(self, x: Scalar) -> Scalar:
        return x.cast(self.dtype)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return Cast(np.dtype(x.dtype))(grad)


class Clone(Elementwise):
    """The value itself, as a new result, in row-major order."""

    def evaluate(self, x: Array) -> Array:
        return x if x.flags.c_contiguous else x.copy()

    def expression(self, x: Scalar) -> Scalar:
        return x

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad


class Detach(Elementwise):
    """The value itself, cut off from its history: its gradient is zero."""

    is_view = True

    def evaluate(self, x: Array) -> Array:
        return x

    def expression(self, x: Scalar) -> Scalar:
        return x


class Where(Elementwise):
    """`a` where the condition holds, `b` elsewhere; operands are condition, a, b."""

    def result_dtype(self, *dtypes: "np.dtype[Any]") -> "np.dtype[Any]":
        if dtypes[0] != np.dtype(bool):
            raise DTypeError(f"Where: the condition has dtype {dtypes[0]}, expected bool")
        return super().result_dtype(*dtypes[1:])

    def evaluate(self, condition: Array, a: Array, b: Array) -> Array:
        return np.where(condition, a, b)

    def expression(self, condition: Scalar, a: Scalar, b: Scalar) -> Scalar:
        return condition.select(a, b)

    def gradient(
        self,
        operand: int,
        grad: Operand,
        output: Operand,
        condition: Operand,
        a: Operand,
        b: Operand,
    ) -> Operand:
        if operand == 0:
            return None
        return Where()(condition, grad, 0.0) if operand == 1 else Where()(condition, 0.0, grad)
