"""Temporaries share memory only where they live at different times."""

from itertools import combinations, pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fathom.compiler.memory import ALIGNMENT, assign_places, lifetimes, overlap
from fathom.compiler.plan import Buffer, Plan, Step


@st.composite
def plans(draw) -> Plan:
    sizes = draw(st.lists(st.integers(0, 100), min_size=1, max_size=12))
    buffers = [Buffer(np.dtype(np.float32), size) for size in sizes]
    steps = []
    for _ in range(draw(st.integers(1, 12))):
        operands = draw(st.lists(st.sampled_from(buffers), min_size=1, max_size=4, unique=True))
        steps.append(Step(tuple(operands), frozenset(operands[-1:])))
    return plan_of(buffers, steps)


def plan_of(buffers: list[Buffer], steps: list[Step]) -> Plan:
    return Plan(buffers, steps, [], [], {}, Buffer(np.dtype(np.int64), 8))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(plans())
def test_what_lives_at_the_same_time_lies_apart(plan):
    size = assign_places(plan)
    lives = lifetimes(plan)
    for buffer in lives:
        assert buffer.place % ALIGNMENT == 0
        assert buffer.place + buffer.bytes <= size
    for one, other in combinations(lives, 2):
        (first, last), (start, stop) = lives[one], lives[other]
        if first <= stop and start <= last:
            assert not overlap(one, other)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(plans())
def test_the_arena_is_no_larger_than_all_temporaries(plan):
    size = assign_places(plan)
    assert size <= sum(-(-max(b.bytes, 1) // ALIGNMENT) * ALIGNMENT for b in lifetimes(plan))


def test_a_chain_needs_the_memory_of_two():
    buffers = [Buffer(np.dtype(np.float32), 1000) for _ in range(10)]
    steps = [Step(pair, frozenset(pair[1:])) for pair in pairwise(buffers)]
    assert assign_places(plan_of(buffers, steps)) == 2 * 4032


def test_a_buffer_shares_memory_with_what_it_takes_over():
    owner, other = (Buffer(np.dtype(np.float32), 4, is_output=True) for _ in range(2))
    assert not overlap(owner, other)
    other.shared_with = owner
    assert overlap(owner, other)
