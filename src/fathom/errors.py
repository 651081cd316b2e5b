"""Every error that Fathom raises on purpose derives from `FathomError`."""

from .ops.errors import (
    DivisionByZero,
    DTypeError,
    FathomError,
    IndexOutOfRange,
    LinAlgError,
    ShapeError,
)

__all__ = [
    "ArgumentError",
    "AutogradError",
    "DTypeError",
    "DivisionByZero",
    "DatasetError",
    "DownloadError",
    "FathomError",
    "FileAccessError",
    "FileFormatError",
    "IndexOutOfRange",
    "LinAlgError",
    "MissingExtra",
    "MissingFileError",
    "RecordingError",
    "ShapeError",
    "ViewWriteError",
]


class ArgumentError(FathomError, ValueError, RuntimeError):
    """An argument has a value that the function cannot work with."""


class AutogradError(FathomError, RuntimeError):
    """A gradient was asked for where none can be had."""


class ViewWriteError(FathomError, RuntimeError):
    """Writing in place through a view, which cannot reach the tensor it was made from."""


class RecordingError(FathomError, RuntimeError):
    """A function under `fathom.compile` did what cannot be recorded."""


class DatasetError(FathomError, ValueError, RuntimeError):
    """A data set or a loader cannot give what was asked of it."""


class DownloadError(FathomError, OSError):
    """A file could not be downloaded, or is not the file that was published."""


class FileAccessError(FathomError, OSError):
    """A file cannot be read or written: a folder, no permission, a full disk."""


class MissingFileError(FileAccessError, FileNotFoundError):
    """A file is not there."""


class FileFormatError(FathomError, ValueError):
    """The content of a file is not what its format demands."""


class MissingExtra(FathomError, ImportError):
    """An optional part of the installation is needed; the message says how to get it."""
