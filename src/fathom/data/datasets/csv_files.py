"""Labelled CSV files."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import DatasetError
from ...formats.files import PathLike
from ...tape import Node
from ...tensor import wrap
from ..dataset import TensorDataset
from .table import read_table

# A column with larger numbers (an id, a price) does not number classes.
_MOST_CLASSES = 10_000


class CSVDataset(TensorDataset):
    """The rows of a CSV file.

    Attributes:
        data: the features, a float32 tensor of shape (N, F).
        targets: the labels, an int64 tensor of shape (N,); None without a label.
        feature_names: the columns' names; None where the file has no header.
        classes: the names of the classes; empty without a label.
    """

    def __init__(
        self,
        features: Any,
        labels: Any | None,
        feature_names: Sequence[str] | None,
        classes: Sequence[str],
    ) -> None:
        self.data = wrap(Node(features))
        self.targets = None if labels is None else wrap(Node(labels))
        self.feature_names = None if feature_names is None else list(feature_names)
        self.classes = list(classes)
        super().__init__(*(part for part in (self.data, self.targets) if part is not None))

    def __repr__(self) -> str:
        return (
            f"CSVDataset({len(self)} rows of {self.data.shape[1]} features, "
            f"{len(self.classes)} classes)"
        )


def csv(
    path: PathLike,
    label: str | int | None = "label",
    header: bool | str = "auto",
    *,
    classes: Sequence[str] | None = None,
) -> CSVDataset:
    """Read a CSV file of numbers, with a column of labels or without.

    Labels that are whole numbers from 0 on are classes as they stand. Any other labels are
    numbered in sorted order, and `classes` of the data set keeps their names.

    Args:
        path: the file, encoded in UTF-8.
        label: the label's column, by name or by position (-1 is the last); None for a file
            without labels.
        header: whether the first line holds the columns' names; ``"auto"`` takes it for names
            where none of its cells is a number.
        classes: the names of the classes, where they are known: those of the training data
            for the test data.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        FileFormatError: a cell is empty or not a finite number, a line has more or fewer cells
            than the first, the file is empty or not UTF-8; with line and column.
        DatasetError: there is no such column, a label is not one of `classes`, or the data do
            not fit into memory.
    """
    table = read_table(path, label, header)
    names = table.names
    if table.labels is None:
        return CSVDataset(table.features, None, names, classes or ())
    if names is not None:
        position = label if isinstance(label, int) else names.index(str(label))
        names = [name for index, name in enumerate(names) if index != position % len(names)]
    labels, found = number_labels(table.labels, classes, f"'{path}'")
    return CSVDataset(table.features, labels, names, found)


def number_labels(
    labels: "np.ndarray[Any, Any]", classes: Sequence[str] | None, where: str
) -> tuple["np.ndarray[Any, Any]", list[str]]:
    """Labels as int64 class numbers, and the names of the classes."""
    if labels.dtype.kind != "i":
        labels = _whole_numbers(labels)
    is_numbered = labels.dtype.kind == "i" and labels.min() >= 0 and labels.max() < _MOST_CLASSES
    if classes is None:
        if is_numbered:
            return labels, [str(number) for number in range(labels.max() + 1)]
        values, numbers = np.unique(labels, return_inverse=True)
        return numbers.astype(np.int64), [str(value) for value in values]
    known = {name: number for number, name in enumerate(classes)}
    values, inverse = np.unique(labels, return_inverse=True)
    unknown = [str(value) for value in values if str(value) not in known]
    if unknown:
        raise DatasetError(
            f"{where} has labels that are none of the {len(known)} classes: "
            f"{', '.join(unknown[:5])}{', …' if len(unknown) > 5 else ''}"
        )
    return np.array([known[str(value)] for value in values], np.int64)[inverse], list(classes)


def _whole_numbers(texts: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Texts as int64 where all of them are whole numbers (``3``, ``3.0``), else as they are."""
    try:
        numbers = texts.astype(np.float64)
    except ValueError:
        return texts
    if not (np.abs(numbers) < 2**53).all() or (numbers != np.rint(numbers)).any():
        return texts
    return numbers.astype(np.int64)
