"""Sorting, and what is found by sorting."""

import math
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops import ArgSort, Array, SearchSorted
from ..promotion import int32
from ..tape import Node
from ..tensor import Number, Tensor, cast, constant, promoted, tensor_method, wrap
from .arguments import axis_from, part_of, with_axis
from .elementwise import clamp_max
from .extrema import ValuesAndIndices, elements_at, values_and_indices, with_dimension

__all__ = [
    "argsort",
    "bucketize",
    "isin",
    "kthvalue",
    "msort",
    "searchsorted",
    "sort",
    "topk",
    "unique",
    "unique_consecutive",
]


@tensor_method
@with_axis
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that sort along a dimension; NaN counts as largest.

    Args:
        dim: the dimension.
        descending: whether the largest comes first.
        stable: whether equal elements keep their order, which they always do here.
    """
    axis = axis_from(dim, input.ndim)
    order = ArgSort(axis, descending)(with_dimension(input))
    return order if input.ndim else order.reshape(())


@tensor_method
@with_axis
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False
) -> ValuesAndIndices:
    """The elements sorted along a dimension, and their indices; NaN counts as largest.

    Args:
        dim: the dimension.
        descending: whether the largest comes first.
        stable: whether equal elements keep their order, which they always do here.
    """
    indices = argsort(input, dim, descending)
    if not input.ndim:
        return ValuesAndIndices(input.clone(), indices)
    return ValuesAndIndices(elements_at(input, indices, axis_from(dim, input.ndim)), indices)


@tensor_method
def msort(input: Tensor) -> Tensor:
    """The elements sorted along the first dimension."""
    return sort(input, 0).values


@tensor_method
@with_axis
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> ValuesAndIndices:
    """The k largest (or smallest) elements along a dimension, best first, and their indices.

    Args:
        k: how many.
        dim: the dimension.
        largest: whether the largest rather than the smallest are chosen.
        sorted: whether they must be in order, which they always are.
    """
    axis = axis_from(dim, input.ndim)
    row = with_dimension(input)
    if not 0 <= k <= row.shape[axis]:
        raise ArgumentError(
            f"topk: k = {k} is not between 0 and {row.shape[axis]}, the size of "
            f"dimension {dim} of shape {input.shape}"
        )
    order = ArgSort(axis, largest)(row)
    indices = part_of(order, axis, 0, k)
    if not input.ndim:
        return ValuesAndIndices(input.clone(), indices.reshape(()))
    return ValuesAndIndices(elements_at(row, indices, axis), indices)


@tensor_method
@with_axis
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> ValuesAndIndices:
    """The k-th smallest element along a dimension, counted from 1, and its index.

    Args:
        k: which one.
        dim: the dimension.
        keepdim: whether the dimension stays, with size 1.
    """
    axis = axis_from(dim, input.ndim)
    row = with_dimension(input)
    if not 1 <= k <= row.shape[axis]:
        raise ArgumentError(
            f"kthvalue: k = {k} is not between 1 and {row.shape[axis]}, the size of "
            f"dimension {dim} of shape {input.shape}"
        )
    indices = part_of(ArgSort(axis)(row), axis, k - 1, k)
    return values_and_indices(input, indices, axis, keepdim)


def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | Number,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where in a sorted sequence elements have to be put so that it stays sorted.

    Args:
        sorted_sequence: ascending along the last dimension; the dimensions before it are
            those of `input`, or there are none.
        input: the elements.
        out_int32: whether the result is int32 rather than int64.
        right: whether to take the place behind equal elements rather than before.
        side: ``"left"`` or ``"right"``, another way to say it.
        sorter: the indices that sort `sorted_sequence`, if it is not sorted.
    """
    if side not in (None, "left", "right"):
        raise ArgumentError(f"searchsorted: side is 'left' or 'right', not {side!r}")
    if sorter is not None:
        sorted_sequence = elements_at(sorted_sequence, sorter, sorted_sequence.ndim - 1)
    values = input if isinstance(input, Tensor) else constant(input)
    sorted_sequence, values = promoted((sorted_sequence, values))
    found = SearchSorted(right or side == "right")(sorted_sequence, values)
    return cast(found, int32) if out_int32 else found


def bucketize(
    input: Tensor | Number, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """The index of the bucket that each element falls into.

    Args:
        input: the elements.
        boundaries: the borders between buckets, ascending.
        out_int32: whether the result is int32 rather than int64.
        right: whether a border belongs to the bucket above it.
    """
    if boundaries.ndim != 1:
        raise ShapeError(f"bucketize: boundaries have one dimension, not shape {boundaries.shape}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Whether elements are among the test elements.

    Args:
        elements: a tensor or a number.
        test_elements: a tensor or a number.
        assume_unique: whether neither holds an element twice; makes no difference.
        invert: whether to ask for the elements that are not among them.
    """
    values, tested = promoted((elements, test_elements))
    tested = tested.reshape(-1)
    if tested.numel() == 0:
        found = values != values  # noqa: PLR0124 - nothing is in an empty set
    else:
        tested = sort(tested).values
        places = clamp_max(SearchSorted()(tested, values), tested.numel() - 1)
        found = tested[places] == values
    return ~found if invert else found


class Unique(NamedTuple):
    """Distinct elements, where each input element is among them, and how often."""

    output: Tensor
    inverse_indices: Tensor
    counts: Tensor


def _asked_for(
    output: Array, inverse: Array, counts: Array, return_inverse: bool, return_counts: bool
) -> Any:
    found = Unique(*[wrap(Node(np.asarray(part, order="C"))) for part in (output, inverse, counts)])
    chosen = [found.output]
    if return_inverse:
        chosen.append(found.inverse_indices)
    if return_counts:
        chosen.append(found.counts)
    return chosen[0] if len(chosen) == 1 else tuple(chosen)


@tensor_method
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements, or the distinct slices along a dimension, in ascending order.

    Args:
        sorted: whether they must be in order, which they always are.
        return_inverse: whether to return where each input element is among them.
        return_counts: whether to return how often each occurs.
        dim: the dimension; by default the tensor counts as flat.

    Returns:
        The distinct elements, or a tuple of them and what else was asked for.
    """
    axis = None if dim is None else axis_from(dim, input.ndim)
    array = np.asarray(input.detach())
    output, inverse, counts = np.unique(
        array, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    inverse = inverse.reshape(array.shape if axis is None else -1)
    return _asked_for(output, inverse, counts, return_inverse, return_counts)


@tensor_method
def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The elements, or slices along a dimension, without those that equal the one before.

    Args:
        return_inverse: whether to return where each input element is among them.
        return_counts: whether to return how often each occurs in a row.
        dim: the dimension; by default the tensor counts as flat.

    Returns:
        The elements, or a tuple of them and what else was asked for.
    """
    array = np.asarray(input.detach())
    rows = array.reshape(-1) if dim is None else np.moveaxis(array, axis_from(dim, input.ndim), 0)
    flat = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    starts = np.ones(len(rows), bool)
    starts[1:] = (flat[1:] != flat[:-1]).any(axis=1)
    output = rows[starts]
    inverse = np.cumsum(starts) - 1
    counts = np.diff(np.append(np.flatnonzero(starts), len(rows)))
    if dim is None:
        inverse = inverse.reshape(array.shape)
    else:
        output = np.moveaxis(output, 0, axis_from(dim, input.ndim))
    return _asked_for(output, inverse, counts, return_inverse, return_counts)
