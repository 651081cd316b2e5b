"""Time compiled functions beside PyTorch's, JAX's and what the machine could do.

    python benchmarks/compiled.py [--repetitions 15] [--only TEXT]

Every library runs in processes of its own, with one thread and with as many as there are
processors, because waiting threads of one would slow the others down. Their repetitions are
interleaved, and medians are shown. "floor" is the time that the step's floating-point operations
take at the measured peak of all cores. "ratio" is eager PyTorch's best time over Fathom's best.
"""

import argparse
import importlib
import importlib.util
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import networks
import numpy as np

# Idle threads of a library keep a processor busy for about a tenth of a second before they
# sleep; without a pause they would slow down whoever is timed next.
PAUSE = 0.15
SECONDS_PER_REPETITION = 0.03


class Workload(NamedTuple):
    """Something to time.

    Attributes:
        name: as the table shows it.
        make: takes a framework with PyTorch's interface and a function that compiles a
            function for it; returns a function that does the work once.
        operations: how many floating-point operations the work takes.
        least: the ratio to reach at least; None where nothing is promised.
    """

    name: str
    make: Callable[[ModuleType, Callable[[Any], Any]], Callable[[], Any]]
    operations: float
    least: float | None


def training_step(
    framework: ModuleType,
    compile: Callable[[Any], Any],
    *,
    sizes: tuple[int, ...] = (784, 128, 10),
    activation: str = "ReLU",
    optimizer: str = "SGD",
    batch: int = 64,
) -> Callable[[], Any]:
    """One step of training a multi-layer perceptron with cross entropy."""
    nn = framework.nn
    random = np.random.default_rng(0)
    images = framework.from_numpy(random.random((batch, sizes[0]), np.float32))
    labels = framework.from_numpy(random.integers(0, sizes[-1], batch))
    layers: list[Any] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), getattr(nn, activation)()]
    net = nn.Sequential(*layers[:-1])
    rates = {"SGD": 0.01, "Adam": 1e-4}
    steps = getattr(framework.optim, optimizer)(net.parameters(), lr=rates[optimizer])

    def step(x: Any, y: Any) -> Any:
        steps.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        steps.step()
        return loss

    return partial(compile(step), images, labels)


def transformer_block_step(
    framework: ModuleType, compile: Callable[[Any], Any]
) -> Callable[[], Any]:
    """One step of training LayerNorm, GELU and two linear layers of width 512."""
    nn = framework.nn
    random = np.random.default_rng(0)
    x = framework.from_numpy(random.standard_normal((64, 512), np.float32))
    goal = framework.from_numpy(random.standard_normal((64, 512), np.float32))
    net = nn.Sequential(nn.LayerNorm(512), nn.Linear(512, 512), nn.GELU(), nn.Linear(512, 512))
    steps = framework.optim.SGD(net.parameters(), lr=0.01)

    def step(x: Any, goal: Any) -> Any:
        steps.zero_grad()
        loss = nn.functional.mse_loss(net(x), goal)
        loss.backward()
        steps.step()
        return loss

    return partial(compile(step), x, goal)


def inference(framework: ModuleType, compile: Callable[[Any], Any]) -> Callable[[], Any]:
    """A call of a network with one image."""
    nn = framework.nn
    net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    image = framework.from_numpy(np.random.default_rng(0).random((1, 784), np.float32))

    def predict(x: Any) -> Any:
        with framework.no_grad():
            return net(x)

    return partial(compile(predict), image)


# Whether PyTorch's images and convolutions lie with their channels last.
channels_last = False


def arranged(framework: ModuleType, *things: Any) -> Any:
    """Networks and images in the memory format that this process times."""
    if not channels_last:
        return things
    return [thing.to(memory_format=framework.channels_last) for thing in things]


def image_training(
    framework: ModuleType,
    compile: Callable[[Any], Any],
    *,
    build: Callable[..., Any],
    shape: tuple[int, ...],
    optimizer: str,
    **options: Any,
) -> Callable[[], Any]:
    """One step of training a network for images with cross entropy."""
    random = np.random.default_rng(0)
    images = framework.from_numpy(random.random(shape, np.float32))
    labels = framework.from_numpy(random.integers(0, 10, shape[0]))
    net, images = arranged(framework, build(framework.nn), images)
    steps = getattr(framework.optim, optimizer)(net.parameters(), **options)

    def step(x: Any, y: Any) -> Any:
        steps.zero_grad()
        loss = framework.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        steps.step()
        return loss

    return partial(compile(step), images, labels)


def image_inference(
    framework: ModuleType,
    compile: Callable[[Any], Any],
    *,
    build: Callable[..., Any],
    shape: tuple[int, ...],
) -> Callable[[], Any]:
    """A call of a network for images."""
    image = framework.from_numpy(np.random.default_rng(0).random(shape, np.float32))
    net, image = arranged(framework, build(framework.nn).eval(), image)

    def predict(x: Any) -> Any:
        with framework.no_grad():
            return net(x)

    return partial(compile(predict), image)


def onnx_runtime(workload: "Workload") -> Callable[[], Any]:
    """The same inference by ONNX Runtime, of the model that Fathom exports."""
    import onnxruntime

    import fathom

    options = workload.make.keywords
    image = np.random.default_rng(0).random(options["shape"], np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        fathom.onnx.export(options["build"](fathom.nn).eval(), (fathom.from_numpy(image),), path)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
        session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: image})


def matrix_product(
    framework: ModuleType, compile: Callable[[Any], Any], size: int = 1024
) -> Callable[[], Any]:
    """The product of two square matrices."""
    random = np.random.default_rng(0)
    a, b = (
        framework.from_numpy(random.standard_normal((size, size), np.float32)) for _ in range(2)
    )
    return partial(compile(lambda a, b: a @ b), a, b)


def operations_of(sizes: tuple[int, ...], batch: int) -> float:
    """Those of the matrix products of a training step."""
    weights = [one * other for one, other in pairwise(sizes)]
    return 2.0 * batch * (3 * sum(weights) - weights[0])


MLP = (784, 128, 10)
DEEP = (784, 100, 100, 100, 10)

WORKLOADS = [
    *(
        Workload(
            f"784-128-10, ReLU, SGD, batch {batch}",
            partial(training_step, batch=batch),
            operations_of(MLP, batch),
            least,
        )
        for batch, least in ((1, 12), (16, 5), (64, 2.7), (256, 1.5), (1024, 1.05))
    ),
    Workload(
        "784-128-10, ReLU, Adam, batch 64",
        partial(training_step, optimizer="Adam"),
        operations_of(MLP, 64),
        3.5,
    ),
    Workload(
        "784-100-100-100-10, tanh, SGD, batch 64",
        partial(training_step, sizes=DEEP, activation="Tanh"),
        operations_of(DEEP, 64),
        3.5,
    ),
    Workload("784-128-10, inference of one image", inference, 2.0 * (784 * 128 + 1280), 4),
    Workload(
        "LayerNorm, GELU, 2 x Linear(512), SGD, batch 64",
        transformer_block_step,
        2.0 * 64 * 512 * 512 * 6,
        1.5,
    ),
]

IMAGES = [
    Workload(
        "small CNN on 28x28, Adam, batch 64, training",
        partial(image_training, build=networks.small_cnn, shape=(64, 1, 28, 28), optimizer="Adam"),
        2.0 * 64 * (3 * (2 * 225_792 // 2 + 3_612_672 + 401_408 + 1280) - 225_792),
        2,
    ),
    Workload(
        "LeNet-5, Adam, batch 64, training",
        partial(image_training, build=networks.lenet5, shape=(64, 1, 28, 28), optimizer="Adam"),
        2.0 * 64 * (3 * (117_600 + 240_000 + 48_000 + 10_080 + 840) - 117_600),
        4,
    ),
    Workload(
        "LeNet-5, inference of one image",
        partial(image_inference, build=networks.lenet5, shape=(1, 1, 28, 28)),
        2.0 * (117_600 + 240_000 + 48_000 + 10_080 + 840),
        10,
    ),
    Workload(
        "ResNet-18 on 32x32, SGD, batch 32, training",
        partial(
            image_training,
            build=networks.resnet18,
            shape=(32, 3, 32, 32),
            optimizer="SGD",
            lr=0.01,
            momentum=0.9,
        ),
        2.0 * 32 * 3 * 555_422_720,
        1.15,
    ),
    Workload(
        "ResNet-18 on 224x224, inference of one image",
        partial(
            image_inference,
            build=partial(networks.resnet18, small=False, classes=1000),
            shape=(1, 3, 224, 224),
        ),
        2.0 * 1_814_073_344,
        1.2,
    ),
    Workload(
        "Darknet-53 on 256x256, inference of one image",
        partial(image_inference, build=networks.darknet53, shape=(1, 3, 256, 256)),
        2.0 * 9_283_043_328,
        1.3,
    ),
    Workload(
        "depthwise blocks on 112x112, inference of one image",
        partial(image_inference, build=networks.depthwise_blocks, shape=(1, 32, 112, 112)),
        2.0 * 189_000_000,
        1.2,
    ),
]

PRODUCTS = [
    Workload(
        f"{size} x {size} matrix product", partial(matrix_product, size=size), 2.0 * size**3, 0.9
    )
    for size in (512, 1024, 2048)
]


class Contender(NamedTuple):
    """A library in a process of its own.

    Attributes:
        name: "fathom", "torch", "torch channels last", "torch.compile", "onnxruntime" or
            "numpy".
        threads: how many it uses.
    """

    name: str
    threads: int


def make_work(contender: str, workload: Workload) -> Callable[[], Any]:
    """The work of a workload as a function, ready to be timed."""
    if contender == "numpy":
        import fathom

        # The arrays themselves, and NumPy's own operator.
        call = workload.make(fathom, lambda function: function)
        a, b = (np.array(tensor) for tensor in call.args)
        return lambda: a @ b
    if contender == "onnxruntime":
        return onnx_runtime(workload)
    global channels_last  # noqa: PLW0603 - one process times one memory format
    channels_last = contender == "torch channels last"
    framework = importlib.import_module(contender.replace(" ", ".").partition(".")[0])
    is_eager = contender in ("torch", "torch channels last")
    work = workload.make(framework, (lambda function: function) if is_eager else framework.compile)
    for _ in range(3):
        work()
    return work


def seconds_each(work: Callable[[], Any], count: int) -> float:
    begin = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - begin) / count


def serve(contender: str) -> None:
    """Time one repetition of the workload that each line on standard input names."""
    workloads = {workload.name: workload for workload in (*WORKLOADS, *IMAGES, *PRODUCTS)}
    made: dict[str, tuple[Callable[[], Any], int]] = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in made:
            work = make_work(contender, workloads[name])
            made[name] = work, max(1, int(SECONDS_PER_REPETITION / seconds_each(work, 3)))
        work, count = made[name]
        seconds_each(work, max(1, count // 4))  # wakes the threads and fills the caches
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(seconds_each(work, count), peak, flush=True)


MAY_FAIL = ("torch.compile", "onnxruntime")


class Process:
    """A contender's process, which answers how long a workload takes."""

    def __init__(self, contender: Contender) -> None:
        threads = str(contender.threads)
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", contender.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Of those that cannot do all workloads, only the times are of interest.
            stderr=subprocess.DEVNULL if contender.name in MAY_FAIL else None,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
        )

    def ask(self, workload: str) -> tuple[float, int]:
        """Seconds of the work done once, and the most memory so far in KiB; NaN if it died."""
        try:
            self._process.stdin.write(workload + "\n")
            self._process.stdin.flush()
            seconds, peak = self._process.stdout.readline().split()
        except (BrokenPipeError, ValueError):
            return float("nan"), 0
        return float(seconds), int(peak)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def measure(
    workloads: list[Workload], contenders: list[Contender], repetitions: int
) -> dict[tuple[str, Contender], float]:
    """Median seconds of each workload for each contender."""
    processes = {contender: Process(contender) for contender in contenders}
    medians: dict[tuple[str, Contender], float] = {}
    for workload in workloads:
        times: dict[Contender, list[float]] = {contender: [] for contender in contenders}
        for _ in range(repetitions + 1):
            for contender, process in processes.items():
                if contender.name == "onnxruntime" and "inference" not in workload.name:
                    times[contender].append(math.nan)
                    continue
                time.sleep(PAUSE)
                times[contender].append(process.ask(workload.name)[0])
        for contender in contenders:
            # The first repetition warms up.
            medians[workload.name, contender] = statistics.median(times[contender][1:])
    for process in processes.values():
        process.close()
    return medians


def best(
    medians: dict[tuple[str, Contender], float], workload: Workload, name: str
) -> float | None:
    """A library's best time over its numbers of threads."""
    found = [
        seconds
        for (of, contender), seconds in medians.items()
        if of == workload.name and contender.name == name and not math.isnan(seconds)
    ]
    return min(found, default=None)


def show_steps(workloads: list[Workload], repetitions: int, counts: list[int]) -> None:
    contenders = [Contender("fathom", count) for count in counts]
    if importlib.util.find_spec("torch"):
        contenders += [Contender("torch", count) for count in counts]
        contenders += [Contender("torch.compile", count) for count in counts]
    peak = _peak(counts[-1])
    medians = measure(workloads, contenders, repetitions)
    print(f"{'milliseconds':48} {'fathom':>8} {'torch':>8} {'compile':>8} {'floor':>8}  ratio")
    for workload in workloads:
        ours, eager, compiled = (
            best(medians, workload, name) for name in ("fathom", "torch", "torch.compile")
        )
        cells = [_milliseconds(time) for time in (ours, eager, compiled)]
        cells.append(_milliseconds(workload.operations / peak))
        ratio = f"{eager / ours:5.1f}" if ours and eager else ""
        wanted = f" (at least {workload.least:g})" if workload.least else ""
        print(f"{workload.name:48} {' '.join(cells)}  {ratio}{wanted}", flush=True)


def show_images(workloads: list[Workload], repetitions: int, counts: list[int]) -> None:
    names = ["fathom"]
    if importlib.util.find_spec("torch"):
        names += ["torch", "torch channels last"]
    if importlib.util.find_spec("onnxruntime"):
        names.append("onnxruntime")
    contenders = [Contender(name, count) for name in names for count in counts]
    peak = _peak(counts[-1])
    medians = measure(workloads, contenders, repetitions)
    print(f"\n{'milliseconds':52} {'fathom':>8} {'torch':>8} {'ONNX RT':>8} {'floor':>8}  ratio")
    for workload in workloads:
        ours, plain, last, runtime = (
            best(medians, workload, name)
            for name in ("fathom", "torch", "torch channels last", "onnxruntime")
        )
        eager = min(filter(None, (plain, last)), default=None)
        cells = [_milliseconds(time) for time in (ours, eager, runtime)]
        cells.append(_milliseconds(workload.operations / peak))
        ratio = f"{eager / ours:5.2f}" if ours and eager else ""
        wanted = f" (at least {workload.least:g})" if workload.least else ""
        print(f"{workload.name:52} {' '.join(cells)}  {ratio}{wanted}", flush=True)


def show_products(workloads: list[Workload], repetitions: int, counts: list[int]) -> None:
    contenders = [Contender(name, count) for count in counts for name in ("fathom", "numpy")]
    medians = measure(workloads, contenders, repetitions)
    print(f"\n{'GFLOP/s':48} {'threads':>8} {'fathom':>8} {'OpenBLAS':>8}  ratio")
    for workload in workloads:
        for count in counts:
            ours, numpy = (
                medians[workload.name, Contender(name, count)] for name in ("fathom", "numpy")
            )
            rates = [f"{workload.operations / seconds / 1e9:8.0f}" for seconds in (ours, numpy)]
            ratio = f"{numpy / ours:5.2f} (at least {workload.least})"
            print(f"{workload.name:48} {count:8} {' '.join(rates)}  {ratio}", flush=True)


def _peak(threads: int) -> float:
    """Floating-point operations per second of all cores, measured."""
    import fathom

    fathom.set_num_threads(threads)
    return fathom.peak().operations


def _milliseconds(seconds: float | None) -> str:
    return f"{1e3 * seconds:8.4f}" if seconds else " " * 8


WHOLE_RUN = Path(__file__).with_name("whole_run.py")


def show_whole_run(repetitions: int) -> None:
    """A fresh process that loads MNIST, trains for five epochs and prints its accuracy."""
    names = ["fathom", *(["torch"] if importlib.util.find_spec("torch") else [])]
    times: dict[str, list[float]] = {name: [] for name in names}
    said: dict[str, str] = {}
    for _ in range(repetitions):
        for name in names:
            begin = time.perf_counter()
            done = subprocess.run(
                [sys.executable, WHOLE_RUN, name], capture_output=True, text=True, check=True
            )
            times[name].append(time.perf_counter() - begin)
            said[name] = done.stdout.strip()
    print("\na whole run: import, load MNIST, 5 epochs of 784-128-10 with Adam, accuracy")
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, seconds in medians.items():
        print(f"  {name:8} {seconds:6.2f} s   {said[name]}")
    if len(names) > 1:
        print(f"  ratio {medians['torch'] / medians['fathom']:.1f} (at least 3)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="workloads with this in the name"
    )
    parser.add_argument("--serve", metavar="LIBRARY", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    counts = sorted({1, len(os.sched_getaffinity(0))})
    steps, images, products = (
        [workload for workload in group if options.only in workload.name]
        for group in (WORKLOADS, IMAGES, PRODUCTS)
    )
    if steps:
        show_steps(steps, options.repetitions, counts)
    if images:
        show_images(images, options.repetitions, counts)
    if products:
        show_products(products, options.repetitions, counts)
    if options.only in "whole run" and os.environ.get("FATHOM_DATA"):
        show_whole_run(3)


if __name__ == "__main__":
    main()
