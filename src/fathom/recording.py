"""What the library knows of a recording that goes on: who records, and what steers it.

A function under `fathom.compile` runs once on symbols. What it computes is recorded; what it
merely looks at (an option, a flag such as `training`) is not, so a recording holds only as long
as these stay as they were.
"""

import threading
from typing import Any, ClassVar


class _Current(threading.local):
    """The recorder of this thread, if a function is being recorded in it."""

    recorder: Any = None


current = _Current()


def is_recording() -> bool:
    """Whether this thread records a function, so that tensors have no values to look at."""
    return current.recorder is not None


class _Changes:
    """How often an attribute of a `Watched` object has changed, anywhere."""

    count = 0


changes = _Changes()


class Watched:
    """An object whose attributes steer what is computed: a module, an optimizer.

    It reports its use to the recorder and counts its changes, so a compiled function looks at
    its attributes again only after a change anywhere.
    """

    # The attributes that steer nothing.
    unwatched: ClassVar[frozenset[str]] = frozenset()

    def note_use(self) -> None:
        """Tell the recorder of this thread, if there is one, that this object is used."""
        if current.recorder is not None:
            current.recorder.note_use(self)


def note_change() -> None:
    """Count a change of an attribute of a `Watched` object."""
    changes.count += 1
