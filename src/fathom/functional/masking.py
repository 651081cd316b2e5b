"""Functions that read and replace the elements under a mask, and find where one holds."""

from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from ..ops import AssignIndex, Expand, Index, Where, broadcast_shapes
from ..tensor import Number, Tensor, constant, tensor_method, with_in_place
from .movement import ravel, reshape, slice_axis
from .selection import single_value

__all__ = ["argwhere", "masked_fill", "masked_scatter", "masked_select", "nonzero"]


@tensor_method
@with_in_place
def masked_fill(input: Tensor, mask: Tensor, value: Number | Tensor) -> Tensor:
    """The tensor with one value where the mask holds; the dtype stays.

    Args:
        mask: bool, broadcasts with `input`.
        value: a number or a tensor without dimensions.
    """
    _require_mask("masked_fill", mask)
    return Where()(mask, single_value("masked_fill", value, input), input)


def _require_mask(name: str, mask: Tensor) -> None:
    if mask.dtype != np.bool_:
        raise DTypeError(f"{name}: the mask needs dtype bool, got {mask.dtype}; use mask.bool()")


@tensor_method
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask holds, as a vector; both broadcast."""
    _require_mask("masked_select", mask)
    shape = broadcast_shapes("masked_select", [input.shape, mask.shape])
    positions = np.flatnonzero(np.broadcast_to(np.asarray(mask), shape))
    return Index((0,))(ravel(Expand(shape)(input)), positions)


@tensor_method
@with_in_place
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The elements where the mask holds replaced, in order, by the elements of `source`.

    Raises:
        ShapeError: `source` has fewer elements than the mask has True.
    """
    _require_mask("masked_scatter", mask)
    shape = broadcast_shapes("masked_scatter", [input.shape, mask.shape])
    positions = np.flatnonzero(np.broadcast_to(np.asarray(mask), shape))
    values = ravel(source)
    if values.shape[0] < len(positions):
        raise ShapeError(
            f"masked_scatter: the mask selects {len(positions)} elements, but source of shape "
            f"{source.shape} has {values.shape[0]}"
        )
    if source.dtype != input.dtype:
        raise DTypeError(
            f"masked_scatter: source of dtype {source.dtype} for a tensor of dtype {input.dtype}"
        )
    chosen = slice_axis(values, 0, 0, len(positions))
    flat = ravel(Expand(shape)(input))
    return reshape(AssignIndex(Index((0,)))(flat, chosen, positions), shape).clone()


@tensor_method
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The positions of the elements that are not 0.

    Args:
        as_tuple: whether to give a vector for each dimension, fit to index with, rather than
            one matrix with a row for each element.
    """
    positions = np.nonzero(np.atleast_1d(np.asarray(input.detach())))
    if as_tuple:
        return tuple([constant(one) for one in positions])
    return constant(np.stack(positions[: input.ndim], 1) if input.ndim else _no_columns(positions))


def _no_columns(positions: tuple[np.ndarray, ...]) -> np.ndarray:
    return np.zeros((len(positions[0]), 0), np.int64)


@tensor_method
def argwhere(input: Tensor) -> Tensor:
    """The positions of the elements that are not 0, one in each row."""
    return nonzero(input)
