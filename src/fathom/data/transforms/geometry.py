"""Transforms that move images by whole pixels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ...errors import ArgumentError, ShapeError
from ...functional.random import Generator
from ..randomness import draw
from .transform import Array, ImageTransform, pair, probability

_PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


class Pad(ImageTransform):
    """Adds a border.

    Args:
        padding: the width of the border: one number, two (left and right, top and bottom), or
            four (left, top, right, bottom).
        fill: the value of a constant border.
        padding_mode: ``"constant"``, ``"edge"`` (repeats the outermost pixels), ``"reflect"``
            (mirrors at them) or ``"symmetric"`` (mirrors and repeats them).
    """

    def __init__(
        self, padding: int | Sequence[int], fill: float = 0, padding_mode: str = "constant"
    ) -> None:
        if padding_mode not in _PADDING_MODES:
            raise ArgumentError(
                f"there is no padding mode {padding_mode!r}; there are {', '.join(_PADDING_MODES)}"
            )
        widths = [padding] if isinstance(padding, int) else list(padding)
        if len(widths) not in (1, 2, 4) or min(widths) < 0:
            raise ArgumentError(f"padding must be one, two or four widths, got {padding!r}")
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode
        left, top, right, bottom = (widths * 4)[:4]
        self._widths = ((0, 0), (0, 0), (top, bottom), (left, right))

    def apply(self, values: Array) -> Array:
        """The images with their border."""
        if self.padding_mode == "constant":
            return np.pad(values, self._widths, constant_values=self.fill)
        return np.pad(values, self._widths, mode=self.padding_mode)  # type: ignore[call-overload]


class CenterCrop(ImageTransform):
    """Cuts out the middle; a smaller image gets a border of zeros first.

    Args:
        size: height and width, or one number for both.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = pair(size, "size")

    def apply(self, values: Array) -> Array:
        """The middles of the images."""
        missing = [
            max(0, want - have) for want, have in zip(self.size, values.shape[2:], strict=True)
        ]
        if any(missing):
            (top, left), (bottom, right) = (
                [lack // 2 for lack in missing],
                [(lack + 1) // 2 for lack in missing],
            )
            values = np.pad(values, ((0, 0), (0, 0), (top, bottom), (left, right)))
        # Half a pixel is rounded to even, as in torchvision.
        top, left = (
            round((have - want) / 2) for want, have in zip(self.size, values.shape[2:], strict=True)
        )
        return values[:, :, top : top + self.size[0], left : left + self.size[1]]


class RandomCrop(ImageTransform):
    """Cuts a part out of each image, at a random place.

    Args:
        size: height and width of the part, or one number for both.
        padding, fill, padding_mode: a border that is added first; see `Pad`.
        generator: where to draw from.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        fill: float = 0,
        padding_mode: str = "constant",
        generator: Generator | None = None,
    ) -> None:
        self.size = pair(size, "size")
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode
        self.generator = generator
        self._pad = None if padding is None else Pad(padding, fill, padding_mode)

    def apply(self, values: Array) -> Array:
        """The parts of the images."""
        if self._pad is not None:
            values = self._pad.apply(values)
        count, _, height, width = values.shape
        if self.size[0] > height or self.size[1] > width:
            raise ShapeError(
                f"RandomCrop to {self.size} is larger than the images, which have shape "
                f"{values.shape} with their border"
            )
        places = np.array([height - self.size[0] + 1, width - self.size[1] + 1])
        top, left = (draw(self.generator, count, 2) * places).astype(np.int64).T
        windows = sliding_window_view(values, self.size, axis=(2, 3))
        return windows[np.arange(count), :, top, left]


class _RandomFlip(ImageTransform):
    axis: int

    def __init__(self, p: float = 0.5, generator: Generator | None = None) -> None:
        self.p = probability(p)
        self.generator = generator

    def apply(self, values: Array) -> Array:
        """The images, each flipped or not."""
        chosen = draw(self.generator, len(values)) < self.p
        flipped: Any = np.flip(values, self.axis)
        return np.where(chosen[:, np.newaxis, np.newaxis, np.newaxis], flipped, values)


class RandomHorizontalFlip(_RandomFlip):
    """Exchanges left and right of some images.

    Args:
        p: the probability for each image.
        generator: where to draw from.
    """

    axis = 3


class RandomVerticalFlip(_RandomFlip):
    """Exchanges top and bottom of some images.

    Args:
        p: the probability for each image.
        generator: where to draw from.
    """

    axis = 2
