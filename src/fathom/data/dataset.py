"""Data sets: what can be indexed by a whole number, or by many at once."""

import bisect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import DatasetError, IndexOutOfRange
from ..runtime.rows import take_rows
from ..tape import Node
from ..tensor import Tensor, constant, wrap
from .collate import default_collate, join_batches

# Positions in a data set: a range, an array of int64, or any sequence of whole numbers.
Indices = Sequence[int] | np.ndarray[Any, Any]


class Dataset:
    """The base of data sets that have a length and are indexed by position.

    A subclass defines ``__getitem__`` for one sample and ``__len__``. One that holds its data
    in arrays also defines `get_batch`, which spares the loader to collect samples one by one.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # A batch taken by an inherited shortcut would pass over a sample's new definition.
        if "__getitem__" in cls.__dict__ and "get_batch" not in cls.__dict__:
            cls.get_batch = Dataset.get_batch  # type: ignore[method-assign]

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")

    def __len__(self) -> int:
        raise TypeError(f"{type(self).__name__} does not define __len__")

    def __add__(self, other: "Dataset") -> "ConcatDataset":
        return ConcatDataset([self, other])

    def get_batch(self, indices: Indices) -> Any:
        """The samples at the given positions, collated to one batch."""
        return default_collate(get_samples(self, indices))


class IterableDataset:
    """The base of data sets that can only be read in order: a subclass defines ``__iter__``."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")


def get_samples(dataset: Any, indices: Indices) -> list[Any]:
    """The samples at the given positions, one by one, or by PyTorch's ``__getitems__``."""
    positions = [int(index) for index in indices]
    if hasattr(dataset, "__getitems__"):
        return list(dataset.__getitems__(positions))
    return [dataset[position] for position in positions]


def get_batch(dataset: Any, indices: Indices) -> Any:
    """The batch at the given positions of any object that can be indexed."""
    if isinstance(dataset, Dataset):
        return dataset.get_batch(indices)
    return default_collate(get_samples(dataset, indices))


def take(tensor: Tensor, indices: Indices) -> Tensor:
    """The rows of a tensor at the given positions; a range of them is not even copied."""
    rows = tensor._node.value
    if type(indices) is range and indices.step == 1 and 0 <= indices.start <= len(rows):
        if indices.stop > len(rows):
            raise _out_of_range(indices.stop - 1, len(rows))
        return wrap(Node(rows[indices.start : indices.stop]))
    try:
        return wrap(Node(take_rows(rows, np.asarray(indices, np.int64))))
    except IndexError:
        wrong = next(index for index in indices if not -len(rows) <= index < len(rows))
        raise _out_of_range(wrong, len(rows)) from None


def _out_of_range(index: int, length: int) -> IndexOutOfRange:
    return IndexOutOfRange(f"index {index} is out of range for a data set of {length} samples")


class TensorDataset(Dataset):
    """A data set whose samples are the rows of tensors: ``(inputs[i], targets[i])``.

    Args:
        tensors: tensors (or arrays) of the same first size; gradients do not flow to them.

    Raises:
        DatasetError: their first sizes differ.
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tuple(
            tensor.detach() if isinstance(tensor, Tensor) else constant(tensor)
            for tensor in tensors
        )
        sizes = [tensor.shape[:1] for tensor in self.tensors]
        if not sizes or () in sizes or len(set(sizes)) > 1:
            shapes = ", ".join(str(tensor.shape) for tensor in self.tensors)
            raise DatasetError(
                f"a TensorDataset needs tensors of the same first size, got shapes {shapes or '-'}"
            )

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return tuple([tensor[index] for tensor in self.tensors])

    def __len__(self) -> int:
        return self.tensors[0].shape[0]

    def get_batch(self, indices: Indices) -> list[Tensor]:
        """The rows of each tensor at the given positions."""
        return [take(tensor, indices) for tensor in self.tensors]


class Subset(Dataset):
    """The samples of a data set at some positions.

    Args:
        dataset: the data set.
        indices: the positions in it.
    """

    def __init__(self, dataset: Any, indices: Iterable[int]) -> None:
        self.dataset = dataset
        self.indices = list(map(int, indices))
        self._positions = np.array(self.indices, np.int64)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)

    def get_batch(self, indices: Any) -> Any:
        """The batch of the whole data set at the positions that `indices` stand for."""
        if isinstance(indices, range):
            indices = slice(indices.start, indices.stop, indices.step)
        return get_batch(self.dataset, self._positions[indices])


class ConcatDataset(Dataset):
    """Data sets one after the other.

    Args:
        datasets: the data sets, at least one.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise DatasetError("a ConcatDataset needs at least one data set")
        self.cumulative_sizes = np.cumsum([len(dataset) for dataset in self.datasets]).tolist()

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise _out_of_range(index, len(self))
        index %= len(self)
        dataset_number = bisect.bisect_right(self.cumulative_sizes, index)
        dataset = self.datasets[dataset_number]
        return dataset[index - self.cumulative_sizes[dataset_number] + len(dataset)]

    def __len__(self) -> int:
        return int(self.cumulative_sizes[-1])

    def get_batch(self, indices: Indices) -> Any:
        """The batch at the given positions, taken from each data set at once."""
        positions = np.asarray(indices, np.int64)
        wrong = positions[(positions < 0) | (positions >= len(self))]
        if wrong.size:
            raise _out_of_range(int(wrong[0]), len(self))
        which = np.searchsorted(self.cumulative_sizes, positions, side="right")
        batches, order = [], []
        for number in np.unique(which):
            dataset = self.datasets[number]
            members = np.flatnonzero(which == number)
            start = self.cumulative_sizes[number] - len(dataset)
            batches.append(get_batch(dataset, positions[members] - start))
            order.append(members)
        return join_batches(batches, np.argsort(np.concatenate(order)))


def first_sample(batch: Any) -> Any:
    """The first sample of a batch."""
    if isinstance(batch, list | tuple):
        return tuple([part[0] for part in batch])
    return batch[0]
