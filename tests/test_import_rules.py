"""The arrows between the rooms of the house point one way; see docs/design.md."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import fathom

PACKAGE = Path(fathom.__file__).parent

# What each room may import besides itself. A module at the root of the package belongs to the
# room in `AT_THE_ROOT`.
BASE = {"ops", "tensor"}
ROOMS = {
    "ops": set(),
    "tensor": {"ops"},
    "functional": BASE,
    "graph": BASE,
    "compiler": BASE | {"graph"},
    "runtime": BASE | {"graph", "compiler"},
    "formats": BASE | {"functional"},
    "nn": BASE | {"functional", "runtime"},
    "optim": BASE | {"functional"},
    "data": BASE | {"functional", "formats", "runtime"},
    "onnx": BASE | {"functional", "nn", "formats", "graph"},
    "models": BASE | {"functional", "nn", "formats"},
    "train": BASE | {"functional", "nn", "optim", "data", "formats", "models", "runtime"},
    "sklearn": BASE | {"functional", "nn", "optim", "models", "train"},
    "cli": BASE
    | {
        "functional",
        "nn",
        "optim",
        "data",
        "formats",
        "models",
        "train",
        "runtime",
        "onnx",
        "fathom",
    },
    "fathom": BASE | {"functional", "nn", "optim", "data", "formats", "models", "train", "runtime"},
    "utils": {"data"},
    "__main__": {"cli"},
}
AT_THE_ROOT = {
    "__init__": "fathom",
    "__main__": "__main__",
    "linalg": "functional",
    "memory": "tensor",
    "anomaly": "tensor",
    "arrays": "tensor",
    "compiled": "runtime",
    "autograd": "tensor",
    "devices": "tensor",
    "errors": "tensor",
    "indexing": "tensor",
    "naming": "tensor",
    "promotion": "tensor",
    "recording": "tensor",
    "tape": "tensor",
    "tensor": "tensor",
}
# What a module may import when it is itself imported; the rest waits until it is needed.
AT_IMPORT = {"numpy", "safetensors", "typing_extensions"}
AT_IMPORT_OF = {"ops": {"numpy"}, "cli": {"numpy", "click"}, "sklearn": {"numpy", "sklearn"}}

SLOW_TO_IMPORT = (
    "matplotlib", "onnx", "llvmlite", "torch", "PIL", "pooch", "tqdm", "click", "tensorboardX",
    "sklearn", "requests", "h5py", "zipfile",
)  # fmt: skip


class Import(NamedTuple):
    """One name that one module imports."""

    name: str
    line: int
    at_import: bool  # rather than when a function is called


def module_name(path: Path) -> str:
    parts = ("fathom", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module: str) -> str:
    """The room a module of ours lives in."""
    parts = module.split(".")
    first = parts[1] if len(parts) > 1 else "__init__"
    return AT_THE_ROOT.get(first, first)


def imports_of(module: str) -> Iterator[Import]:
    """What a module imports, except for type checkers only."""
    path = MODULES[module]
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    yield from _imports_within(ast.parse(path.read_text()), package, at_import=True)


def _imports_within(node: ast.AST, package: str, at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for statement in child.orelse:
                yield from _imports_within(statement, package, at_import)
        elif isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, at_import)
        elif isinstance(child, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - child.level]
            source = ".".join(base * bool(child.level) + [child.module] * bool(child.module))
            for alias in child.names:
                is_module = f"{source}.{alias.name}" in MODULES
                name = f"{source}.{alias.name}" if is_module else source
                yield Import(name, child.lineno, at_import)
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports_within(child, package, at_import and not is_function)


def is_ours(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] == "fathom"


def test_every_module_belongs_to_a_room() -> None:
    strays = {module for module in MODULES if room_of(module) not in ROOMS}
    assert not strays, "say in this test which room they belong to and what it may import"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    room = room_of(module)
    allowed = ROOMS[room] | {room}
    wrong = [
        f"line {found.line}: {found.name}"
        for found in imports_of(module)
        if is_ours(found.name) and room_of(found.name) not in allowed
    ]
    assert not wrong, f"'{room}' may import {sorted(allowed)}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_waits_with_what_is_slow_to_import(module: str) -> None:
    allowed = AT_IMPORT_OF.get(room_of(module), AT_IMPORT) | sys.stdlib_module_names
    wrong = [
        f"line {found.line}: {found.name}"
        for found in imports_of(module)
        if found.at_import and not is_ours(found.name) and found.name.split(".")[0] not in allowed
    ]
    assert not wrong, "import it inside the function that needs it"


def test_no_import_goes_round_in_a_circle() -> None:
    graph = {
        module: {
            found.name
            for found in imports_of(module)
            if found.name in MODULES and found.name != module
        }
        for module in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(reversed(error.args[1])))


def test_nn_and_optim_do_not_know_each_other() -> None:
    for module in MODULES:
        rooms = {room_of(found.name) for found in imports_of(module) if is_ours(found.name)}
        assert not (room_of(module) == "nn" and "optim" in rooms)
        assert not (room_of(module) == "optim" and "nn" in rooms)


def test_importing_fathom_imports_nothing_slow() -> None:
    code = f"import sys, fathom; print(*(set({SLOW_TO_IMPORT!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
