"""Published data sets, those that are part of the installation, and CSV files."""

from .cifar import CIFAR10
from .csv_files import CSVDataset, csv
from .digits import digits
from .idx_datasets import KMNIST, MNIST, FashionMNIST
from .image_dataset import ImageDataset
from .registry import PUBLISHED, Splits, load

__all__ = [
    "CIFAR10",
    "KMNIST",
    "MNIST",
    "PUBLISHED",
    "CSVDataset",
    "FashionMNIST",
    "ImageDataset",
    "Splits",
    "csv",
    "digits",
    "load",
]
