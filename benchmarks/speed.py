"""Time an eager training step and the import, beside PyTorch and NumPy in the same run.

    python benchmarks/speed.py

The step: 784-128-10, ReLU, cross entropy, SGD, batch 64, float32, data in memory. Both
libraries run the same code, in turn, and medians over the rounds are compared; PyTorch
at its best of one to all threads.
"""

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def training_step(library: Any, functional: Any) -> Callable[[], Any]:
    """A function that trains on one batch."""
    library.manual_seed(0)
    nn = library.nn
    network = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = library.optim.SGD(network.parameters(), lr=0.1)
    generator = np.random.default_rng(0)
    images = library.tensor(generator.standard_normal((64, 784), dtype=np.float32))
    labels = library.tensor(generator.integers(0, 10, 64))

    def step() -> Any:
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def seconds_per_call(function: Callable[[], Any], calls: int) -> float:
    """The median time of a call."""
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def compare_steps(rounds: int, calls: int) -> None:
    """Print the time of a step in each library, and the ratio."""
    import fathom
    import fathom.nn.functional

    contenders = {"Fathom, eager": (training_step(fathom, fathom.nn.functional), None)}
    if importlib.util.find_spec("torch") is not None:
        import torch

        step = training_step(torch, torch.nn.functional)
        for threads in range(1, (os.cpu_count() or 1) + 1):
            contenders[f"PyTorch, eager, threads: {threads}"] = (step, threads)
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (step, threads) in contenders.items():
            if threads is not None:
                torch.set_num_threads(threads)
            seconds_per_call(step, calls // 5)  # caches and thread pools settle
            times[name].append(seconds_per_call(step, calls))
    medians = {name: statistics.median(measured) for name, measured in times.items()}
    for name, seconds in medians.items():
        print(f"{name:32} {seconds * 1e6:7.0f} µs per step")
    others = [seconds for name, seconds in medians.items() if name.startswith("PyTorch")]
    if others:
        ratio = min(others) / medians["Fathom, eager"]
        print(f"{'PyTorch at its best / Fathom':32} {ratio:7.2f}")


def import_seconds(module: str) -> float:
    """The time that a fresh process needs to import a module."""
    program = (
        "import time; start = time.perf_counter(); "
        f"import {module}; print(time.perf_counter() - start)"
    )
    return float(subprocess.check_output([sys.executable, "-c", program]))


def compare_imports(rounds: int) -> None:
    """Print what ``import fathom`` adds to ``import numpy``."""
    numpy, fathom = (
        statistics.median(import_seconds(module) for _ in range(rounds))
        for module in ("numpy", "numpy, fathom")
    )
    print(f"{'import numpy':32} {numpy * 1e3:7.0f} ms")
    print(f"{'import fathom after it':32} {(fathom - numpy) * 1e3:7.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=300)
    arguments = parser.parse_args()
    compare_steps(arguments.rounds, arguments.calls)
    compare_imports(arguments.rounds)


if __name__ == "__main__":
    main()
