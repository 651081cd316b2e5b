"""Time a training step, and the import, beside PyTorch's.

    python benchmarks/speed.py [--repetitions 30]

The step is an eager one of a 784-128-10 network: ReLU, cross entropy, SGD, 64 images, float32.
The repetitions of both libraries are interleaved, each of some steps in a row; the medians are
shown, for PyTorch with one thread and with as many as it takes.
"""

import argparse
import importlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from types import ModuleType

import numpy as np

import fathom

BATCH_SIZE = 64
STEPS_PER_REPETITION = 50


def training_step(framework: ModuleType) -> Callable[[], None]:
    """A function that trains on one batch."""
    nn = framework.nn
    random = np.random.default_rng(0)
    images = framework.tensor(random.random((BATCH_SIZE, 784), np.float32))
    labels = framework.tensor(random.integers(0, 10, BATCH_SIZE))
    net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = framework.optim.SGD(net.parameters(), lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()

    return step


def seconds_per_step(step: Callable[[], None]) -> float:
    begin = time.perf_counter()
    for _ in range(STEPS_PER_REPETITION):
        step()
    return (time.perf_counter() - begin) / STEPS_PER_REPETITION


def time_steps(repetitions: int) -> None:
    contenders = {"Fathom": (training_step(fathom), lambda: None)}
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        print("PyTorch is not installed: Fathom's step alone is timed")
    else:
        for threads in sorted({1, torch.get_num_threads()}):
            contenders[f"PyTorch, {threads} thread{'s' * (threads > 1)}"] = (
                training_step(torch),
                lambda threads=threads: torch.set_num_threads(threads),
            )
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repetitions + 1):
        for name, (step, prepare) in contenders.items():
            prepare()
            times[name].append(seconds_per_step(step))
    # The first repetition warms up.
    medians = {name: statistics.median(seconds[1:]) for name, seconds in times.items()}
    print(f"one training step of an MLP 784-128-10, batch {BATCH_SIZE}")
    for name, median in medians.items():
        print(f"  {name:20} {1e3 * median:7.3f} ms   {median / medians['Fathom']:5.2f} x Fathom's")


def time_imports(repetitions: int) -> None:
    """Each import in a process of its own, in turn."""
    modules = ["numpy", "fathom"]
    # With compiled modules kept, as is usual.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    times: dict[str, list[float]] = {module: [] for module in modules}
    for _ in range(repetitions + 1):
        for module in modules:
            clock = "time.perf_counter()"
            code = f"import time; begin = {clock}; import {module}; print({clock} - begin)"
            done = subprocess.run(
                [sys.executable, "-c", code],
                capture_output=True,
                text=True,
                check=True,
                env=environment,
            )
            times[module].append(float(done.stdout))
    numpy, ours = (statistics.median(times[module][1:]) for module in modules)
    print("import, median of fresh processes")
    print(f"  numpy {numpy:.3f} s, fathom {ours:.3f} s: {ours - numpy:.3f} s more")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=30)
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}, NumPy {np.__version__}")
    time_steps(options.repetitions)
    time_imports(min(options.repetitions, 10))


if __name__ == "__main__":
    main()
