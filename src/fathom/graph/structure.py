"""Nested structures of arguments and results: taken apart into tensors, and put together."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..tensor import Tensor


def map_structure(change: Callable[[Any], Any], value: Any) -> Any:
    """The same tuples, lists and dicts with every element in them changed."""
    if isinstance(value, tuple):
        elements = [map_structure(change, element) for element in value]
        return type(value)(*elements) if hasattr(value, "_fields") else tuple(elements)
    if type(value) is list:
        return [map_structure(change, element) for element in value]
    if is_plain_dict(value):
        copied = value.copy()
        for key, element in value.items():
            copied[key] = map_structure(change, element)
        return copied
    return change(value)


def is_plain_dict(value: Any) -> bool:
    """Whether it is a dict, ordered or not, rather than an object built on one."""
    return type(value) is dict or type(value) is OrderedDict


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors in a structure, in order."""
    found: list[Tensor] = []
    map_structure(lambda leaf: found.append(leaf) if isinstance(leaf, Tensor) else None, value)
    return found
