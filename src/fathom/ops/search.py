"""The search in sorted sequences."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import ShapeError
from .op import Array, Op, Spec


@dataclass(unsafe_hash=True)
class SearchSorted(Op):
    """The places in ascending sequences at which values keep them ascending.

    The operands are the sequences, in the last axis, and the values; the axes before the
    last are the same for both, or the sequence has one axis only.
    """

    right: bool = False

    def infer(self, sequences: Spec, values: Spec) -> Spec:
        one = len(sequences.shape) == 1
        if not one and sequences.shape[:-1] != values.shape[:-1]:
            raise ShapeError(
                f"SearchSorted: sequences of shape {sequences.shape} and values of shape "
                f"{values.shape} must agree in all dimensions but the last"
            )
        return Spec(values.shape, np.dtype(np.int64))

    def evaluate(self, sequences: Array, values: Array) -> Array:
        side: Any = "right" if self.right else "left"
        if sequences.ndim == 1:
            return np.asarray(np.searchsorted(sequences, values, side))
        if sequences.shape[:-1] != values.shape[:-1]:
            raise ValueError("shapes differ")
        found = np.empty(values.shape, np.int64)
        for row in np.ndindex(*values.shape[:-1]):
            found[row] = np.searchsorted(sequences[row], values[row], side)
        return found
