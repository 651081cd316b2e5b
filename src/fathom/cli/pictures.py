"""Pictures from anywhere, made like those of the training."""

from os import PathLike
from typing import Any

import numpy as np

Pixels = np.ndarray[Any, Any]

# The longer side of what is drawn, as a share of the picture. MNIST's digits are 20 of 28
# pixels high (yann.lecun.com/exdb/mnist); in the other sets they reach the border.
_EXTENT = {"mnist": 20 / 28}
# What is fainter than this share of the darkest stroke is paper.
_FAINT = 0.2


def prepare_picture(path: str | PathLike[str], shape: tuple[int, ...], data: str) -> Pixels:
    """A picture as the model expects it.

    A picture of one channel becomes light on dark; what is drawn is cut out, scaled and
    centred. A picture in colours is scaled to cover the whole and cut to its middle.

    Args:
        path: a PNG or JPEG file.
        shape: channels, height and width that the model expects.
        data: the name of the data set it was trained on.

    Returns:
        float32 values from 0 to 1 of that shape.

    Raises:
        FathomError: the file is no picture, or nothing is drawn on it.
    """
    from ..formats import read_image

    channels, height, width = shape
    pixels = read_image(path, "GRAY" if channels == 1 else "RGB").astype(np.float32) / 255
    if channels != 1:
        return _cover(pixels, height, width)
    return _place(cut_out(light_on_dark(pixels[0]), str(path)), height, width, _extent(data))[None]


def _extent(data: str) -> float:
    # A CSV file of images of 28×28 pixels is most likely MNIST's, as Kaggle has it.
    return _EXTENT.get("mnist" if data.lower().endswith(".csv") else data, 1.0)


def light_on_dark(pixels: Pixels) -> Pixels:
    """The picture with paper at 0 and the strongest stroke at 1.

    The paper is what most of the border shows.
    """
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    paper = np.median(border)
    ink = np.maximum(paper - pixels if paper > 0.5 else pixels - paper, 0)
    return ink / max(float(ink.max()), 1e-6)


def cut_out(ink: Pixels, name: str) -> Pixels:
    """The smallest part that holds all that is drawn."""
    from ..errors import DatasetError

    drawn = ink > _FAINT
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    if not len(rows) or drawn.all():
        raise DatasetError(f"'{name}' shows nothing that stands out from its background")
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _place(ink: Pixels, height: int, width: int, extent: float) -> Pixels:
    """What is drawn, scaled to the extent, with its centre of mass in the middle."""
    factor = min(height / ink.shape[0], width / ink.shape[1]) * extent
    tall, wide = (max(1, round(side * factor)) for side in ink.shape)
    small = resize(ink, tall, wide)
    small /= max(float(small.max()), 1e-6)
    top, left = _offset(small.sum(axis=1), height), _offset(small.sum(axis=0), width)
    placed = np.zeros((height, width), np.float32)
    placed[top : top + tall, left : left + wide] = small
    return placed


def _offset(mass: Pixels, limit: int) -> int:
    """Where to begin, so that the centre of mass is in the middle and nothing sticks out."""
    centre = float((mass * (np.arange(len(mass)) + 0.5)).sum() / mass.sum())
    return int(np.clip(round(limit / 2 - centre), 0, limit - len(mass)))


def _cover(pixels: Pixels, height: int, width: int) -> Pixels:
    """The largest part of the proportions of height and width in the middle, scaled to them."""
    factor = min(pixels.shape[1] / height, pixels.shape[2] / width)
    tall, wide = (max(1, round(side * factor)) for side in (height, width))
    top, left = (pixels.shape[1] - tall) // 2, (pixels.shape[2] - wide) // 2
    middle = pixels[:, top : top + tall, left : left + wide]
    return np.stack([resize(channel, height, width) for channel in middle])


def resize(pixels: Pixels, height: int, width: int) -> Pixels:
    """A picture of another size, smoothed as far as it shrinks."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels, np.float32))
    return np.array(image.resize((width, height), Image.Resampling.BILINEAR))
