"""Writing ONNX models: a module is recorded, and each operation translated."""

from . import elementwise, indexing, movement, reduction, windows  # noqa: F401 - the table
from .export import export

__all__ = ["export"]
