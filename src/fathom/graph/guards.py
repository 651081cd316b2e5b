"""What a recorded function looked at, and whether it is still as it was."""

import dis
from collections.abc import Iterator, MutableMapping, MutableSequence, MutableSet
from functools import partial
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from .. import recording
from ..recording import Watched
from ..tensor import Tensor
from .origin import PACKAGE
from .structure import map_structure

_PLAIN = (bool, int, str, bytes, complex, type(None), type(Ellipsis))


class _Same:
    """Stands for an object that is compared by identity."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


def snapshot(value: Any) -> Any:
    """What can be hashed and compared later: plain values and arrays by what they hold,
    containers by their elements, everything else by identity."""
    kind = type(value)
    if kind in _PLAIN:
        return kind, value
    if kind is float:
        # Its digits, so that NaN is as it was and -0.0 is not 0.0.
        return kind, value.hex()
    if isinstance(value, tuple | list):
        return kind, tuple(map(snapshot, value))
    if isinstance(value, dict):
        return kind, tuple((snapshot(key), snapshot(element)) for key, element in value.items())
    if isinstance(value, set | frozenset):
        return kind, frozenset(map(snapshot, value))
    if isinstance(value, slice):
        return kind, snapshot((value.start, value.stop, value.step))
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind != "O":
        return kind, value.shape, value.dtype.str, value.tobytes()
    return _Same(value)


class _Missing:
    def __repr__(self) -> str:
        return "(missing)"


_MISSING = _Missing()
# What a module itself keeps in containers, and counts the changes of.
_PARTS = ("_buffers", "_forward_hooks", "_forward_pre_hooks")
_CHANGEABLE = (MutableSequence, MutableMapping, MutableSet, np.ndarray)


class _Held:
    """A name that holds a value: a captured variable, a global, an attribute."""

    __slots__ = ("expected", "holder", "name", "value", "what")

    def __init__(self, what: str, holder: Any, name: str) -> None:
        self.what = what
        self.holder = holder
        self.name = name
        self.value = self.read()
        self.expected = snapshot(self.value)

    def read(self) -> Any:
        if type(self.holder) is CellType:
            try:
                return self.holder.cell_contents
            except ValueError:
                return _MISSING
        return self.holder.get(self.name, _MISSING)

    def change(self) -> str | None:
        """What changed, in words."""
        now = self.read()
        if snapshot(now) == self.expected:
            self.value = now
            return None
        if isinstance(now, (*_PLAIN, float)) and isinstance(self.value, (*_PLAIN, float)):
            return f"{self.what} '{self.name}' changed from {self.value!r} to {now!r}"
        return f"{self.what} '{self.name}' changed"


class Guards:
    """The plain values that a recorded function found, and whether they are still the same.

    Args:
        function: the function; what its code names is looked up at once, as are the functions
            of the user's that it names.
        arguments: what it is called with; the attributes of objects among them are looked up.
    """

    def __init__(self, function: Any, arguments: Any = ()) -> None:
        self._held: list[_Held] = []
        # Containers can change while their name holds the same object.
        self._contents: list[_Held] = []
        self._watched: dict[int, tuple[Watched, dict[str, Any]]] = {}
        self._changes = recording.changes.count
        self._seen: dict[int, Any] = {}
        self._names: set[tuple[int, str]] = set()
        self._inspect(function)
        code = getattr(function, "__code__", None)
        attributes = set() if code is None else _names_in(code)[1]
        map_structure(lambda leaf: self._inspect_value(leaf, attributes), arguments)

    def hold(self) -> bool:
        """Whether all is as it was; for what is watched only where anything has changed."""
        for held in self._held:
            if held.read() is not held.value and held.change() is not None:
                return False
        for held in self._contents:
            if held.change() is not None:
                return False
        count = recording.changes.count
        if count == self._changes:
            return True
        if self._watched_change() is not None:
            return False
        self._changes = count
        return True

    def change(self) -> str | None:
        """What changed first, in words; None where all is as it was."""
        for held in (*self._held, *self._contents):
            change = held.change()
            if change is not None:
                return change
        return self._watched_change()

    def note_use(self, watched: Watched) -> None:
        """Expect the attributes of this object to stay as they are."""
        if id(watched) in self._watched:
            return
        self._watched[id(watched)] = (watched, _attributes(watched))
        what = f"the attribute of a {type(watched).__name__}"
        for name, value in vars(watched).items():
            # A list that grows counts no change.
            is_own = name in _PARTS or _is_ours(type(watched))
            if isinstance(value, _CHANGEABLE) and not is_own:
                self._contents.append(_Held(what, vars(watched), name))
        self._inspect_methods(watched)

    def _watched_change(self) -> str | None:
        for watched, before in self._watched.values():
            now = _attributes(watched)
            if now != before:
                names = [name for name in {**before, **now} if now.get(name) != before.get(name)]
                return f"'{names[0]}' of a {type(watched).__name__} changed"
        return None

    def _inspect(self, value: Any, instance: Any = None) -> None:
        """Look up what a function's code names."""
        if isinstance(value, MethodType):
            self._inspect(value.__func__, value.__self__)
            return
        if isinstance(value, partial):
            self._inspect(value.func)
            for argument in (*value.args, *value.keywords.values()):
                self._inspect_value(argument, set())
            return
        if not isinstance(value, FunctionType):
            if not isinstance(value, type) and not _is_ours(type(value)):
                self._inspect_value(value, set())
                if isinstance(type(value).__call__, FunctionType):
                    self._inspect(type(value).__call__, value)
            return
        if id(value) in self._seen or value.__code__.co_filename.startswith(PACKAGE):
            self._inspect_closure_of_ours(value)
            return
        self._seen[id(value)] = value
        used, attributes = _names_in(value.__code__)
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            self._hold("the captured variable", cell, name, attributes)
        for name in used:
            if name in value.__globals__:
                self._hold("the global", value.__globals__, name, attributes)
        if instance is not None:
            self._inspect_value(instance, attributes)

    def _inspect_closure_of_ours(self, function: FunctionType) -> None:
        """A function that the library made may hold the user's functions: a training step."""
        if id(function) in self._seen:
            return
        self._seen[id(function)] = function
        for cell in function.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            if isinstance(value, FunctionType | MethodType | partial):
                self._inspect(value)

    def _hold(self, what: str, holder: Any, name: str, attributes: set[str]) -> None:
        key = (id(holder), name)
        if key in self._names:
            return
        held = _Held(what, holder, name)
        value = held.value
        if isinstance(value, ModuleType | type) or _is_ours(value):
            if isinstance(value, ModuleType) and not _is_library(value):
                self._inspect_value(value, attributes)
            return
        self._names.add(key)
        self._held.append(held)
        if isinstance(value, _CHANGEABLE) and not isinstance(value, Watched):
            self._contents.append(held)
        self._inspect_value(value, attributes)

    def _inspect_value(self, value: Any, attributes: set[str]) -> None:
        """Look up the attributes of an object that a function's code names."""
        if isinstance(value, Watched):
            self.note_use(value)
            return
        if isinstance(value, FunctionType | MethodType | partial):
            self._inspect(value)
            return
        if isinstance(value, Tensor | type) or not hasattr(value, "__dict__"):
            return
        key = (id(value), "")
        if key in self._names:
            return
        self._names.add(key)
        self._seen[id(value)] = value
        what = f"the attribute of a {type(value).__name__}"
        if isinstance(value, ModuleType):
            what = f"the attribute of the module {value.__name__}"
        for name in sorted(attributes & set(vars(value))):
            self._hold(what, vars(value), name, attributes)
        if not isinstance(value, ModuleType):
            self._inspect_methods(value, attributes)

    def _inspect_methods(self, instance: Any, attributes: set[str] | None = None) -> None:
        """Look up what the code of an object's own methods and class attributes names."""
        for kind in type(instance).__mro__:
            if _is_ours(kind) or kind is object:
                continue
            for name, member in vars(kind).items():
                if attributes is not None and name not in attributes:
                    continue
                if isinstance(member, FunctionType):
                    if attributes is not None or name == "forward":
                        self._inspect(member, instance)
                elif isinstance(member, (*_PLAIN, float, tuple)) and not name.startswith("__"):
                    what = f"the attribute of the class {kind.__name__}"
                    self._hold(what, vars(kind), name, set())


def _is_library(module: ModuleType) -> bool:
    name = module.__name__.partition(".")[0]
    return name in ("fathom", "numpy", "math", "builtins")


def _is_ours(value: Any) -> bool:
    """Whether a function or class is the library's own."""
    module = getattr(value, "__module__", None)
    return isinstance(value, FunctionType | type) and str(module).partition(".")[0] == "fathom"


def _attributes(watched: Watched) -> dict[str, Any]:
    return {
        name: snapshot(value)
        for name, value in vars(watched).items()
        if name not in watched.unwatched
    }


def _names_in(code: CodeType) -> tuple[set[str], set[str]]:
    """The globals and the attributes that a function's code names, inner functions included."""
    used: set[str] = set()
    attributes: set[str] = set()
    for part in _parts(code):
        for instruction in dis.get_instructions(part):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                used.add(instruction.argval)
            elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"):
                attributes.add(instruction.argval)
    return used, attributes


def _parts(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
