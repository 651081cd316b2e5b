"""Making a batch of samples."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DatasetError
from ..tape import Node
from ..tensor import Tensor, constant, wrap

_KINDS = "tensors, arrays, numbers, texts, and dicts, tuples and lists of them"


def default_collate(batch: Sequence[Any]) -> Any:
    """Make one batch of a list of samples.

    Tensors and arrays of one shape are stacked along a new first dimension; numbers become a
    tensor (floats of dtype float64, as in PyTorch); texts stay a list; dicts, tuples and
    lists are taken apart and collated part by part.

    Args:
        batch: the samples, at least one, all of one kind.

    Raises:
        DatasetError: the samples do not fit each other, or are of another kind.
    """
    first = batch[0]
    if isinstance(first, Tensor | np.ndarray | np.generic):
        return _stack(batch)
    if isinstance(first, bool | int | float):
        dtype = np.float64 if isinstance(first, float) else None
        return constant(np.array(batch), dtype)
    if isinstance(first, str | bytes):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, tuple | list):
        if any(len(sample) != len(first) for sample in batch):
            raise DatasetError(
                f"the samples of a batch have different numbers of parts: "
                f"{sorted({len(sample) for sample in batch})}"
            )
        parts = [default_collate(part) for part in zip(*batch, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise DatasetError(
        f"cannot make a batch of samples of type {type(first).__name__}; it takes {_KINDS} "
        f"(or give the loader a collate_fn)"
    )


def _stack(batch: Sequence[Any]) -> Tensor:
    arrays = [np.asarray(s.detach() if isinstance(s, Tensor) else s) for s in batch]
    if any(array.shape != arrays[0].shape for array in arrays):
        raise DatasetError(
            f"the samples of a batch have different shapes: "
            f"{sorted({array.shape for array in arrays})}; crop or pad them to one shape"
        )
    return wrap(Node(np.stack(arrays)))


def join_batches(batches: Sequence[Any], order: Any) -> Any:
    """One batch of several of the same structure: the samples of all, in the given order."""
    first = batches[0]
    if isinstance(first, Tensor):
        rows = np.concatenate([np.asarray(batch) for batch in batches])
        return wrap(Node(rows[order]))
    if isinstance(first, Mapping):
        return {key: join_batches([batch[key] for batch in batches], order) for key in first}
    if isinstance(first, list | tuple) and not isinstance(first[0], str | bytes):
        return [join_batches(parts, order) for parts in zip(*batches, strict=True)]
    samples = [sample for batch in batches for sample in batch]
    return [samples[position] for position in order]
