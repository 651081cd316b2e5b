"""Transforms of whole batches, by torchvision's names.

Images are tensors of shape (N, C, H, W); a single image (C, H, W) is taken too. A random
transform draws for each image of the batch on its own, from its `generator` where it was given
one, otherwise from the generator of the loader's batch, otherwise from the default generator.
With a generator of its own, what it draws depends on the order in which threads come to it.
Nothing is recorded for gradients.
"""

from .affine import RandomAffine
from .geometry import (
    CenterCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
)
from .random_erasing import RandomErasing
from .values import Compose, Flatten, Normalize, OneHot, Standardize, ToFloat, ToTensor

__all__ = [
    "CenterCrop",
    "Compose",
    "Flatten",
    "Normalize",
    "OneHot",
    "Pad",
    "RandomAffine",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomVerticalFlip",
    "Standardize",
    "ToFloat",
    "ToTensor",
]
