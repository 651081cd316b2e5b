"""Where in the user's code something happens."""

import contextlib
import linecache
import os
import sys
from pathlib import Path
from types import FrameType

import numpy as np

PACKAGE = str(Path(__file__).parent.parent) + os.sep
# Also what stands between two functions of the library: decorators of NumPy's and Python's.
_NOT_THE_USERS = (PACKAGE, str(Path(np.__file__).parent) + os.sep, contextlib.__file__)


class Line(str):
    """A line of the user's code: ``"train.py:12"``, which knows where the file is."""

    __slots__ = ("number", "path")

    path: str
    number: int

    @property
    def text(self) -> str:
        """What stands in the line; empty where there is no file to look into."""
        return linecache.getline(self.path, self.number).strip()

    @property
    def is_backward(self) -> bool:
        """Whether it stands for the gradient of what the line computes."""
        return self.endswith(_BACKWARD)


def user_frame() -> FrameType | None:
    """The innermost frame that runs code from outside the library."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_NOT_THE_USERS):
        frame = frame.f_back
    return frame


def user_line() -> str:
    """The line of the user's code that runs now: ``"train.py:12"``."""
    frame = user_frame()
    if frame is None:
        return ""
    path, number = frame.f_code.co_filename, frame.f_lineno
    return _line(f"{os.path.basename(path)}:{number}", path, number)


def backward_line(line: str) -> str:
    """The line of a gradient: that of the operation that it is the gradient of."""
    if not isinstance(line, Line) or line.endswith(_BACKWARD):
        return line
    return _line(line + _BACKWARD, line.path, line.number)


_BACKWARD = " backward"


def _line(text: str, path: str, number: int) -> Line:
    line = Line(text)
    line.path, line.number = path, number
    return line


def user_place() -> str:
    """The line of the user's code that runs now, with the file's path, for messages."""
    frame = user_frame()
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def called_by_user() -> str:
    """The name of the library's function that the user's line called."""
    name = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_NOT_THE_USERS):
        name = frame.f_code.co_name
        frame = frame.f_back
    return name
