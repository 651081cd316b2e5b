"""MNIST and the data sets published in its format."""

from collections.abc import Callable
from typing import Any, ClassVar

from ...errors import FileFormatError
from ...formats.files import PathLike
from ...formats.idx import read_idx
from .image_dataset import ImageDataset
from .sources import Source

_FILES = {
    True: ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    False: ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}


def _hashes(*md5: str) -> dict[str, str]:
    names = (*_FILES[True], *_FILES[False])
    return {name: f"md5:{digest}" for name, digest in zip(names, md5, strict=True)}


class MNIST(ImageDataset):
    """Handwritten digits: 60,000 training and 10,000 test images of 28x28 pixels.

    Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to
    document recognition", 1998.

    Args:
        root: a data directory, which is looked through first and takes downloads; by default
            the folder named by FATHOM_DATA, /usr/share/datasets and the user's cache.
        train: the training images, or the test images.
        transform: applied to every batch of images, a uint8 tensor of shape (N, 1, 28, 28); by
            default scaling to [0, 1] as float32.
        target_transform: applied to every batch of labels.
        download: whether files that are not found are downloaded.

    Raises:
        MissingFileError: the files are not found, and shall not be downloaded.
        DownloadError: they cannot be downloaded.
        FileFormatError: they are damaged.
    """

    source: ClassVar[Source] = Source(
        "MNIST",
        "mnist",
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        _hashes(
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        ("MNIST/raw",),
    )
    class_names: ClassVar[tuple[str, ...]] = tuple("0123456789")

    def __init__(
        self,
        root: PathLike | None = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = True,
    ) -> None:
        images_name, labels_name = _FILES[train]
        images_path = self.source.find(images_name, root, download)
        labels_path = self.source.find(labels_name, root, download)
        images, labels = read_idx(images_path), read_idx(labels_path)
        if images.dtype != "uint8" or images.shape[1:] != (28, 28):
            raise FileFormatError(
                f"'{images_path}' holds {images.dtype} in shape {images.shape}, "
                f"not uint8 images of 28x28 pixels"
            )
        if labels.dtype != "uint8" or labels.shape != images.shape[:1]:
            raise FileFormatError(
                f"'{labels_path}' holds {labels.dtype} in shape {labels.shape}, "
                f"not a uint8 label for each of {len(images)} images"
            )
        super().__init__(images[:, None], labels, self.class_names, transform, target_transform)
        self.train = train


class FashionMNIST(MNIST):
    """Clothes: 60,000 training and 10,000 test images of 28x28 pixels; arguments as `MNIST`.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", 2017.
    """

    source = Source(
        "Fashion-MNIST",
        "fashion-mnist",
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        ),
        _hashes(
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        ("FashionMNIST/raw",),
    )
    class_names = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )


class KMNIST(MNIST):
    """Cursive Japanese: 60,000 training and 10,000 test images of 28x28; arguments as `MNIST`.

    Source: T. Clanuwat et al., "Deep Learning for Classical Japanese Literature", 2018.
    """

    source = Source(
        "KMNIST",
        "kmnist",
        ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        _hashes(
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ),
        ("KMNIST/raw",),
    )
    class_names = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
