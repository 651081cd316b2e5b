"""Functions that write along a dimension at positions that may repeat."""

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ops import (
    AddAtIndex,
    AssignIndex,
    Index,
    LargestAtIndex,
    MultiplyAtIndex,
    Op,
    Reshape,
    SmallestAtIndex,
    Where,
)
from ..promotion import is_floating
from ..tensor import Number, Tensor, constant, tensor_method, with_in_place
from .arguments import axis_from, with_axis
from .extrema import with_dimension
from .movement import reshape
from .selection import everywhere, positions_along, require_index

__all__ = ["index_reduce", "scatter", "scatter_add", "scatter_reduce"]

# Sums need no operation of their own: they are added to the tensor.
_REDUCTIONS: dict[str, type[MultiplyAtIndex] | type[LargestAtIndex] | type[SmallestAtIndex]] = {
    "prod": MultiplyAtIndex,
    "amax": LargestAtIndex,
    "amin": SmallestAtIndex,
}


@tensor_method
@with_in_place
@with_axis
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number | None = None,
    *,
    value: Number | None = None,
    reduce: str | None = None,
) -> Tensor:
    """The tensor with the elements at the positions `index` along a dimension replaced.

    For dim = 0: result[index[i][j]][j] = src[i][j].

    Args:
        dim: the dimension that `index` counts along.
        index: int64, with as many dimensions as `input`; where positions repeat, the last
            value stays.
        src: the values, a tensor no smaller than `index`, or one number.
        value: one number, by its name.
        reduce: ``"add"`` or ``"multiply"``, to combine rather than replace.
    """
    given = value if src is None else src
    if given is None:
        raise ArgumentError("scatter needs src, a tensor or a number")
    if reduce in ("add", "multiply"):
        name = {"add": "sum", "multiply": "prod"}[reduce]
        source = given if isinstance(given, Tensor) else _filled(index, given, input)
        return _combined(input, dim, index, source, name, include_self=True)
    if reduce is not None:
        raise ArgumentError(f"scatter: reduce is 'add' or 'multiply', got {reduce!r}")
    axis = axis_from(dim, input.ndim)
    if 0 in index.shape:
        return input.clone()
    positions = positions_along("scatter", input, axis, index)
    values = (
        _part("scatter", given, index, input)
        if isinstance(given, Tensor)
        else constant(given, input.dtype)
    )
    written = AssignIndex(everywhere(input))(with_dimension(input), values, *positions)
    return written if input.ndim else reshape(written, ()).clone()


def _filled(index: Tensor, value: Number, input: Tensor) -> Tensor:
    return constant(np.full(index.shape, value, input.dtype))


def _part(name: str, src: Tensor, index: Tensor, input: Tensor) -> Tensor:
    """The part of `src` that has the shape of `index`."""
    if src.dtype != input.dtype:
        raise DTypeError(
            f"{name}: src of dtype {src.dtype} for a tensor of dtype {input.dtype}; "
            f"convert one of them"
        )
    src, index = with_dimension(src), with_dimension(index)
    if src.shape == index.shape:
        return src
    fits = src.ndim == index.ndim and all(
        mine <= size for mine, size in zip(index.shape, src.shape, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"{name}: src of shape {src.shape} needs as many dimensions as the index of shape "
            f"{index.shape}, none of them smaller"
        )
    return src[tuple([slice(size) for size in index.shape])]


@tensor_method
@with_in_place
@with_axis
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`src` added at the positions `index` along a dimension.

    For dim = 0: result[index[i][j]][j] += src[i][j].

    Args:
        dim: the dimension that `index` counts along.
        index: int64, with as many dimensions as `input`; positions may repeat.
        src: the values, a tensor no smaller than `index`.
    """
    return _combined(input, dim, index, src, "sum", include_self=True)


@tensor_method
@with_in_place
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """The elements of `src` combined at the positions `index` along a dimension.

    Args:
        dim: the dimension that `index` counts along.
        index: int64, with as many dimensions as `input`; positions may repeat.
        src: the values, a tensor no smaller than `index`.
        reduce: ``"sum"``, ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether the elements of `input` take part.
    """
    return _combined(input, dim, index, src, reduce, include_self)


@tensor_method
@with_in_place
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """The slices of `source` combined at the positions `index` along a dimension.

    Args:
        dim: the dimension that `index` counts along.
        index: an int64 vector; positions may repeat.
        source: of the shape of `input`, but as large as `index` along `dim`.
        reduce: ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether the slices of `input` take part.
    """
    require_index("index_reduce", index)
    axis = axis_from(dim, input.ndim)
    apart = [1] * input.ndim
    apart[axis : axis + 1] = [-1] * min(input.ndim, 1)
    positions = reshape(index, apart).expand(source.shape)
    return _combined(input, dim, positions, source, reduce, include_self)


def _combined(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool
) -> Tensor:
    if reduce not in ("sum", "mean", *_REDUCTIONS):
        raise ArgumentError(f"reduce is 'sum', 'prod', 'mean', 'amax' or 'amin', got {reduce!r}")
    axis = axis_from(dim, input.ndim)
    if 0 in index.shape:
        return input.clone()
    positions = positions_along("scatter_reduce", input, axis, index)
    where = everywhere(input)
    base, values = with_dimension(input), _part("scatter_reduce", src, index, input)
    if not include_self:
        start = constant(_neutral(reduce, input), input.dtype)
        base = AssignIndex(where)(base, start, *positions)
    if reduce in _REDUCTIONS:
        combine: Op = _REDUCTIONS[reduce](where)
        result = combine(base, values, *positions)
    else:
        result = base + AddAtIndex(base.shape, where)(values, *positions)
    if reduce == "mean":
        result = _divided_by_count(result, where, positions, index, include_self)
    return result if input.ndim else Reshape(())(result).clone()


def _neutral(reduce: str, input: Tensor) -> Number:
    """The number that combines with every other of the dtype to that other."""
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if is_floating(input.dtype):
        return -float("inf") if reduce == "amax" else float("inf")
    if input.dtype.kind == "b":
        return reduce == "amin"
    limits = np.iinfo(input.dtype)
    return int(limits.min if reduce == "amax" else limits.max)


def _divided_by_count(
    total: Tensor, where: Index, positions: list[Tensor], index: Tensor, include_self: bool
) -> Tensor:
    ones = np.ones(with_dimension(index).shape, total.dtype)
    count = constant(np.full(total.shape, include_self, total.dtype))
    count = count + AddAtIndex(total.shape, where)(constant(ones), *positions)
    one = np.ones((), total.dtype)
    count = Where()(count == 0, one, count)
    return total / count if is_floating(total.dtype) else total // count
