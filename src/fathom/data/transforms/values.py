"""Transforms of values, which leave images where they are."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ...tensor import Tensor
from .transform import Array, Transform

_ROWS_AT_ONCE = 1024


class Compose:
    """Applies transforms one after the other.

    Args:
        transforms: functions of a batch.
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, batch: Any) -> Any:
        for transform in self.transforms:
            batch = transform(batch)
        return batch

    def __repr__(self) -> str:
        return f"Compose({self.transforms!r})"


class ToFloat(Transform):
    """Whole numbers as float32 from 0 to 1: divided by `maximum`; floats stay as they are.

    Args:
        maximum: the whole number that becomes 1.
    """

    def __init__(self, maximum: float = 255) -> None:
        if not maximum > 0:
            raise ArgumentError(f"maximum must be positive, got {maximum}")
        self.maximum = maximum

    def apply(self, values: Array) -> Array:
        """The scaled values."""
        if values.dtype.kind == "f":
            return values
        scaled = values.astype(np.float32)
        scaled /= np.float32(self.maximum)
        return scaled


# torchvision's name; its pictures become what ours are from the start.
ToTensor = ToFloat


class Normalize(Transform):
    """``(x - mean) / std`` for each channel, the second dimension.

    Args:
        mean: a number, or one for each channel.
        std: a positive number, or one for each channel.
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        self.mean = np.atleast_1d(np.asarray(mean, np.float32)).tolist()
        self.std = np.atleast_1d(np.asarray(std, np.float32)).tolist()
        if not all(value > 0 for value in self.std):
            raise ArgumentError(f"std must be positive, got {std}")

    def __call__(self, batch: Any) -> Tensor:
        # A single image has its channels first.
        if len(batch.shape) == 3:
            return super().__call__(batch[None])[0]
        return super().__call__(batch)

    def apply(self, values: Array) -> Array:
        """The normalized values."""
        if values.dtype.kind != "f":
            raise DTypeError(
                f"{type(self).__name__} takes floats, got {values.dtype}; apply ToFloat() first"
            )
        channels = values.shape[1] if values.ndim > 1 else 0
        if {len(self.mean), len(self.std)} - {1, channels}:
            raise ShapeError(
                f"{type(self).__name__} has a mean and std for {max(len(self.mean), len(self.std))}"
                f" channels, and got shape {values.shape}"
            )
        shape = (-1,) + (1,) * (values.ndim - 2)
        mean = np.array(self.mean, values.dtype).reshape(shape)
        return (values - mean) / np.array(self.std, values.dtype).reshape(shape)


class Standardize(Normalize):
    """Normalizes with the mean and standard deviation of given data.

    They are taken for each channel (the second dimension) over all samples and pixels; a
    channel that is constant is only shifted.

    Args:
        data: a tensor or array of shape (N, C, …), or a data set whose samples start with
            such an input.

    Raises:
        ShapeError: the data are empty or have fewer than two dimensions.
    """

    def __init__(self, data: Any) -> None:
        count, total, squares = 0, np.zeros(1), np.zeros(1)
        for start in range(0, len(data), _ROWS_AT_ONCE):
            values = _inputs(data, start)
            if values.ndim < 2:
                raise ShapeError(f"Standardize needs inputs of shape (N, C, …), got {values.shape}")
            channels = values.swapaxes(0, 1).reshape(values.shape[1], -1).astype(np.float64)
            if not count:
                # Near the mean, so that squares lose no digits.
                origin = channels.mean(axis=1, keepdims=True)
            channels -= origin
            count += channels.shape[1]
            total = total + channels.sum(axis=1)
            squares = squares + np.square(channels).sum(axis=1)
        if not count:
            raise ShapeError("Standardize needs data, got none")
        shift = total / count
        std = np.sqrt(np.maximum(squares / count - shift**2, 0))
        super().__init__((origin[:, 0] + shift).tolist(), np.where(std > 1e-12, std, 1).tolist())


def _inputs(data: Any, start: int) -> Array:
    rows = range(start, min(start + _ROWS_AT_ONCE, len(data)))
    if hasattr(data, "get_batch"):
        batch = data.get_batch(rows)
        batch = batch[0] if isinstance(batch, list | tuple) else batch
    else:
        batch = data[rows.start : rows.stop]
    return np.asarray(batch.detach() if isinstance(batch, Tensor) else batch)


class OneHot(Transform):
    """Labels as float32 vectors that are 1 at the label's place and 0 elsewhere.

    Args:
        num_classes: how many classes there are.
    """

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes

    def apply(self, values: Array) -> Array:
        """The vectors, along a new last dimension."""
        if values.dtype.kind not in "iu":
            raise DTypeError(f"OneHot takes whole numbers, got {values.dtype}")
        wrong = values[(values < 0) | (values >= self.num_classes)]
        if wrong.size:
            raise IndexOutOfRange(
                f"OneHot: label {wrong.flat[0]} is not one of {self.num_classes} classes "
                f"(0 to {self.num_classes - 1})"
            )
        return (values[..., np.newaxis] == np.arange(self.num_classes)).astype(np.float32)


class Flatten(Transform):
    """The values of each sample in one dimension: (N, C, H, W) becomes (N, C·H·W)."""

    def apply(self, values: Array) -> Array:
        """The flat samples."""
        return values.reshape(len(values), math.prod(values.shape[1:]))
