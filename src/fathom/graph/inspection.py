"""What a function's code names: where the plain values are that steer a recording."""

import dis
from collections.abc import Iterator
from functools import partial
from types import CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

from ..recording import Watched
from ..tensor import Tensor
from .guards import CHANGEABLE, PLAIN, Guards, Held
from .origin import PACKAGE
from .structure import map_structure

# What a module itself keeps in containers, and counts the changes of.
_PARTS = ("_buffers", "_forward_hooks", "_forward_pre_hooks")


class Inspection:
    """Looks up what functions name, and expects it to stay as it is.

    These are captured variables, globals, and of the objects among them, of `self` and of the
    arguments those attributes that the code names; and in turn what the user's functions among
    all these name.

    Args:
        guards: where it is expected.
    """

    def __init__(self, guards: Guards) -> None:
        self._guards = guards
        # The functions seen, each with the object that it is a method of; they are kept, so
        # that no other has their identity.
        self._seen: dict[tuple[int, int], Any] = {}
        self._looked_at: dict[int, tuple[Any, set[str]]] = {}

    def look_at_call(self, function: Any, arguments: Any) -> None:
        """Look up what a function names that is called with these arguments."""
        self.look_at_function(function)
        code = getattr(function, "__code__", None)
        attributes = set() if code is None else _names_in(code)[1]
        map_structure(lambda leaf: self.look_at_object(leaf, attributes), arguments)

    def look_at_function(self, function: Any, instance: Any = None) -> None:
        """Look up what the code of a function, or of anything that can be called, names."""
        if isinstance(function, MethodType):
            self.look_at_function(function.__func__, function.__self__)
        elif isinstance(function, partial):
            self.look_at_function(function.func)
            map_structure(
                lambda leaf: self.look_at_object(leaf, set()), (function.args, function.keywords)
            )
        elif isinstance(function, FunctionType):
            key = (id(function), id(instance))
            if key not in self._seen:
                self._seen[key] = function, instance
                self._look_at_code(function, instance)
        else:
            self.look_at_object(function, set())
            caller = type(function).__call__
            if isinstance(caller, FunctionType):
                self.look_at_function(caller, function)

    def _look_at_code(self, function: FunctionType, instance: Any) -> None:
        code, closure = function.__code__, function.__closure__ or ()
        if code.co_filename.startswith(PACKAGE):
            # What the library made of the user's functions may hold them: a training step.
            for name, cell in zip(code.co_freevars, closure, strict=True):
                value = Held("", cell, name).value
                if isinstance(value, FunctionType | MethodType | partial):
                    self.look_at_function(value)
            return
        used, attributes = _names_in(code)
        for name, cell in zip(code.co_freevars, closure, strict=True):
            self._hold("the captured variable", cell, name, attributes)
        for name in sorted(used & function.__globals__.keys()):
            self._hold("the global", function.__globals__, name, attributes)
        if instance is not None:
            self.look_at_object(instance, attributes)

    def _hold(self, what: str, holder: Any, name: str, attributes: set[str]) -> None:
        """Expect a name to hold what it holds, and look at that."""
        held = Held(what, holder, name)
        if not isinstance(held.value, ModuleType | type) and not _is_ours(held.value):
            if self._guards.expects(holder, name):
                return
            self._guards.expect(held)
        map_structure(lambda leaf: self._look_at_leaf(leaf, attributes), held.value)

    def _look_at_leaf(self, value: Any, attributes: set[str]) -> None:
        if isinstance(value, FunctionType | MethodType | partial):
            self.look_at_function(value)
        else:
            self.look_at_object(value, attributes)

    def look_at_object(self, value: Any, attributes: set[str]) -> None:
        """Look up those attributes of an object that a function's code names."""
        if isinstance(value, Watched):
            self.look_at_watched(value)
        elif isinstance(value, ModuleType):
            for name in sorted(attributes & vars(value).keys()):
                if not _is_ours(value):
                    self._hold(f"in the module {value.__name__}", vars(value), name, set())
        elif not isinstance(value, (Tensor, type, FunctionType, *PLAIN, float, *CHANGEABLE)):
            known = self._looked_at.setdefault(id(value), (value, set()))[1]
            if not attributes <= known:
                known |= attributes
                self._look_at_attributes(value, attributes)

    def _look_at_attributes(self, value: Any, attributes: set[str]) -> None:
        own = getattr(value, "__dict__", {})
        what = f"the attribute of a {type(value).__name__}"
        for name in sorted(attributes & own.keys()):
            self._hold(what, own, name, attributes)
        for kind, name, member in _members(type(value)):
            if name not in attributes:
                continue
            if isinstance(member, FunctionType):
                self.look_at_function(member, value)
            elif isinstance(member, MemberDescriptorType):
                self._hold(what, _Slots(value), name, attributes)
            else:
                # The class's value holds as long as the object has none of its own.
                self._hold(what, own, name, set())
                self._hold(f"the attribute of the class {kind.__name__}", vars(kind), name, set())

    def look_at_watched(self, watched: Watched) -> None:
        """Expect the attributes of a watched object to stay as they are."""
        if not self._guards.expect_attributes(watched):
            return
        what = f"the attribute of a {type(watched).__name__}"
        for name, value in vars(watched).items():
            if isinstance(value, Watched):
                self.look_at_watched(value)
            # A list that grows counts no change.
            if isinstance(value, CHANGEABLE) and name not in _PARTS and not _is_ours(type(watched)):
                self._guards.expect(Held(what, vars(watched), name))
        for kind, name, member in _members(type(watched)):
            if isinstance(member, FunctionType):
                if name == "forward":
                    self.look_at_function(member, watched)
            elif not isinstance(member, MemberDescriptorType):
                self._hold(f"the attribute of the class {kind.__name__}", vars(kind), name, set())


class _Slots:
    """The attributes of an object that has no dict of them."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def get(self, name: str, default: Any) -> Any:
        """An attribute."""
        return getattr(self._value, name, default)


def _members(kind: type) -> Iterator[tuple[type, str, Any]]:
    """The functions, slots and plain values in a class of the user's, with the class itself."""
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] in ("builtins", "fathom", "numpy"):
            continue
        for name, member in vars(base).items():
            if isinstance(member, property):
                yield base, name, member.fget
            elif isinstance(member, FunctionType | MemberDescriptorType) or (
                isinstance(member, (*PLAIN, float, tuple)) and name[:2] != "__"
            ):
                yield base, name, member


def _is_ours(value: Any) -> bool:
    """Whether a function, a class or a module is the library's own."""
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
    is_definition = isinstance(value, FunctionType | type | ModuleType)
    return is_definition and str(name).partition(".")[0] == "fathom"


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
