"""Where a kernel stands on an image: shared by convolution and pooling."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .op import Array, Shape


@dataclass(frozen=True)
class Windows:
    """The windows that a kernel sees as it moves over the spatial dimensions.

    Attributes hold one entry for each spatial dimension.

    Attributes:
        kernel: the size of the window.
        stride: how far it moves from one position to the next.
        padding: how many elements are added before and after the image.
        dilation: how far apart the elements of one window lie.
    """

    kernel: Shape
    stride: Shape
    padding: tuple[tuple[int, int], ...]
    dilation: Shape

    @property
    def spans(self) -> Shape:
        """How far a window reaches: from its first element to its last, both counted."""
        pairs = zip(self.kernel, self.dilation, strict=True)
        return tuple([step * (size - 1) + 1 for size, step in pairs])

    @property
    def are_apart(self) -> bool:
        """Whether no element lies in two windows."""
        return all(span <= step for span, step in zip(self.spans, self.stride, strict=True))

    def padded(self, sizes: Shape) -> Shape:
        """The spatial sizes of an image with its padding."""
        pairs = zip(sizes, self.padding, strict=True)
        return tuple([before + size + after for size, (before, after) in pairs])

    def counts(self, sizes: Shape) -> Shape:
        """How many windows an image has along each spatial dimension; not positive if none."""
        limits = zip(self.padded(sizes), self.spans, self.stride, strict=True)
        return tuple([(size - span) // stride + 1 for size, span, stride in limits])

    def image(self, x: Array, fill: Any = 0) -> Array:
        """The padded images of shape (N, C, *sizes) with the channels last: (N, *padded, C)."""
        if not any(map(any, self.padding)):
            return np.ascontiguousarray(channels_last(x))
        padded = np.full((len(x), *self.padded(x.shape[2:]), x.shape[1]), fill, x.dtype)
        self.interior(padded, x.shape[2:])[...] = channels_last(x)
        return padded

    def interior(self, padded: Array, sizes: Shape) -> Array:
        """The part of padded images (N, *padded, C) that is not padding."""
        pairs = zip(sizes, self.padding, strict=True)
        return padded[(slice(None), *[slice(low, low + size) for size, (low, _) in pairs])]

    def view(self, image: Array) -> Array:
        """All windows of padded images, without a copy: (N, *counts, *kernel, C)."""
        batch, *sizes, channels = image.shape
        spans = zip(sizes, self.spans, self.stride, strict=True)
        counts = [(size - span) // stride + 1 for size, span, stride in spans]
        outer, *strides, inner = image.strides
        moves = [size * step for size, step in zip(strides, self.stride, strict=True)]
        steps = [size * step for size, step in zip(strides, self.dilation, strict=True)]
        return as_strided(
            image,
            (batch, *counts, *self.kernel, channels),
            (outer, *moves, *steps, inner),
            writeable=False,
        )

    def offsets(self) -> Iterator[Shape]:
        """The positions within a window, in row-major order."""
        return product(*map(range, self.kernel))

    def seen_at(self, offset: Shape, counts: Shape, first_row: int = 0) -> tuple[slice, ...]:
        """The elements of a padded image (N, *padded, C) that its windows have at an offset.

        Args:
            offset: the position within the window.
            counts: how many windows are meant along each spatial dimension.
            first_row: the first of them along the first spatial dimension.
        """
        index = [slice(None)]
        firsts = (first_row, *[0] * (len(counts) - 1))
        parts = zip(offset, counts, firsts, self.stride, self.dilation, strict=True)
        for position, count, first, stride, dilation in parts:
            start = first * stride + position * dilation
            index.append(slice(start, start + (count - 1) * stride + 1, stride))
        return tuple(index)


def channels_last(x: Array) -> Array:
    """(N, C, *sizes) seen as (N, *sizes, C)."""
    return np.moveaxis(x, 1, -1)


def channels_first(x: Array) -> Array:
    """(N, *sizes, C) seen as (N, C, *sizes)."""
    return np.moveaxis(x, -1, 1)


def blocks(batch: int, rows: int, bytes_per_row: int, limit: int) -> Iterator[tuple[slice, slice]]:
    """Cut a batch of images into parts that take about `limit` bytes.

    Args:
        batch: the number of images.
        rows: the number of rows of each.
        bytes_per_row: what one row takes.
        limit: what a part may take, if it has more than one row.

    Yields:
        The images and the rows of each part: several whole images, or rows of one image.
    """
    at_once = max(1, limit // max(1, bytes_per_row))
    images = max(1, at_once // max(1, rows))
    for image in range(0, batch, images):
        for row in range(0, rows, rows if images > 1 else at_once):
            yield slice(image, image + images), slice(row, min(row + at_once, rows))
