"""ONNX models: loaded as modules, and written from any module.

Source: https://onnx.ai/onnx/
"""

from .errors import MalformedModel, UnsupportedModel
from .exporting import export
from .loading import load
from .module import ImportedModel, Port

__all__ = ["ImportedModel", "MalformedModel", "Port", "UnsupportedModel", "export", "load"]
