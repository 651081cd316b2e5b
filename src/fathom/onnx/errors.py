"""What can be wrong with an ONNX model."""

from ..errors import FathomError, FileFormatError

__all__ = ["MalformedModel", "UnsupportedModel"]


class MalformedModel(FileFormatError):
    """A file is no ONNX model, or one that contradicts itself or the standard."""


class UnsupportedModel(FathomError, NotImplementedError):
    """A model uses what Fathom has not: an operator, an element type, a version."""
