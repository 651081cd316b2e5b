"""Images in memory, handed out as floats."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import DatasetError
from ...tape import Node
from ...tensor import Tensor, constant, wrap
from ..dataset import Dataset, Indices, take
from ..transforms import ToFloat


class ImageDataset(Dataset):
    """Labelled images, held as whole numbers and handed out through transforms.

    Attributes:
        data: the images, a uint8 tensor of shape (N, C, H, W).
        targets: their labels, an int64 tensor of shape (N,).
        classes: the names of the classes.
        transform: applied to every batch of images; by default scaling to [0, 1] as float32.
        target_transform: applied to every batch of labels.

    Args:
        data: the images.
        targets: the labels.
        classes: the names of the classes.
        transform, target_transform: functions of a whole batch; see above.
        maximum: the value that becomes 1.

    Raises:
        DatasetError: there is not one label for each image, or a label is not of a class.
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        classes: Sequence[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        maximum: int = 255,
    ) -> None:
        images, labels = np.asarray(data), np.asarray(targets)
        if images.ndim != 4 or labels.shape != images.shape[:1]:
            raise DatasetError(
                f"{type(self).__name__} needs images of shape (N, C, H, W) and a label for each, "
                f"got shapes {images.shape} and {labels.shape}"
            )
        if labels.size and not 0 <= labels.min() <= labels.max() < len(classes):
            wrong = int(np.flatnonzero((labels < 0) | (labels >= len(classes)))[0])
            raise DatasetError(
                f"{type(self).__name__}: label {labels[wrong]} of image {wrong} is not one of "
                f"{len(classes)} classes (0 to {len(classes) - 1})"
            )
        self.data = wrap(Node(images))
        self.targets = constant(labels.astype(np.int64))
        self.classes = list(classes)
        self.transform = transform if transform is not None else ToFloat(maximum)
        self.target_transform = target_transform

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class's name."""
        return {name: label for label, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return self.data.shape[0]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        images, labels = self.get_batch([index])
        return images[0], labels[0] if labels[0].shape else labels[0].item()

    def get_batch(self, indices: Indices) -> list[Tensor]:
        """The images and labels at the given positions, transformed as one batch."""
        images, labels = take(self.data, indices), take(self.targets, indices)
        if self.target_transform is not None:
            labels = self.target_transform(labels)
        return [self.transform(images), labels]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({len(self)} images of shape {self.data.shape[1:]}, "
            f"{len(self.classes)} classes, transform={self.transform!r})"
        )
