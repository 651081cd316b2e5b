"""Train the networks of the README on real images, in Fathom and in PyTorch, and compare.

    FATHOM_DATA=... python benchmarks/accuracy.py

Both libraries run the very same code below, from the same initial weights and on the same
batches; PyTorch is left out where it is not installed. One line of a table is printed for
each network, seed and library.
"""

import argparse
import importlib
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from fathom.data import datasets

Library = Any


def fathom_library() -> Library:
    """The names that the code below needs, from Fathom."""
    import fathom
    import fathom.nn.functional as functional

    return SimpleNamespace(name="Fathom", root=fathom, nn=fathom.nn, F=functional)


def torch_library() -> Library:
    """The same names from PyTorch; None where it is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    torch = importlib.import_module("torch")
    return SimpleNamespace(name="PyTorch", root=torch, nn=torch.nn, F=torch.nn.functional)


def squared_error_summed_over_classes(library: Library, output: Any, target: Any) -> Any:
    difference = output - library.F.one_hot(target, 10)
    return (difference * difference).sum(1).mean()


def mean_squared_error(library: Library, output: Any, target: Any) -> Any:
    return library.F.mse_loss(output, library.F.one_hot(target, 10).float())


def cross_entropy(library: Library, output: Any, target: Any) -> Any:
    return library.F.cross_entropy(output, target)


def perceptron(nn: Any, sizes: list[int], activation: str, last: bool = False) -> Any:
    """Linear layers of the given sizes with an activation between them, and perhaps a last one."""
    layers = [nn.Flatten()]
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(inputs, outputs), getattr(nn, activation)()]
    return nn.Sequential(*(layers if last else layers[:-1]))


def convolutional(nn: Any) -> Any:
    """Two convolutions with batch normalization and pooling, and a classifier with dropout."""
    return nn.Sequential(
        *[nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Flatten(), nn.Dropout(0.25), nn.Linear(64 * 7 * 7, 128), nn.ReLU()],
        *[nn.Dropout(0.5), nn.Linear(128, 10)],
    )


@dataclass(frozen=True)
class Experiment:
    """A network, its data, and how it is trained; `minimum` is the accuracy to reach."""

    title: str
    data: str
    network: Callable[[Any], Any]
    loss: Callable[[Library, Any, Any], Any]
    optimizer: Callable[[Library, Any], Any]
    epochs: int
    batch_size: int
    standardized: bool
    minimum: float


def sgd(library: Library, parameters: Any) -> Any:
    return library.root.optim.SGD(parameters, lr=0.1)


def adam(library: Library, parameters: Any) -> Any:
    return library.root.optim.Adam(parameters)


EXPERIMENTS = [
    Experiment(
        title="784-100-10, sigmoid, squared error, SGD 0.1, 50 epochs",
        data="MNIST",
        network=lambda nn: perceptron(nn, [784, 100, 10], "Sigmoid", last=True),
        loss=squared_error_summed_over_classes,
        optimizer=sgd,
        epochs=50,
        batch_size=8,
        standardized=False,
        minimum=97.3,
    ),
    Experiment(
        title="784-100-10, ReLU, MSE, SGD 0.1, 5 epochs",
        data="MNIST",
        network=lambda nn: perceptron(nn, [784, 100, 10], "ReLU"),
        loss=mean_squared_error,
        optimizer=sgd,
        epochs=5,
        batch_size=8,
        standardized=True,
        minimum=96.6,
    ),
    Experiment(
        title="784-100-100-100-10, tanh, cross entropy, SGD 0.1, 5 epochs",
        data="MNIST",
        network=lambda nn: perceptron(nn, [784, 100, 100, 100, 10], "Tanh"),
        loss=cross_entropy,
        optimizer=sgd,
        epochs=5,
        batch_size=32,
        standardized=True,
        minimum=96.5,
    ),
    Experiment(
        title="784-128-10, ReLU, cross entropy, Adam, 10 epochs",
        data="FashionMNIST",
        network=lambda nn: perceptron(nn, [784, 128, 10], "ReLU"),
        loss=cross_entropy,
        optimizer=adam,
        epochs=10,
        batch_size=128,
        standardized=True,
        minimum=87.5,
    ),
    Experiment(
        title="small CNN, batch normalization, dropout, Adam, 5 epochs",
        data="MNIST",
        network=convolutional,
        loss=cross_entropy,
        optimizer=adam,
        epochs=5,
        batch_size=64,
        standardized=True,
        minimum=99.1,
    ),
]


@dataclass(frozen=True)
class Images:
    """Images of shape (N, 1, 28, 28) and their labels, for training and for the test."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def load(name: str, standardized: bool) -> Images:
    """The images of a data set, scaled to [0, 1] or to mean 0 and standard deviation 1."""
    parts = []
    for train in (True, False):
        dataset = getattr(datasets, name)(train=train)
        parts.append(np.asarray(dataset.data, np.float32).reshape(-1, 1, 28, 28) / 255)
        parts.append(np.asarray(dataset.targets, np.int64))
    train, train_labels, test, test_labels = parts
    if standardized:
        mean, deviation = train.mean(), train.std()
        train, test = (train - mean) / deviation, (test - mean) / deviation
    return Images(train, train_labels, test, test_labels)


def initial_weights(experiment: Experiment, seed: int) -> dict[str, np.ndarray]:
    """The weights from which both libraries start."""
    library = fathom_library()
    library.root.manual_seed(seed)
    return {
        name: np.array(tensor)
        for name, tensor in experiment.network(library.nn).state_dict().items()
    }


def train(library: Library, experiment: Experiment, images: Images, seed: int) -> Any:
    """Train the network and return it."""
    tensor = library.root.tensor
    network = experiment.network(library.nn)
    weights = initial_weights(experiment, seed)
    network.load_state_dict({name: tensor(array) for name, array in weights.items()})
    optimizer = experiment.optimizer(library, network.parameters())
    library.root.manual_seed(seed)
    generator = np.random.default_rng(seed)
    for _ in range(experiment.epochs):
        order = generator.permutation(len(images.train))
        for start in range(0, len(order), experiment.batch_size):
            batch = order[start : start + experiment.batch_size]
            optimizer.zero_grad()
            output = network(tensor(images.train[batch]))
            experiment.loss(library, output, tensor(images.train_labels[batch])).backward()
            optimizer.step()
    return network


def test_accuracy(library: Library, network: Any, images: Images) -> float:
    """The share of test images that the network names rightly, in percent."""
    network.eval()
    right = 0
    with library.root.no_grad():
        for start in range(0, len(images.test), 1000):
            output = network(library.root.tensor(images.test[start : start + 1000]))
            right += int(
                (np.asarray(output.argmax(1)) == images.test_labels[start : start + 1000]).sum()
            )
    return 100 * right / len(images.test)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds (default: 1)")
    parser.add_argument(
        "--only", type=int, nargs="+", metavar="ROW", help="rows of the table, counted from 1"
    )
    arguments = parser.parse_args()
    libraries = [library for library in (fathom_library(), torch_library()) if library]
    rows = arguments.only or range(1, len(EXPERIMENTS) + 1)
    print(
        "| network | data | at least | seed | "
        + " | ".join(f"{library.name} | seconds" for library in libraries)
        + " |"
    )
    print("|---|---|---|---|" + "---|---|" * len(libraries))
    for row in rows:
        experiment = EXPERIMENTS[row - 1]
        images = load(experiment.data, experiment.standardized)
        for seed in range(arguments.seeds):
            cells = [experiment.title, experiment.data, f"{experiment.minimum} %", str(seed)]
            for library in libraries:
                start = time.perf_counter()
                network = train(library, experiment, images, seed)
                seconds = time.perf_counter() - start
                accuracy = test_accuracy(library, network, images)
                cells += [f"{accuracy:.2f} %", f"{seconds:.0f}"]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
