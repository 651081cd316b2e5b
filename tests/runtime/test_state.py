"""State is updated in place where nobody can see it, and is moved out of sight otherwise."""

import numpy as np
import pytest

import fathom
from fathom.compiler.views import Layout, row_major
from fathom.graph.recorded import Place
from fathom.runtime.executor import address
from fathom.runtime.state import StateMemory
from fathom.tensor import Tensor


def memory_of(
    tensor: Tensor, layout: Layout | None = None, *, is_written: bool = True
) -> StateMemory:
    place = Place(None, (tensor,))
    return StateMemory(place, layout or row_major(tensor.shape), tensor.dtype, is_written)


@pytest.fixture
def weight() -> Tensor:
    return fathom.arange(12.0).reshape(3, 4).clone().requires_grad_()


def test_what_only_the_tensor_holds_stays_where_it_is(weight):
    memory = memory_of(weight)
    start = address(memory.settle())
    assert memory.is_ready()
    assert address(memory.settle()) == start
    assert weight.requires_grad
    assert weight.is_leaf


def test_state_can_be_laid_column_by_column(weight):
    before = weight.tolist()
    array = memory_of(weight, Layout((3, 4), (1, 3))).settle()
    assert array.strides == (4, 12)
    assert weight.tolist() == before


@pytest.mark.parametrize(
    "look",
    [
        lambda tensor: tensor.detach(),
        lambda tensor: tensor.detach().numpy(),
        lambda tensor: tensor.detach().numpy()[1:],
        lambda tensor: np.asarray(tensor.detach()).T,
        lambda tensor: tensor * 2,
        lambda tensor: tensor.reshape(12),
        lambda tensor: tensor.detach()[0],
        lambda tensor: memoryview(tensor.detach().numpy()),
    ],
    ids=["alias", "array", "part of array", "transposed", "history", "view", "row", "memory"],
)
def test_what_others_can_see_is_not_written(weight, look):
    memory = memory_of(weight)
    start = address(memory.settle())
    seen = look(weight)
    assert not memory.is_ready()
    assert address(memory.settle()) != start
    assert memory.is_ready()
    del seen


def test_what_nobody_looks_at_any_more_is_written_again(weight):
    memory = memory_of(weight)
    memory.settle()
    seen = weight.detach()
    assert not memory.is_ready()
    del seen
    assert memory.is_ready()


def test_what_is_only_read_may_be_seen_by_others(weight):
    memory = memory_of(weight, is_written=False)
    memory.settle()
    seen = weight.detach()
    assert memory.is_ready()
    del seen


def test_memory_of_others_is_never_written():
    array = np.arange(6.0)
    tensor = fathom.from_numpy(array)
    memory = memory_of(tensor)
    assert address(memory.settle()) != address(array)


def test_a_value_that_was_exchanged_is_found(weight):
    memory = memory_of(weight)
    memory.settle()
    with fathom.no_grad():
        weight.copy_(fathom.zeros(3, 4))
    assert not memory.is_ready()
    assert not memory.settle().any()


def test_another_program_may_want_it_to_lie_otherwise():
    weight, x = fathom.rand(300, 300), fathom.rand(300, 300)
    values = weight.numpy() + x.numpy()
    add = fathom.compile(lambda x: x + weight)
    multiply = fathom.compile(lambda x: fathom.nn.functional.linear(x, weight))
    for _ in range(2):
        np.testing.assert_array_equal(add(x), values)
        multiply(x)
        assert weight._node.value.strides == (4, 1200)


def test_programs_that_share_state_see_what_the_other_wrote():
    count = fathom.zeros(())

    def add(number):
        with fathom.no_grad():
            count.add_(number)
        return count * 1

    one, two = fathom.compile(lambda: add(1)), fathom.compile(lambda: add(2))
    assert [step().item() for step in (one, two, one, one, two)] == [1, 3, 4, 5, 7]


def test_a_step_that_needs_the_old_value_gets_it():
    first, second = fathom.arange(5.0), fathom.ones(5)

    @fathom.compile
    def swap():
        old = first.clone()
        first.copy_(second)
        second.copy_(old)
        return first - second

    swap()
    assert first.tolist() == [1, 1, 1, 1, 1]
    assert second.tolist() == [0, 1, 2, 3, 4]
    swap()
    assert first.tolist() == [0, 1, 2, 3, 4]


def test_state_shifted_onto_itself():
    state = fathom.arange(1000.0)

    @fathom.compile
    def shift():
        state.copy_(state.roll(1) + state.flip(0) * 0)

    for _ in range(3):
        shift()
    assert state.tolist() == np.roll(np.arange(1000.0), 3).tolist()


def test_tensors_that_no_longer_share_a_value_are_noticed():
    one = fathom.arange(3.0)
    other = fathom.zeros(3)
    other._node = one._node
    memory = StateMemory(Place(None, (one, other)), row_major((3,)), one.dtype, is_written=True)
    memory.settle()
    assert memory.is_ready()
    other += 1
    assert not memory.is_ready()
