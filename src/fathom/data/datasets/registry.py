"""Data sets by name, ready for training."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DatasetError
from ...formats.files import PathLike
from ...functional.random import Generator
from ...naming import look_up
from ..dataset import Dataset, TensorDataset
from ..split import random_split
from ..transforms import Standardize
from .cifar import CIFAR10
from .csv_files import CSVDataset, csv
from .digits import digits
from .idx_datasets import KMNIST, MNIST, FashionMNIST
from .image_dataset import ImageDataset

_SMALLEST_SIDE = 8


@dataclass(frozen=True)
class Splits:
    """A data set in two parts, with what a model has to know of it.

    Attributes:
        name: the data set's name.
        train, test: the parts, handed out as float32 inputs and int64 labels.
        classes: the names of the classes.
        input_shape: the shape of one input: (C, H, W) for images, (F,) for features.
        transform: what makes inputs of raw values; both parts apply it.
    """

    name: str
    train: Dataset
    test: Dataset
    classes: list[str]
    input_shape: tuple[int, ...]
    transform: Callable[[Any], Any]


def load(name: str, root: PathLike | None = None, label: str | int | None = "label") -> Splits:
    """A data set by its name, split and scaled, ready for training.

    Published data sets have their own test part; images are scaled to [0, 1]. Of a CSV file,
    every fifth row at random, with each class in proportion, is the test part, always the same
    one. Where its features are 8-bit pixels of square images they become images; others are
    standardized by the mean and deviation of the training part.

    Args:
        name: ``digits``, ``mnist``, ``fashion-mnist``, ``kmnist``, ``cifar10``, or the path of
            a labelled file that ends in ``.csv``.
        root: a data directory to look through first, and for downloads.
        label: the label's column of a CSV file, by name or position.

    Raises:
        UnknownNameError: there is no data set of that name; the nearest names are offered.
        FathomError: it cannot be found, downloaded or read.
    """
    if str(name).lower().endswith(".csv"):
        return _split_csv(csv(name, label), Path(name).name)
    make = look_up("data set", name, PUBLISHED)
    train, test = make(root=root, train=True), make(root=root, train=False)
    return Splits(name, train, test, train.classes, train.data.shape[1:], train.transform)


def _embedded_digits(root: PathLike | None, train: bool) -> ImageDataset:
    return digits(train)


PUBLISHED: dict[str, Callable[..., ImageDataset]] = {
    "digits": _embedded_digits,
    "mnist": MNIST,
    "fashion-mnist": FashionMNIST,
    "kmnist": KMNIST,
    "cifar10": CIFAR10,
}


def _split_csv(table: CSVDataset, name: str) -> Splits:
    if table.targets is None:
        raise DatasetError(f"'{name}' is read without labels, and cannot be trained on")
    features, labels = np.asarray(table.data), np.asarray(table.targets)
    parts = random_split(table, [0.8, 0.2], Generator().manual_seed(0), stratified=labels)
    train_rows, test_rows = (np.sort(part.indices) for part in parts)
    if (shape := image_shape(features)) is not None:
        images = features.astype(np.uint8).reshape(-1, *shape)
        train, test = (
            ImageDataset(images[rows], labels[rows], table.classes)
            for rows in (train_rows, test_rows)
        )
        return Splits(name, train, test, table.classes, shape, train.transform)
    standardize = Standardize(features[train_rows])
    scaled = standardize(features)
    return Splits(
        name,
        TensorDataset(scaled[train_rows], labels[train_rows]),
        TensorDataset(scaled[test_rows], labels[test_rows]),
        table.classes,
        features.shape[1:],
        standardize,
    )


def image_shape(features: "np.ndarray[Any, Any]") -> tuple[int, int, int] | None:
    """(1, side, side) where features of shape (N, F) are 8-bit pixels of square images.

    That is where F is a square from 8x8 on, and all values are whole numbers from 0 to 255,
    some of them larger than 1.
    """
    side = isqrt(features.shape[1])
    if side * side != features.shape[1] or side < _SMALLEST_SIDE:
        return None
    if features.min() < 0 or not 1 < features.max() <= 255 or (features % 1).any():
        return None
    return (1, side, side)
