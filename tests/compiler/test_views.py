"""Movements of strides show what NumPy shows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

from fathom.compiler.views import Layout, moved, row_major
from fathom.ops import Diagonal, Expand, Flip, Op, Permute, Reshape, Slice

quick = settings(max_examples=150, deadline=None, derandomize=True)


@st.composite
def movements(draw) -> tuple[tuple[int, ...], list[Op]]:
    """A shape, and movements that fit one after the other."""
    start = shape = tuple(draw(st.lists(st.sampled_from([0, 1, 2, 3, 4, 6]), max_size=4)))
    chosen: list[Op] = []
    for _ in range(draw(st.integers(1, 6))):
        op = draw(movement_of(shape))
        chosen.append(op)
        shape = op.compute(np.zeros(shape)).shape
    return start, chosen


@st.composite
def movement_of(draw, shape: tuple[int, ...]) -> Op:
    rank = len(shape)
    kinds = ["expand", "reshape"] + ["permute", "slice", "flip"] * (rank > 0)
    match draw(st.sampled_from(kinds + ["diagonal"] * (rank > 1))):
        case "expand":
            sizes = [draw(st.integers(1, 3)) if size == 1 else size for size in shape]
            return Expand((*draw(st.lists(st.integers(1, 2), max_size=max(0, 4 - rank))), *sizes))
        case "reshape":
            return Reshape(draw(reshaped(shape)))
        case "permute":
            return Permute(tuple(draw(st.permutations(range(rank)))))
        case "flip":
            return Flip(tuple(sorted(draw(st.sets(st.integers(0, rank - 1), min_size=1)))))
        case "diagonal":
            return Diagonal(draw(st.integers(-3, 3)))
        case _:
            starts = tuple(draw(st.integers(0, size)) for size in shape)
            stops = tuple(draw(st.integers(0, size)) for size in shape)
            return Slice(starts, stops, tuple(draw(st.integers(1, 3)) for _ in shape))


@st.composite
def reshaped(draw, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Another shape of as many elements."""
    if 0 in shape:
        return tuple(draw(st.permutations([*shape, 1])))
    factors = []
    for size in shape:
        divisor = draw(st.sampled_from([d for d in range(1, size + 1) if size % d == 0]))
        factors += [divisor, size // divisor]
    merged = [1]
    for factor in factors:
        if draw(st.booleans()):
            merged.append(factor)
        else:
            merged[-1] *= factor
    return tuple(merged)


def shown(memory: np.ndarray, layout: Layout) -> np.ndarray:
    """What a layout shows of memory."""
    strides = [stride * memory.itemsize for stride in layout.strides]
    return as_strided(memory[layout.offset :], layout.shape, strides)


@quick
@given(movements())
def test_a_movement_shows_what_numpy_gives(given_movements):
    shape, chosen = given_movements
    memory = np.arange(np.prod(shape, dtype=int))
    layout, expected = row_major(shape), memory.reshape(shape)
    for op in chosen:
        expected = op.compute(expected)
        seen = moved(op, layout)
        if seen is None:
            assert isinstance(op, Reshape)
            memory, seen = np.ascontiguousarray(expected).reshape(-1), row_major(expected.shape)
        layout = seen
        assert layout.shape == expected.shape
        if expected.size:
            np.testing.assert_array_equal(shown(memory, layout), expected)


def test_a_reshape_across_strides_needs_a_copy():
    assert moved(Reshape((12,)), Layout((3, 4), (1, 3))) is None
    assert moved(Reshape((12,)), Layout((3, 4), (8, 2))) == Layout((12,), (2,))


def test_row_major_is_told_whatever_the_strides_of_single_elements():
    assert Layout((3, 1, 4), (4, 99, 1)).is_row_major
    assert not Layout((3, 4), (1, 3)).is_row_major
    assert not Layout((3, 4), (4, 1), offset=2).is_row_major
