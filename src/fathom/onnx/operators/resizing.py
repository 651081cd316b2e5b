"""Resizing: every axis is a linear map of its own, or a choice of places."""

from collections.abc import Sequence

import numpy as np

from ...functional.elementwise import where
from ...functional.matrix import matmul
from ...ops import Array, Index
from ...promotion import float32, is_floating
from ...tensor import Tensor, cast
from ..errors import MalformedModel
from ..operator import operator


@operator("Resize", "Upsample")
def resize(
    X: Tensor,
    roi: Array | None = None,
    scales: Array | None = None,
    sizes: Array | None = None,
    *,
    antialias: int = 0,
    axes: Sequence[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
    height_scale: float = 1.0,
    width_scale: float = 1.0,
    opset: int,
) -> Tensor:
    """A tensor of other sizes, whose elements lie between the given ones."""
    if opset < 11:  # the first input after X was `scales`, and places were never halves
        given = roi if scales is None else scales
        scales = np.array([1, 1, height_scale, width_scale]) if given is None else given
        roi, sizes = None, None
        coordinate_transformation_mode, nearest_mode = "asymmetric", "floor"
    chosen = [axis % X.ndim for axis in (range(X.ndim) if axes is None else axes)]
    old = [X.shape[axis] for axis in chosen]
    factors, new = _sizes(old, scales, sizes, keep_aspect_ratio_policy)
    outside = []
    made = X
    for place, axis in enumerate(chosen):
        region = (
            (0.0, 1.0)
            if roi is None or not roi.size
            else (float(roi[place]), float(roi[len(chosen) + place]))
        )
        if old[place] == new[place] and factors[place] == 1 and region == (0.0, 1.0):
            continue
        points = _points(
            coordinate_transformation_mode, old[place], new[place], factors[place], region
        )
        if coordinate_transformation_mode == "tf_crop_and_resize":
            outside.append((axis, (points < 0) | (points > old[place] - 1)))
        if mode == "nearest":
            nearest = np.clip(_nearest(points, nearest_mode), 0, old[place] - 1)
            made = Index((axis,))(made, nearest.astype(np.int64))
        else:
            slope = cubic_coeff_a if mode == "cubic" else None
            shrinking = min(factors[place], 1.0) if antialias else 1.0
            matrix = _weights(points, old[place], slope, shrinking, bool(exclude_outside))
            made = _along(made, axis, matrix)
    for axis, mask in outside:
        if mask.any():
            shape = [-1 if other == axis else 1 for other in range(X.ndim)]
            beyond = Tensor(mask.reshape(shape), dtype=bool)
            made = where(beyond, Tensor(extrapolation_value, dtype=made.dtype), made)
    return _as_before(made, X)


def _as_before(made: Tensor, X: Tensor) -> Tensor:
    if made.dtype == X.dtype or is_floating(X.dtype):
        return cast(made, X.dtype)
    limits = np.iinfo(X.dtype)
    return cast(made.round().clamp(int(limits.min), int(limits.max)), X.dtype)


def _sizes(
    old: Sequence[int], scales: Array | None, sizes: Array | None, policy: str
) -> tuple[list[float], list[int]]:
    """The factors and the new sizes of the chosen axes."""
    if scales is not None and scales.size:
        factors = [float(scale) for scale in scales]
        return factors, [int(np.floor(n * f)) for n, f in zip(old, factors, strict=True)]
    if sizes is None or not sizes.size:
        raise MalformedModel("neither scales nor sizes are given")
    wanted = [int(size) for size in sizes]
    factors = [new / n for new, n in zip(wanted, old, strict=True)]
    if policy == "stretch":
        return factors, wanted
    factor = max(factors) if policy == "not_smaller" else min(factors)
    return [factor] * len(old), [int(np.floor(n * factor + 0.5)) for n in old]


def _points(mode: str, old: int, new: int, factor: float, region: tuple[float, float]) -> Array:
    """Where on the input the elements of the output lie."""
    place = np.arange(new, dtype=np.float64)
    length = factor * old
    if mode == "align_corners":
        return place * (old - 1) / (length - 1) if length != 1 else np.zeros(new)
    if mode == "asymmetric":
        return place / factor
    if mode == "tf_crop_and_resize":
        start, end = region
        if new == 1:
            return np.full(1, (start + end) * (old - 1) / 2)
        return start * (old - 1) + place * (end - start) * (old - 1) / (new - 1)
    if mode == "pytorch_half_pixel" and length == 1:
        return np.full(new, -0.5)
    if mode == "half_pixel_symmetric":
        return old / 2 * (1 - new / length) + (place + 0.5) / factor - 0.5
    if mode in ("half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn"):
        return (place + (0.5)) / factor - (0 if mode.startswith("tf") else 0.5)
    raise MalformedModel(f"there is no coordinate_transformation_mode {mode!r}")


def _nearest(points: Array, mode: str) -> Array:
    if mode == "round_prefer_floor":
        return np.ceil(points - 0.5)
    if mode == "round_prefer_ceil":
        return np.floor(points + 0.5)
    if mode in ("floor", "ceil"):
        return np.floor(points) if mode == "floor" else np.ceil(points)
    raise MalformedModel(f"there is no nearest_mode {mode!r}")


def _weights(
    points: Array, old: int, slope: float | None, shrinking: float, exclude_outside: bool
) -> Array:
    """The matrix (new, old) of a kernel that is as much wider as the image becomes smaller.

    The kernel is a triangle, or with a `slope` Keys' cubic one.
    """
    radius = (1 if slope is None else 2) / shrinking
    reach = int(np.ceil(radius)) + 1
    matrix = np.zeros((len(points), old))
    total = np.zeros(len(points))
    base = np.floor(points).astype(np.int64)
    for offset in range(-reach, reach + 1):
        place = base + offset
        weight = _kernel((place - points) * shrinking, slope)
        if exclude_outside:
            weight = np.where((place >= 0) & (place < old), weight, 0.0)
        total += weight
        np.add.at(matrix, (np.arange(len(points)), np.clip(place, 0, old - 1)), weight)
    return matrix / np.where(total == 0, 1, total)[:, None]


def _kernel(distance: Array, slope: float | None) -> Array:
    x = np.abs(distance)
    if slope is None:
        return np.maximum(1 - x, 0)
    near = ((slope + 2) * x - (slope + 3)) * x * x + 1
    far = slope * (((x - 5) * x + 8) * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _along(x: Tensor, axis: int, matrix: Array) -> Tensor:
    """A matrix (new, old) applied along one axis."""
    wide = x if is_floating(x.dtype) else cast(x, float32)
    moved = wide.movedim(axis, -1)
    return matmul(moved, Tensor(matrix.T, dtype=wide.dtype)).movedim(-1, axis)
