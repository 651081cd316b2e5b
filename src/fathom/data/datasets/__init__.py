"""Published data sets, those that are part of the installation, and CSV files."""

from .cifar import CIFAR10
from .digits import digits
from .idx_datasets import MNIST, KMNIST, FashionMNIST
from .image_dataset import ImageDataset

__all__ = ["CIFAR10", "KMNIST", "MNIST", "FashionMNIST", "ImageDataset", "digits"]
