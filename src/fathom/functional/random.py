"""Random tensors, drawn from a generator whose key is state like any other."""

import math
from typing import Any

import numpy as np

from ..devices import Device
from ..errors import ArgumentError, DTypeError, ShapeError
from ..ops import (
    ArgSort,
    Clone,
    Concatenate,
    Cos,
    CumulativeSum,
    Exp,
    Floor,
    Log,
    Reshape,
    SearchSorted,
    Shape,
    Sin,
    Sqrt,
    Where,
)
from ..promotion import float32, float64, int64, is_floating, supported
from ..recording import is_recording
from ..tape import no_grad
from ..tensor import Tensor, cast, tensor_method
from .arguments import part_of, size_from, with_name
from .generator import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "multinomial",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "set_rng_state",
]


def _drawn(
    draw: Tensor, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    if device is not None:
        Device(device)
    result = draw if dtype is None else cast(draw, supported(dtype))
    return result.requires_grad_() if requires_grad else result


def _uniform(shape: Shape, generator: Generator | None, dtype: Any = None) -> Tensor:
    return (generator or default_generator).uniform(shape, float32 if dtype is None else dtype)


def _standard_normal(shape: Shape, generator: Generator | None, dtype: Any = None) -> Tensor:
    """Normally distributed numbers, by the transform of Box and Muller.

    Source: G. E. P. Box and M. E. Muller, "A note on the generation of random normal
    deviates", Ann. Math. Statist. 29 (1958).
    """
    count = math.prod(shape)
    half = (count + 1) // 2
    draw = _uniform((2, half), generator, dtype)
    # 1 - u lies in (0, 1], whose logarithm is finite.
    radius = Sqrt()(Log()(1 - part_of(draw, 0, 0, 1)) * -2)
    angle = part_of(draw, 0, 1, 2) * (2 * math.pi)
    both = Concatenate(1)(radius * Cos()(angle), radius * Sin()(angle))
    return Reshape(shape)(part_of(both, 1, 0, count))


@with_name("size")
def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers uniform in [0, 1).

    Args:
        size: the shape, as separate sizes or a sequence.
        generator: where to draw from; by default the default generator.
        dtype: float32, the default, or float64.
        device: where it is: always the CPU.
        requires_grad: whether `backward` shall compute a gradient for it.
    """
    draw = _uniform(size_from(size), generator, dtype)
    return _drawn(draw, None, device, requires_grad)


@with_name("size")
def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normally distributed numbers with mean 0 and variance 1.

    Args:
        size: the shape, as separate sizes or a sequence.
        generator: where to draw from; by default the default generator.
        dtype: float32, the default, or float64.
        device: where it is: always the CPU.
        requires_grad: whether `backward` shall compute a gradient for it.
    """
    draw = Clone()(_standard_normal(size_from(size), generator, dtype))
    return _drawn(draw, None, device, requires_grad)


def _integers(shape: Shape, low: int, high: int, generator: Generator | None) -> Tensor:
    if low >= high:
        raise ArgumentError(f"there is no integer from {low} up to but without {high}")
    steps = Floor()(_uniform(shape, generator, float64) * float(high - low))
    return cast(steps, int64) + low


def randint(
    low: int = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers uniform from `low` up to but without `high`: ``randint(high, size)`` too.

    Args:
        low: the smallest integer, 0 if left out.
        high: one more than the largest integer.
        size: the shape.
        generator: where to draw from; by default the default generator.
        dtype: the element type; int64 by default.
        device: where it is: always the CPU.
        requires_grad: whether `backward` shall compute a gradient for it.
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    draw = _integers(size_from((size,)), int(low), int(high), generator)
    return _drawn(draw, dtype, device, requires_grad)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The integers from 0 to n - 1 in random order.

    Args:
        n: how many.
        generator: where to draw from; by default the default generator.
        dtype: the element type; int64 by default.
        device: where it is: always the CPU.
        requires_grad: whether `backward` shall compute a gradient for it.
    """
    return _drawn(
        ArgSort(0)(_uniform(size_from((n,)), generator, float64)), dtype, device, requires_grad
    )


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Numbers uniform in [0, 1), in the shape and dtype of another tensor."""
    draw = _uniform(input.shape, generator, input.dtype if dtype is None else dtype)
    return _drawn(draw, None, device, requires_grad)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Normally distributed numbers in the shape and dtype of another tensor."""
    kind = input.dtype if dtype is None else dtype
    return randn(
        input.shape, generator=generator, dtype=kind, device=device, requires_grad=requires_grad
    )


def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Integers uniform from `low` (or 0) up to but without `high`, in another tensor's shape."""
    low, high = (0, low) if high is None else (low, high)
    draw = _integers(input.shape, low, high, generator)
    return _drawn(draw, input.dtype if dtype is None else dtype, device, requires_grad)


def normal(
    mean: Tensor | float = 0.0,
    std: Tensor | float = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normally distributed numbers.

    Args:
        mean, std: the mean and the standard deviation of each element: tensors that broadcast,
            or numbers.
        size: the shape, where both are numbers.
        generator: where to draw from; by default the default generator.
        dtype: float32, the default, or float64.
        device: where it is: always the CPU.
        requires_grad: whether `backward` shall compute a gradient for it.
    """
    given = [value for value in (mean, std) if isinstance(value, Tensor)]
    if given:
        shape = np.broadcast_shapes(*(value.shape for value in given))
        dtype = given[0].dtype if dtype is None else dtype
    elif size is None:
        raise ArgumentError("normal needs a size where mean and std are numbers")
    else:
        shape = size_from((size,))
    for value, name in ((mean, "mean"), (std, "std")):
        if isinstance(value, Tensor) and not is_floating(value.dtype):
            raise DTypeError(f"normal: {name} has dtype {value.dtype}, expected a float")
    if not isinstance(std, Tensor) and std < 0:
        raise ArgumentError(f"normal: the standard deviation is not negative, got {std}")
    with no_grad():
        draw = _standard_normal(shape, generator, dtype) * std + mean
    return _drawn(draw, None, device, requires_grad)


@tensor_method
def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Generator | None = None
) -> Tensor:
    """1 with the probability that each element gives, else 0.

    Args:
        input: the probabilities.
        p: one probability for all elements instead.
        generator: where to draw from; by default the default generator.
    """
    if p is None and not is_floating(input.dtype):
        raise DTypeError(f"bernoulli: probabilities are floats, not {input.dtype}")
    kind = input.dtype if is_floating(input.dtype) else float32
    return cast(_uniform(input.shape, generator, kind) < (input if p is None else p), input.dtype)


@tensor_method
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Indices drawn with probabilities proportional to weights.

    Args:
        input: weights that are not negative, shape (classes,) or (rows, classes).
        num_samples: how many indices to draw from each row.
        replacement: whether an index can be drawn again.
        generator: where to draw from; by default the default generator.

    Returns:
        int64 indices, shape (num_samples,) or (rows, num_samples).
    """
    if input.ndim not in (1, 2) or not is_floating(input.dtype):
        raise ShapeError(
            f"multinomial: expected float weights of one or two dimensions, got {input.dtype} "
            f"of shape {input.shape}"
        )
    weights = cast(input.detach(), float64)
    rows = Reshape((math.prod(input.shape[:-1]), input.shape[-1]))(weights)
    if not is_recording():
        _require_weights(rows, num_samples, replacement)
    if replacement:
        reached = CumulativeSum(1)(rows)
        total = part_of(reached, 1, rows.shape[1] - 1, rows.shape[1])
        draw = _uniform((rows.shape[0], num_samples), generator, float64) * total
        chosen = SearchSorted(right=True)(reached, draw)
    else:
        # The smallest of exponential waiting times with these rates comes first with a
        # probability proportional to its rate.
        waits = Log()(1 - _uniform(rows.shape, generator, float64)) / -rows
        waits = Where()(rows == 0, math.inf, waits)
        chosen = part_of(ArgSort(1)(waits), 1, 0, num_samples)
    return Reshape((*input.shape[:-1], num_samples))(chosen)


def _require_weights(rows: Tensor, num_samples: int, replacement: bool) -> None:
    weights = np.asarray(rows)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ArgumentError("multinomial: a weight is negative, infinite or NaN")
    if (weights.sum(axis=1) <= 0).any():
        raise ArgumentError("multinomial: all weights of a row are 0")
    if num_samples <= 0:
        raise ArgumentError(f"multinomial: num_samples is positive, not {num_samples}")
    if not replacement and num_samples > weights.shape[1]:
        raise ArgumentError(
            f"multinomial: {num_samples} different indices cannot be drawn "
            f"from {weights.shape[1]} classes; pass replacement=True"
        )


@tensor_method
def uniform_(
    self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Set every element to a number uniform in [from, to)."""
    return self.rebind(_uniform(self.shape, generator, self.dtype) * (to - from_) + from_)


@tensor_method
def normal_(
    self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Set every element to a normally distributed number."""
    return self.rebind(_standard_normal(self.shape, generator, self.dtype) * std + mean)


@tensor_method
def bernoulli_(
    self: Tensor, p: Tensor | float = 0.5, *, generator: Generator | None = None
) -> Tensor:
    """Set every element to 1 with probability p, else to 0."""
    kind = self.dtype if is_floating(self.dtype) else float32
    return self.rebind(cast(_uniform(self.shape, generator, kind) < p, self.dtype))


@tensor_method
def random_(
    self: Tensor,
    from_: int | None = None,
    to: int | None = None,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Set every element to an integer uniform from `from_` up to but without `to`.

    With one argument that is `to`; without, all integers that the dtype holds exactly count.
    """
    low, high = (0, from_) if to is None else (from_ or 0, to)
    if high is None:
        exact = {"float32": 2**24, "float64": 2**53, "bool": 2}
        name = str(self.dtype)
        high = exact[name] + (name != "bool") if name in exact else np.iinfo(name).max
    return self.rebind(cast(_integers(self.shape, low, int(high), generator), self.dtype))


@tensor_method
def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Set every element to a number with density lambd exp(-lambd x)."""
    return self.rebind(Log()(1 - _uniform(self.shape, generator, self.dtype)) / -lambd)


@tensor_method
def cauchy_(
    self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Set every element to a number of a Cauchy distribution."""
    angle = (_uniform(self.shape, generator, self.dtype) - 0.5) * math.pi
    return self.rebind(Sin()(angle) / Cos()(angle) * sigma + median)


@tensor_method
def log_normal_(
    self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Tensor:
    """Set every element to e to the power of a normally distributed number."""
    return self.rebind(Exp()(_standard_normal(self.shape, generator, self.dtype) * std + mean))


@tensor_method
def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Set every element to the number of trials up to a success of probability p."""
    if not 0 < p < 1:
        raise ArgumentError(f"geometric_: the probability p lies between 0 and 1, not {p}")
    draw = Log()(1 - _uniform(self.shape, generator, float64)) / math.log1p(-p)
    return self.rebind(cast(Floor()(draw) + 1, self.dtype))
