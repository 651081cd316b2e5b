"""What loader and trainer cost for each batch, beyond the compiled step itself.

    OMP_NUM_THREADS=1 python benchmarks/trainer.py

The data lie in memory, as many as MNIST has: 60,000 samples of 784 float32 numbers, in batches of
64 in random order. The network is 784-128-10, trained with Adam.
"""

import time
from collections.abc import Callable

import numpy as np

import fathom
from fathom import nn
from fathom.data import DataLoader, TensorDataset
from fathom.train import Trainer

SAMPLES, FEATURES, CLASSES, BATCH_SIZE = 60_000, 784, 10, 64
BATCHES = SAMPLES // BATCH_SIZE
ROUNDS = 20


def main() -> None:
    data = make_data()
    step = Steps(data)
    rows = {
        "compiled step on one batch": step.time_step,
        "loader alone, in order": Loading(data, shuffle=False).time_epoch,
        "loader alone, random order": Loading(data, shuffle=True).time_epoch,
        "trainer alone": Training(data, metrics=[]).time_epoch,
        "trainer alone, with accuracy": Training(data, metrics=["accuracy"]).time_epoch,
        "loader, trainer and steps": step.time_epoch,
    }
    # Rounds alternate, and the shortest of each counts: what else the machine does adds to all.
    times = [[measure() for measure in rows.values()] for _ in range(ROUNDS)]
    least = dict(zip(rows, map(min, zip(*times, strict=True)), strict=True))
    least["beyond the steps"] = (
        least["loader, trainer and steps"] - least["compiled step on one batch"]
    )
    for name, seconds in least.items():
        print(f"{name:32} {1e6 * seconds:8.1f} µs")


def make_data() -> TensorDataset:
    random = np.random.default_rng(0)
    pixels = random.random((SAMPLES, FEATURES), np.float32)
    return TensorDataset(pixels, random.integers(0, CLASSES, SAMPLES))


def make_trainer(metrics: list[str]) -> Trainer:
    fathom.manual_seed(0)
    model = nn.Sequential(nn.Linear(FEATURES, 128), nn.ReLU(), nn.Linear(128, CLASSES))
    return Trainer(model, "cross_entropy", "adam", metrics, quiet=True)


def time_of(function: Callable[[], object]) -> float:
    """Seconds for each batch of a function that goes through an epoch."""
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) / BATCHES


class Loading:
    """A loop over the loader that does nothing."""

    def __init__(self, data: TensorDataset, shuffle: bool) -> None:
        self.loader = DataLoader(data, BATCH_SIZE, shuffle, drop_last=True)

    def time_epoch(self) -> float:
        def run() -> None:
            for _ in self.loader:
                pass

        return time_of(run)


class Training:
    """A trainer whose batch is always the same, and whose step does nothing."""

    def __init__(self, data: TensorDataset, metrics: list[str]) -> None:
        self.trainer = make_trainer(metrics)
        self.batches = [data.get_batch(range(BATCH_SIZE))] * BATCHES
        result = fathom.tensor(1.0), fathom.zeros(BATCH_SIZE, CLASSES)
        self.trainer.step = lambda *_: result

    def time_epoch(self) -> float:
        return time_of(lambda: self.trainer.fit(self.batches, epochs=1))


class Steps:
    """A whole epoch, and as many steps on one batch."""

    def __init__(self, data: TensorDataset) -> None:
        self.trainer = make_trainer([])
        self.loader = DataLoader(data, BATCH_SIZE, shuffle=True, drop_last=True)
        self.batch = data.get_batch(range(BATCH_SIZE))
        self.trainer.fit([self.batch], epochs=1)

    def time_step(self) -> float:
        step, (pixels, labels) = self.trainer.step, self.batch

        def run() -> None:
            for _ in range(BATCHES):
                step(True, (pixels,), labels, True, True, 1.0)

        return time_of(run)

    def time_epoch(self) -> float:
        return time_of(lambda: self.trainer.fit(self.loader, epochs=1))


if __name__ == "__main__":
    main()
