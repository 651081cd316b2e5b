"""Operations that treat every element alike. Operands share a dtype and broadcast."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .error_function import error_function
from .errors import DTypeError
from .movement import Expand
from .op import Array, Op, Operand, Spec, broadcast_shapes


class Elementwise(Op):
    """An operation whose every result element depends on the operands' elements beside it."""

    def infer(self, *operands: Spec) -> Spec:
        shape = broadcast_shapes(self.name, [operand.shape for operand in operands])
        return Spec(shape, self.result_dtype(*(operand.dtype for operand in operands)))

    def result_dtype(self, *dtypes: "np.dtype[Any]") -> "np.dtype[Any]":
        """The dtype of the result: by default the operands' common one."""
        if len(set(dtypes)) != 1:
            raise DTypeError(f"{self.name}: operands have dtypes {', '.join(map(str, dtypes))}")
        return dtypes[0]


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

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return Cast(np.dtype(x.dtype))(grad)


class Clone(Elementwise):
    """The value itself, as a new result."""

    def evaluate(self, x: Array) -> Array:
        return x

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad


class Detach(Elementwise):
    """The value itself, cut off from its history: its gradient is zero."""

    is_view = True

    def evaluate(self, x: Array) -> Array:
        return x


class Negative(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.negative(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return -grad


class Absolute(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.absolute(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * Sign()(x)


class Sign(Stepwise):
    def evaluate(self, x: Array) -> Array:
        return np.sign(x)


class Floor(Stepwise):
    def evaluate(self, x: Array) -> Array:
        return np.floor(x)


class Ceil(Stepwise):
    def evaluate(self, x: Array) -> Array:
        return np.ceil(x)


class Truncate(Stepwise):
    def evaluate(self, x: Array) -> Array:
        return np.trunc(x)


class Round(Stepwise):
    """To the nearest integer, ties to even."""

    def evaluate(self, x: Array) -> Array:
        return np.rint(x)


class Exp(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.exp(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * output


class Expm1(Elementwise):
    """exp(x) - 1 without cancellation near 0."""

    def evaluate(self, x: Array) -> Array:
        return np.expm1(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * (output + 1)


class Log(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.log(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad / x


class Log1p(Elementwise):
    """log(1 + x) without cancellation near 0."""

    def evaluate(self, x: Array) -> Array:
        return np.log1p(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad / (x + 1)


class Sqrt(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.sqrt(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad / (output * 2)


class Sin(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.sin(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * Cos()(x)


class Cos(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.cos(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return -grad * Sin()(x)


class Arcsin(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.arcsin(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad / Sqrt()(1 - x * x)


class Arctan(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.arctan(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad / (x * x + 1)


class Tanh(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.tanh(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * (1 - output * output)


class Sigmoid(Elementwise):
    """1 / (1 + exp(-x))."""

    def evaluate(self, x: Array) -> Array:
        return np.reciprocal(1 + np.exp(-x))

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * (output * (1 - output))


class Relu(Elementwise):
    """max(x, 0); its gradient at 0 is 0, and NaN stays NaN."""

    def evaluate(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * (output > 0)


class Add(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.add(a, b)

    def gradient(self, operand: int, grad: Operand, output: Operand, *_: Operand) -> Operand:
        return grad


class Subtract(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.subtract(a, b)

    def gradient(self, operand: int, grad: Operand, output: Operand, *_: Operand) -> Operand:
        return grad if operand == 0 else -grad


class Multiply(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.multiply(a, b)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        return grad * (b if operand == 0 else a)


class Divide(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.divide(a, b)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        return grad / b if operand == 0 else -grad * (output / b)


class FloorDivide(Stepwise):
    """The quotient rounded towards minus infinity."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.floor_divide(a, b)


class Remainder(Elementwise):
    """a - b * floor(a / b): the remainder with the sign of the divisor."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.remainder(a, b)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        return grad if operand == 0 else -grad * Floor()(a / b)


class Power(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.power(a, b)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        if operand == 0:
            return grad * Where()(b == 0, 0.0, b * a ** (b - 1))
        # The limit of a^b log(a) at a = 0, where b is not negative, is 0.
        vanishes = LogicalAnd()(a == 0, b >= 0)
        return grad * Where()(vanishes, 0.0, output * Log()(Where()(vanishes, 1.0, a)))


class Maximum(Elementwise):
    """The larger element; NaN wins. Equal elements share the gradient."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.maximum(a, b)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        return _share_of_extremum(grad, output, *((a, b) if operand == 0 else (b, a)))


class Minimum(Elementwise):
    """The smaller element; NaN wins. Equal elements share the gradient."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.minimum(a, b)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, a: Operand, b: Operand
    ) -> Operand:
        return _share_of_extremum(grad, output, *((a, b) if operand == 0 else (b, a)))


def _share_of_extremum(grad: Operand, output: Operand, one: Operand, other: Operand) -> Operand:
    return Where()(one == other, grad / 2, Where()(one == output, grad, 0.0))


class Arctan2(Elementwise):
    """The angle of the point (x, y), in (-pi, pi]; operands are y, x."""

    def evaluate(self, y: Array, x: Array) -> Array:
        return np.arctan2(y, x)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, y: Operand, x: Operand
    ) -> Operand:
        radius_squared = x * x + y * y
        return grad * (x if operand == 0 else -y) / radius_squared


class BitwiseAnd(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.bitwise_and(a, b)


class BitwiseOr(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.bitwise_or(a, b)


class BitwiseXor(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.bitwise_xor(a, b)


class BitwiseNot(Elementwise):
    def evaluate(self, x: Array) -> Array:
        return np.invert(x)


class ShiftLeft(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.left_shift(a, b)


class ShiftRight(Elementwise):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.right_shift(a, b)


class LogicalAnd(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_and(a, b)


class LogicalOr(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_or(a, b)


class LogicalXor(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_xor(a, b)


class LogicalNot(Predicate):
    def evaluate(self, x: Array) -> Array:
        return np.logical_not(x)


class Equal(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.equal(a, b)


class NotEqual(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.not_equal(a, b)


class Less(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.less(a, b)


class LessEqual(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.less_equal(a, b)


class Greater(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.greater(a, b)


class GreaterEqual(Predicate):
    def evaluate(self, a: Array, b: Array) -> Array:
        return np.greater_equal(a, b)


class IsNan(Predicate):
    def evaluate(self, x: Array) -> Array:
        return np.isnan(x)


class IsFinite(Predicate):
    def evaluate(self, x: Array) -> Array:
        return np.isfinite(x)


class SignBit(Predicate):
    def evaluate(self, x: Array) -> Array:
        return np.signbit(x)


class Where(Elementwise):
    """`a` where the condition holds, `b` elsewhere; operands are condition, a, b."""

    def result_dtype(self, *dtypes: "np.dtype[Any]") -> "np.dtype[Any]":
        if dtypes[0] != np.dtype(bool):
            raise DTypeError(f"Where: the condition has dtype {dtypes[0]}, expected bool")
        return super().result_dtype(*dtypes[1:])

    def evaluate(self, condition: Array, a: Array, b: Array) -> Array:
        return np.where(condition, a, b)

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


class Erf(Elementwise):
    """The error function 2/sqrt(pi) * integral of exp(-t^2) from 0 to x.

    Evaluated with the rational approximations of W. J. Cody, "Rational Chebyshev
    approximations for the error function", Math. Comp. 23 (1969), to double precision.
    """

    def evaluate(self, x: Array) -> Array:
        return error_function(x)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad * (Exp()(-(x * x)) * (2 / math.sqrt(math.pi)))
