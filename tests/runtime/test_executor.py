"""A program runs its steps in order, on the threads that share them."""

import numpy as np
import pytest

from fathom.runtime.executor import ALL_THREADS, Program, Step, address
from fathom.runtime.threads import get_num_threads, pool, set_num_threads

from .programs import kernels

TINY = 1e-310  # denormal


@pytest.fixture(autouse=True, params=[1, 2, 3])
def _threads(request: pytest.FixtureRequest) -> None:
    before = get_num_threads()
    set_num_threads(request.param)
    yield
    set_num_threads(before)


def program(arrays: list[np.ndarray], steps: list[Step]) -> Program:
    made = Program(len(arrays), steps)
    made.arrays = arrays  # which live as long as it does
    for number, array in enumerate(arrays):
        made.table[number] = address(array)
    return made


def test_a_step_works_on_the_buffers_that_its_operands_name() -> None:
    a, b = np.zeros(1000), np.zeros(1000)
    run = program([a, b], [Step(kernels()["add_one"], (1,))]).segment().run
    run()
    run()
    assert (a == 0).all()
    assert (b == 2).all()


def test_a_buffer_can_be_replaced_between_runs() -> None:
    a, b = np.zeros(1000), np.zeros(1000)
    made = program([a], [Step(kernels()["add_one"], (0,))])
    segment = made.segment()
    segment.run()
    made.table[0] = address(b)
    segment.run()
    assert (a == 1).all()
    assert (b == 1).all()


@pytest.mark.parametrize("threads", [1, 2, ALL_THREADS])
def test_steps_that_depend_on_each_other_meet_at_barriers(threads: int) -> None:
    a, b = np.arange(1000.0), np.zeros(1000)
    there = Step(kernels()["rotate"], (0, 1), threads, barrier=True)
    back = Step(kernels()["rotate"], (1, 0), threads, barrier=True)
    run = program([a, b], [there, back] * 50).segment().run
    for _ in range(10):
        run()
    np.testing.assert_array_equal(a, np.roll(np.arange(1000.0), 1000) + 1000)


def test_a_segment_runs_only_its_own_steps() -> None:
    a, b, c = (np.zeros(1000) for _ in range(3))
    made = program([a, b, c], [Step(kernels()["add_one"], (n,), ALL_THREADS) for n in range(3)])
    made.segment(1, 2).run()
    assert [array[0] for array in (a, b, c)] == [0, 1, 0]
    made.segment(1).run()
    assert [array[-1] for array in (a, b, c)] == [0, 2, 1]
    made.segment(0, 0).run()
    assert [array[-1] for array in (a, b, c)] == [0, 2, 1]


@pytest.mark.parametrize("threads", [1, 2, ALL_THREADS])
def test_a_step_is_shared_by_as_many_threads_as_it_says(threads: int) -> None:
    part = np.zeros(20, np.int64)
    program([part], [Step(kernels()["take_part"], (0,), threads)]).segment().run()
    sharing = min(threads, get_num_threads())
    assert part.tolist()[:10] == [1] * sharing + [0] * (10 - sharing)
    assert part.tolist()[10:] == [sharing] * sharing + [0] * (10 - sharing)


def test_steps_of_one_thread_leave_the_others_alone() -> None:
    set_num_threads(get_num_threads() + 1)  # so that there is no team yet
    program([np.zeros(1000)], [Step(kernels()["add_one"], (0,))]).segment().run()
    assert pool.address == 0


@pytest.mark.parametrize("threads", [1, ALL_THREADS])
def test_each_step_is_timed(threads: int) -> None:
    quick = Step(kernels()["nothing"], (), threads)
    slow = Step(kernels()["linger"], (0,), threads)
    segment = program([np.ones(1)], [quick, slow, quick, quick]).segment(1, 4)
    times = np.min([segment.timed() for _ in range(5)], axis=0)
    assert times.shape == (3,)
    assert times[0] > 50_000
    assert (times >= 0).all()
    assert times[0] > times[1:].min()


def test_denormals_count_as_zero_within_a_program_only() -> None:
    a, b, c = np.array(1e-300), np.array(1e-10), np.array(1.0)
    run = program([a, b, c], [Step(kernels()["product"], (0, 1, 2))]).segment().run
    run()
    assert c == 0
    assert a * b == TINY


@pytest.mark.parametrize(
    "array",
    [
        np.arange(5),
        np.arange(20).reshape(4, 5)[1:, ::-2],
        np.array(3.0),
        np.zeros((0, 3), np.float32),
        np.frombuffer(b"0123456789"[:8], np.int64),
    ],
)
def test_the_address_is_that_of_the_first_element(array: np.ndarray) -> None:
    assert address(array) == array.ctypes.data
