"""What transforms have in common."""

from typing import Any

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...tape import Node
from ...tensor import Tensor, wrap

Array = np.ndarray[Any, np.dtype[Any]]


class Transform:
    """The base of transforms: a subclass defines `apply`, from array to array.

    Attributes:
        rank: the number of dimensions of the batch that it works on; None for any. An operand
            with one dimension fewer is taken as a batch of one.
    """

    rank: int | None = None

    def __call__(self, batch: Any) -> Tensor:
        values = np.asarray(batch.detach() if isinstance(batch, Tensor) else batch)
        if self.rank is None or values.ndim == self.rank:
            return wrap(Node(self.apply(values)))
        if values.ndim == self.rank - 1:
            return wrap(Node(self.apply(values[np.newaxis])[0]))
        raise ShapeError(
            f"{type(self).__name__} takes images of shape (N, C, H, W) or (C, H, W), "
            f"got shape {values.shape}"
        )

    def apply(self, values: Array) -> Array:
        """The transformed batch."""
        raise NotImplementedError

    def __repr__(self) -> str:
        shown = (
            f"{name}={value!r}"
            for name, value in vars(self).items()
            if not name.startswith("_") and value is not None
        )
        return f"{type(self).__name__}({', '.join(shown)})"


class ImageTransform(Transform):
    """The base of transforms of images."""

    rank = 4


def pair(value: Any, name: str) -> tuple[int, int]:
    """Two non-negative sizes, height and width, from two numbers or one for both."""
    sizes = (value, value) if isinstance(value, int) else tuple(value)
    if len(sizes) != 2 or not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise ArgumentError(f"{name} must be a whole number or two, got {value!r}")
    return sizes


def probability(p: float) -> float:
    """The probability, which must lie from 0 to 1."""
    if not 0 <= p <= 1:
        raise ArgumentError(f"p must be a probability from 0 to 1, got {p}")
    return p
