"""Reductions along axes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...functional.exponential import log
from ...functional.extrema import amax, amin, argmax, argmin
from ...functional.reduction import logsumexp, mean, prod, sum
from ...ops import Array
from ...promotion import bool_, is_floating, uint8
from ...tensor import Tensor, cast
from ..operator import operator


def _reduction(function: Callable[[Tensor, tuple[int, ...], bool], Tensor]) -> Callable[..., Any]:
    def compute(
        data: Tensor,
        axes: Array | None = None,
        *,
        keepdims: int = 1,
        noop_with_empty_axes: int = 0,
    ) -> Tensor:
        chosen = () if axes is None else tuple(map(int, axes))
        if not chosen:
            chosen = () if noop_with_empty_axes else tuple(range(data.ndim))
        result = function(data, chosen, bool(keepdims))
        return result if result.dtype == bool_ else cast(result, data.dtype)

    return compute


def _sum(data: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    return sum(data, axes, keepdims) if axes or not data.ndim else data


def _mean(data: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if not axes:
        return data
    if is_floating(data.dtype):
        return mean(data, axes, keepdims)
    count = 1
    for axis in axes:
        count *= data.shape[axis]
    return _sum(data, axes, keepdims) // count


def _product(data: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    for axis in sorted((axis % data.ndim for axis in axes), reverse=True):
        data = prod(data, axis, keepdims)
    return data


def _largest(data: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    return _extreme(amax, data, axes, keepdims)


def _smallest(data: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    return _extreme(amin, data, axes, keepdims)


def _extreme(
    function: Callable[..., Tensor], data: Tensor, axes: tuple[int, ...], keepdims: bool
) -> Tensor:
    if not axes:
        return data
    if data.dtype == bool_:
        return _extreme(function, cast(data, uint8), axes, keepdims) > 0
    if 0 in [data.shape[axis] for axis in axes]:
        # Of nothing, what changes no other: an infinity, or the last of the integers.
        return _of_nothing(function is amax, data, axes, keepdims)
    return function(data, axes, keepdims)


def _of_nothing(is_largest: bool, data: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if is_floating(data.dtype):
        value: float = -np.inf if is_largest else np.inf
    else:
        limits = np.iinfo(data.dtype)
        value = limits.min if is_largest else limits.max
    return sum(data, axes, keepdims).to(data.dtype) + value


def _log_sum_exp(data: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    return logsumexp(data, axes, keepdims) if axes else data


operator("ReduceSum")(_reduction(_sum))
operator("ReduceMean")(_reduction(_mean))
operator("ReduceProd")(_reduction(_product))
operator("ReduceMax")(_reduction(_largest))
operator("ReduceMin")(_reduction(_smallest))
operator("ReduceL1")(_reduction(lambda data, *how: _sum(data.abs(), *how)))
operator("ReduceL2")(_reduction(lambda data, *how: _sum(data * data, *how).sqrt()))
operator("ReduceSumSquare")(_reduction(lambda data, *how: _sum(data * data, *how)))
operator("ReduceLogSum")(_reduction(lambda data, *how: log(_sum(data, *how))))
operator("ReduceLogSumExp")(_reduction(_log_sum_exp))


def _position(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def compute(
        data: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0
    ) -> Tensor:
        if not select_last_index:
            return function(data, axis, bool(keepdims))
        return data.shape[axis] - 1 - function(data.flip(axis), axis, bool(keepdims))

    return compute


operator("ArgMax")(_position(argmax))
operator("ArgMin")(_position(argmin))
