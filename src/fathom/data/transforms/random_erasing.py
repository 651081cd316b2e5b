"""Random erasing."""

import math
from collections.abc import Sequence

import numpy as np

from ...errors import ArgumentError
from ...functional.random import Generator
from ..randomness import draw
from .transform import Array, ImageTransform, probability

_ATTEMPTS = 10


class RandomErasing(ImageTransform):
    """Overwrites a random rectangle of some images.

    The rectangle's share of the image is uniform in `scale`, the logarithm of its ratio of
    height to width uniform in that of `ratio`; where ten such rectangles do not fit, the image
    stays.

    Source: Zhong, Zheng, Kang, Li, Yang, "Random Erasing Data Augmentation", 2017, algorithm 1.

    Args:
        p: the probability for each image.
        scale: the smallest and the largest share of the image.
        ratio: the smallest and the largest ratio of height to width.
        value: what to write: a number, one for each channel, or ``"random"`` for normally
            distributed noise.
        generator: where to draw from.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: float | Sequence[float] | str = 0,
        generator: Generator | None = None,
    ) -> None:
        if not 0 <= scale[0] <= scale[1] <= 1 or not 0 < ratio[0] <= ratio[1]:
            raise ArgumentError(
                f"scale and ratio must be increasing, scale within 0 to 1, got {scale} and {ratio}"
            )
        if isinstance(value, str) and value != "random":
            raise ArgumentError(f"value must be numbers or 'random', got {value!r}")
        self.p = probability(p)
        self.scale = scale
        self.ratio = ratio
        self.value = value
        self.generator = generator

    def apply(self, values: Array) -> Array:
        """The images with their rectangles."""
        count, _, height, width = values.shape
        draws = draw(self.generator, 5, count, _ATTEMPTS)
        area = height * width * _between(self.scale, draws[0])
        logarithms = math.log(self.ratio[0]), math.log(self.ratio[1])
        ratio = np.exp(_between(logarithms, draws[1]))
        tall = np.rint(np.sqrt(area * ratio)).astype(np.int64)
        wide = np.rint(np.sqrt(area / ratio)).astype(np.int64)
        fits = (tall < height) & (wide < width)
        # The first attempt that fits, for each image.
        first = np.arange(count), fits.argmax(axis=1)
        tall, wide = tall[first], wide[first]
        top = (draws[2][first] * (height - tall + 1)).astype(np.int64)
        left = (draws[3][first] * (width - wide + 1)).astype(np.int64)
        erased = fits.any(axis=1) & (draws[4, :, 0] < self.p)
        rows, columns = np.arange(height), np.arange(width)
        in_rows = (rows >= top[:, None]) & (rows < (top + tall)[:, None])
        in_columns = (columns >= left[:, None]) & (columns < (left + wide)[:, None])
        mask = erased[:, None, None] & in_rows[:, :, None] & in_columns[:, None, :]
        return np.where(mask[:, np.newaxis], self._filling(values), values)

    def _filling(self, values: Array) -> Array:
        if self.value == "random":
            radius = np.sqrt(-2 * np.log1p(-draw(self.generator, *values.shape)))
            angle = 2 * np.pi * draw(self.generator, *values.shape)
            return (radius * np.cos(angle)).astype(values.dtype)
        filling = np.asarray(self.value, values.dtype)
        return filling.reshape(-1, 1, 1) if filling.ndim else filling


def _between(limits: tuple[float, float], draws: Array) -> Array:
    return limits[0] + (limits[1] - limits[0]) * draws
