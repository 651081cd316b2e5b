"""Cases of functions that read and write at positions and under masks."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from .case import Call, Case, Numbers, Samples, call


def gathered(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 4), 0, numbers.integers(0, 3, 2, 4))
    yield call(numbers.normal(3, 4), 1, numbers.integers(0, 4, 3, 6))
    yield call(numbers.normal(3, 4), -1, numbers.integers(0, 4, 2, 2))
    yield call(numbers.normal(2, 3, 2), 1, numbers.integers(0, 3, 1, 5, 2))
    yield call(numbers.normal(5), 0, numbers.integers(0, 5, 7))
    yield call(numbers.normal(), 0, np.array(0))
    yield call(numbers.normal(3, 4), 0, np.zeros((0, 4), np.int64))


def along(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 4), numbers.integers(-3, 3, 2, 4), 0)
    yield call(numbers.normal(3, 4), numbers.integers(0, 4, 1, 2), 1)
    yield call(numbers.normal(1, 4), numbers.integers(0, 4, 3, 2), 1)
    yield call(numbers.normal(3, 4), numbers.integers(0, 12, 5))


def taken(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 4), numbers.integers(-12, 12, 2, 3))
    yield call(numbers.normal(3), np.array(1))
    yield call(numbers.normal(3), np.zeros(0, np.int64))


def slices_at(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 4), 0, numbers.integers(0, 3, 5))
    yield call(numbers.normal(3, 4), -1, numbers.integers(0, 4, 2))
    yield call(numbers.normal(2, 3, 2), 1, np.array([2, 2]))
    yield call(numbers.normal(3, 2), 0, np.zeros(0, np.int64))
    yield call(numbers.normal(3), 0, np.array(1))


def slices_with_sources(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 4), 0, np.array([2, 0]), numbers.normal(2, 4))
    yield call(numbers.normal(3, 4), 1, np.array([1, 3, 0]), numbers.normal(3, 3))
    yield call(numbers.normal(4), 0, np.array([3]), numbers.normal(1))
    yield call(numbers.normal(2, 3, 2), 1, np.array([2]), numbers.normal(2, 1, 2))
    yield call(numbers.normal(3, 2), 0, np.zeros(0, np.int64), numbers.normal(0, 2))


def repeated_slices_with_sources(numbers: Numbers) -> Iterator[Call]:
    yield from slices_with_sources(numbers)
    yield call(numbers.normal(3, 4), 0, np.array([2, 0, 2, 2]), numbers.normal(4, 4))
    yield call(numbers.normal(3, 4), 1, np.array([1, 1]), numbers.normal(3, 2))


def scaled_slices(numbers: Numbers) -> Iterator[Call]:
    for one in repeated_slices_with_sources(numbers):
        yield one
        yield Call(one.arguments, {"alpha": 2})


def filled_slices(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 4), 0, np.array([2, -3]), 1.5)
    yield call(numbers.normal(3, 4), 1, np.array([1, 1]), numbers.normal())
    yield call(numbers.normal(3), 0, np.array([0]), 2)


def scattered(numbers: Numbers) -> Iterator[Call]:
    yield call(
        numbers.normal(3, 4), 0, np.array([[0, 1, 2, 0], [1, 2, 0, 1]]), numbers.normal(2, 4)
    )
    yield call(numbers.normal(3, 4), 1, np.array([[3], [0]]), numbers.normal(2, 1))
    yield call(numbers.normal(5), 0, np.array([4, 2]), numbers.normal(2))
    yield call(numbers.normal(3, 2), 0, np.zeros((0, 2), np.int64), numbers.normal(0, 2))
    yield call(numbers.normal(2, 3, 2), 2, np.array([[[1]], [[0]]]), numbers.normal(2, 1, 1))


def scattered_in_part(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 4), 1, np.array([[3], [0]]), numbers.normal(3, 4))
    yield call(numbers.normal(3, 2), 0, np.zeros((0, 2), np.int64), numbers.normal(1, 2))


def scattered_values(numbers: Numbers) -> Iterator[Call]:
    yield from scattered(numbers)
    yield call(numbers.normal(3, 4), 0, np.array([[0, 1, 0, 0]]), 2.5)
    yield call(numbers.normal(3, 4), 1, np.array([[0, 0]]), value=1)


def scattered_over_each_other(numbers: Numbers) -> Iterator[Call]:
    yield from scattered(numbers)
    yield call(numbers.normal(3, 4), 0, np.zeros((5, 4), np.int64), numbers.normal(5, 4))
    yield call(numbers.normal(4), 0, np.array([1, 1, 3, 1]), numbers.normal(4))


def reduced(reduction: str) -> Samples:
    def samples(numbers: Numbers) -> Iterator[Call]:
        for one in scattered_over_each_other(numbers):
            yield Call((*one.arguments, reduction), {})
            yield Call((*one.arguments, reduction), {"include_self": False})

    return samples


def ties_and_zeros(reduction: str) -> Samples:
    def samples(numbers: Numbers) -> Iterator[Call]:
        index = np.array([0, 0, 1, 1, 1, 2])
        values = np.array([0.0, 2.0, 0.0, 0.0, 3.0, 1.0])
        for base in ([0.0, 1.0, 1.0, 5.0], [2.0, 3.0, 0.0, 0.0]):
            yield call(np.array(base), 0, index, values, reduction)
        base = np.array([9.0, 8.0, 7.0, 6.0])
        yield call(base, 0, index, values, reduction, include_self=False)

    return samples


def index_reduced(numbers: Numbers) -> Iterator[Call]:
    for reduction in ("prod", "mean", "amax", "amin"):
        for one in repeated_slices_with_sources(numbers):
            if one.arguments[3].size:
                yield Call((*one.arguments, reduction), {})
                yield Call((*one.arguments, reduction), {"include_self": False})


def quiet_index_reduce(*arguments: Any, **options: Any) -> Any:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "index_reduce() is in beta"
        return torch.index_reduce(*arguments, **options)


def put_in(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 4), (np.array([0, 2]),), numbers.normal(4))
    yield call(numbers.normal(3, 4), (np.array([0, 2]), np.array([1, -1])), numbers.normal(2))
    yield call(
        numbers.normal(2, 3),
        (np.array([[True, False, True], [False, True, True]]),),
        numbers.normal(4),
    )
    yield call(numbers.normal(3, 4), (np.array([1, 1, 0]),), numbers.normal(3, 4), accumulate=True)
    yield call(
        numbers.normal(3, 4),
        (np.array([1, 1]), np.array([2, 2])),
        numbers.normal(),
        accumulate=True,
    )


def put_flat(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 4), np.array([[0, -1], [5, 7]]), numbers.normal(2, 2))
    yield call(numbers.normal(3, 4), np.array([1, 1, -11]), numbers.normal(3), accumulate=True)


def masked(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 3), numbers.booleans(2, 3), 1.5)
    yield call(numbers.normal(2, 3), numbers.booleans(3), numbers.normal())
    yield call(numbers.normal(2, 1), numbers.booleans(2, 3), -2)
    yield call(numbers.normal(), np.array(True), 0)
    yield call(numbers.normal(0, 3), numbers.booleans(0, 3), 1)


def chosen_by_mask(numbers: Numbers) -> Iterator[Call]:
    for shape, mask in [((2, 3), (2, 3)), ((2, 3), (3,)), ((3,), (2, 3)), ((), ()), ((0,), (0,))]:
        yield call(numbers.normal(*shape), numbers.booleans(*mask))


def filled_from(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 3), numbers.booleans(2, 3), numbers.normal(6))
    yield call(numbers.normal(2, 3), numbers.booleans(3), numbers.normal(3, 3))


def sparse(numbers: Numbers) -> Iterator[Call]:
    for shape in [(2, 3), (4,), (), (0, 2), (2, 1, 3)]:
        yield call(numbers.integers(0, 2, *shape))
        yield call(numbers.booleans(*shape))


def sparse_with_tuple(numbers: Numbers) -> Iterator[Call]:
    for one in sparse(numbers):
        yield Call(one.arguments, {"as_tuple": True})


def with_slices(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(4, 3), numbers.normal(2, 3), 0, 1, 3)
    yield call(numbers.normal(4, 3), numbers.normal(4, 2), 1, None, None, 2)
    yield call(numbers.normal(4), numbers.normal(1), 0, -1)


def with_selections(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(4, 3), numbers.normal(3), 0, -1)
    yield call(numbers.normal(4, 3), numbers.normal(4), 1, 2)


def with_diagonals(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 3), numbers.normal(3))
    yield call(numbers.normal(2, 4), numbers.normal(2), 1)
    yield call(numbers.normal(2, 3, 4), numbers.normal(3, 2), -1, 2, 0)


def classes(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.integers(0, 5, 2, 3))
    yield call(np.array(2), 4)
    yield call(np.zeros((0, 2), np.int64), 3)


CASES = [
    Case("gather", gathered, integers=("int64",)),
    Case("take_along_dim", along),
    Case("take", taken),
    Case("put", put_flat, torch="Tensor.put"),
    Case("index_select", slices_at),
    Case("index_add", scaled_slices),
    Case("index_copy", slices_with_sources),
    Case("index_fill", filled_slices),
    Case("index_reduce", index_reduced, second_order=False, torch=quiet_index_reduce),
    Case("index_put", put_in),
    Case("scatter", scattered_values),
    # PyTorch has no gradient where src is larger than the index.
    Case("scatter", scattered_in_part, compare_gradient=False, torch=None, label="larger src"),
    Case("scatter_add", scattered_over_each_other, integers=("int64",)),
    *[
        Case(
            "scatter_reduce",
            reduced(reduction),
            label=reduction,
            integers=("int64",),
            special=ties_and_zeros(reduction),
        )
        for reduction in ("sum", "mean", "prod", "amax", "amin")
    ],
    Case("masked_fill", masked),
    Case("masked_select", chosen_by_mask),
    Case("masked_scatter", filled_from),
    Case("nonzero", sparse, gradient=False),
    Case("nonzero", sparse_with_tuple, gradient=False, label="as_tuple"),
    Case("argwhere", sparse, gradient=False),
    Case("slice_scatter", with_slices),
    Case("select_scatter", with_selections),
    Case("diagonal_scatter", with_diagonals),
    Case("nn.functional.one_hot", classes, gradient=False),
]
