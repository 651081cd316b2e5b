"""Images read at arbitrary points."""

from collections.abc import Sequence

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops import Array, Index, MatMul, Permute, Reshape
from ..tensor import Tensor, constant
from .padding import pad

__all__ = ["affine_grid", "grid_sample"]


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The points of images that affine maps take the points of an output to.

    Args:
        theta: shape (N, 2, 3): for each image a matrix that maps (x, y, 1).
        size: the output's shape (N, C, H, W).
        align_corners: whether -1 and 1 are the centres of the corner elements rather than
            the image's outer edges.

    Returns:
        The points (x, y), shape (N, H, W, 2), to be given to `grid_sample`.
    """
    shape = tuple(size)
    if len(shape) != 4 or theta.shape != (shape[0], 2, 3):
        raise ShapeError(
            f"affine_grid expects theta of shape (N, 2, 3) and a size (N, C, H, W), "
            f"got shape {theta.shape} and size {shape}"
        )
    height, width = shape[2:]
    x, y = _grid_line(width, bool(align_corners)), _grid_line(height, bool(align_corners))
    points = np.stack(
        [
            np.broadcast_to(x, (height, width)),
            np.broadcast_to(y[:, None], (height, width)),
            np.ones((height, width)),
        ],
        -1,
    )
    moved = MatMul(transpose_second=True)(constant(points.reshape(-1, 3), theta.dtype), theta)
    return Reshape((shape[0], height, width, 2))(moved)


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The values of images at given points.

    Args:
        input: shape (N, C, H, W).
        grid: the points (x, y), shape (N, H', W', 2); -1 and 1 are the image's edges.
        mode: ``"bilinear"`` or ``"nearest"``.
        padding_mode: what lies outside: ``"zeros"``, or ``"border"`` for the nearest element.
        align_corners: whether -1 and 1 are the centres of the corner elements rather than
            the image's outer edges.

    Returns:
        Shape (N, C, H', W').
    """
    if input.ndim != 4 or grid.ndim != 4 or grid.shape[0] != input.shape[0] or grid.shape[3] != 2:
        raise ShapeError(
            f"grid_sample expects images (N, C, H, W) and a grid (N, H', W', 2), "
            f"got shapes {input.shape} and {grid.shape}"
        )
    if mode not in ("bilinear", "nearest") or padding_mode not in ("zeros", "border"):
        raise ArgumentError(
            f"grid_sample has modes 'bilinear' and 'nearest' and padding modes 'zeros' and "
            f"'border', got {mode!r} and {padding_mode!r}"
        )
    height, width = input.shape[2:]
    columns = _to_elements(grid[..., 0], width, bool(align_corners))
    rows = _to_elements(grid[..., 1], height, bool(align_corners))
    if padding_mode == "border":
        columns, rows = columns.clamp(0, width - 1), rows.clamp(0, height - 1)
    # A border of zeros stands for all that lies outside.
    images = pad(input, (1, 1, 1, 1))
    last = Permute((0, 2, 3, 1))(images)
    batch = constant(np.arange(input.shape[0]).reshape(-1, 1, 1))

    def values(row: Tensor, column: Tensor) -> Tensor:
        row = (row.clamp(-1, height) + 1).long()
        column = (column.clamp(-1, width) + 1).long()
        return Index((0, 1, 2))(last, batch, row, column)

    if mode == "nearest":
        found = values(rows.detach().round(), columns.detach().round())
    else:
        top, left = rows.detach().floor(), columns.detach().floor()
        down, right = (rows - top).unsqueeze(-1), (columns - left).unsqueeze(-1)
        upper = values(top, left) * (1 - right) + values(top, left + 1) * right
        lower = values(top + 1, left) * (1 - right) + values(top + 1, left + 1) * right
        found = upper * (1 - down) + lower * down
    return Permute((0, 3, 1, 2))(found)


def _grid_line(size: int, align_corners: bool) -> Array:
    """The coordinates of `size` elements between -1 and 1."""
    if align_corners:
        return np.linspace(-1, 1, size) if size > 1 else np.zeros(1)
    return (2 * np.arange(size) + 1) / size - 1


def _to_elements(points: Tensor, size: int, align_corners: bool) -> Tensor:
    """Coordinates between -1 and 1 as positions among `size` elements."""
    if align_corners:
        return (points + 1) * ((size - 1) / 2)
    return ((points + 1) * size - 1) / 2
