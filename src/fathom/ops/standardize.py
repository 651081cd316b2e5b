"""Variance, and values brought to mean 0 and variance 1: what normalization is made of."""

import math
from dataclasses import dataclass

import numpy as np

from .op import Array, Op, Operand, Spec
from .reduce import Reduction, Sum


class Variance(Reduction):
    """The mean square distance from the mean."""

    def evaluate(self, x: Array) -> Array:
        count = math.prod([x.shape[axis] for axis in self.axes])
        distance = x - np.add.reduce(x, self.axes, x.dtype, keepdims=True) / count
        np.multiply(distance, distance, out=distance)
        total = np.add.reduce(distance, self.axes, x.dtype, keepdims=self.keepdims)  # type: ignore[call-overload]
        return np.asarray(total / count, x.dtype)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        count = math.prod([x.shape[axis] for axis in self.axes])
        mean = Sum(self.axes, keepdims=True)(x) / count
        return (x - mean) * self.restore(grad * (2 / count), x.shape)


@dataclass(unsafe_hash=True)
class Standardize(Op):
    """(x - mean) * scale, where both are computed from x along `axes`.

    The operands are x, its mean and its scale ``1 / sqrt(variance + eps)``, the last two with
    size 1 along the axes. The gradient with respect to x takes into account that these depend
    on it; so they get none. With g the gradient of the result y it is
    ``scale * (g - mean of g - y * mean of g * y)``.
    """

    axes: tuple[int, ...]

    def infer(self, x: Spec, mean: Spec, scale: Spec) -> Spec:
        return x

    def evaluate(self, x: Array, mean: Array, scale: Array) -> Array:
        result = x - mean
        return np.multiply(result, scale, out=result)

    def gradient(
        self,
        operand: int,
        grad: Operand,
        output: Operand,
        x: Operand,
        mean: Operand,
        scale: Operand,
    ) -> Operand:
        if operand > 0:
            return None
        count = math.prod([x.shape[axis] for axis in self.axes])
        total = Sum(self.axes, keepdims=True)
        along = total(grad * output) / count
        return (grad - total(grad) / count - output * along) * scale
