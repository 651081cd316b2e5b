"""What may be given as data, and what a batch consists of."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..data import DataLoader, IterableDataset, TensorDataset
from ..tensor import Tensor, constant
from .errors import TrainingError


def as_loader(data: Any, batch_size: int, *, shuffle: bool, argument: str) -> Iterable[Any]:
    """An iterable of batches from a loader, a data set, or a tuple of tensors.

    Args:
        data: a `DataLoader` or another iterable of batches with a length, which is taken as
            it is; a data set; or tensors or arrays of equal length, ``(inputs, target)``.
        batch_size: the size of the batches that are made here.
        shuffle: whether they have a new random order in each epoch.
        argument: what the data are called in messages.

    Raises:
        TrainingError: there is no batch in it, or it is none of these.
    """
    if isinstance(data, Tensor | np.ndarray):
        data = (data,)
    if isinstance(data, tuple) and all(isinstance(part, Tensor | np.ndarray) for part in data):
        tensors = [part if isinstance(part, Tensor) else constant(part) for part in data]
        sizes = [len(tensor) for tensor in tensors]
        if len(set(sizes)) > 1:
            raise TrainingError(
                f"{argument}: the tensors have {' and '.join(map(str, sizes))} samples; "
                f"inputs and target need one row for each sample"
            )
        data = TensorDataset(*tensors)
    if isinstance(data, DataLoader):
        loader: Any = data
    elif isinstance(data, IterableDataset):
        loader = DataLoader(data, batch_size)
    elif hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, list):
        if not len(data):
            raise TrainingError(f"{argument}: the data set is empty")
        loader = DataLoader(data, batch_size, shuffle=shuffle)
    elif isinstance(data, Iterable):
        loader = data
    else:
        raise TrainingError(
            f"{argument} is a {type(data).__name__}; expected a DataLoader, a data set, "
            f"or a tuple of tensors (inputs, target)"
        )
    if number_of_batches(loader) == 0:
        raise TrainingError(
            f"{argument}: the loader gives no batch; is the data set empty, or smaller than "
            f"one batch while drop_last is set?"
        )
    return loader


def number_of_batches(loader: Any) -> int | None:
    """How many batches an epoch has; None where nobody knows before its end."""
    try:
        return len(loader)
    except TypeError:
        return None


def with_usual_ones_marked(batches: Iterable[Any]) -> Iterator[tuple[bool, Any]]:
    """Each batch, after whether it is worth a program: one of the first one's size.

    A batch that is alone is not worth one.
    """
    if number_of_batches(batches) == 1:
        yield from ((False, batch) for batch in batches)
        return
    usual = None
    for batch in batches:
        size = len(batch[-1]) if isinstance(batch, list | tuple) else len(batch)
        usual = size if usual is None else usual
        yield size == usual, batch


def split_batch(batch: Any) -> tuple[tuple[Any, ...], Any]:
    """The inputs and the target of a batch: the last part is the target.

    Raises:
        TrainingError: there are not two parts.
    """
    if not isinstance(batch, list | tuple) or len(batch) < 2:
        raise TrainingError(
            f"a batch must be (inputs, target), got {_describe(batch)}; "
            f"return both from the data set's __getitem__"
        )
    return tuple(batch[:-1]), batch[-1]


def inputs_of(batch: Any) -> tuple[Any, ...]:
    """The inputs of a batch that may or may not have a target."""
    if not isinstance(batch, list | tuple):
        return (batch,)
    return tuple(batch[:-1]) if len(batch) > 1 else tuple(batch)


def _describe(batch: Any) -> str:
    if isinstance(batch, Tensor):
        return f"a tensor of shape {batch.shape}"
    return f"a {type(batch).__name__}"
