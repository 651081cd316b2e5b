"""How long Fathom's classifier and scikit-learn's take to the same accuracy on MNIST.

    FATHOM_DATA=... python benchmarks/sklearn_mlp.py [--accuracy 97.5] [--seeds 0 1 2]

Both train a network 784-100-10 (ReLU) with Adam on batches of 200 images, float32 numbers from 0
to 1, epoch after epoch until the test accuracy is reached. Training is timed, with all compiling
and with no program kept from earlier runs; measuring the accuracy is not. The two take turns.
"""

import argparse
import os
import statistics
import tempfile
import time
from typing import Any, NamedTuple

import numpy as np
from sklearn.neural_network import MLPClassifier

from fathom.data import datasets
from fathom.sklearn import Classifier

MOST_EPOCHS = 50
HIDDEN, BATCH_SIZE, RATE = (100,), 200, 1e-3


class Result(NamedTuple):
    """One training, until it reached the accuracy."""

    seconds: float
    epochs: int
    accuracy: float  # in per cent, on the test images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--accuracy", type=float, default=97.5, help="in per cent")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    train, test = (images_and_labels(train=is_train) for is_train in (True, False))
    results: dict[str, list[Result]] = {"Fathom": [], "scikit-learn": []}
    print("|  | seed | epochs | accuracy (%) | seconds |\n|---|---|---|---|---|")
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["FATHOM_CACHE"] = folder
            for name, estimator in estimators(seed).items():
                result = time_to(arguments.accuracy, estimator, train, test)
                results[name].append(result)
                print(
                    f"| {name} | {seed} | {result.epochs} | {result.accuracy:.2f} "
                    f"| {result.seconds:.2f} |"
                )
    ours, theirs = ([result.seconds for result in results[name]] for name in results)
    ratios = [their_time / our_time for our_time, their_time in zip(ours, theirs, strict=True)]
    print(f"\nFathom is {statistics.median(ratios):.1f} times as fast (median over seeds)")


def estimators(seed: int) -> dict[str, Any]:
    return {
        "Fathom": Classifier(HIDDEN, lr=RATE, batch_size=BATCH_SIZE, random_state=seed),
        "scikit-learn": MLPClassifier(
            HIDDEN, learning_rate_init=RATE, batch_size=BATCH_SIZE, alpha=0, random_state=seed
        ),
    }


def images_and_labels(train: bool) -> tuple[np.ndarray, np.ndarray]:
    data = datasets.MNIST(train=train)
    pixels = data.data.numpy().reshape(len(data), -1)
    return pixels.astype(np.float32) / np.float32(255), data.targets.numpy()


def time_to(accuracy: float, estimator: Any, train: Any, test: Any) -> Result:
    """Train a classifier until its test accuracy is at least `accuracy` per cent."""
    classes = np.unique(train[1])
    seconds, reached = 0.0, 0.0
    for epoch in range(1, MOST_EPOCHS + 1):
        start = time.perf_counter()
        estimator.partial_fit(*train, classes=classes)
        seconds += time.perf_counter() - start
        reached = 100 * estimator.score(*test)
        if reached >= accuracy:
            return Result(seconds, epoch, reached)
    raise SystemExit(f"{estimator} reached only {reached:.2f}% in {MOST_EPOCHS} epochs")


if __name__ == "__main__":
    main()
