"""Reading pictures with Pillow, which is an optional part of the installation."""

import io
import os
import warnings
from typing import Any

import numpy as np

from ..errors import ArgumentError, FileFormatError, MissingExtra
from .files import PathLike, open_to_read

# Larger than any camera's picture by far, small enough for any memory.
MOST_PIXELS = 1 << 26
# Deflate shrinks by at most a factor of 1032; a pixel takes at least one bit.
MOST_PIXELS_PER_BYTE = 1032 * 8

_MODES = {"GRAY": "L", "L": "L", "RGB": "RGB"}


def read_image(path: PathLike, mode: str = "RGB") -> "np.ndarray[Any, Any]":
    """Read a PNG or JPEG picture.

    Where a picture is transparent, white shows through; a camera's note of how it was held
    is followed.

    Args:
        path: the file.
        mode: ``"RGB"`` or ``"GRAY"`` (also ``"L"``, Pillow's name).

    Returns:
        uint8 values of shape (3, height, width) or (1, height, width).

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        FileFormatError: it is not a PNG or JPEG picture, is damaged, or far too large.
        MissingExtra: Pillow is not installed.
    """
    if mode.upper() not in _MODES:
        raise ArgumentError(f"there is no image mode {mode!r}; there are 'RGB' and 'GRAY'")
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise MissingExtra(
            "reading pictures needs pillow: pip install 'fathom-dl[images]'"
        ) from None
    with open_to_read(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about oddities of a file that can be read
        try:
            # From memory, where asking for more bytes than there are reserves no room for them.
            content = file.read()
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
                _check_size(image.size, len(content))
                pixels = _pixels(image, _MODES[mode.upper()])
        except UnidentifiedImageError:
            raise FileFormatError(f"{os.fspath(path)!r} is no PNG or JPEG picture") from None
        except Exception as error:
            # A damaged picture makes Pillow raise almost anything.
            raise FileFormatError(
                f"{os.fspath(path)!r} cannot be read as a PNG or JPEG picture: {error}"
            ) from None
    return pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _check_size(size: tuple[int, int], file_size: int) -> None:
    pixels = size[0] * size[1]
    if pixels > min(MOST_PIXELS, MOST_PIXELS_PER_BYTE * file_size):
        raise ValueError(
            f"it claims {size[0]} x {size[1]} pixels, too many for its {file_size} bytes "
            f"or for any use (at most {MOST_PIXELS})"
        )


def _pixels(image: Any, mode: str) -> "np.ndarray[Any, Any]":
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        # Sixteen bits of grey, of which Pillow would clip all but the lowest eight.
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert(mode))
