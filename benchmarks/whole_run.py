"""Import a library, load MNIST, train 784-128-10 with Adam for five epochs, print the accuracy.

    FATHOM_DATA=folder python benchmarks/whole_run.py fathom|torch

The same script for both: what differs is the import, and that Fathom compiles the step.
"""

import gzip
import importlib
import os
import sys
from pathlib import Path

import numpy as np


def main(name: str) -> None:
    torch = importlib.import_module(name)
    images, labels, test_images, test_labels = map(
        torch.from_numpy, (*read_mnist("train"), *read_mnist("t10k"))
    )
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    optimizer = torch.optim.Adam(net.parameters())

    def step(x, y):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    if name == "fathom":
        step = torch.compile(step)
    for _ in range(5):
        order = torch.randperm(len(images))
        for start in range(0, len(images) - 63, 64):
            batch = order[start : start + 64]
            step(images[batch], labels[batch])
    with torch.no_grad():
        correct = (net(test_images).argmax(1) == test_labels).float().mean()
    print(f"accuracy {100 * float(correct):.2f} %")


def read_mnist(part):
    """Images as rows of numbers from 0 to 1, and labels."""
    folder = Path(os.environ["FATHOM_DATA"], "mnist")
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return images.astype(np.float32) / 255, labels.astype(np.int64)


if __name__ == "__main__":
    main(sys.argv[1])
