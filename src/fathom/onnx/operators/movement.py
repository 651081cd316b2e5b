"""Moving elements: shapes, slices, pieces."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...functional.joining import cat
from ...functional.movement import broadcast_to
from ...functional.padding import pad as pad_last
from ...ops import Array, Index, Shape
from ...tensor import Tensor
from ..errors import MalformedModel
from ..operator import operator


@operator("Shape")
def shape(data: Tensor, *, start: int = 0, end: int | None = None) -> Array:
    """The sizes of the dimensions."""
    return np.array(data.shape[start:end], np.int64)


@operator("Size")
def size(data: Tensor) -> Array:
    """The number of elements."""
    return np.array(math.prod(data.shape), np.int64)


@operator("Reshape")
def reshape(data: Tensor, shape: Array, *, allowzero: int = 0) -> Tensor:
    """The elements under another shape: -1 is found, 0 keeps the size (unless `allowzero`)."""
    sizes = [
        data.shape[place] if size == 0 and not allowzero and place < data.ndim else int(size)
        for place, size in enumerate(shape)
    ]
    if -1 in sizes and 0 in data.shape:
        rest = math.prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = math.prod(data.shape) // rest if rest else 0
    return data.reshape(tuple(sizes))


@operator("Flatten")
def flatten(input: Tensor, *, axis: int = 1) -> Tensor:
    """A matrix: the dimensions before `axis` are its rows, the others its columns."""
    rows = math.prod(input.shape[: axis if axis >= 0 else input.ndim + axis])
    return input.reshape(rows, math.prod(input.shape) // rows if rows else 0)


@operator("Transpose")
def transpose(data: Tensor, *, perm: Sequence[int] | None = None) -> Tensor:
    """The dimensions in another order; reversed by default."""
    return data.permute(tuple(reversed(range(data.ndim)) if perm is None else perm))


@operator("Squeeze")
def squeeze(data: Tensor, axes: Array | None = None) -> Tensor:
    """Without the given dimensions, each of size 1; by default without all such."""
    if axes is None:
        return data.reshape(tuple(size for size in data.shape if size != 1))
    gone = {int(axis) % data.ndim for axis in axes}
    if any(data.shape[axis] != 1 for axis in gone):
        raise MalformedModel(f"axes {sorted(gone)} of shape {data.shape} are not all of size 1")
    return data.reshape(tuple(n for axis, n in enumerate(data.shape) if axis not in gone))


@operator("Unsqueeze")
def unsqueeze(data: Tensor, axes: Array) -> Tensor:
    """With dimensions of size 1, which have the given places in the result."""
    rank = data.ndim + axes.size
    added = {int(axis) % rank for axis in axes.reshape(-1)}
    if len(added) != axes.size:
        raise MalformedModel(f"axes {axes.tolist()} name one dimension twice")
    sizes = iter(data.shape)
    return data.reshape(tuple(1 if axis in added else next(sizes) for axis in range(rank)))


@operator("Expand")
def expand(input: Tensor, shape: Array) -> Tensor:
    """The elements repeated to a shape, as far as dimensions of size 1 go."""
    return broadcast_to(input, np.broadcast_shapes(input.shape, tuple(map(int, shape))))


@operator("Tile")
def tile(input: Tensor, repeats: Array) -> Tensor:
    """The whole repeated along each dimension."""
    return input.repeat(tuple(map(int, repeats)))


@operator("Concat")
def concat(*inputs: Tensor, axis: int = 1) -> Tensor:
    """The tensors one behind the other along an axis."""
    return cat(inputs, axis)


@operator("Split")
def split(
    input: Tensor,
    split: Array | None = None,
    *,
    axis: int = 0,
    num_outputs: int | None = None,
    outputs: int,
) -> tuple[Tensor, ...]:
    """The parts of a tensor along an axis."""
    total = input.shape[axis]
    if split is None:
        each = -(-total // (num_outputs or outputs))
        counts = [max(min(each, total - each * part), 0) for part in range(num_outputs or outputs)]
    else:
        counts = [int(count) for count in split]
    return tuple(input.split(counts, axis))


@operator("Slice")
def slice_(
    data: Tensor,
    starts: Array,
    ends: Array,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Tensor:
    """Every so many elements between two places along some of the axes."""
    index = [slice(None)] * data.ndim
    for place, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        axis = place if axes is None else int(axes[place])
        step = 1 if steps is None else int(steps[place])
        if step == 0:
            raise MalformedModel("a slice with step 0")
        size = data.shape[axis]
        if step < 0 and end < -size:
            index[axis] = slice(start, None, step)
        else:
            index[axis] = slice(start, end, step)
    return _sliced(data, index)


def _sliced(data: Tensor, index: list[slice]) -> Tensor:
    for axis, part in enumerate(index):
        if part.step is not None and part.step < 0:
            positions = np.arange(data.shape[axis])[part]
            data = Index((axis,))(data, positions)
            index[axis] = slice(None)
    return data[tuple(index)]


@operator("Pad")
def pad(
    data: Tensor,
    pads: Array,
    constant_value: Array | None = None,
    axes: Array | None = None,
    *,
    mode: str = "constant",
    value: float = 0.0,
) -> Tensor:
    """The tensor with elements added (or, for negative numbers, cut off) at both ends."""
    widths = [(0, 0)] * data.ndim
    chosen = range(data.ndim) if axes is None else [int(axis) % data.ndim for axis in axes]
    for place, axis in enumerate(chosen):
        widths[axis] = int(pads[place]), int(pads[len(chosen) + place])
    flat = [width for pair in reversed(widths) for width in pair]
    if mode == "constant":
        filling = value if constant_value is None else constant_value.reshape(()).item()
        return pad_last(data, flat, value=filling)
    return pad_last(data, flat, {"edge": "replicate", "wrap": "circular"}.get(mode, mode))


@operator("CenterCropPad")
def center_crop_pad(
    input_data: Tensor, shape: Array, *, axes: Sequence[int] | None = None
) -> Tensor:
    """The middle of what is too large, zeros around what is too small."""
    for place, axis in enumerate(range(input_data.ndim) if axes is None else axes):
        missing = int(shape[place]) - input_data.shape[axis]
        before = missing // 2 if missing > 0 else -(-missing // 2)
        widths = [(0, 0)] * input_data.ndim
        widths[axis] = before, missing - before
        input_data = pad_last(input_data, [n for pair in reversed(widths) for n in pair])
    return input_data


@operator("DepthToSpace")
def depth_to_space(input: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """Channels become blocks of the image."""
    batch, channels, height, width = input.shape
    depth = channels // blocksize**2
    if mode == "DCR":
        parts = input.reshape(batch, blocksize, blocksize, depth, height, width)
        moved = parts.permute(0, 3, 4, 1, 5, 2)
    else:
        parts = input.reshape(batch, depth, blocksize, blocksize, height, width)
        moved = parts.permute(0, 1, 4, 2, 5, 3)
    return moved.reshape(batch, depth, height * blocksize, width * blocksize)


@operator("SpaceToDepth")
def space_to_depth(input: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """Blocks of the image become channels."""
    batch, channels, height, width = input.shape
    rows, columns = height // blocksize, width // blocksize
    parts = input.reshape(batch, channels, rows, blocksize, columns, blocksize)
    moved = parts.permute(*((0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)))
    return moved.reshape(batch, channels * blocksize**2, rows, columns)


@operator("ReverseSequence")
def reverse_sequence(
    input: Tensor, sequence_lens: Array, *, batch_axis: int = 1, time_axis: int = 0
) -> Tensor:
    """The beginning of each sequence reversed, as far as its length goes."""
    moved = input.movedim((batch_axis, time_axis), (0, 1))
    steps = np.arange(moved.shape[1])
    lengths = np.asarray(sequence_lens).reshape(-1, 1)
    order = np.where(steps < lengths, lengths - 1 - steps, steps)
    rows = np.arange(moved.shape[0]).reshape(-1, 1)
    reversed_: Any = Index((0, 1))(moved, rows, order)
    return reversed_.movedim((0, 1), (batch_axis, time_axis))


def sizes_of(array: Array) -> Shape:
    """The elements as sizes."""
    return tuple(map(int, array.reshape(-1)))
