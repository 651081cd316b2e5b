"""Adds up the gradient of a small weight in parts, which threads can share."""

import math
from dataclasses import dataclass

import numpy as np

from ..ops import Array, ConvolutionWeightGradient, Op, Shape, Spec

# A gradient with more vectors than this is shared by its elements; one with fewer elements than
# this to be added up for each part is not worth sharing. Neither depends on how many threads
# there are, so that results do not.
_MOST_VECTORS = 200
_FEWEST_PLACES = 512
_NOMINAL_LANES = 16
_PARTS = (8, 4, 2)


@dataclass(unsafe_hash=True)
class ConvolutionWeightGradientInParts(Op):
    """The gradients of a convolution's weight that equal parts of a batch give.

    The result has shape (parts, O, C / groups, *kernel).

    Attributes:
        whole: the operation whose result the sum over the parts is.
        parts: how many there are.
    """

    whole: ConvolutionWeightGradient
    parts: int

    def infer(self, x: Spec, grad: Spec) -> Spec:  # type: ignore[override]
        spec = self.whole.infer(x, grad)
        return Spec((self.parts, *spec.shape), spec.dtype)

    def evaluate(self, x: Array, grad: Array) -> Array:  # type: ignore[override]
        pairs = zip(np.split(x, self.parts), np.split(grad, self.parts), strict=True)
        return np.stack([self.whole.evaluate(*pair) for pair in pairs])


def parts_of(op: ConvolutionWeightGradient, x: Shape, grad: Shape) -> int:
    """Into how many parts a weight's gradient is best divided; 1 for none."""
    groups = op.convolution.groups
    if groups not in (1, x[1]) or (groups > 1 and grad[1] != groups):
        return 1
    rows = math.prod(op.kernel) * (x[1] // groups)
    if rows * -(-grad[1] // _NOMINAL_LANES) > _MOST_VECTORS:
        return 1
    places = math.prod((grad[0], *grad[2:]))
    for parts in _PARTS:
        if grad[0] % parts == 0 and places >= parts * _FEWEST_PLACES:
            return parts
    return 1
