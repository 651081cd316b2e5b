"""Resizing of images: each spatial dimension is a linear map of its own."""

import math
from collections.abc import Sequence

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops import Array, Expand, Index, Reshape
from ..promotion import float32, uint8
from ..tensor import Tensor, cast
from .images import PLACES
from .pooling import adaptive_average_pool
from .resampling import resample

__all__ = ["interpolate"]

_LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}
_CUBIC = {"bicubic": 2}
_MODES = ("nearest", "nearest-exact", "area", *_LINEAR, *_CUBIC)


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Images of another size.

    Args:
        input: shape (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size: the output's size; a number, or one for each spatial dimension.
        scale_factor: the output's size as a multiple of the input's; instead of `size`.
        mode: ``"nearest"``, ``"nearest-exact"`` (which rounds where ``"nearest"`` rounds
            down), ``"linear"``, ``"bilinear"``, ``"trilinear"``, ``"bicubic"``, or ``"area"``
            (adaptive average pooling).
        align_corners: whether the centres of the corner elements of input and output fall
            together, rather than their outer corners; for the linear modes and ``"bicubic"``.
        recompute_scale_factor: whether the scale is computed from the sizes after rounding
            rather than being the given one.
        antialias: whether ``"bilinear"`` and ``"bicubic"`` average over what a smaller image
            leaves out.

    Returns:
        Shape (N, C, *size).

    Raises:
        ShapeError: the mode does not fit the number of dimensions, or nothing would remain.
        ArgumentError: the mode is unknown, or not just one of size and scale is given.

    Source: R. Keys, "Cubic convolution interpolation for digital image processing", IEEE
    Transactions on Acoustics, Speech, and Signal Processing 29 (1981), for ``"bicubic"``.
    """
    rank = input.ndim - 2
    _require_mode(input, rank, mode, align_corners, antialias)
    sizes, scales = _output_sizes(input, size, scale_factor, bool(recompute_scale_factor))
    if mode == "area":
        return adaptive_average_pool(f"adaptive_avg_pool{rank}d", input, sizes)
    if mode == "nearest" and all(
        new % old == 0 and (scale is None or scale == new // old)
        for old, new, scale in zip(input.shape[2:], sizes, scales, strict=True)
    ):
        return _repeat(input, sizes)
    if input.dtype == uint8 and mode not in ("nearest", "nearest-exact"):
        between = (cast(input, float32), size, scale_factor, mode, align_corners)
        resized = interpolate(*between, recompute_scale_factor, antialias)
        return cast(resized.round().clamp(0, 255), uint8)
    for axis, (new, scale) in enumerate(zip(sizes, scales, strict=True), start=2):
        old = input.shape[axis]
        if old == new and (mode in _LINEAR or antialias):
            continue  # as PyTorch does, though a given scale may be other than 1
        if mode in ("nearest", "nearest-exact"):
            input = Index((axis,))(input, _nearest(old, new, scale, mode == "nearest-exact"))
        elif antialias:
            input = resample(input, axis, _antialiased(old, new, scale, mode, bool(align_corners)))
        else:
            weights = _linear if mode in _LINEAR else _cubic
            input = resample(input, axis, weights(old, new, scale, bool(align_corners)))
    return input


def _require_mode(
    input: Tensor, rank: int, mode: str, align_corners: bool | None, antialias: bool
) -> None:
    if mode not in _MODES:
        raise ArgumentError(f"interpolate: mode {mode!r} is unknown; there are {', '.join(_MODES)}")
    needed = (_LINEAR | _CUBIC).get(mode)
    if rank not in PLACES or (needed is not None and rank != needed):
        places = PLACES[needed] if needed else "L), (N, C, H, W) or (N, C, D, H, W"
        raise ShapeError(
            f"interpolate with mode {mode!r} expects shape (N, C, {places}), "
            f"got shape {input.shape}"
        )
    if align_corners is not None and needed is None:
        raise ArgumentError(
            f"interpolate: align_corners means nothing in mode {mode!r}; leave it out"
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ArgumentError("interpolate: antialias is for the modes 'bilinear' and 'bicubic'")
    if 0 in input.shape[1:]:
        raise ShapeError(f"interpolate: an input of shape {input.shape} has nothing to resize")


def _output_sizes(
    input: Tensor,
    size: int | Sequence[int] | None,
    scale_factor: float | Sequence[float] | None,
    recompute: bool,
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The new sizes, and the factors where these rather than the sizes say the scale."""
    rank = input.ndim - 2
    if (size is None) == (scale_factor is None):
        raise ArgumentError("interpolate expects either size or scale_factor")
    given = size if size is not None else scale_factor
    each = tuple(given) if isinstance(given, Sequence) else (given,) * rank
    if len(each) != rank:
        raise ShapeError(
            f"interpolate: {given} must be a number, or one for each of {rank} spatial "
            f"dimensions of an input of shape {input.shape}"
        )
    if size is not None:
        sizes = tuple([int(new) for new in each])  # type: ignore[arg-type]
        scales: tuple[float | None, ...] = (None,) * rank
    else:
        pairs = zip(input.shape[2:], each, strict=True)
        sizes = tuple([math.floor(old * factor) for old, factor in pairs])  # type: ignore[operator]
        scales = (None,) * rank if recompute else tuple([float(factor) for factor in each])  # type: ignore[arg-type]
    if min(sizes) < 1:
        raise ShapeError(
            f"interpolate: an input of shape {input.shape} would shrink to size {sizes}"
        )
    return sizes, scales


def _repeat(input: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Every element repeated a whole number of times along each spatial dimension."""
    split, grown = list(input.shape[:2]), list(input.shape[:2])
    for old, new in zip(input.shape[2:], sizes, strict=True):
        split += [old, 1]
        grown += [old, new // old]
    repeated = Expand(tuple(grown))(Reshape(tuple(split))(input))
    return Reshape((*input.shape[:2], *sizes))(repeated)


def _ratio(old: int, new: int, scale: float | None, align_corners: bool = False) -> float:
    """How far apart on the input neighbours of the output lie."""
    if align_corners:
        return (old - 1) / (new - 1) if new > 1 else 0.0
    return old / new if scale is None else 1 / scale


def _places(old: int, new: int, scale: float | None, align_corners: bool) -> Array:
    """Where on the input the elements of the output lie."""
    ratio = _ratio(old, new, scale, align_corners)
    return np.arange(new) * ratio if align_corners else (np.arange(new) + 0.5) * ratio - 0.5


def _nearest(old: int, new: int, scale: float | None, exact: bool) -> Array:
    # In float32, because rounding down makes the last digit of the ratio matter.
    ratio = np.float32(_ratio(old, new, scale))
    places = (np.arange(new, dtype=np.float32) + np.float32(0.5 if exact else 0)) * ratio
    return np.minimum(np.floor(places).astype(np.int64), old - 1)


def _linear(old: int, new: int, scale: float | None, align_corners: bool) -> Array:
    places = np.maximum(_places(old, new, scale, align_corners), 0)
    first = np.minimum(np.floor(places).astype(np.int64), old - 1)
    second = np.minimum(first + 1, old - 1)
    share = np.minimum(places - first, 1)
    matrix = np.zeros((new, old))
    np.add.at(matrix, (np.arange(new), first), 1 - share)
    np.add.at(matrix, (np.arange(new), second), share)
    return matrix


def _cubic(old: int, new: int, scale: float | None, align_corners: bool) -> Array:
    places = _places(old, new, scale, align_corners)
    first = np.floor(places).astype(np.int64)
    matrix = np.zeros((new, old))
    for neighbour in range(-1, 3):
        position = np.clip(first + neighbour, 0, old - 1)
        weight = _cubic_kernel(places - (first + neighbour), -0.75)
        np.add.at(matrix, (np.arange(new), position), weight)
    return matrix


def _cubic_kernel(distance: Array, slope: float) -> Array:
    """Keys' kernel; `slope` is its derivative at distance 1."""
    x = np.abs(distance)
    near = ((slope + 2) * x - (slope + 3)) * x * x + 1
    far = slope * (((x - 5) * x + 8) * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _antialiased(old: int, new: int, scale: float | None, mode: str, align_corners: bool) -> Array:
    """Weights of a kernel that is as much wider as the image becomes smaller."""
    ratio = _ratio(old, new, scale, align_corners)
    width = max(ratio, 1.0)
    centres = ratio * (np.arange(new)[:, None] + 0.5)
    distance = (np.arange(old) + 0.5 - centres) / width
    if mode in _LINEAR:
        weights = np.maximum(1 - np.abs(distance), 0)
    else:
        weights = _cubic_kernel(distance, -0.5)
    return weights / weights.sum(1, keepdims=True)
