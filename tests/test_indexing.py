"""Reading and writing between brackets."""

import numpy as np
import pytest

import fathom
from fathom.errors import IndexOutOfRange, ShapeError, ViewWriteError

ROWS = np.array([2, 0, -1])
COLUMNS = np.array([[1], [0]])
MASK = np.arange(3) % 2 == 0
GRID = np.arange(12).reshape(3, 4) % 5 < 2

# On a tensor of shape (3, 4, 5).
INDICES = [
    0,
    -1,
    (1, 2, 3),
    slice(None),
    slice(1, None),
    slice(-2, None, 2),
    slice(5, 1),
    ...,
    None,
    (),
    (..., 1),
    (0, ..., None),
    (None, 1, ..., None, slice(0, 2)),
    ROWS,
    [2, 0],
    [],
    (ROWS, slice(1, 3)),
    (slice(None), ROWS),
    (ROWS, ROWS),
    (ROWS, slice(None), ROWS),
    (COLUMNS, ROWS),
    (..., COLUMNS),
    (0, slice(None), ROWS),
    (ROWS, 0),
    (0, ROWS, slice(None, None, 2)),
    (ROWS, None, ROWS),
    MASK,
    GRID,
    (GRID, slice(1, 3)),
    (MASK, ROWS[:2]),
    (slice(None), [True, False, True, False]),
    True,
    False,
    (True, 0),
    (np.array(1), slice(None), [0, 1]),
    [[0, 1], [1, 0]],
]


def as_index(index, convert):
    if isinstance(index, tuple):
        return tuple(as_index(part, convert) for part in index)
    return convert(index) if isinstance(index, np.ndarray) else index


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((3, 4, 5))


@pytest.mark.parametrize("index", INDICES, ids=str)
@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")
def test_reading_is_pytorchs(x, index):
    torch = pytest.importorskip("torch")
    theirs = torch.tensor(x, requires_grad=True)
    expected = theirs[as_index(index, torch.tensor)]
    weights = np.random.default_rng(1).standard_normal(tuple(expected.shape))
    (expected * torch.tensor(weights)).sum().backward()
    for convert in (fathom.tensor, np.asarray):
        ours = fathom.tensor(x, requires_grad=True)
        found = ours[as_index(index, convert)]
        assert found.shape == tuple(expected.shape)
        np.testing.assert_array_equal(found.detach(), expected.detach().numpy())
        (found * weights).sum().backward()
        np.testing.assert_allclose(ours.grad, theirs.grad.numpy())


@pytest.mark.parametrize("index", INDICES, ids=str)
@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")
def test_writing_is_pytorchs(x, index):
    torch = pytest.importorskip("torch")
    shape = torch.tensor(x)[as_index(index, torch.tensor)].shape
    for values_shape in (tuple(shape), (), (1, *shape[1:]), (1, *shape)):
        values = np.random.default_rng(1).standard_normal(values_shape)
        weights = np.random.default_rng(2).standard_normal(x.shape)
        results = []
        for library in (torch, fathom):
            tensor = library.tensor(x, requires_grad=True)
            written = library.tensor(values, requires_grad=True)
            copy = tensor.clone()
            copy[as_index(index, library.tensor)] = written
            (copy * library.tensor(weights)).sum().backward()
            results.append([np.asarray(one.detach()) for one in (copy, tensor.grad)])
            results[-1].append(0 if written.grad is None else np.asarray(written.grad))
        for theirs, ours in zip(*results, strict=True):
            np.testing.assert_allclose(ours, theirs)


def test_adding_in_brackets_adds(x):
    tensor = fathom.tensor(x)
    tensor[1] += 1
    tensor[:, 0] *= 2
    tensor[[0, 2]] -= 3
    expected = x.copy()
    expected[1] += 1
    expected[:, 0] *= 2
    expected[[0, 2]] -= 3
    np.testing.assert_array_equal(tensor, expected)


def test_writing_changes_no_other_tensor(x):
    tensor = fathom.tensor(x)
    same, row = tensor.clone(), tensor[0]
    tensor[0] = 0
    np.testing.assert_array_equal(same, x)
    np.testing.assert_array_equal(row, x[0])


def test_a_mask_takes_a_number_for_all_it_selects(x):
    tensor = fathom.tensor(x)
    tensor[tensor > 0] = 0.0
    tensor[fathom.tensor(GRID)] = -1
    np.testing.assert_array_equal(tensor, np.where(GRID[..., None], -1, np.minimum(x, 0)))


def test_writing_through_a_view_is_refused(x):
    tensor = fathom.tensor(x)
    for write in (
        lambda: tensor[0].add_(1),
        lambda: tensor.view(-1).__setitem__(3, 0.0),
        lambda: tensor.diagonal().fill_(0.0),
        lambda: tensor.unfold(0, 2, 1).fill_(0.0),
        lambda: tensor.T.__setitem__(0, 0.0),
    ):
        with pytest.raises(ViewWriteError, match=r"x\[index\] = value"):
            write()


def test_copies_are_written_in_place(x):
    tensor = fathom.tensor(x)
    for copy in (
        tensor[[0]],
        tensor.flip(0),
        tensor.repeat(1, 1, 2),
        tensor.roll(1),
        tensor @ ROWS_5,
    ):
        assert copy.add_(1) is copy


ROWS_5 = fathom.ones(5, dtype=fathom.float64)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (3, r"index 3 is out of range for dimension 0 with 3 elements of a tensor of shape \(3, 4"),
        ((0, -5), r"index -5 is out of range for dimension 1 with 4 elements"),
        ([5], r"index 5 is out of range for dimension 0 with 3 elements"),
        ((slice(None), [0, 9]), r"index 9 is out of range for dimension 1 .*allowed: -4 to 3"),
        ((0, 0, 0, 0), r"4 indices for a tensor of 3 dimensions with shape \(3, 4, 5\)"),
        ((..., ...), r"'\.\.\.' only once"),
        (1.5, "cannot index with float: expected integers"),
        ("a", "cannot index with"),
        (np.zeros(2, bool), r"a mask of shape \(2,\) cannot index dimensions of sizes \(3,\)"),
        (np.zeros(2, np.uint8), r"uint8.*\.bool\(\)"),
    ],
)
def test_a_wrong_index_is_explained(x, index, message):
    with pytest.raises(IndexOutOfRange, match=message):
        fathom.tensor(x)[index]


def test_wrong_values_and_steps_are_explained(x):
    tensor = fathom.tensor(x)
    with pytest.raises(ShapeError, match=r"shape \(3,\) does not fit .* of shape \(4, 5\)"):
        tensor[0] = fathom.ones(3)
    with pytest.raises(ShapeError, match=r"shape \(3,\) does not fit .* of shape \(2, 4, 5\)"):
        tensor[[0, 1]] = fathom.ones(3)
    with pytest.raises(ShapeError, match=r"positive step, got -1; use flip"):
        tensor[::-1]
    with pytest.raises(IndexOutOfRange, match="item"):
        fathom.tensor(1.0)[0]


def test_rows_that_repeat_add_up():
    rows = np.random.default_rng(0).integers(0, 7, 1000)
    values = np.random.default_rng(1).standard_normal((1000, 3))
    table = fathom.zeros(7, 3, dtype=fathom.float64).requires_grad_()
    (table[fathom.tensor(rows)] * fathom.tensor(values)).sum().backward()
    expected = np.zeros((7, 3))
    np.add.at(expected, rows, values)
    np.testing.assert_array_equal(table.grad, expected)
