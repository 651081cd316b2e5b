"""The places that see the same elements of a kernel, where a convolution has a stride."""

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """The places of an image, along one dimension, that see the same elements of a kernel.

    Attributes:
        start: the first of them; the others follow a stride of the convolution apart.
        places: how many there are.
        kernel: the first element of the kernel that they see,
        kernel_step: how far it is from one to the next,
        taps: and how many there are.
        grad: where the gradient lies that the first place and the first element meet,
        grad_step: and how far back it moves from one element to the next.
    """

    start: int
    places: int
    kernel: int
    kernel_step: int
    taps: int
    grad: int
    grad_step: int


def phases_along(
    size: int,
    length: int,
    stride: int,
    dilation: int,
    padding: tuple[int, int],
    margin: tuple[int, int],
) -> Iterator[Phase]:
    """The phases along one dimension: place i and element k meet at (i + padding - k *
    dilation) / stride, where that is whole."""
    step = stride // math.gcd(stride, dilation)
    for start in range(min(stride, size)):
        places = -(-(size - start) // stride)
        seen = [k for k in range(length) if (start + padding[0] - k * dilation) % stride == 0]
        if not seen:
            yield Phase(start, places, 0, 1, 0, 0, 0)
            continue
        grad = (start + padding[0] - seen[0] * dilation) // stride + margin[0]
        yield Phase(start, places, seen[0], step, len(seen), grad, step * dilation // stride)


def margins_of_gradient(
    size: int, length: int, stride: int, dilation: int, padding: tuple[int, int], count: int
) -> tuple[int, int]:
    """How many zeros are needed before and after a gradient, of `count` elements."""
    low, high = 0, count - 1
    for phase in phases_along(size, length, stride, dilation, padding, (0, 0)):
        if phase.taps:
            low = min(low, phase.grad - (phase.taps - 1) * phase.grad_step)
            high = max(high, phase.grad + phase.places - 1)
    return -low, high - (count - 1)


def combinations(parts: list[list[Phase]]) -> Iterator[tuple[Phase, ...]]:
    if not parts:
        yield ()
        return
    for first in parts[0]:
        for rest in combinations(parts[1:]):
            yield (first, *rest)
