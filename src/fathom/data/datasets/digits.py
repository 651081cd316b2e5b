"""The digits that are part of the installation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ...formats.idx import read_idx
from .image_dataset import ImageDataset

_FOLDER = Path(__file__).parent / "embedded"
_LARGEST_VALUE = 16
# In each class, every fifth image is for testing.
_TEST_STRIDE = 5


def digits(
    train: bool | None = None,
    transform: Callable[[Any], Any] | None = None,
    target_transform: Callable[[Any], Any] | None = None,
) -> ImageDataset:
    """Handwritten digits: 1,797 images of 8x8 pixels, part of the installation.

    The pixels are whole numbers from 0 to 16.

    Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
    Learning Repository, 1998, https://doi.org/10.24432/C50P49, licence CC BY 4.0.

    Args:
        train: True for 1,433 images to train with, False for the other 364, every fifth of
            each class; None for all.
        transform: applied to every batch of images, a uint8 tensor of shape (N, 1, 8, 8); by
            default scaling to [0, 1] as float32.
        target_transform: applied to every batch of labels.
    """
    images = read_idx(_FOLDER / "digits-images-idx3-ubyte.gz")[:, None]
    labels = read_idx(_FOLDER / "digits-labels-idx1-ubyte.gz")
    if train is not None:
        chosen = _is_for_testing(labels) != train
        images, labels = images[chosen], labels[chosen]
    return ImageDataset(
        images, labels, "0123456789", transform, target_transform, maximum=_LARGEST_VALUE
    )


def _is_for_testing(labels: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    result = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        result[np.flatnonzero(labels == label)[::_TEST_STRIDE]] = True
    return result
