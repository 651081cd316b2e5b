"""The logarithm of softmax, kept whole so that it is safe and its gradient short."""

from dataclasses import dataclass

import numpy as np

from .elementwise import Exp
from .op import Array, Op, Operand, Spec
from .reduce import Sum


@dataclass(unsafe_hash=True)
class LogSoftmax(Op):
    """x - log(sum(exp(x))) along an axis, finite for every finite x."""

    axis: int

    def infer(self, x: Spec) -> Spec:
        return x

    def evaluate(self, x: Array) -> Array:
        shifted = x - np.maximum.reduce(x, axis=self.axis, keepdims=True, initial=-np.inf)
        return shifted - np.log(np.add.reduce(np.exp(shifted), axis=self.axis, keepdims=True))

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return grad - Exp()(output) * Sum((self.axis,), keepdims=True)(grad)
