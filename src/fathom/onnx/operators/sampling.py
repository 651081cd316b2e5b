"""Images read between their elements."""

from itertools import product
from typing import Any

import numpy as np

from ...functional.elementwise import where
from ...functional.matrix import matmul
from ...ops import Array, Index
from ...tensor import Tensor
from ..errors import MalformedModel
from ..operator import operator


@operator("AffineGrid")
def affine_grid(theta: Tensor, size: Array, *, align_corners: int = 0) -> Tensor:
    """The points that affine maps (N, 2, 3) or (N, 3, 4) take those of images (N, C, *sizes) to."""
    sizes = [int(each) for each in size[2:]]
    lines = [
        np.linspace(-1, 1, each) if align_corners else (2 * np.arange(each) + 1) / each - 1
        for each in sizes
    ]
    grid = np.meshgrid(*lines, indexing="ij")
    points = np.stack([*reversed(grid), np.ones(sizes)], -1).reshape(-1, len(sizes) + 1)
    moved = matmul(Tensor(points, dtype=theta.dtype), theta.transpose(1, 2))
    return moved.reshape(theta.shape[0], *sizes, len(sizes))


@operator("GridSample")
def grid_sample(
    X: Tensor,
    grid: Tensor,
    *,
    align_corners: int = 0,
    mode: str = "linear",
    padding_mode: str = "zeros",
) -> Tensor:
    """The values of images (N, C, *sizes) at points between -1 and 1."""
    sizes = X.shape[2:]
    places = [
        _place(grid[..., -1 - axis], size, bool(align_corners)) for axis, size in enumerate(sizes)
    ]
    if padding_mode == "border" and mode not in ("cubic", "bicubic"):
        places = [place.clamp(0, size - 1) for place, size in zip(places, sizes, strict=True)]
    elif padding_mode == "reflection" and mode not in ("cubic", "bicubic"):
        places = [
            _reflected(place, size, bool(align_corners))
            for place, size in zip(places, sizes, strict=True)
        ]
    neighbours = [list(_neighbours(place, mode)) for place in places]
    total: Any = 0
    for chosen in product(*neighbours):
        value = _values(X, [place for place, _ in chosen], padding_mode, bool(align_corners))
        weight: Any = 1
        for _, share in chosen:
            weight = weight * share
        total = total + value * (weight.unsqueeze(1) if isinstance(weight, Tensor) else weight)
    return total


def _place(points: Tensor, size: int, align_corners: bool) -> Tensor:
    """Coordinates between -1 and 1 as places among `size` elements."""
    if align_corners:
        return (points + 1) * ((size - 1) / 2)
    return ((points + 1) * size - 1) / 2


def _reflected(place: Tensor, size: int, align_corners: bool) -> Tensor:
    """Places outside mirrored at the outermost elements, or at their outer edges."""
    low, span = (0.0, size - 1.0) if align_corners else (-0.5, float(size))
    if span == 0:
        return place * 0
    folded = (place - low).abs().remainder(2 * span)
    inside = where(folded > span, 2 * span - folded, folded) + low
    return inside.clamp(0, size - 1)


def _neighbours(place: Tensor, mode: str) -> Any:
    """Whole places with the share of each in the value."""
    if mode == "nearest":
        return [(place.detach().round(), 1)]
    first = place.detach().floor()
    share = place - first
    if mode in ("linear", "bilinear"):
        return [(first, 1 - share), (first + 1, share)]
    if mode in ("cubic", "bicubic"):
        return [(first + step, _cubic((share - step).abs())) for step in range(-1, 3)]
    raise MalformedModel(f"there is no mode {mode!r}")


def _cubic(distance: Tensor) -> Tensor:
    """Keys' kernel with slope -0.75."""
    slope = -0.75
    near = ((slope + 2) * distance - (slope + 3)) * distance * distance + 1
    far = slope * (((distance - 5) * distance + 8) * distance - 4)
    return where(distance <= 1, near, far)


def _values(X: Tensor, places: list[Tensor], padding_mode: str, align_corners: bool) -> Tensor:
    """The elements at whole places, which may lie outside."""
    sizes = X.shape[2:]
    inside: Any = None
    found = []
    for place, size in zip(places, sizes, strict=True):
        if padding_mode == "reflection":
            found.append(_reflected(place, size, align_corners).round().long())
            continue
        found.append(place.clamp(0, size - 1).long())
        if padding_mode == "zeros":
            here = (place >= 0) & (place <= size - 1)
            inside = here if inside is None else inside & here
    rank = len(sizes)
    batch = np.arange(X.shape[0]).reshape(-1, *[1] * rank)
    last = X.movedim(1, -1)
    value = Index(tuple(range(rank + 1)))(last, batch, *found).movedim(-1, 1)
    return value if inside is None else where(inside.unsqueeze(1), value, value * 0)
