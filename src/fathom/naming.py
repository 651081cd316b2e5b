"""Finding things by name: optimizers, schedules, models, data sets."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from .errors import FathomError

Thing = TypeVar("Thing")


class UnknownNameError(FathomError, ValueError, KeyError):
    """A name was asked for that is none of those there are."""

    def __str__(self) -> str:
        return str(self.args[0])


def look_up(kind: str, name: str, things: Mapping[str, Thing]) -> Thing:
    """What `things` has under a name, whatever its capitals, hyphens and underscores.

    Args:
        kind: what is looked for, as the message shall call it: ``"optimizer"``.
        name: the name.
        things: what there is, by name.

    Raises:
        UnknownNameError: there is nothing of that name; the nearest names are offered.
    """
    plain = {_plain(known): known for known in things}
    if _plain(name) in plain:
        return things[plain[_plain(name)]]
    near = get_close_matches(_plain(name), plain, n=3, cutoff=0.5)
    offer = f"; did you mean {' or '.join(repr(plain[one]) for one in near)}?" if near else ""
    raise UnknownNameError(
        f"there is no {kind} {name!r}{offer} (there are: {', '.join(sorted(things))})"
    )


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
