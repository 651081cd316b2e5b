"""Run the ONNX project's own backend tests against Fathom, and print how many pass.

    python scripts/onnx_backend.py             eagerly
    python scripts/onnx_backend.py --compiled  with compiled models
    python scripts/onnx_backend.py --document  write the list of what is left out to docs/onnx.md

A case is left out only for a reason in a table: its model uses an operator in
`fathom.onnx.limits`, or values that Fathom has not, or `NAMED` below names it. Every other case
must pass.
"""

import argparse
import os
import sys
import unittest
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fathom.errors import RecordingError
from fathom.onnx.backend import Backend, BackendModel
from fathom.onnx.limits import LIMITS
from fathom.onnx.reading import ELEMENT_TYPES

DOCUMENT = Path(__file__).parent.parent / "docs" / "onnx.md"
START, END = "<!-- left out: start -->", "<!-- left out: end -->"

NO_TENSORS = "values that are no tensors"
ELEMENTS = "element types"
RANDOM = "random numbers"
EAGER = "shapes or axes among the inputs, which run eagerly only"
VALUES = {
    NO_TENSORS: "a model's values are tensors of numbers: no texts, sequences or optional ones",
    ELEMENTS: (
        "Fathom has float32, float64, int8, int16, int32, int64, uint8 and bool; float16 and "
        "bfloat16 are widened on request: `load(path, widen=True)`"
    ),
}
# Cases by a pattern of their names.
NAMED = {RANDOM: (r"^test_(training_dropout(?!.*zero)|bernoulli)", "they expect NumPy's numbers")}
# Its logits of 1e10 come out even only where every channel of a convolution is summed in the same
# order. Compiled code does that; BLAS, which eager convolutions call, does not.
COMPILED_ONLY = {"SqueezeNet": r"^test_squeezenet_cpu$"}

_STRING = 8


class LeavingOut(Backend):
    """The backend, which leaves out what the tables name."""

    def is_compatible(self, model: Any, device: str = "CPU", **_: Any) -> bool:
        """Every model is tried."""
        return True

    def prepare(self, model: Any, device: str = "CPU", **_: Any) -> Any:
        """Make a model ready to run, or say why it is left out."""
        for reason in reasons(model):
            raise unittest.SkipTest(reason)
        return LeavingOutValues(super().prepare(model, device))


class LeavingOutValues:
    """A model that leaves out what can only run eagerly.

    Args:
        model: the model.
    """

    def __init__(self, model: BackendModel) -> None:
        self.model = model

    def run(self, inputs: Any) -> Any:
        """The outputs for inputs."""
        try:
            return self.model.run(inputs)
        except RecordingError:
            raise unittest.SkipTest(EAGER) from None


def reasons(model: Any) -> Iterator[str]:
    """Why a model is left out, in the words of the tables."""
    operators = set(_operators(model.graph))
    for limit in LIMITS:
        if operators & set(limit.operators):
            yield limit.what
    graph = model.graph
    for value in (*graph.input, *graph.output, *graph.value_info):
        kind = value.type.WhichOneof("value")
        number = value.type.tensor_type.elem_type
        if kind != "tensor_type" or number == _STRING:
            yield NO_TENSORS
        elif number not in ELEMENT_TYPES:
            yield ELEMENTS
    for tensor in _tensors(graph):
        if tensor.data_type not in ELEMENT_TYPES:
            yield NO_TENSORS if tensor.data_type == _STRING else ELEMENTS


def _operators(graph: Any) -> Iterator[str]:
    for node in graph.node:
        yield f"{node.domain}.{node.op_type}" if node.domain else node.op_type


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t


class Counting(unittest.TextTestResult):
    """A result that counts what passes, by category."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.passed: Counter[str] = Counter()

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's name
        """Count a case that passed."""
        super().addSuccess(test)
        kind = type(test).__name__.removeprefix("OnnxBackend").removesuffix("ModelTest")
        self.passed[kind] += 1


def run(*, compiled: bool, patterns: list[str]) -> bool:
    """Run the suite, print the figures, and return whether all cases passed."""
    import onnx.backend.test

    suite = onnx.backend.test.BackendTest(LeavingOut(compiled=compiled), __name__)
    for pattern in patterns or ["_cpu$"]:
        suite.include(pattern)
    for pattern, _ in NAMED.values():
        suite.exclude(pattern)
    if not compiled:
        for pattern in COMPILED_ONLY.values():
            suite.exclude(pattern)
    with open(os.devnull, "w") as nowhere:
        runner = unittest.TextTestRunner(nowhere, resultclass=Counting, warnings="ignore")
        result = runner.run(suite.test_suite)
    for test, message in (*result.failures, *result.errors):
        print(f"FAILED {test.id().rpartition('.')[2]}: {message.strip().splitlines()[-1]}")
    reasons_known = {limit.what for limit in LIMITS} | VALUES.keys() | {EAGER}
    left_out = Counter(reason for _, reason in result.skipped if reason in reasons_known)
    print(f"{'compiled' if compiled else 'eager'}: {sum(result.passed.values())} cases passed,")
    for kind, count in sorted(result.passed.items()):
        print(f"    {count:5} {kind}")
    print(f"{len(result.failures) + len(result.errors)} failed, {sum(left_out.values())} left out:")
    for reason, count in left_out.most_common():
        print(f"    {count:5} {reason}")
    return result.wasSuccessful()


def listed() -> str:
    """The list of what is left out, as a table for the document."""
    rows = ["| left out | why | operators |", "|---|---|---|"]
    rows += [f"| {what} | {why} | |" for what, why in VALUES.items()]
    rows += [f"| {what} (in the tests) | {why} | |" for what, (_, why) in NAMED.items()]
    for limit in LIMITS:
        names = ", ".join(f"`{name}`" for name in limit.operators)
        rows.append(f"| {limit.what} | {limit.reason} | {names} |")
    return "\n".join(rows)


def documented(text: str) -> str:
    """The document with the list brought up to date."""
    before, rest = text.split(START)
    after = rest.split(END)[1]
    return f"{before}{START}\n{listed()}\n{END}{after}"


def main() -> None:
    """Run the suite, or write the document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--compiled", action="store_true", help="compile every model")
    parser.add_argument("--document", action="store_true", help="write docs/onnx.md")
    parser.add_argument("patterns", nargs="*", help="regular expressions of cases to run")
    options = parser.parse_args()
    if options.document:
        DOCUMENT.write_text(documented(DOCUMENT.read_text()))
        return
    warnings.simplefilter("ignore")  # the suite's own, about infinities it computes with
    sys.exit(not run(compiled=options.compiled, patterns=options.patterns))


if __name__ == "__main__":
    main()
