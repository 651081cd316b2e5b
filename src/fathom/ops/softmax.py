"""Softmax and its relatives, kept whole so that they are safe and their gradients short."""

from dataclasses import dataclass

import numpy as np

from .op import Array, Op, Operand, Spec
from .reduce import Sum
from .transcendental import Exp


@dataclass(unsafe_hash=True)
class LogSoftmax(Op):
    """x - log(sum(exp(x))) along an axis, finite for every finite x."""

    axis: int

    def infer(self, x: Spec) -> Spec:
        return x

    def evaluate(self, x: Array) -> Array:
        x = _with_long_loops(x, self.axis)
        shifted = x - np.maximum.reduce(x, axis=self.axis, keepdims=True, initial=-np.inf)
        return shifted - np.log(np.add.reduce(np.exp(shifted), axis=self.axis, keepdims=True))

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad - Exp()(output) * Sum((self.axis,), keepdims=True)(grad)


@dataclass(unsafe_hash=True)
class Softmax(Op):
    """exp(x) / sum(exp(x)) along an axis, finite for every finite x."""

    axis: int

    def infer(self, x: Spec) -> Spec:
        return x

    def evaluate(self, x: Array) -> Array:
        x = _with_long_loops(x, self.axis)
        shifted = x - np.maximum.reduce(x, axis=self.axis, keepdims=True, initial=-np.inf)
        powers = np.exp(shifted)
        return powers / np.add.reduce(powers, axis=self.axis, keepdims=True)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        weighted = grad * output
        return weighted - output * Sum((self.axis,), keepdims=True)(weighted)


# Up to here the rearranged copy of a row costs less than it saves.
_SHORT_ROW = 32


def _with_long_loops(x: Array, axis: int) -> Array:
    """The same values, in the order of memory in which NumPy combines them along `axis` fastest.

    NumPy begins a loop anew for every row that it combines; a few numbers in each, such as the
    logits of ten classes, are better laid out side by side with those of the other rows.
    """
    if axis != x.ndim - 1 or not 0 < x.shape[axis] <= _SHORT_ROW:
        return x
    return np.asfortranarray(x.reshape(-1, x.shape[axis])).reshape(x.shape)
