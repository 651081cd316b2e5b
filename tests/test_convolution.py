"""Convolutional layers and functions behave as PyTorch's, and say what does not fit."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fathom
import fathom.nn.functional as F
from fathom import nn
from fathom.errors import ArgumentError, DTypeError, FathomError, ShapeError
from fathom.ops import Convolution, ConvolutionInputGradient, ConvolutionWeightGradient
from fathom.ops import convolution as evaluation


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_a_convolution_slides_the_kernel_without_flipping_it() -> None:
    x = fathom.tensor([[[0.0, 1.0, 2.0, 4.0]]])
    weight = fathom.tensor([[[1.0, 10.0]]])
    assert F.conv1d(x, weight).tolist() == [[[10.0, 21.0, 42.0]]]


def test_a_transposed_convolution_puts_copies_of_the_kernel_side_by_side() -> None:
    x = fathom.tensor([[[1.0, 2.0]]])
    weight = fathom.tensor([[[1.0, 10.0]]])
    assert F.conv_transpose1d(x, weight, stride=2).tolist() == [[[1.0, 10.0, 2.0, 20.0]]]
    assert F.conv_transpose1d(x, weight, stride=1).tolist() == [[[1.0, 12.0, 20.0]]]


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("block_bytes", [1, 500, 4000])
def test_results_do_not_depend_on_how_the_batch_is_cut_into_blocks(
    groups: int, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, weight = normal(3, 4, 7, 6), normal(8, 4 // groups, 3, 2)
    convolution = Convolution((2, 1), ((1, 0), (0, 2)), (1, 2), groups)

    def results() -> list[np.ndarray]:
        y = convolution(x, weight)
        return [
            y,
            ConvolutionInputGradient(convolution, (7, 6))(y, weight),
            ConvolutionWeightGradient(convolution, (3, 2))(x, y),
        ]

    whole = results()
    monkeypatch.setattr(evaluation, "_BLOCK_BYTES", block_bytes)
    for expected, result in zip(whole, results(), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)


def test_a_convolution_and_its_gradient_are_transposes_of_each_other() -> None:
    x, weight, g = normal(2, 3, 8, 7), normal(4, 3, 3, 2, seed=1), normal(2, 4, 4, 6, seed=2)
    convolution = Convolution((2, 1), ((1, 0), (0, 0)), (1, 1))
    through_x = (ConvolutionInputGradient(convolution, (8, 7))(g, weight) * x).sum()
    through_weight = (ConvolutionWeightGradient(convolution, (3, 2))(x, g) * weight).sum()
    inner = (convolution(x, weight) * g).sum()
    assert through_x == pytest.approx(inner, rel=1e-4)
    assert through_weight == pytest.approx(inner, rel=1e-4)


def test_same_padding_of_an_even_kernel_adds_more_after() -> None:
    x = fathom.tensor([[[1.0, 2.0, 3.0]]])
    weight = fathom.tensor([[[1.0, 10.0]]])
    assert F.conv1d(x, weight, padding="same").tolist() == [[[21.0, 32.0, 3.0]]]


def test_parameters_start_within_one_over_the_root_of_the_fan_in() -> None:
    layer = nn.Conv2d(8, 32, (3, 5), groups=2)
    bound = 1 / math.sqrt(8 // 2 * 15)
    assert layer.weight.shape == (32, 4, 3, 5)
    assert layer.bias is not None
    assert layer.bias.shape == (32,)
    for parameter in (layer.weight, layer.bias):
        largest = float(parameter.abs().max())
        assert 0.8 * bound < largest <= bound
    transposed = nn.ConvTranspose2d(32, 8, 3)
    assert transposed.weight.shape == (32, 8, 3, 3)
    assert float(transposed.weight.abs().max()) <= 1 / math.sqrt(8 * 9)


def test_the_output_size_of_a_transposed_convolution_can_be_chosen() -> None:
    layer = nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1)
    x = fathom.tensor(normal(1, 2, 4, 5))
    assert layer(x).shape == (1, 3, 7, 9)
    assert layer(x, output_size=(8, 9)).shape == (1, 3, 8, 9)
    with pytest.raises(ShapeError, match=re.escape("can become of size [7, 9] to [8, 10]")):
        layer(x, output_size=(9, 9))


LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = [
    ("Conv1d", (3, 4, 3), {}, (2, 3, 9)),
    ("Conv1d", (3, 4, 3), {"padding": "same", "padding_mode": "circular"}, (3, 9)),
    ("Conv2d", (3, 4, 3), {}, (2, 3, 6, 7)),
    ("Conv2d", (4, 6, (2, 3)), {"stride": 2, "padding": (1, 2), "groups": 2}, (2, 4, 6, 7)),
    ("Conv2d", (3, 4, 3), {"padding": "same", "dilation": 2, "bias": False}, (3, 6, 7)),
    ("Conv2d", (3, 4, 3), {"padding": 1, "padding_mode": "reflect"}, (2, 3, 6, 7)),
    ("Conv2d", (3, 4, 3), {"padding": (2, 1), "padding_mode": "replicate"}, (3, 6, 7)),
    ("Conv2d", (3, 4, 1), {"padding": "valid"}, (2, 3, 2, 2)),
    ("Conv3d", (2, 3, 2), {"stride": (1, 2, 1)}, (1, 2, 3, 4, 3)),
    ("ConvTranspose1d", (3, 4, 3), {"stride": 2}, (2, 3, 4)),
    ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "padding": 1, "output_padding": 1}, (4, 3, 3)),
    ("ConvTranspose2d", (4, 6, 3), {"groups": 2, "dilation": 2, "bias": False}, (2, 4, 3, 3)),
    ("ConvTranspose3d", (2, 3, 2), {}, (1, 2, 2, 2, 2)),
    ("Unfold", (2,), {"padding": 1}, (2, 3, 4, 4)),
    ("Fold", ((5, 5), 2), {}, (2, 12, 16)),
    ("PixelShuffle", (2,), {}, (2, 8, 3, 3)),
    ("PixelUnshuffle", (2,), {}, (2, 2, 4, 4)),
    ("ZeroPad2d", (1,), {}, (2, 2, 3, 3)),
    ("ConstantPad1d", ((1, 2), 0.5), {}, (2, 2, 3)),
    ("ReflectionPad2d", ((1, 2, 0, 1),), {}, (2, 2, 3, 3)),
    ("ReplicationPad1d", (3,), {}, (2, 2, 3)),
    ("CircularPad2d", (2,), {}, (1, 2, 3, 3)),
]


@pytest.mark.parametrize(("name", "arguments", "options", "shape"), LAYERS)
def test_layers_are_those_of_pytorch(
    name: str, arguments: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    torch = pytest.importorskip("torch")
    reference = getattr(torch.nn, name)(*arguments, **options)
    layer = getattr(nn, name)(*arguments, **options)
    assert repr(layer) == repr(reference)
    state = {key: value.numpy() for key, value in reference.state_dict().items()}
    shapes = {key: value.shape for key, value in layer.state_dict().items()}
    assert shapes == {key: value.shape for key, value in state.items()}
    layer.load_state_dict({key: fathom.tensor(value) for key, value in state.items()})

    x = normal(*shape)
    there = torch.tensor(x, requires_grad=True)
    here = fathom.tensor(x, requires_grad=True)
    expected, result = reference(there), layer(here)
    np.testing.assert_allclose(result.detach(), expected.detach(), rtol=1e-4, atol=1e-5)
    g = normal(*result.shape, seed=1)
    expected.backward(torch.tensor(g))
    result.backward(fathom.tensor(g))
    np.testing.assert_allclose(here.grad, there.grad, rtol=1e-4, atol=1e-5)
    for parameter, other in zip(layer.parameters(), reference.parameters(), strict=True):
        np.testing.assert_allclose(parameter.grad, other.grad, rtol=1e-4, atol=1e-4)


def test_random_convolutions_agree_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)

    def sizes(rank: int, low: int, high: int) -> tuple[int, ...]:
        return tuple(int(size) for size in random.integers(low, high, rank))

    compared = 0
    for _ in range(150):
        rank = int(random.integers(1, 4))
        groups, inner, outer = sizes(3, 1, 4)
        x = random.standard_normal((*sizes(1, 0, 4), groups * inner, *sizes(rank, 1, 9)))
        weight = random.standard_normal((groups * outer, inner, *sizes(rank, 1, 4)))
        options = {
            "stride": sizes(rank, 1, 4),
            "padding": sizes(rank, 0, 3),
            "dilation": sizes(rank, 1, 3),
            "groups": groups,
        }
        there = [torch.tensor(value, requires_grad=True) for value in (x, weight)]
        here = [fathom.tensor(value, requires_grad=True) for value in (x, weight)]
        here[0] = fathom.tensor(np.moveaxis(x, 1, -1)).movedim(-1, 1).requires_grad_()
        try:
            expected = getattr(torch.nn.functional, f"conv{rank}d")(*there, **options)
        except RuntimeError:
            with pytest.raises(ShapeError, match="is larger than the image"):
                getattr(F, f"conv{rank}d")(*here, **options)
            continue
        result = getattr(F, f"conv{rank}d")(*here, **options)
        np.testing.assert_allclose(result.detach(), expected.detach(), rtol=1e-9, atol=1e-9)
        if result.numel():
            expected.square().sum().backward()
            (result * result).sum().backward()
            for one, other in zip(here, there, strict=True):
                np.testing.assert_allclose(one.grad, other.grad, rtol=1e-8, atol=1e-8)
            compared += 1
    assert compared > 50


IMAGES = fathom.zeros(2, 3, 8, 8)
WEIGHT = fathom.zeros(4, 3, 3, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: nn.Conv2d(1, 8, 3)(fathom.zeros(64, 28, 28)),
            ShapeError,
            "Conv2d expects 1 input channels in dimension 0, got shape (64, 28, 28); a batch "
            "of grey images needs a channel dimension: x.unsqueeze(1)",
        ),
        (
            lambda: nn.Conv2d(3, 8, 3)(fathom.zeros(2, 8, 8, 3)),
            ShapeError,
            "got shape (2, 8, 8, 3); the channels seem to come last, try x.permute(0, 3, 1, 2)",
        ),
        (
            lambda: nn.Conv2d(3, 8, 3)(fathom.zeros(2, 192)),
            ShapeError,
            "Conv2d expects shape (N, 3, H, W) or (3, H, W), got shape (2, 192)",
        ),
        (
            lambda: nn.Conv2d(3, 8, 9)(IMAGES),
            ShapeError,
            "Conv2d: a kernel of size (9, 9) is larger than the image, of shape (2, 3, 8, 8), "
            "with padding (0, 0)",
        ),
        (
            lambda: nn.Conv2d(3, 8, 3, groups=2),
            ShapeError,
            "Conv2d: 3 input channels cannot be divided into 2 groups",
        ),
        (
            lambda: nn.Conv2d(3, 8, 3, padding=-1),
            ShapeError,
            "Conv2d: padding must be a whole number",
        ),
        (lambda: nn.Conv2d(3, 8, 0), ShapeError, "Conv2d: kernel_size must be"),
        (lambda: nn.Conv2d(3, 8, (3, 3, 3)), ShapeError, "one for each of 2 dimensions"),
        (lambda: nn.Conv2d(3, 8, 3, padding="full"), ArgumentError, "padding 'full' is unknown"),
        (
            lambda: nn.Conv2d(3, 8, 3, padding="same", stride=2),
            ArgumentError,
            "padding='same' needs stride 1",
        ),
        (lambda: nn.Conv2d(3, 8, 3, padding_mode="edge"), ArgumentError, "'edge' is unknown"),
        (lambda: nn.ConvTranspose2d(3, 8, 3, padding_mode="reflect"), ArgumentError, "reflect"),
        (
            lambda: nn.ConvTranspose2d(3, 8, 3, padding=5)(IMAGES[:, :, :2]),
            ShapeError,
            "use less padding",
        ),
        (
            lambda: nn.ConvTranspose2d(3, 8, 3, output_padding=1)(IMAGES),
            ShapeError,
            "must be smaller than the stride",
        ),
        (lambda: F.conv2d(IMAGES, WEIGHT[0]), ShapeError, "conv2d expects a weight with 4"),
        (lambda: F.conv2d(IMAGES, WEIGHT, fathom.zeros(3)), ShapeError, "a bias of shape (4,)"),
        (lambda: F.conv2d(IMAGES.long(), WEIGHT), DTypeError, "x.to(fathom.float32)"),
        (lambda: F.fold(fathom.zeros(1, 7, 9), 4, 2), ShapeError, "fold expects shape"),
        (lambda: F.unfold(IMAGES, 9), ShapeError, "does not fit into images of size (8, 8)"),
        (lambda: F.pixel_shuffle(IMAGES, 2), ShapeError, "a multiple of 4 channels"),
    ],
)
def test_errors_say_what_does_not_fit(
    call: Callable[[], Any], error: type[FathomError], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()
