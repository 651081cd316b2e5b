"""What a pickle described: checked as a whole, and with its tensors replaced."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..stored import ElementType, StoredTensor
from .machine import Refusal

# Deeper than this nothing nests that anybody saves.
_DEEPEST = 100
# Parts of an object may be parts of others too; but who goes through all of it must come to an
# end. So many parts are allowed for each byte of the pickle.
_PARTS_PER_BYTE = 16
_PARTS_AT_LEAST = 10_000

_PLAIN = (type(None), bool, int, float, str, bytes, StoredTensor, ElementType)


def check(contents: Any, size: int) -> None:
    """See that contents are plain, hold themselves nowhere, and end.

    Args:
        contents: what a pickle described.
        size: the size of the pickle in bytes.

    Raises:
        Refusal: they are not.
    """
    counts: dict[int, int] = {}
    most = _PARTS_PER_BYTE * size + _PARTS_AT_LEAST

    def count(value: Any, depth: int) -> int:
        if isinstance(value, _PLAIN):
            return 1
        parts = _parts(value)
        if parts is None:
            raise Refusal(f"it holds a {type(value).__name__} where a tensor or value belongs")
        known = counts.get(id(value))
        if known == _IN_PROGRESS:
            raise Refusal("it holds an object that holds itself")
        if known is not None:
            return known
        if depth > _DEEPEST:
            raise Refusal(f"it nests more than {_DEEPEST} levels deep")
        counts[id(value)] = _IN_PROGRESS
        total = 1 + sum(count(part, depth + 1) for part in parts)
        if total > most:
            raise Refusal(f"it unfolds to more than {most} parts, out of {size} bytes")
        counts[id(value)] = total
        return total

    count(contents, 0)


_IN_PROGRESS = -1


def _parts(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple | set) else None


def transform(
    contents: Any,
    tensor: Callable[[StoredTensor, str], Any],
    element: Callable[[ElementType], Any] = lambda element: element,
) -> Any:
    """The same contents with other things in the place of tensors and of element types.

    Args:
        contents: what was checked.
        tensor: gives the replacement of a tensor, by it and the names on the way to it. What
            stands in several places is replaced once.
        element: gives the replacement of an element type.
    """
    done: dict[int, Any] = {}

    def replace(value: Any, place: str) -> Any:
        if id(value) in done:
            return done[id(value)]
        result = value
        if isinstance(value, StoredTensor):
            result = tensor(value, place or "tensor")
        elif isinstance(value, ElementType):
            return element(value)
        elif isinstance(value, dict):
            kind = OrderedDict if isinstance(value, OrderedDict) else dict
            result = kind(
                (key, replace(part, f"{place}.{key}" if place else str(key)))
                for key, part in value.items()
            )
        elif isinstance(value, list | tuple):
            parts = [
                replace(part, f"{place}.{index}" if place else str(index))
                for index, part in enumerate(value)
            ]
            result = parts if isinstance(value, list) else tuple(parts)
        else:
            return value
        done[id(value)] = result
        return result

    return replace(contents, "")
