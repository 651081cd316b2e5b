"""Every error that Fathom raises on purpose derives from `FathomError`."""

from .ops.errors import DTypeError, FathomError, IndexOutOfRange, ShapeError

__all__ = [
    "AutogradError",
    "DTypeError",
    "FathomError",
    "IndexOutOfRange",
    "ShapeError",
    "ViewWriteError",
]


class AutogradError(FathomError, RuntimeError):
    """A gradient was asked for where none can be had."""


class ViewWriteError(FathomError, RuntimeError):
    """Writing in place through a view, which cannot reach the tensor it was made from."""
