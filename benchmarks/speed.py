"""Time a training step, and the import, beside PyTorch's.

    python benchmarks/speed.py [--repetitions 30]

The step is an eager one of a 784-128-10 network: ReLU, cross entropy, SGD, 64 images, float32.
Each library runs with one thread and with as many as there are processors, each in a process of
its own, since waiting threads of one would slow the other down. Their repetitions, of some steps
in a row, are interleaved, and medians are shown.
"""

import argparse
import importlib
import importlib.util
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from types import ModuleType

import numpy as np

BATCH_SIZE = 64
STEPS_PER_REPETITION = 50
# Idle threads of a library keep a processor busy for about a tenth of a second before they
# sleep; without a pause they would slow down whoever is timed next.
PAUSE = 0.15


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


def serve(name: str) -> None:
    """Time one repetition for each line on standard input."""
    step = training_step(importlib.import_module(name))
    for _ in sys.stdin:
        seconds_per_step(step)  # wakes the threads and fills the caches
        print(seconds_per_step(step), flush=True)


def start(name: str, threads: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, __file__, "--serve", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
    )


def ask(process: "subprocess.Popen[str]") -> float:
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def time_steps(repetitions: int) -> None:
    names = ["fathom", *(["torch"] if importlib.util.find_spec("torch") else [])]
    counts = sorted({1, os.cpu_count() or 1})
    contenders = {(name, threads): start(name, threads) for name in names for threads in counts}
    times: dict[tuple[str, int], list[float]] = {key: [] for key in contenders}
    for _ in range(repetitions + 1):
        for key, process in contenders.items():
            time.sleep(PAUSE)
            times[key].append(ask(process))
    for process in contenders.values():
        process.communicate()
    # The first repetition warms up.
    medians = {key: 1e3 * statistics.median(seconds[1:]) for key, seconds in times.items()}
    print(f"one training step of an MLP 784-128-10, batch {BATCH_SIZE}")
    for (name, threads), median in medians.items():
        print(f"  {name:7} {threads:2} thread{'s' if threads > 1 else ' '} {median:7.3f} ms")
    best = [min(medians[name, threads] for threads in counts) for name in names]
    if len(best) > 1:
        print(f"  PyTorch's best is {best[1] / best[0]:.2f} times Fathom's best")


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
    parser.add_argument("--serve", metavar="LIBRARY", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}, NumPy {np.__version__}")
    time_steps(options.repetitions)
    time_imports(min(options.repetitions, 10))


if __name__ == "__main__":
    main()
