"""Broadcasting, indexing and movement give what NumPy gives, for any shapes."""

import math

import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import fathom
from fathom.errors import AutogradError, ShapeError, ViewWriteError

shapes = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
quick = settings(max_examples=60, deadline=None, derandomize=True)


def numbered(shape: tuple[int, ...]) -> np.ndarray:
    """An array whose elements all differ."""
    return np.arange(math.prod(shape), dtype=np.float64).reshape(shape)


def assert_same(found: fathom.Tensor, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.detach(), expected)


@quick
@given(arrays.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=4, min_side=0))
def test_broadcasting(drawn):
    a, b, c = (numbered(shape) for shape in drawn.input_shapes)
    x, y, z = (fathom.tensor(array, requires_grad=True) for array in (a, b, c))
    result = x * y + z
    assert_same(result, a * b + c)
    assert fathom.broadcast_shapes(*drawn.input_shapes) == drawn.result_shape
    result.sum().backward()
    full = np.broadcast_to(b, drawn.result_shape)
    for tensor, share in ((x, full), (z, np.ones(drawn.result_shape))):
        added = len(drawn.result_shape) - tensor.ndim
        summed = share.sum(tuple(range(added)))
        ones = tuple(axis for axis, size in enumerate(tensor.shape) if size == 1)
        np.testing.assert_allclose(tensor.grad, summed.sum(ones, keepdims=True))
    expanded = fathom.broadcast_tensors(x, y, z)
    assert_same(expanded[0], np.broadcast_to(a, drawn.result_shape))


@quick
@given(st.data())
def test_slices_integers_ellipses_and_new_dimensions(data):
    shape = data.draw(shapes)
    index = data.draw(arrays.basic_indices(shape, allow_newaxis=True))
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, slice) and (part.step or 1) < 0 for part in parts):
        return
    array = numbered(shape)
    assert_same(fathom.tensor(array)[index], array[index])
    changed, tensor = array.copy(), fathom.tensor(array)
    changed[index] = -1
    tensor[index] = -1
    assert_same(tensor, changed)


@quick
@given(st.data())
def test_index_tensors(data):
    shape = data.draw(arrays.array_shapes(min_dims=1, max_dims=3, max_side=4))
    index = data.draw(arrays.integer_array_indices(shape))
    array = numbered(shape)
    tensor = fathom.tensor(array, requires_grad=True)
    found = tensor[tuple(fathom.tensor(part) for part in index)]
    assert_same(found, array[index])
    found.sum().backward()
    expected = np.zeros(shape)
    np.add.at(expected, index, 1)
    np.testing.assert_array_equal(tensor.grad, expected)


@quick
@given(st.data())
def test_masks(data):
    shape = data.draw(shapes)
    rank = data.draw(st.integers(0, len(shape)))
    mask = data.draw(arrays.arrays(bool, shape[:rank]))
    array = numbered(shape)
    assert_same(fathom.tensor(array)[fathom.tensor(mask)], array[mask])
    changed, tensor = array.copy(), fathom.tensor(array)
    changed[mask] = -1
    tensor[fathom.tensor(mask)] = -1
    assert_same(tensor, changed)


@quick
@given(st.data())
def test_orders_of_dimensions(data):
    shape = data.draw(shapes)
    array, rank = numbered(shape), len(shape)
    tensor = fathom.tensor(array)
    order = data.draw(st.permutations(range(rank)))
    assert_same(tensor.permute(order), array.transpose(order))
    if rank:
        source, target = (data.draw(st.integers(-rank, rank - 1)) for _ in range(2))
        assert_same(tensor.movedim(source, target), np.moveaxis(array, source, target))
        assert_same(tensor.transpose(source, target), np.swapaxes(array, source, target))
        axes = data.draw(st.sets(st.integers(0, rank - 1)))
        assert_same(tensor.flip(tuple(axes)), np.flip(array, tuple(axes)))
        shift = data.draw(st.integers(-5, 5))
        assert_same(tensor.roll(shift, source), np.roll(array, shift, source))
    assert_same(tensor.roll(2), np.roll(array, 2))


@quick
@given(st.data())
def test_shapes(data):
    shape = data.draw(shapes)
    array = numbered(shape)
    tensor = fathom.tensor(array)
    assert_same(tensor.reshape(-1), array.reshape(math.prod(shape)))
    assert_same(tensor.squeeze(), array.squeeze())
    place = data.draw(st.integers(-len(shape) - 1, len(shape)))
    assert_same(tensor.unsqueeze(place), np.expand_dims(array, place))
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(shape), max_size=len(shape) + 1))
    assert_same(tensor.repeat(counts), np.tile(array, counts))
    fewer = tuple(counts[: len(shape)])
    assert_same(tensor.tile(fewer), np.tile(array, fewer))


@quick
@given(st.data())
def test_what_is_split_joins_again(data):
    shape = data.draw(arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    array = numbered(shape)
    tensor = fathom.tensor(array)
    parts = data.draw(st.integers(1, 4))
    for found, expected in zip(
        tensor.tensor_split(parts, axis), np.array_split(array, parts, axis), strict=True
    ):
        assert_same(found, expected)
    for split in (tensor.split(parts, axis), tensor.chunk(parts, axis)):
        assert_same(fathom.cat(split, axis), array)
    if shape[axis]:
        assert_same(fathom.stack(tensor.unbind(axis), axis), array)


@quick
@given(st.data())
def test_constant_padding(data):
    shape = data.draw(arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))
    widths = data.draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.integers(0, 2)),
            min_size=len(shape),
            max_size=len(shape),
        )
    )
    array = numbered(shape)
    flat = [width for pair in reversed(widths) for width in pair]
    padded = fathom.nn.functional.pad(fathom.tensor(array), flat, value=7)
    assert_same(padded, np.pad(array, widths, constant_values=7))


@quick
@given(st.data())
def test_triangles_and_diagonals(data):
    shape = data.draw(arrays.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=4))
    offset = data.draw(st.integers(-5, 5))
    array = numbered(shape)
    tensor = fathom.tensor(array)
    assert_same(tensor.tril(offset), np.tril(array, offset))
    assert_same(tensor.triu(offset), np.triu(array, offset))
    rows, columns = shape[:2]
    if -rows <= offset <= columns:
        assert_same(tensor.diagonal(offset), np.diagonal(array, offset))


def test_movement_in_place_changes_the_shape_of_the_handle():
    x = fathom.tensor(numbered((2, 3)))
    assert x.t_() is x
    assert_same(x, numbered((2, 3)).T)
    assert_same(x.unsqueeze_(0), numbered((2, 3)).T[None])
    assert_same(x.squeeze_(0).add_(1), numbered((2, 3)).T + 1)
    row = x[0].unsqueeze_(0)
    with pytest.raises(ViewWriteError):
        row.add_(1)
    with pytest.raises(AutogradError, match="t_ changes the shape of a leaf"):
        fathom.ones(2, 3).requires_grad_().t_()


def test_what_does_not_fit_is_explained():
    x = fathom.ones(2, 3)
    for call, message in [
        (lambda: x.reshape(4, -1), r"\(2, 3\) cannot be reshaped to \(4, -1\): 6 elements"),
        (lambda: x.view(-1, -1), "one size at most can be -1"),
        (lambda: x.expand(4, 3), r"Expand: .*\(2, 3\)"),
        (lambda: x.split([1, 2]), r"sizes \(1, 2\) add up to 3, but dimension 0"),
        (lambda: fathom.stack([x, x.t()]), r"tensor 1 has shape \(3, 2\)"),
        (lambda: fathom.cat([x, x.t()]), r"shapes \(2, 3\) and \(3, 2\) differ"),
        (lambda: x.unflatten(1, (2, 2)), r"\(2, 2\) do not multiply to 3"),
        (lambda: fathom.nn.functional.pad(x, (3, 0), "reflect"), "fewer elements than there are"),
    ]:
        with pytest.raises(ShapeError, match=message):
            call()
