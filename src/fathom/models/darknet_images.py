"""Photographs as Darknet gives them to a classifier.

Source: `resize_min`, `resize_image` and `crop_image` in `src/image.c` of
https://github.com/pjreddie/darknet
"""

import numpy as np

from ..ops import Array

__all__ = ["fit_photograph", "imagenet_classes"]


def fit_photograph(pixels: Array, height: int, width: int) -> Array:
    """The middle of a photograph, in the size that a network takes.

    The shorter side is scaled to the width of the network, then as much is cut from the middle
    as fits; what lacks is filled with the outermost pixels.

    Args:
        pixels: shape (channels, height, width), uint8, or floats from 0 to 1.
        height, width: of the result.

    Returns:
        float32 values from 0 to 1.
    """
    image = pixels.astype(np.float32)
    if pixels.dtype == np.uint8:
        image /= np.float32(255)
    tall, wide = image.shape[1:]
    if wide < tall:
        tall, wide = tall * width // wide, width
    else:
        tall, wide = width, wide * width // tall
    image = _resize(_resize(image, wide, 2), tall, 1)
    return _middle(_middle(image, width, 2), height, 1)


def _resize(image: Array, count: int, axis: int) -> Array:
    """The image with `count` pixels along an axis, interpolated between the first and the last."""
    length = image.shape[axis]
    if count == length:
        return image
    step = np.float32(length - 1) / np.float32(max(count - 1, 1))
    place = np.arange(count, dtype=np.float32) * step
    before = np.minimum(place.astype(np.int64), length - 1)
    share = place - before.astype(np.float32)
    before[-1], share[-1] = length - 1, 0
    shape = [1, 1, 1]
    shape[axis] = count
    share = share.reshape(shape)
    after = np.minimum(before + 1, length - 1)
    return (1 - share) * image.take(before, axis) + share * image.take(after, axis)


def _middle(image: Array, count: int, axis: int) -> Array:
    start = int((image.shape[axis] - count) / 2)  # towards zero, as in C
    places = np.clip(np.arange(start, start + count), 0, image.shape[axis] - 1)
    return image.take(places, axis)


def imagenet_classes() -> list[str]:
    """The names of ImageNet's thousand classes, in the order of Darknet's networks.

    From Darknet's `data/imagenet.shortnames.list`, which its authors put into the public domain.
    """
    from importlib.resources import files

    lines = files(__package__).joinpath("imagenet.txt").read_text(encoding="utf-8").splitlines()
    return [line.partition(" ")[2] for line in lines]
