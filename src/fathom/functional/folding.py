"""Exchanges between the spatial dimensions and the channels: patches and sub-pixels."""

import math
from collections.abc import Sequence

import numpy as np

from ..errors import ShapeError
from ..ops import AddAtIndex, Array, Index, Permute, Reshape, Windows
from ..tensor import Tensor
from .arguments import one_for_each
from .images import as_batch
from .padding import pad

__all__ = ["channel_shuffle", "fold", "pixel_shuffle", "pixel_unshuffle", "unfold"]

Sizes = int | Sequence[int]


def unfold(
    input: Tensor,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """The patches of images that a kernel of a given size would see, as columns.

    Args:
        input: shape (N, C, H, W) or (C, H, W).
        kernel_size, dilation, padding, stride: see `conv2d`.

    Returns:
        Shape (N, C * kernel height * kernel width, number of patches), or without N.
    """
    images = as_batch("unfold", input, None, 2)
    windows = _windows("unfold", kernel_size, dilation, padding, stride)
    counts = _counts("unfold", windows, images.shape[2:])
    (low, _), (left, _) = windows.padding
    patches = Index((2, 3))(pad(images, (left, left, low, low)), *_positions(windows, counts))
    shape = (*images.shape[:1], images.shape[1] * math.prod(windows.kernel), math.prod(counts))
    columns: Tensor = Reshape(shape)(patches)
    return columns if input.ndim == 4 else columns.squeeze(0)


def fold(
    input: Tensor,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """The images that have the sums of overlapping patches: the transpose of `unfold`.

    Args:
        input: shape (N, C * kernel height * kernel width, number of patches), or without N.
        output_size: height and width of the images.
        kernel_size, dilation, padding, stride: as given to `unfold`.

    Returns:
        Shape (N, C, *output_size), or without N.
    """
    columns = as_batch("fold", input, None, 1)
    windows = _windows("fold", kernel_size, dilation, padding, stride)
    sizes = one_for_each(output_size, 2, "fold: output_size", least=1)
    counts = _counts("fold", windows, sizes)
    batch, features, places = columns.shape
    area = math.prod(windows.kernel)
    if features % area or places != math.prod(counts):
        raise ShapeError(
            f"fold expects shape (N, C * {area}, {math.prod(counts)}) for an output of size "
            f"{sizes} and a kernel of size {windows.kernel}, got shape {input.shape}"
        )
    channels = features // area
    patches = Reshape((batch, channels, *windows.kernel, *counts))(columns)
    add = AddAtIndex((batch, channels, *windows.padded(sizes)), Index((2, 3)))
    padded = add(patches, *_positions(windows, counts))
    (low, _), (left, _) = windows.padding
    images = pad(padded, (-left, -left, -low, -low))
    return images if input.ndim == 3 else images.squeeze(0)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels spread over the pixels of larger images.

    Source: W. Shi et al., "Real-time single image and video super-resolution using an
    efficient sub-pixel convolutional neural network", CVPR 2016.

    Args:
        input: shape (…, C * r * r, H, W).
        upscale_factor: r.

    Returns:
        Shape (…, C, H * r, W * r).
    """
    _require_images("pixel_shuffle", input)
    *batch, channels, height, width = input.shape
    factor = one_for_each(upscale_factor, 1, "pixel_shuffle: upscale_factor", least=1)[0]
    if channels % factor**2:
        raise ShapeError(
            f"pixel_shuffle by {factor} expects a multiple of {factor**2} channels in "
            f"dimension -3, got shape {input.shape}"
        )
    n, parts = len(batch), channels // factor**2
    split = Reshape((*batch, parts, factor, factor, height, width))(input)
    mixed = Permute((*range(n + 1), n + 3, n + 1, n + 4, n + 2))(split)
    return Reshape((*batch, parts, height * factor, width * factor))(mixed)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """The pixels of images gathered into channels: the inverse of `pixel_shuffle`.

    Args:
        input: shape (…, C, H * r, W * r).
        downscale_factor: r.

    Returns:
        Shape (…, C * r * r, H, W).
    """
    _require_images("pixel_unshuffle", input)
    *batch, channels, height, width = input.shape
    factor = one_for_each(downscale_factor, 1, "pixel_unshuffle: downscale_factor", least=1)[0]
    if height % factor or width % factor:
        raise ShapeError(
            f"pixel_unshuffle by {factor} expects sizes that {factor} divides in the last two "
            f"dimensions, got shape {input.shape}"
        )
    n, sizes = len(batch), (height // factor, width // factor)
    split = Reshape((*batch, channels, sizes[0], factor, sizes[1], factor))(input)
    mixed = Permute((*range(n + 1), n + 2, n + 4, n + 1, n + 3))(split)
    return Reshape((*batch, channels * factor**2, *sizes))(mixed)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of `groups` groups dealt out in turn, so that groups mix.

    Args:
        input: shape (N, C, …).
        groups: into how many groups the channels fall.
    """
    batch, channels, *sizes = input.shape
    if groups < 1 or channels % groups:
        raise ShapeError(
            f"channel_shuffle: {channels} channels (dimension 1 of shape {input.shape}) cannot "
            f"be divided into {groups} groups"
        )
    split = Reshape((batch, groups, channels // groups, *sizes))(input)
    mixed = Permute((0, 2, 1, *range(3, split.ndim)))(split)
    return Reshape(input.shape)(mixed)


def _windows(
    name: str, kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes
) -> Windows:
    paddings = one_for_each(padding, 2, f"{name}: padding", least=0)
    return Windows(
        one_for_each(kernel_size, 2, f"{name}: kernel_size", least=1),
        one_for_each(stride, 2, f"{name}: stride", least=1),
        tuple([(width, width) for width in paddings]),
        one_for_each(dilation, 2, f"{name}: dilation", least=1),
    )


def _counts(name: str, windows: Windows, sizes: tuple[int, ...]) -> tuple[int, ...]:
    counts = windows.counts(sizes)
    if min(counts) < 1:
        raise ShapeError(
            f"{name}: a kernel of size {windows.kernel} with dilation {windows.dilation} does "
            f"not fit into images of size {sizes} padded by {windows.padding}"
        )
    return counts


def _positions(windows: Windows, counts: tuple[int, ...]) -> tuple[Array, Array]:
    """Rows and columns of all patches' elements, which broadcast to (*kernel, *counts)."""
    rows, columns = (
        np.add.outer(np.arange(size) * step, np.arange(count) * stride)
        for size, step, count, stride in zip(
            windows.kernel, windows.dilation, counts, windows.stride, strict=True
        )
    )
    return rows[:, None, :, None], columns[None, :, None, :]


def _require_images(name: str, input: Tensor) -> None:
    if input.ndim < 3:
        raise ShapeError(f"{name} expects shape (…, C, H, W), got shape {input.shape}")
