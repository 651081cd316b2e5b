"""The error function, the gamma function, and what belongs to them."""

from ..errors import ArgumentError
from ..ops import Erf, Erfc, Erfinv, LogGamma, Polygamma
from ..tensor import Tensor, tensor_method, with_in_place
from .arguments import method_alias
from .elementwise import floating

__all__ = ["digamma", "erf", "erfc", "erfinv", "lgamma", "polygamma"]


@tensor_method
@with_in_place
def erf(input: Tensor) -> Tensor:
    """The error function 2/sqrt(pi) * integral of exp(-t^2) from 0 to x."""
    return Erf()(floating(input))


@tensor_method
@with_in_place
def erfc(input: Tensor) -> Tensor:
    """1 - erf(x), without cancellation for large x."""
    return Erfc()(floating(input))


@tensor_method
@with_in_place
def erfinv(input: Tensor) -> Tensor:
    """The inverse of the error function; infinite at -1 and 1, NaN beyond."""
    return Erfinv()(floating(input))


@tensor_method
@with_in_place
def lgamma(input: Tensor) -> Tensor:
    """log|gamma(x)|."""
    return LogGamma()(floating(input))


@tensor_method
@with_in_place
def digamma(input: Tensor) -> Tensor:
    """The derivative of `lgamma`."""
    return Polygamma(0)(floating(input))


def polygamma(n: int, input: Tensor) -> Tensor:
    """The derivative of order n of `digamma`.

    Args:
        n: the order, not negative.
    """
    if n < 0:
        raise ArgumentError(f"polygamma: the order n is not negative, got {n}")
    return Polygamma(n)(floating(input))


def _polygamma_method(self: Tensor, n: int) -> Tensor:
    """The derivative of order n of `digamma`."""
    return polygamma(n, self)


method_alias("polygamma", _polygamma_method)
