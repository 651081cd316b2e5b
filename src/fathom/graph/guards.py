"""What a recorded function looked at, and whether it is still as it was."""

import sys
from collections.abc import MutableMapping, MutableSequence, MutableSet, Sequence
from operator import is_
from types import CellType
from typing import Any

import numpy as np

from .. import recording
from ..recording import Watched

PLAIN = (bool, int, str, bytes, complex, type(None), type(Ellipsis))


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
    if kind in PLAIN:
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
    if "numpy.random" in sys.modules and isinstance(value, np.random.Generator):
        # Drawing from it changes it.
        return kind, str(value.bit_generator.state)
    return _Same(value)


class _Missing:
    def __repr__(self) -> str:
        return "(missing)"


MISSING = _Missing()
CHANGEABLE = (MutableSequence, MutableMapping, MutableSet, np.ndarray)


class Held:
    """A name that holds a value: a captured variable, a global, an attribute."""

    __slots__ = ("elements", "expected", "holder", "name", "value", "what")

    def __init__(self, what: str, holder: Any, name: str) -> None:
        self.what = what
        self.holder = holder
        self.name = name
        self.value = self.read()
        # Of a list of what cannot itself change, such as parameters.
        self.elements: list[Any] | None = None
        if type(self.value) is list and not any(
            isinstance(element, (*CHANGEABLE, tuple)) for element in self.value
        ):
            self.elements = self.value.copy()
        self.expected = snapshot(self.value)

    def read(self) -> Any:
        if type(self.holder) is CellType:
            try:
                return self.holder.cell_contents
            except ValueError:
                return MISSING
        return self.holder.get(self.name, MISSING)

    def change(self) -> str | None:
        """What changed, in words."""
        now = self.read()
        if self.elements is not None and type(now) is list and _are_same(now, self.elements):
            return None
        if snapshot(now) == self.expected:
            self.value = now
            return None
        if isinstance(now, (*PLAIN, float)) and isinstance(self.value, (*PLAIN, float)):
            return f"{self.what} '{self.name}' changed from {self.value!r} to {now!r}"
        return f"{self.what} '{self.name}' changed"


def _are_same(first: list[Any], second: list[Any]) -> bool:
    return len(first) == len(second) and all(map(is_, first, second))


class Guards:
    """The plain values that a recorded function found, and whether they are still the same."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, str], Held] = {}
        # Containers can change while their name holds the same object.
        self._contents: list[Held] = []
        self._watched: dict[int, tuple[Watched, dict[str, Any]]] = {}
        self._changes = recording.changes.count

    def expect(self, held: Held) -> None:
        """Expect a name to go on holding an equal value."""
        self._held[id(held.holder), held.name] = held
        if isinstance(held.value, CHANGEABLE) and not isinstance(held.value, Watched):
            self._contents.append(held)

    def expects(self, holder: Any, name: str) -> bool:
        """Whether this name is expected to stay as it is."""
        return (id(holder), name) in self._held

    def expect_attributes(self, watched: Watched) -> bool:
        """Expect the attributes of a watched object to stay as they are; false where this is
        known already."""
        if id(watched) in self._watched:
            return False
        self._watched[id(watched)] = (watched, _attributes(watched))
        return True

    def hold(self) -> bool:
        """Whether all is as it was; for what is watched only where anything has changed."""
        for held in self._held.values():
            if held.read() is not held.value and held.change() is not None:
                return False
        for held in self._contents:
            if held.change() is not None:
                return False
        count = recording.changes.count
        if count == self._changes:
            return True
        if self._watched_change([]) is not None:
            return False
        self._changes = count
        return True

    def change(self, *, besides_flags: bool = False) -> str | None:
        """What changed first, in words; None where all is as it was.

        Args:
            besides_flags: whether what `flags_set` gives is left out.
        """
        for held in (*self._held.values(), *self._contents):
            change = held.change()
            if change is not None:
                return change
        return self._watched_change(self.flags_set() if besides_flags else [])

    def flags_set(self) -> list[tuple[dict[str, Any], str, bool]]:
        """The attributes that are bools and were others: what the function itself has set."""
        found = []
        for watched, before in self._watched.values():
            for name, value in vars(watched).items():
                if isinstance(value, bool) and before.get(name) == snapshot(not value):
                    found.append((vars(watched), name, value))
        return found

    def _watched_change(self, flags: Sequence[tuple[dict[str, Any], str, bool]]) -> str | None:
        set_by_function = {(id(attributes), name) for attributes, name, _ in flags}
        for watched, before in self._watched.values():
            now = _attributes(watched)
            if now == before:
                continue
            names = [
                name
                for name in {**before, **now}
                if now.get(name) != before.get(name)
                and (id(vars(watched)), name) not in set_by_function
            ]
            if names:
                return f"'{names[0]}' of a {type(watched).__name__} changed"
        return None


def _attributes(watched: Watched) -> dict[str, Any]:
    return {
        name: snapshot(value)
        for name, value in vars(watched).items()
        if name not in watched.unwatched
    }
