"""Dropout layers: active in training, the identity in evaluation."""

from ..errors import ArgumentError
from ..functional import dropout as functions
from ..tensor import Tensor
from .module import Module

__all__ = [
    "AlphaDropout",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
]


class _Dropout(Module):
    """A kind of dropout.

    Args:
        p: the probability with which an element or channel is dropped.
        inplace: whether the input is rebound to the result.

    Raises:
        ArgumentError: p is outside [0, 1].
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        if not 0 <= p <= 1:
            raise ArgumentError(
                f"{type(self).__name__}: p is {p}, expected a probability in [0, 1]"
            )
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Zeroes every element with probability p, and divides the others by 1 - p."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """`Dropout` of whole channels, shape (N, C, L) or (C, L)."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """`Dropout` of whole channels, shape (N, C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """`Dropout` of whole channels, shape (N, C, D, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """Dropout for `SELU`; see `fathom.nn.functional.alpha_dropout`."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels, shape (N, C, …)."""

    def forward(self, input: Tensor) -> Tensor:
        return functions.feature_alpha_dropout(input, self.p, self.training, self.inplace)
