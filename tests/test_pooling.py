"""Pooling and resizing behave as in PyTorch, and say what does not fit."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fathom
import fathom.nn.functional as F
from fathom import nn
from fathom.errors import ArgumentError, FathomError, ShapeError


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_max_pooling_gives_the_gradient_to_the_first_of_equal_elements() -> None:
    x = fathom.zeros(1, 1, 2, 4, requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1, 0, 1, 0], [0, 0, 0, 0]]]]


def test_max_pooling_never_chooses_padding() -> None:
    x = fathom.full((1, 1, 2, 2), -float("inf"), requires_grad=True)
    values, indices = F.max_pool2d(x, 2, 2, 1, return_indices=True)
    assert indices.flatten().tolist() == [0, 1, 2, 3]
    values.sum().backward()
    assert x.grad.tolist() == [[[[1, 1], [1, 1]]]]


def test_a_nan_reaches_every_window_that_sees_it() -> None:
    x = fathom.zeros(1, 1, 4)
    x[0, 0, 1] = float("nan")
    assert F.max_pool1d(x, 2, 1).isnan().tolist() == [[[True, True, False]]]


def test_max_pooling_keeps_the_dtype_of_integers() -> None:
    x = fathom.tensor(np.array([[[-3, -5, -2, -9]]], np.int64))
    pooled = F.max_pool1d(x, 2, padding=1)
    assert pooled.dtype == fathom.int64
    assert pooled.tolist() == [[[-3, -2, -9]]]


def test_windows_of_many_elements_are_told_apart() -> None:
    x = fathom.tensor(normal(1, 1, 20, 20), requires_grad=True)
    value, index = F.max_pool2d(x, 20, return_indices=True)
    assert value.item() == x.max().item()
    assert int(index.item()) == int(x.argmax().item())


def test_average_pooling_can_leave_its_padding_uncounted() -> None:
    x = fathom.ones(1, 1, 4)
    assert F.avg_pool1d(x, 2, padding=1).tolist() == [[[0.5, 1.0, 0.5]]]
    uncounted = F.avg_pool1d(x, 2, padding=1, count_include_pad=False)
    assert uncounted.tolist() == [[[1.0, 1.0, 1.0]]]


def test_adaptive_pooling_takes_overlapping_parts_where_sizes_do_not_divide() -> None:
    x = fathom.arange(5.0).reshape(1, 1, 5)
    assert F.adaptive_avg_pool1d(x, 2).tolist() == [[[1.0, 3.0]]]
    assert F.adaptive_max_pool1d(x, 3).tolist() == [[[1.0, 3.0, 4.0]]]


def test_nearest_upsampling_repeats_and_bilinear_interpolates() -> None:
    x = fathom.tensor([[[[1.0, 3.0]]]])
    assert nn.Upsample(scale_factor=2)(x).tolist() == [[[[1, 1, 3, 3], [1, 1, 3, 3]]]]
    bilinear = nn.Upsample(size=(1, 3), mode="bilinear", align_corners=True)
    assert bilinear(x).tolist() == [[[[1, 2, 3]]]]


LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = [
    ("MaxPool1d", (2,), {}, (2, 3, 9)),
    ("MaxPool2d", (2,), {}, (2, 3, 6, 7)),
    ("MaxPool2d", ((3, 2),), {"stride": 2, "padding": 1, "ceil_mode": True}, (3, 6, 7)),
    ("MaxPool2d", (2, 1), {"dilation": 2}, (2, 3, 6, 7)),
    ("MaxPool3d", (2,), {}, (1, 2, 4, 4, 5)),
    ("AvgPool1d", (2,), {"stride": 1}, (2, 3, 9)),
    ("AvgPool2d", (3,), {"stride": 2, "padding": 1}, (2, 3, 6, 7)),
    ("AvgPool2d", (2,), {"ceil_mode": True, "count_include_pad": False}, (3, 5, 7)),
    ("AvgPool3d", (2,), {"divisor_override": 3}, (1, 2, 4, 4, 5)),
    ("LPPool2d", (2, 2), {}, (2, 3, 6, 7)),
    ("LPPool1d", (3, 2), {"stride": 1}, (2, 3, 6)),
    ("LPPool3d", (2, 2), {}, (1, 2, 4, 4, 5)),
    ("AdaptiveAvgPool1d", (4,), {}, (2, 3, 9)),
    ("AdaptiveAvgPool2d", ((None, 3),), {}, (2, 3, 6, 7)),
    ("AdaptiveAvgPool2d", (1,), {}, (3, 6, 7)),
    ("AdaptiveAvgPool3d", (2,), {}, (1, 2, 4, 4, 5)),
    ("AdaptiveMaxPool1d", (4,), {}, (2, 3, 9)),
    ("AdaptiveMaxPool2d", ((2, 3),), {}, (2, 3, 6, 7)),
    ("AdaptiveMaxPool3d", (2,), {}, (1, 2, 4, 4, 5)),
    ("Upsample", (), {"scale_factor": 2}, (2, 3, 4, 3)),
    ("Upsample", ((5, 4),), {"mode": "bilinear"}, (2, 3, 4, 3)),
    ("UpsamplingNearest2d", (), {"scale_factor": 3}, (2, 3, 4, 3)),
    ("UpsamplingBilinear2d", (6,), {}, (2, 3, 4, 3)),
]


@pytest.mark.parametrize(("name", "arguments", "options", "shape"), LAYERS)
def test_layers_are_those_of_pytorch(
    name: str, arguments: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    torch = pytest.importorskip("torch")
    reference = getattr(torch.nn, name)(*arguments, **options)
    layer = getattr(nn, name)(*arguments, **options)
    assert repr(layer) == repr(reference)
    x = np.abs(normal(*shape)) if name.startswith("LP") else normal(*shape)
    there = torch.tensor(x, requires_grad=True)
    here = fathom.tensor(x, requires_grad=True)
    expected, result = reference(there), layer(here)
    np.testing.assert_allclose(result.detach(), expected.detach(), rtol=1e-4, atol=1e-5)
    g = normal(*result.shape, seed=1)
    expected.backward(torch.tensor(g))
    result.backward(fathom.tensor(g))
    np.testing.assert_allclose(here.grad, there.grad, rtol=1e-4, atol=1e-5)


def test_random_pooling_agrees_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)

    def sizes(rank: int, low: int, high: int) -> tuple[int, ...]:
        return tuple(int(size) for size in random.integers(low, high, rank))

    compared = 0
    for _ in range(200):
        rank = int(random.integers(1, 3))
        x = np.round(random.standard_normal((*sizes(2, 1, 4), *sizes(rank, 1, 10))), 1)
        kernel = sizes(rank, 1, 5)
        options: dict[str, Any] = {
            "stride": sizes(rank, 1, 4),
            "padding": tuple(int(random.integers(0, size // 2 + 1)) for size in kernel),
            "ceil_mode": bool(random.integers(2)),
        }
        if random.integers(2):
            name = f"max_pool{rank}d"
            options["return_indices"] = True
            if not any(options["padding"]):  # else a window may see nothing but padding
                options["dilation"] = sizes(rank, 1, 3)
        else:
            name = f"avg_pool{rank}d"
            options |= {"count_include_pad": bool(random.integers(2))}
        there = torch.tensor(x, requires_grad=True)
        here = fathom.tensor(x, requires_grad=True)
        try:
            expected = getattr(torch.nn.functional, name)(there, kernel, **options)
        except RuntimeError:
            with pytest.raises(ShapeError, match=name):
                getattr(F, name)(here, kernel, **options)
            continue
        result = getattr(F, name)(here, kernel, **options)
        if name.startswith("max"):
            (expected, places), (result, indices) = expected, result
            np.testing.assert_array_equal(indices, places)
        np.testing.assert_allclose(result.detach(), expected.detach(), rtol=1e-9, atol=1e-12)
        g = random.standard_normal(result.shape)
        expected.backward(torch.tensor(g))
        result.backward(fathom.tensor(g))
        np.testing.assert_allclose(here.grad, there.grad, rtol=1e-9, atol=1e-12)
        compared += 1
    assert compared > 100


IMAGES = fathom.zeros(2, 3, 8, 8)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: nn.MaxPool2d(2)(fathom.zeros(2, 3, 1, 8)),
            ShapeError,
            "MaxPool2d: windows of size (2, 2) with padding (0, 0) and dilation (1, 1) do not "
            "fit into an input of shape (2, 3, 1, 8)",
        ),
        (lambda: nn.MaxPool2d(2, padding=2)(IMAGES), ShapeError, "more than half of the kernel"),
        (lambda: nn.MaxPool2d(2)(fathom.zeros(64)), ShapeError, "MaxPool2d expects shape (N, C"),
        (lambda: nn.AvgPool2d((2, 2, 2))(IMAGES), ShapeError, "one for each of 2 dimensions"),
        (lambda: F.avg_pool2d(IMAGES, 2, divisor_override=0), ShapeError, "must not be 0"),
        (lambda: nn.AdaptiveAvgPool2d((2, 2, 2))(IMAGES), ShapeError, "output_size must be"),
        (lambda: nn.AdaptiveAvgPool2d(0)(IMAGES), ShapeError, "output_size must be"),
        (lambda: F.adaptive_max_pool2d(fathom.zeros(2, 3, 0, 4), 1), ShapeError, "nothing"),
        (lambda: F.interpolate(IMAGES), ArgumentError, "either size or scale_factor"),
        (lambda: F.interpolate(IMAGES, 4, mode="linear"), ShapeError, "expects shape (N, C, L)"),
        (lambda: F.interpolate(IMAGES, 4, mode="cubic"), ArgumentError, "'cubic' is unknown"),
        (lambda: F.interpolate(IMAGES, scale_factor=0.01), ShapeError, "would shrink to size"),
    ],
)
def test_errors_say_what_does_not_fit(
    call: Callable[[], Any], error: type[FathomError], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()
