"""Transforms of whole batches."""

import numpy as np
import pytest

import fathom
from fathom.data import TensorDataset, transforms
from fathom.data.transforms.affine import inverse_maps, sample
from fathom.errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError


def images(count=4, channels=2, height=5, width=6, dtype=np.float32):
    size = count * channels * height * width
    return fathom.tensor(np.arange(size).reshape(count, channels, height, width).astype(dtype))


def seeded(seed=0):
    return fathom.Generator().manual_seed(seed)


RANDOM = {
    "RandomCrop": lambda generator: transforms.RandomCrop(3, 1, generator=generator),
    "RandomHorizontalFlip": lambda g: transforms.RandomHorizontalFlip(generator=g),
    "RandomVerticalFlip": lambda g: transforms.RandomVerticalFlip(generator=g),
    "RandomAffine": lambda g: transforms.RandomAffine(20, (0.2, 0.1), (0.8, 1.2), 10, generator=g),
    "RandomErasing": lambda g: transforms.RandomErasing(1, value="random", generator=g),
}


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_a_random_transform_is_repeatable_and_differs_from_image_to_image(make):
    batch = fathom.tensor(np.tile(images(1).numpy(), (32, 1, 1, 1)))
    first, again, other = (make(seeded(n))(batch).numpy() for n in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert any((first[0] != image).any() for image in first[1:])
    assert first.dtype == np.float32


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_a_random_transform_takes_single_images_bytes_and_empty_batches(make):
    transform = make(seeded())
    assert transform(images(1)[0]).ndim == 3
    assert transform(images(4, dtype=np.uint8)).dtype == np.uint8
    assert transform(images(0)).shape[0] == 0
    with pytest.raises(ShapeError, match=r"takes images of shape \(N, C, H, W\)"):
        transform(fathom.ones(3, 4))


def test_no_transform_changes_its_operand():
    batch = images()
    before = batch.numpy().copy()
    for make in RANDOM.values():
        make(seeded())(batch)
    transforms.Normalize(1, 2)(batch)
    np.testing.assert_array_equal(batch.numpy(), before)


def test_to_float_scales_whole_numbers_and_leaves_floats():
    result = transforms.ToFloat()(fathom.tensor(np.array([0, 51, 255], np.uint8)))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.numpy(), [0, 0.2, 1])
    assert transforms.ToFloat(16)(fathom.tensor([8])).tolist() == [0.5]
    assert transforms.ToTensor()(fathom.tensor([3.5])).tolist() == [3.5]


def test_normalize_works_on_channels_of_batches_and_single_images():
    batch = images()
    result = transforms.Normalize((1, 2), (2, 4))(batch)
    expected = (batch.numpy() - [[[1]], [[2]]]) / [[[2]], [[4]]]
    np.testing.assert_allclose(result.numpy(), expected)
    np.testing.assert_allclose(transforms.Normalize((1, 2), (2, 4))(batch[0]).numpy(), expected[0])
    features = transforms.Normalize(1, 2)(fathom.tensor([[3.0, 5.0]]))
    assert features.tolist() == [[1, 2]]


def test_normalize_refuses_whole_numbers_and_other_channels():
    with pytest.raises(DTypeError, match="ToFloat"):
        transforms.Normalize(0, 1)(images(dtype=np.uint8))
    with pytest.raises(ShapeError, match="3 channels"):
        transforms.Normalize((1, 2, 3), (1, 1, 1))(images())
    with pytest.raises(ArgumentError, match="std must be positive"):
        transforms.Normalize(0, 0)


def test_standardize_gives_mean_zero_and_deviation_one():
    chance = np.random.default_rng(0)
    data = chance.normal((3, -1000), (0.1, 20), (3000, 2)).astype(np.float32)
    for source in (fathom.tensor(data), data, TensorDataset(data, np.zeros(3000))):
        result = transforms.Standardize(source)(fathom.tensor(data)).numpy()
        np.testing.assert_allclose(result.mean(0), 0, atol=1e-4)
        np.testing.assert_allclose(result.std(0), 1, atol=1e-4)
    batch = chance.random((10, 3, 4, 4)).astype(np.float32)
    result = transforms.Standardize(batch)(batch).numpy()
    np.testing.assert_allclose(result.mean((0, 2, 3)), 0, atol=1e-5)


def test_standardize_only_shifts_what_is_constant():
    data = np.full((5, 1), 7, np.float32)
    assert transforms.Standardize(data)(data).tolist() == [[0]] * 5
    with pytest.raises(ShapeError, match="needs data"):
        transforms.Standardize(np.zeros((0, 3)))


def test_pad_and_crop_cut_what_they_say():
    batch = images()
    padded = transforms.Pad((1, 2, 3, 4), fill=-1)(batch).numpy()
    assert padded.shape == (4, 2, 11, 10)
    np.testing.assert_array_equal(padded[:, :, 2:7, 1:7], batch.numpy())
    assert (padded[:, :, :2] == -1).all()
    for mode in ("edge", "reflect", "symmetric"):
        expected = np.pad(batch.numpy(), ((0, 0), (0, 0), (2, 2), (1, 1)), mode=mode)
        result = transforms.Pad((1, 2), padding_mode=mode)(batch)
        np.testing.assert_array_equal(result.numpy(), expected)
    cropped = transforms.CenterCrop((3, 2))(batch)
    np.testing.assert_array_equal(cropped.numpy(), batch.numpy()[:, :, 1:4, 2:4])
    np.testing.assert_array_equal(
        transforms.CenterCrop(5)(transforms.CenterCrop(9)(batch)).numpy(),
        batch.numpy()[:, :, :, 1:6],
    )


def test_a_random_crop_is_a_part_of_its_image():
    batch = images(50)
    places = set()
    for result, image in zip(
        transforms.RandomCrop((3, 4), generator=seeded())(batch).numpy(), batch.numpy(), strict=True
    ):
        top, left = (int(x[0]) for x in np.nonzero(image[0] == result[0, 0, 0]))
        np.testing.assert_array_equal(result, image[:, top : top + 3, left : left + 4])
        places.add((top, left))
    assert len(places) == 9
    with pytest.raises(ShapeError, match="larger than the images"):
        transforms.RandomCrop(7)(batch)


@pytest.mark.parametrize(
    ("transform", "axis"),
    [(transforms.RandomHorizontalFlip, 3), (transforms.RandomVerticalFlip, 2)],
)
def test_flips_flip_with_their_probability(transform, axis):
    batch = images(1000, 1, 2, 2)
    for p in (0, 0.25, 1):
        result = transform(p, generator=seeded())(batch).numpy()
        flipped = (result == np.flip(batch.numpy(), axis)).all((1, 2, 3))
        kept = (result == batch.numpy()).all((1, 2, 3))
        assert (flipped ^ kept).all()
        assert abs(flipped.mean() - p) < 0.05
    with pytest.raises(ArgumentError, match="probability"):
        transform(1.5)


def test_random_erasing_overwrites_one_rectangle_within_its_limits():
    batch = fathom.ones(200, 1, 20, 30)
    erase = transforms.RandomErasing(0.5, (0.1, 0.2), (0.5, 2), value=0, generator=seeded())
    result = erase(batch).numpy()[:, 0]
    erased = [image for image in result if (image == 0).any()]
    assert 70 < len(erased) < 130
    for image in erased:
        rows, columns = np.flatnonzero((image == 0).any(1)), np.flatnonzero((image == 0).any(0))
        assert (image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] == 0).all()
        assert 0.08 < (image == 0).mean() < 0.23
        assert 0.4 < len(rows) / len(columns) < 2.5
    with pytest.raises(ArgumentError):
        transforms.RandomErasing(value="noise")


def test_an_affine_map_that_does_nothing_keeps_the_images():
    batch = images()
    result = transforms.RandomAffine(0)(batch)
    np.testing.assert_array_equal(result.numpy(), batch.numpy())


def test_a_quarter_turn_and_a_shift_move_every_pixel():
    batch = images(1, 1, 5, 5).numpy()
    zero, one = np.zeros(1), np.ones(1)
    turned = sample(batch, inverse_maps(zero + np.pi / 2, one, zero, zero), np.zeros((1, 2)), 0)
    np.testing.assert_allclose(turned[0, 0], np.rot90(batch[0, 0], -1), atol=1e-4)
    shifted = sample(batch, inverse_maps(zero, one, zero, zero), np.array([[2.0, -1.0]]), 9)
    np.testing.assert_array_equal(shifted[0, 0, :4, 2:], batch[0, 0, 1:, :3])
    assert (shifted[0, 0, 4] == 9).all()
    assert (shifted[0, 0, :, :2] == 9).all()


def test_affine_maps_sample_as_pytorch_does():
    torch = pytest.importorskip("torch")
    chance = np.random.default_rng(0)
    batch = chance.random((6, 2, 7, 9)).astype(np.float32)
    angle, scale, shear_x, shear_y = chance.uniform(0.6, 1.2, (4, 6))
    matrices = inverse_maps(angle, scale, shear_x - 0.9, shear_y - 0.9)
    shifts = chance.integers(-2, 3, (6, 2)).astype(float)
    ours = sample(batch, matrices, shifts, 0)
    # The same map for places from -1 to 1: theta = S^-1 M S, with S the half sizes.
    half = np.diag([9 / 2, 7 / 2])
    linear = np.linalg.inv(half) @ matrices @ half
    offset = -(np.linalg.inv(half) @ matrices @ shifts[:, :, None])
    theta = torch.tensor(np.concatenate([linear, offset], axis=2), dtype=torch.float32)
    grid = torch.nn.functional.affine_grid(theta, batch.shape, align_corners=False)
    theirs = torch.nn.functional.grid_sample(torch.tensor(batch), grid, align_corners=False)
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"degrees": -1},
        {"degrees": (5, 1)},
        {"degrees": 0, "translate": (2, 0)},
        {"degrees": 0, "scale": (0, 1)},
        {"degrees": 0, "shear": (1, 2, 3)},
    ],
)
def test_limits_of_an_affine_map_that_make_no_sense_are_an_error(options):
    with pytest.raises(ArgumentError):
        transforms.RandomAffine(**options)


def test_one_hot_and_flatten_and_compose():
    vectors = transforms.OneHot(3)(fathom.tensor([2, 0]))
    assert vectors.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert vectors.dtype == np.float32
    with pytest.raises(IndexOutOfRange, match="label 3 is not one of 3 classes"):
        transforms.OneHot(3)(fathom.tensor([0, 3]))
    with pytest.raises(DTypeError, match="whole numbers"):
        transforms.OneHot(3)(fathom.tensor([0.0]))
    both = transforms.Compose([transforms.ToFloat(), transforms.Flatten()])
    assert both(images(dtype=np.uint8)).shape == (4, 60)
    assert both(images(0)).shape == (0, 60)
    assert repr(both) == "Compose([ToFloat(maximum=255), Flatten()])"
