"""Names for what a recorded function computes with, as its author would write them."""

from collections.abc import Callable, Iterator, Mapping
from heapq import heappop, heappush
from inspect import Parameter, ismodule, signature
from itertools import count
from types import CellType, FunctionType, MethodType
from typing import Any

from ..tensor import Tensor
from .recorded import Place, Recording
from .structure import is_plain_dict

# How to reach an object: a variable, then attributes and items; a tensor is the key of an item.
_Way = tuple[str | Tensor, ...]

# How much longer each makes a way: ``layer.weight`` comes before the same parameter in the list
# of an optimizer, and what is private comes last.
_ATTRIBUTE, _ITEM, _PRIVATE = 1, 3, 10

_MOST_OBJECTS = 100_000  # that are looked at in search of the state


def name_arguments(
    recording: Recording,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> None:
    """Name the inputs that are tensors of the call: ``"x"``, ``"batch[0]"``."""
    positional = zip(_parameter_names(function), args, strict=False)
    names = [name for start, value in positional for name in _tensor_names(start, value)]
    names += [name for start, value in kwargs.items() for name in _tensor_names(start, value)]
    for vertex, place in zip(recording.graph.inputs, recording.inputs, strict=True):
        if place.argument is not None:
            vertex.name = names[place.argument] + _suffix(place)


def name_state(recording: Recording, function: Callable[..., Any]) -> None:
    """Name the inputs that the function finds in the variables around it: ``"model.weight"``."""
    found = _ways(function)

    def written(way: _Way) -> str:
        return "".join(
            part if isinstance(part, str) else f"[{written(found.get(id(part), ('…',)))}]"
            for part in way
        )

    for number, (vertex, place) in enumerate(
        zip(recording.graph.inputs, recording.inputs, strict=True)
    ):
        if place.argument is None:
            way = found.get(id(place.handles[0]), (f"state {number}",))
            vertex.name = written(way) + _suffix(place)


def _suffix(place: Place) -> str:
    return ".grad" if place.slot == "grad" else ""


def _parameter_names(function: Callable[..., Any]) -> Iterator[str]:
    """Names of the positional arguments, without end."""
    try:
        parameters = list(signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    rest = "argument"
    for parameter in parameters:
        if parameter.kind is Parameter.VAR_POSITIONAL:
            rest = parameter.name
        elif parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD):
            yield parameter.name
    number = 0
    while True:
        yield f"{rest}[{number}]"
        number += 1


def _tensor_names(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, Tensor):
        yield name
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for field, part in zip(value._fields, value, strict=True):
            yield from _tensor_names(f"{name}.{field}", part)
    elif isinstance(value, tuple) or type(value) is list:
        for position, part in enumerate(value):
            yield from _tensor_names(f"{name}[{position}]", part)
    elif is_plain_dict(value):
        for key, part in value.items():
            yield from _tensor_names(f"{name}[{key!r}]", part)


def _ways(function: Callable[..., Any]) -> dict[int, _Way]:
    """The shortest way to each tensor in the variables around a function, by identity."""
    found: dict[int, _Way] = {}
    seen: set[int] = set()
    keep: list[Any] = []
    order = count()
    waiting: list[tuple[int, int, _Way, Any]] = [(0, next(order), (), function)]
    while waiting and len(seen) < _MOST_OBJECTS:
        length, _, way, value = heappop(waiting)
        if id(value) in seen:
            continue
        seen.add(id(value))
        keep.append(value)  # no other object shall get its identity
        if isinstance(value, Tensor):
            found[id(value)] = way
            continue
        start = () if isinstance(value, FunctionType | MethodType) else way
        for further, part, added in _parts(value):
            heappush(waiting, (length + further, next(order), (*start, *added), part))
    return found


def _parts(value: Any) -> Iterator[tuple[int, Any, _Way]]:
    """What an object holds: how far away that is, and how it is reached."""
    if isinstance(value, MethodType):
        yield 0, value.__self__, ("self",)
        yield 0, value.__func__, ()
    elif isinstance(value, FunctionType):
        for name, part in _variables(value):
            yield 0, part, (name,)
    elif isinstance(value, list | tuple):
        for position, part in enumerate(value):
            yield _ITEM, part, (f"[{position}]",)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield _ITEM, part, (key if isinstance(key, Tensor) else f"[{key!r}]",)
    elif not isinstance(value, type) and not ismodule(value):
        for attribute, part in getattr(value, "__dict__", {}).items():
            written = f"[{attribute}]" if attribute.isdigit() else f".{attribute}"
            yield _PRIVATE if attribute[0] == "_" else _ATTRIBUTE, part, (written,)


def _variables(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The variables around a function that it uses."""
    cells: tuple[CellType, ...] = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not yet assigned to
            continue
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield name, function.__globals__[name]
