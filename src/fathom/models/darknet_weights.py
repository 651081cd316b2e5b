"""The numbers of Darknet's ``.weights`` files, and the tensors they belong to."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from .. import nn
from ..errors import FileFormatError
from ..formats.darknet import WeightsHeader, read_weights, write_weights
from ..formats.files import PathLike
from ..ops import Array
from ..tape import Node
from ..tensor import Tensor, wrap

__all__ = ["load_darknet_weights", "save_darknet_weights"]


@dataclass(frozen=True)
class Chunk:
    """What a file holds of one layer.

    Attributes:
        tensors: the tensors, in the file's order.
        is_flipped: whether the file has the last of them, the weights, input by input.
    """

    tensors: list[Tensor]
    is_flipped: bool = False

    @property
    def numbers(self) -> int:
        """How many numbers they are."""
        return sum(_count(tensor) for tensor in self.tensors)


def _count(tensor: Tensor) -> int:
    return math.prod(tensor.shape)


def check_size(
    path: PathLike,
    header: WeightsHeader,
    numbers: Array,
    counts: Sequence[int],
    partial: bool,
) -> int:
    """How many layers the numbers of a file fill, exactly.

    Args:
        path: the file, for the error.
        header: its header.
        numbers: its numbers.
        counts: how many numbers each layer takes.
        partial: whether they may be fewer than all layers.

    Raises:
        FileFormatError: they fill none exactly.
    """
    ends = list(accumulate(counts, initial=0))
    if len(numbers) == ends[-1]:
        return len(counts)
    if partial and len(numbers) in ends:
        return ends.index(len(numbers))
    whole = sum(end <= len(numbers) for end in ends) - 1
    advice = (
        "; with partial=True the others keep what they have"
        if len(numbers) in ends and not partial
        else ""
    )
    raise FileFormatError(
        f"{os.fspath(path)!r} has {header.size + 4 * len(numbers)} bytes, and the network takes "
        f"{header.size + 4 * ends[-1]}: it is not of this network "
        f"(its numbers fill {whole} of {len(counts)} layers{advice})"
    )


def fill(
    path: PathLike, header: WeightsHeader, numbers: Array, chunks: Sequence[Chunk], partial: bool
) -> int:
    """Give tensors the numbers of a file; return how many chunks were filled.

    Raises:
        FileFormatError: there are too many numbers or too few; nothing is changed then.
    """
    count = check_size(path, header, numbers, [chunk.numbers for chunk in chunks], partial)
    position = 0
    for chunk in chunks[:count]:
        for tensor in chunk.tensors:
            values = numbers[position : position + _count(tensor)]
            position += _count(tensor)
            if _is_turned(header, chunk, tensor):
                values = values.reshape(-1, tensor.shape[0]).T
            tensor.data = wrap(Node(values.reshape(tensor.shape)))
    return count


def write(path: PathLike, header: WeightsHeader, chunks: Sequence[Chunk]) -> None:
    """Write tensors to a ``.weights`` file."""
    arrays = []
    for chunk in chunks:
        for tensor in chunk.tensors:
            values = tensor.detach().numpy()
            turned = _is_turned(header, chunk, tensor)
            arrays.append(values.reshape(values.shape[0], -1).T if turned else values)
    write_weights(path, header, arrays)


def _is_turned(header: WeightsHeader, chunk: Chunk, tensor: Tensor) -> bool:
    """Whether the file has a tensor input by input."""
    if tensor.ndim == 4:
        return chunk.is_flipped
    return tensor.ndim == 2 and header.is_transposed


def load_darknet_weights(model: nn.Module, path: PathLike, partial: bool = False) -> None:
    """Take the parameters of a model of convolutions and linear layers from a ``.weights`` file.

    This is for `darknet19` and `darknet53`; a network from a ``.cfg`` has `load_weights`.

    Args:
        model: its layers must be made in the order of the file, and each batch normalization
            after its convolution.
        path: the file.
        partial: whether the file may end with an earlier layer than the model.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        FileFormatError: it is damaged, or not of this model.
    """
    fill(path, *read_weights(path), _chunks_of(model), partial)


def save_darknet_weights(model: nn.Module, path: PathLike, seen: int = 0) -> None:
    """Write the parameters of a model of convolutions and linear layers as Darknet does.

    Args:
        model: see `load_darknet_weights`.
        path: the file.
        seen: how many images it was trained on.
    """
    write(path, WeightsHeader(seen=seen), _chunks_of(model))


def _chunks_of(model: nn.Module) -> list[Chunk]:
    chunks: list[Chunk] = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bias = [module.bias] if module.bias is not None else []
            chunks.append(Chunk([*bias, module.weight]))
        elif isinstance(module, nn.BatchNorm2d):
            statistics = [module.bias, module.weight, module.running_mean, module.running_var]
            chunks[-1].tensors[:0] = [one for one in statistics if one is not None]
    return chunks
