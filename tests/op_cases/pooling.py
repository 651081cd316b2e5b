"""Pooling and resizing."""

import numpy as np

from .case import Case, call


def largest_in_sequences(numbers):
    yield call(numbers.distinct(2, 3, 8), 2)
    yield call(numbers.distinct(2, 9), 3, stride=2, padding=1)
    yield call(numbers.distinct(1, 1, 9), 3, 1, 0, 2, ceil_mode=True)


def largest_in_images(numbers):
    yield call(numbers.distinct(2, 3, 6, 6), 2)
    yield call(numbers.distinct(1, 2, 7, 9), (3, 2), stride=2, padding=1)
    yield call(numbers.distinct(2, 5, 7), 3, stride=(1, 2), ceil_mode=True)
    yield call(numbers.distinct(1, 2, 8, 7), 2, 3, 1, 2, ceil_mode=True)
    yield call(numbers.distinct(1, 2, 5, 5), 3, 2, 1, return_indices=True)
    yield call(numbers.distinct(0, 2, 4, 4), 2)
    yield call(numbers.distinct(1, 1, 1, 1), 1)


def ties_and_infinities(numbers):
    yield call(np.zeros((1, 2, 4, 4)), 2)
    yield call(np.ones((1, 1, 5, 5)), 3, 1, 1, return_indices=True)
    yield call(np.full((1, 1, 4, 4), -np.inf), 3, 2, 1, return_indices=True)
    x = numbers.normal(1, 1, 4, 4)
    x[0, 0, 1, 2] = np.nan
    yield call(x, 2, 1)


def means_of_sequences(numbers):
    yield call(numbers.normal(2, 3, 8), 2)
    yield call(numbers.normal(3, 9), 3, 2, 1, ceil_mode=True, count_include_pad=False)


def means_of_images(numbers):
    yield call(numbers.normal(2, 3, 6, 6), 2)
    yield call(numbers.normal(1, 2, 7, 9), (3, 2), stride=2, padding=1)
    yield call(numbers.normal(1, 1, 7, 8), 3, 2, 1, True, False)
    yield call(numbers.normal(2, 6, 7), 3, 2, 1, True, divisor_override=2)
    yield call(numbers.normal(0, 2, 4, 4), 2)


def in_volumes(numbers):
    yield call(numbers.distinct(1, 2, 4, 3, 5), 2)
    yield call(numbers.distinct(2, 4, 3, 5), (2, 1, 3), stride=2, padding=(1, 0, 1))


def powers(numbers):
    yield call(numbers.between(0.1, 2, 2, 2, 6, 5), 2, 2)
    yield call(numbers.between(0.1, 2, 1, 7, 7), 3.0, (3, 2), stride=2, ceil_mode=True)


def parts_of_sequences(numbers):
    yield call(numbers.distinct(2, 3, 7), 3)
    yield call(numbers.distinct(2, 6), 2)


def parts_of_images(numbers):
    yield call(numbers.distinct(2, 3, 6, 4), (3, 2))
    yield call(numbers.distinct(1, 2, 7, 5), (3, None))
    yield call(numbers.distinct(2, 3, 5), 4)
    yield call(numbers.distinct(2, 3, 3, 5), 1)
    yield call(numbers.distinct(1, 1, 2, 3), (5, 4))


def parts_with_indices(numbers):
    for sample in parts_of_images(numbers):
        sample.options["return_indices"] = True
        yield sample


def nearest(numbers):
    for mode in ("nearest", "nearest-exact"):
        yield call(numbers.normal(2, 2, 5), 7, mode=mode)
        yield call(numbers.normal(1, 2, 4, 3), scale_factor=2, mode=mode)
        yield call(numbers.normal(1, 1, 5, 6), (3, 9), mode=mode)
    yield call(numbers.normal(1, 2, 2, 3, 2), scale_factor=(2, 1, 3))


def linear(numbers):
    normal = numbers.normal
    for corners in (False, True):
        yield call(normal(2, 2, 5), 8, mode="linear", align_corners=corners)
        yield call(normal(1, 2, 4, 3), (7, 2), mode="bilinear", align_corners=corners)
        yield call(normal(1, 1, 1, 5), (3, 1), mode="bilinear", align_corners=corners)
        yield call(normal(1, 1, 3, 2, 3), 4, mode="trilinear", align_corners=corners)
        yield call(normal(1, 2, 5, 4), (3, 7), mode="bicubic", align_corners=corners)
    yield call(normal(1, 1, 5, 6), scale_factor=(1.7, 0.6), mode="bilinear")
    recomputed = {"mode": "bilinear", "recompute_scale_factor": True}
    yield call(normal(1, 1, 5, 6), scale_factor=(1.7, 0.6), **recomputed)
    yield call(normal(1, 1, 7, 6), (3, 4), mode="bilinear", antialias=True)
    yield call(normal(1, 1, 7, 6), (3, 4), mode="bicubic", antialias=True)
    yield call(normal(1, 2, 7, 6), (3, 4), mode="area")


CASES = [
    Case("nn.functional.max_pool1d", largest_in_sequences),
    Case(
        "nn.functional.max_pool2d",
        largest_in_images,
        special=ties_and_infinities,
        integers=("int64", "uint8"),
    ),
    Case("nn.functional.avg_pool1d", means_of_sequences),
    Case("nn.functional.avg_pool2d", means_of_images),
    Case("nn.functional.lp_pool2d", powers),
    Case("nn.functional.max_pool3d", in_volumes),
    Case("nn.functional.avg_pool3d", in_volumes),
    Case("nn.functional.adaptive_avg_pool1d", parts_of_sequences),
    Case("nn.functional.adaptive_avg_pool2d", parts_of_images),
    Case("nn.functional.adaptive_max_pool1d", parts_of_sequences),
    Case("nn.functional.adaptive_max_pool2d", parts_of_images),
    Case("nn.functional.adaptive_max_pool2d", parts_with_indices, label="with indices"),
    Case("nn.functional.interpolate", nearest, label="nearest"),
    Case("nn.functional.interpolate", linear, label="linear"),
]
