"""Random numbers, from Fathom's generator: a seed in a file is not followed."""

from collections.abc import Sequence

from ...functional.random import bernoulli, multinomial, rand, randn
from ...promotion import DType, float32
from ...tensor import Tensor, cast
from ..operator import operator
from ..reading import element_type


def _dtype(number: int | None, default: DType) -> DType:
    return default if number is None else element_type(number, "the result")


@operator("RandomUniform", is_random=True)
def random_uniform(
    *,
    shape: Sequence[int],
    dtype: int = 1,
    high: float = 1.0,
    low: float = 0.0,
    seed: float | None = None,
) -> Tensor:
    """Numbers between two bounds."""
    return rand(*shape, dtype=_dtype(dtype, float32)) * (high - low) + low


@operator("RandomNormal", is_random=True)
def random_normal(
    *,
    shape: Sequence[int],
    dtype: int = 1,
    mean: float = 0.0,
    scale: float = 1.0,
    seed: float | None = None,
) -> Tensor:
    """Normally distributed numbers."""
    return randn(*shape, dtype=_dtype(dtype, float32)) * scale + mean


@operator("RandomUniformLike", is_random=True)
def random_uniform_like(
    input: Tensor,
    *,
    dtype: int | None = None,
    high: float = 1.0,
    low: float = 0.0,
    seed: float | None = None,
) -> Tensor:
    """Numbers between two bounds, in the shape of another tensor."""
    return rand(*input.shape, dtype=_dtype(dtype, input.dtype)) * (high - low) + low


@operator("RandomNormalLike", is_random=True)
def random_normal_like(
    input: Tensor,
    *,
    dtype: int | None = None,
    mean: float = 0.0,
    scale: float = 1.0,
    seed: float | None = None,
) -> Tensor:
    """Normally distributed numbers, in the shape of another tensor."""
    return randn(*input.shape, dtype=_dtype(dtype, input.dtype)) * scale + mean


@operator("Bernoulli", is_random=True)
def coin_tosses(input: Tensor, *, dtype: int | None = None, seed: float | None = None) -> Tensor:
    """1 with the probability that each element says, else 0."""
    return cast(bernoulli(input), _dtype(dtype, input.dtype))


@operator("Multinomial", is_random=True)
def draws(
    input: Tensor, *, dtype: int = 6, sample_size: int = 1, seed: float | None = None
) -> Tensor:
    """The numbers of categories drawn by the logarithms of their probabilities."""
    return cast(multinomial(input.exp(), sample_size, True), _dtype(dtype, input.dtype))
