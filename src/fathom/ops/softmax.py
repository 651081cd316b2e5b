"""Softmax and its relatives, kept whole so that they are safe and their gradients short."""

from dataclasses import dataclass

import numpy as np

from .layout import order_for
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
        x = _arranged(x, self.axis)
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
        x = _arranged(x, self.axis)
        shifted = x - np.maximum.reduce(x, axis=self.axis, keepdims=True, initial=-np.inf)
        powers = np.exp(shifted)
        return powers / np.add.reduce(powers, axis=self.axis, keepdims=True)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        weighted = grad * output
        return weighted - output * Sum((self.axis,), keepdims=True)(weighted)


def _arranged(x: Array, axis: int) -> Array:
    """The same values in the order of memory in which they are soonest combined along `axis`."""
    if order_for(x.shape, axis) == "C":
        return x
    return np.asfortranarray(x.reshape(-1, x.shape[axis])).reshape(x.shape)
