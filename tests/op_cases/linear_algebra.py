"""Cases of inverses, determinants and factorizations."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .case import Call, Case, Numbers, call


def regular(numbers: Numbers, *shape: int) -> np.ndarray:
    """Square matrices whose singular values lie well apart and away from 0."""
    size = shape[-1]
    u, v = (np.linalg.qr(numbers.normal(*shape))[0] if size else numbers.normal(*shape)
            for _ in range(2))  # fmt: skip
    return (u * (1 + 0.7 * np.arange(size))) @ v.swapaxes(-1, -2)


def positive(numbers: Numbers, *shape: int) -> np.ndarray:
    """Positive definite matrices."""
    factor = regular(numbers, *shape)
    return factor @ factor.swapaxes(-1, -2) + 0.5 * np.eye(shape[-1])


SQUARES = ((3, 3), (1, 1), (2, 3, 3), (0, 2, 2), (0, 0))


def squares(numbers: Numbers) -> Iterator[Call]:
    for shape in SQUARES:
        yield call(regular(numbers, *shape))


def rectangles(numbers: Numbers) -> Iterator[Call]:
    for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 2), (0, 2, 3)):
        yield call(numbers.normal(*shape))


def singular(numbers: Numbers) -> Iterator[Call]:
    yield call(np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0]))
    yield call(np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [1.0, 3.0, 1.0]]))


def equations(numbers: Numbers) -> Iterator[Call]:
    yield call(regular(numbers, 3, 3), numbers.normal(3, 2))
    yield call(regular(numbers, 3, 3), numbers.normal(3))
    yield call(regular(numbers, 2, 3, 3), numbers.normal(2, 3))
    yield call(regular(numbers, 2, 3, 3), numbers.normal(3, 1))
    yield call(regular(numbers, 3, 3), numbers.normal(2, 3), left=False)
    yield call(regular(numbers, 0, 0), numbers.normal(0, 2))


def triangular(numbers: Numbers) -> Iterator[Call]:
    for upper in (True, False):
        yield call(positive(numbers, 3, 3), numbers.normal(3, 2), upper=upper)
        yield call(positive(numbers, 2, 3, 3), numbers.normal(2, 3, 1), upper=upper)
        yield call(positive(numbers, 3, 3), numbers.normal(2, 3), upper=upper, left=False)
        yield call(numbers.normal(3, 3), numbers.normal(3, 2), upper=upper, unitriangular=True)


def least_squares(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(5, 2), numbers.normal(5, 3))
    yield call(numbers.normal(2, 5), numbers.normal(2, 1))
    yield call(numbers.normal(2, 4, 2), numbers.normal(2, 4, 1))


def exponentials(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3, 3))
    yield call(numbers.normal(2, 2, 2) * 3)
    yield call(numbers.normal(0, 0))
    yield call(numbers.normal(0, 2, 2))


def matrix_norms(numbers: Numbers) -> Iterator[Call]:
    for order in ("fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf")):
        yield call(numbers.normal(3, 2), order)
        yield call(numbers.normal(2, 3, 3), order, (0, 2), True)


def vector_norms(numbers: Numbers) -> Iterator[Call]:
    for order in (0.5, -1, 3.5):
        yield call(numbers.between(0.5, 1.5, 2, 3), order)
    for order in (2, 1, float("inf"), -float("inf")):
        yield call(numbers.normal(2, 3), order)
        yield call(numbers.normal(2, 3), order, 1, True)


def norms(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 3, 2))
    yield call(numbers.normal(2, 3), "fro")
    yield call(numbers.normal(4), 3)
    yield call(numbers.normal(2, 3, 4), 1, (0, 1))
    yield call(numbers.normal(2, 3, 4), None, (0, 1), True)


def conditions(numbers: Numbers) -> Iterator[Call]:
    for order in (None, 2, -2):
        yield call(regular(numbers, 3, 3), order)


def conditions_by_the_inverse(numbers: Numbers) -> Iterator[Call]:
    for order in ("fro", 1, float("inf"), "nuc"):
        yield call(regular(numbers, 3, 3), order)


def ranks(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(4, 2) @ numbers.normal(2, 3))
    yield call(numbers.normal(2, 3, 3))
    yield call(np.zeros((2, 3)))
    yield call(np.diag([1.0, 1e-3, 1e-9]), atol=1e-5)
    yield call(np.diag([1.0, 1e-3, 1e-9]), rtol=1e-2)


def from_cholesky(numbers: Numbers) -> Iterator[Call]:
    for upper in (False, True):
        factor = np.linalg.cholesky(positive(numbers, 3, 3))
        yield call(numbers.normal(3, 2), factor.T.copy() if upper else factor, upper)


def as_tensors(numbers: Numbers) -> Iterator[Call]:
    yield call(regular(numbers, 6, 6).reshape(2, 3, 3, 2))
    yield call(regular(numbers, 4, 4).reshape(4, 2, 2), ind=1)


def tensor_equations(numbers: Numbers) -> Iterator[Call]:
    yield call(regular(numbers, 6, 6).reshape(2, 3, 6), numbers.normal(2, 3))
    yield call(regular(numbers, 6, 6).reshape(2, 3, 3, 2), numbers.normal(2, 3))


TOLERANT: dict[str, Any] = {"rtol": 1e-7, "atol": 1e-9, "float32_rtol": 2e-3, "float32_atol": 2e-3}

CASES = [
    Case("linalg.det", squares, **TOLERANT),
    # PyTorch's gradient vanishes here, where the derivative does not.
    Case("linalg.det", singular, second_order=False, torch=None, label="singular"),
    Case("det", squares, **TOLERANT),
    Case("linalg.slogdet", squares, **TOLERANT),
    Case("logdet", squares, **TOLERANT),
    Case("linalg.inv", squares, **TOLERANT),
    Case("inverse", squares, **TOLERANT),
    Case("linalg.solve", equations, **TOLERANT),
    Case("linalg.solve_triangular", triangular, **TOLERANT),
    Case("linalg.lstsq", least_squares, torch=None, **TOLERANT),
    Case("linalg.pinv", rectangles, **TOLERANT),
    Case("linalg.qr", rectangles, **TOLERANT),
    Case("linalg.svdvals", rectangles, **TOLERANT),
    Case("linalg.matrix_exp", exponentials, **TOLERANT),
    Case("matrix_exp", exponentials, **TOLERANT),
    Case("linalg.matrix_norm", matrix_norms, **TOLERANT),
    Case("linalg.vector_norm", vector_norms, **TOLERANT),
    Case("linalg.norm", norms, **TOLERANT),
    Case("linalg.cond", conditions, **TOLERANT),
    # PyTorch's own gradient fails: it writes into what it needs.
    Case("linalg.cond", conditions_by_the_inverse, torch=None, label="by the inverse"),
    Case("linalg.matrix_rank", ranks, gradient=False),
    # PyTorch gives the triangle that is not read a gradient too.
    Case("cholesky_solve", from_cholesky, compare_gradient=False, **TOLERANT),
    Case("linalg.tensorinv", as_tensors, **TOLERANT),
    Case("linalg.tensorsolve", tensor_equations, **TOLERANT),
]
