"""How dimensions and shapes may be spelled in a call."""

import operator
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from ..errors import IndexOutOfRange, ShapeError
from ..ops import Shape, Slice
from ..tensor import Tensor

Dims = int | Sequence[int] | None
Function = TypeVar("Function", bound=Callable[..., Any])


def shape_from(sizes: Sequence[Any]) -> Shape:
    """The shape from ``f(2, 3)``, ``f((2, 3))`` or ``f([2, 3])``, given as ``*sizes``."""
    if len(sizes) == 1 and isinstance(sizes[0], Sequence):
        sizes = sizes[0]
    return tuple([operator.index(size) for size in sizes])


def size_from(sizes: Sequence[Any]) -> Shape:
    """The shape of a new tensor, in which no size is negative."""
    shape = shape_from(sizes)
    if min(shape, default=0) < 0:
        raise ShapeError(f"a tensor cannot have the negative size {min(shape)}: {shape}")
    return shape


def axis_from(dim: int, rank: int) -> int:
    """The dimension counted from the front; raises `IndexOutOfRange` beyond the rank."""
    axis = dim + max(rank, 1) if dim < 0 else dim
    if not 0 <= axis < max(rank, 1):
        raise IndexOutOfRange(
            f"dimension {dim} is out of range for a tensor of {rank} dimensions "
            f"(allowed: {-max(rank, 1)} to {max(rank, 1) - 1})"
        )
    return axis


def axes_from(dim: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """The dimensions counted from the front, each once, in order; all of them for None."""
    if dim is None:
        return tuple(range(rank))
    if isinstance(dim, int):
        return (axis_from(dim, rank),) if rank or axis_from(dim, rank) else ()
    axes = [axis_from(one, rank) for one in dim]
    if len(set(axes)) != len(axes):
        raise ShapeError(f"dimensions {tuple(dim)} name one more than once")
    if not axes or not rank:
        return tuple(range(rank))
    return tuple(sorted(axes))


def with_axis(function: Function) -> Function:
    """Let NumPy's names `axis` and `keepdims` stand for `dim` and `keepdim`, as in PyTorch."""

    @wraps(function)
    def renamed(*arguments: Any, **options: Any) -> Any:
        if "axis" in options:
            options["dim"] = options.pop("axis")
        if "keepdims" in options:
            options["keepdim"] = options.pop("keepdims")
        return function(*arguments, **options)

    return cast(Function, renamed)


def with_name(name: str) -> Callable[[Function], Function]:
    """Let what a function takes one by one be given by name too: ``flip(x, dims=(0, 1))``."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def named(*arguments: Any, **options: Any) -> Any:
            if name in options:
                arguments = (*arguments, options.pop(name))
            return function(*arguments, **options)

        return cast(Function, named)

    return decorate


def method_alias(name: str, function: Function) -> Function:
    """Give a tensor method and its in-place spelling a second name."""
    setattr(Tensor, name, function)
    in_place = getattr(Tensor, function.__name__ + "_", None)
    if in_place is not None:
        setattr(Tensor, name + "_", in_place)
    return function


def part_of(input: Tensor, axis: int, start: int, stop: int) -> Tensor:
    """The elements from `start` up to `stop` along an axis."""
    starts, stops = [0] * input.ndim, list(input.shape)
    starts[axis], stops[axis] = start, stop
    return Slice(tuple(starts), tuple(stops), (1,) * input.ndim)(input)


def one_for_each(value: int | Sequence[int], count: int, what: str, *, least: int) -> Shape:
    """One number for each of `count` dimensions, from a number for all or a sequence.

    Args:
        value: what was given.
        count: how many dimensions there are.
        what: the name in errors, such as ``"conv2d: stride"``.
        least: the smallest number allowed.
    """
    given = tuple(value) if isinstance(value, Sequence) else (value,)
    numbers = given * count if len(given) == 1 else given
    try:
        sizes = tuple([operator.index(number) for number in numbers])
    except TypeError:
        sizes = ()
    if len(sizes) != count or min(sizes) < least:
        raise ShapeError(
            f"{what} must be a whole number, or one for each of {count} dimensions, "
            f"of at least {least}; got {value!r}"
        )
    return sizes
