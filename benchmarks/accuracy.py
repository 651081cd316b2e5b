"""Train five networks on MNIST and Fashion-MNIST; compare their test accuracy with PyTorch's.

    FATHOM_DATA=... python benchmarks/accuracy.py [--only 1 4] [--seeds 0 1 2] [--skip-torch]

Both libraries start from the same weights and see the same batches in the same order, and one
function trains both: only what `dropout` draws differs. Prints a table in Markdown, and ends
with status 1 if Fathom misses a figure. PyTorch's column is empty where it is not installed.
"""

import argparse
import importlib
import itertools
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

import fathom
from fathom.data import datasets

Framework = ModuleType  # fathom or torch, which have the same names
Images = tuple[np.ndarray, np.ndarray]


class Row(NamedTuple):
    """A line of the table. Functions take the framework first."""

    title: str
    data: type[datasets.MNIST]
    required: float  # test accuracy in per cent
    epochs: int
    batch_size: int
    network: Callable[[Framework], Any]
    loss: Callable[[Framework, Any, Any], Any]
    optimizer: Callable[[Framework, Any], Any]
    highest_rate: float | None = None  # of a one-cycle schedule, if there is one
    standardize: bool = True  # the pixels, which are otherwise from 0 to 1


def layers(framework: Framework, sizes: list[int], activation: str, last: bool = False) -> Any:
    nn = framework.nn
    stack = [nn.Flatten()]
    for fan_in, fan_out in itertools.pairwise(sizes):
        stack += [nn.Linear(fan_in, fan_out), getattr(nn, activation)()]
    return nn.Sequential(*(stack if last else stack[:-1]))


def small_cnn(framework: Framework) -> Any:
    nn = framework.nn
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25),
        nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Dropout(0.25),
        nn.Linear(128, 10),
    )  # fmt: skip


def squared_error(framework: Framework, output: Any, target: Any) -> Any:
    """Summed over the classes, averaged over the batch."""
    wanted = framework.eye(10)[target]
    return ((output - wanted) ** 2).sum(1).mean()


def mean_squared_error(framework: Framework, output: Any, target: Any) -> Any:
    wanted = framework.eye(10)[target]
    return framework.nn.functional.mse_loss(output, wanted)


def cross_entropy(framework: Framework, output: Any, target: Any) -> Any:
    return framework.nn.functional.cross_entropy(output, target)


def sgd(framework: Framework, parameters: Any) -> Any:
    return framework.optim.SGD(parameters, lr=0.1)


def adam(framework: Framework, parameters: Any) -> Any:
    return framework.optim.Adam(parameters)


ROWS = [
    Row(
        "784-100-10, sigmoid on both layers, squared error summed over classes, SGD 0.1, 50 epochs",
        datasets.MNIST, 97.3, 50, 8,
        lambda framework: layers(framework, [784, 100, 10], "Sigmoid", last=True),
        squared_error, sgd, standardize=False,
    ),
    Row(
        "784-100-10, ReLU, MSE on one-hot, SGD 0.1, 5 epochs",
        datasets.MNIST, 96.6, 5, 8,
        lambda framework: layers(framework, [784, 100, 10], "ReLU"),
        mean_squared_error, sgd,
    ),
    Row(
        "784-100-100-100-10, tanh, cross entropy, SGD 0.1, 5 epochs",
        datasets.MNIST, 96.5, 5, 32,
        lambda framework: layers(framework, [784, 100, 100, 100, 10], "Tanh"),
        cross_entropy, sgd,
    ),
    Row(
        "784-128-10, ReLU, cross entropy, Adam, 10 epochs",
        datasets.FashionMNIST, 87.5, 10, 128,
        lambda framework: layers(framework, [784, 128, 10], "ReLU"),
        cross_entropy, adam,
    ),
    Row(
        "small CNN with batch normalization and dropout, 5 epochs",
        datasets.MNIST, 99.1, 5, 64,
        small_cnn, cross_entropy, adam, highest_rate=0.003,
    ),
]  # fmt: skip


def training_and_test_images(row: Row) -> list[Images]:
    """Pixels from 0 to 1, or such that the training images have mean 0 and deviation 1."""
    parts = [row.data(train=True), row.data(train=False)]
    pixels = [part.data.numpy().astype(np.float32) / 255 for part in parts]
    if row.standardize:
        mean, deviation = pixels[0].mean(), pixels[0].std()
        pixels = [(values - mean) / deviation for values in pixels]
    return [(values, part.targets.numpy()) for values, part in zip(pixels, parts, strict=True)]


def initial_weights(row: Row, seed: int) -> dict[str, np.ndarray]:
    fathom.manual_seed(seed)
    return {name: value.numpy() for name, value in row.network(fathom).state_dict().items()}


def train_and_test(framework: Framework, row: Row, seed: int, train: Images, test: Images) -> float:
    """Train a network; return its test accuracy in per cent."""
    framework.manual_seed(seed)
    weights = {name: framework.tensor(value) for name, value in initial_weights(row, seed).items()}
    framework.manual_seed(seed)
    net = row.network(framework)
    net.load_state_dict(weights)
    optimizer = row.optimizer(framework, net.parameters())
    images, labels = (framework.tensor(part) for part in train)
    steps = -(-len(images) // row.batch_size)
    schedule = None
    if row.highest_rate:
        schedule = framework.optim.lr_scheduler.OneCycleLR(
            optimizer, row.highest_rate, total_steps=row.epochs * steps
        )
    shuffle = np.random.default_rng(seed)
    for _ in range(row.epochs):
        order = framework.tensor(shuffle.permutation(len(images)))
        for chosen in order.split(row.batch_size):
            loss = row.loss(framework, net(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if schedule is not None:
                schedule.step()
    net.eval()
    pixels, wanted = test
    with framework.no_grad():
        parts = framework.tensor(pixels).split(500)
        found = np.concatenate([net(part).argmax(1).numpy() for part in parts])
    return 100 * float((found == wanted).mean())


def measured(framework: Framework | None, row: Row, seeds: list[int], *data: Images) -> list[float]:
    """The accuracy for each seed; what it took is noted on standard error."""
    accuracies = []
    for seed in seeds if framework else []:
        begin = time.perf_counter()
        accuracies.append(train_and_test(framework, row, seed, *data))
        seconds = time.perf_counter() - begin
        note = f"{framework.__name__}, seed {seed}: {accuracies[-1]:.2f} % in {seconds:.0f} s"
        print(f"{row.title}: {note}", file=sys.stderr, flush=True)
    return accuracies


def cell(accuracies: list[float]) -> str:
    return ", ".join(f"{accuracy:.2f}" for accuracy in accuracies) or "-"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", type=int, nargs="+", default=range(1, len(ROWS) + 1))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--skip-torch", action="store_true", help="train with Fathom only")
    options = parser.parse_args()
    torch = None
    if not options.skip_torch:
        try:
            torch = importlib.import_module("torch")
        except ImportError:
            print("PyTorch is not installed: its column stays empty", file=sys.stderr)
    missed = False
    print("| network | data | required | Fathom | PyTorch |")
    print("|---|---|---|---|---|")
    for number in options.only:
        row = ROWS[number - 1]
        data = training_and_test_images(row)
        ours = measured(fathom, row, options.seeds, *data)
        theirs = measured(torch, row, options.seeds, *data)
        missed |= min(ours) < row.required
        source = row.data.source.name
        print(
            f"| {row.title} | {source} | {row.required} % | {cell(ours)} | {cell(theirs)} |",
            flush=True,
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
