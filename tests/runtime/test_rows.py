"""Taking rows out of a large array."""

from typing import Any

import numpy as np
import pytest

from fathom.runtime import rows
from fathom.runtime.rows import take_rows

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _every_array_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_SMALLEST_ARRAY", 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, bool])
@pytest.mark.parametrize("shape", [(512,), (517,), (784,), (3, 16, 16), (1031,)])
def test_rows_are_those_that_numpy_takes(shape: tuple[int, ...], dtype: Any) -> None:
    array = (RANDOM.random((50, *shape)) * 256).astype(dtype)
    for count in (0, 1, 2, 3, 64):
        positions = RANDOM.integers(0, 50, count)
        taken = take_rows(array, positions)
        assert taken.dtype == dtype
        np.testing.assert_array_equal(taken, array[positions])


def test_positions_may_count_from_the_end_and_arrays_may_have_gaps() -> None:
    array = RANDOM.random((50, 1200))
    positions = np.array([3, -1, -50, 49])
    np.testing.assert_array_equal(take_rows(array, positions), array[positions])
    np.testing.assert_array_equal(take_rows(array[:, ::2], positions), array[positions, ::2])
    np.testing.assert_array_equal(take_rows(array, positions[::2]), array[positions[::2]])


@pytest.mark.parametrize("wrong", [50, -51, 2**62])
def test_a_position_out_of_range_raises(wrong: int) -> None:
    with pytest.raises(IndexError):
        take_rows(RANDOM.random((50, 600)), np.array([0, wrong, 3]))


def test_without_a_compiler_numpy_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_native_copy", lambda: None)
    array = RANDOM.random((50, 600))
    np.testing.assert_array_equal(take_rows(array, np.array([7, 4])), array[[7, 4]])
