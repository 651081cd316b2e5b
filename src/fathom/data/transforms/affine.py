"""Random affine maps."""

import math
from collections.abc import Sequence

import numpy as np

from ...errors import ArgumentError
from ...functional.random import Generator
from ..randomness import draw
from .transform import Array, ImageTransform


class RandomAffine(ImageTransform):
    """Rotates, shifts, scales and shears each image at random, about its centre.

    A pixel of the result is interpolated bilinearly between the pixels around the place that
    it comes from; outside the image is `fill`.

    Args:
        degrees: the largest angle either way, or the smallest and the largest, clockwise.
        translate: the largest shift either way, as shares of width and height.
        scale: the smallest and the largest factor.
        shear: the largest angle in degrees either way by which vertical lines lean, or two
            limits of it, or four: those of x and those of y.
        fill: the value outside the image.
        generator: where to draw from.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        fill: float = 0,
        generator: Generator | None = None,
    ) -> None:
        if translate is not None and (
            len(translate) != 2 or not all(0 <= share <= 1 for share in translate)
        ):
            raise ArgumentError(f"translate must be two shares from 0 to 1, got {translate}")
        if scale is not None and (len(scale) != 2 or not 0 < scale[0] <= scale[1]):
            raise ArgumentError(f"scale must be two increasing positive factors, got {scale}")
        self.degrees = _limits(degrees, "degrees")
        self.translate = translate
        self.scale = scale
        self.shear = shear
        self.fill = fill
        self.generator = generator
        shears = [0.0, 0.0] if shear is None else _limits(shear, "shear", (2, 4))
        self._shears = [*shears, 0.0, 0.0][:4]

    def apply(self, values: Array) -> Array:
        """The images, each moved by its own map."""
        count, _, height, width = values.shape
        angle, horizontal, vertical, size, shear_x, shear_y = 2 * draw(self.generator, 6, count) - 1
        matrices = inverse_maps(
            np.radians(_spread(self.degrees, angle)),
            _spread(self.scale or (1, 1), size),
            np.radians(_spread(self._shears[:2], shear_x)),
            np.radians(_spread(self._shears[2:], shear_y)),
        )
        # Shifts are by whole pixels, as in torchvision.
        share_x, share_y = self.translate or (0, 0)
        shifts = np.rint([horizontal * share_x * width, vertical * share_y * height]).T
        return sample(values, matrices, shifts, self.fill)


def inverse_maps(angle: Array, scale: Array, shear_x: Array, shear_y: Array) -> Array:
    """The matrices that lead from a place in the result to its origin, both from the centre.

    They are the inverses of scale · rotation(angle) · shear_y · shear_x with

        shear_x = [[1, -tan(shear_x)], [0, 1]] and shear_y = [[1, 0], [-tan(shear_y), 1]]

    where the y axis points down.

    Args:
        angle, scale, shear_x, shear_y: of shape (N,); angles in radians.

    Returns:
        matrices of shape (N, 2, 2) for columns (x, y).
    """
    cosine, sine = np.cos(angle), np.sin(angle)
    zero, one = np.zeros_like(angle), np.ones_like(angle)
    rotation = _matrices(cosine, -sine, sine, cosine)
    lean_y = _matrices(one, zero, -np.tan(shear_y), one)
    lean_x = _matrices(one, -np.tan(shear_x), zero, one)
    return np.linalg.inv(scale[:, None, None] * (rotation @ lean_y @ lean_x))


def sample(values: Array, matrices: Array, shifts: Array, fill: float) -> Array:
    """The images read at ``matrix · (place - shift)``, between pixels bilinearly.

    Args:
        values: images of shape (N, C, H, W).
        matrices: of shape (N, 2, 2), for places (x, y) in pixels from the image's centre.
        shifts: of shape (N, 2), in pixels.
        fill: the value outside the images.
    """
    count, channels, height, width = values.shape
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    x = np.arange(width) - centre_x - shifts[:, :1]
    y = np.arange(height) - centre_y - shifts[:, 1:]
    (xx, xy), (yx, yy) = matrices.transpose(1, 2, 0)[..., None, None]
    from_x = xx * x[:, None, :] + xy * y[:, :, None] + centre_x
    from_y = yx * x[:, None, :] + yy * y[:, :, None] + centre_y
    # Within a border of one pixel on each side, every place has four pixels around it.
    border = ((0, 0), (0, 0), (1, 1), (1, 1))
    padded = np.pad(values, border, constant_values=fill)
    floating = np.float64 if values.dtype == np.float64 else np.float32
    pixels = padded.astype(floating, copy=False).reshape(
        count, channels, (height + 2) * (width + 2)
    )
    from_x = np.clip(from_x + 1, 0, width + 1)
    from_y = np.clip(from_y + 1, 0, height + 1)
    column = np.minimum(from_x.astype(np.int64), width)
    row = np.minimum(from_y.astype(np.int64), height)
    right = (from_x - column).astype(floating)[:, None]
    low = (from_y - row).astype(floating)[:, None]
    corner = (row * (width + 2) + column).reshape(count, 1, height * width)

    def neighbour(offset: int) -> Array:
        found = np.take_along_axis(pixels, corner + offset, axis=2)
        return found.reshape(values.shape)

    above = neighbour(0) * (1 - right) + neighbour(1) * right
    below = neighbour(width + 2) * (1 - right) + neighbour(width + 3) * right
    result = above * (1 - low) + below * low
    if values.dtype.kind != "f":
        result = np.rint(result)
    return result.astype(values.dtype, copy=False)


def _matrices(a: Array, b: Array, c: Array, d: Array) -> Array:
    return np.stack([np.stack([a, b], axis=-1), np.stack([c, d], axis=-1)], axis=-2)


def _spread(limits: Sequence[float], draws: Array) -> Array:
    """Draws uniform from -1 to 1, spread over the range between two limits."""
    low, high = limits
    return (low + high) / 2 + (high - low) / 2 * draws


def _limits(value: float | Sequence[float], name: str, counts: Sequence[int] = (2,)) -> list[float]:
    if isinstance(value, int | float):
        if not 0 <= value < math.inf:
            raise ArgumentError(f"{name} must not be negative, got {value}")
        return [-float(value), float(value)]
    if len(value) not in counts or any(
        low > high for low, high in zip(value[::2], value[1::2], strict=True)
    ):
        raise ArgumentError(f"{name} must be a number or limits in increasing order, got {value}")
    return [float(limit) for limit in value]
