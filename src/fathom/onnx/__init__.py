"""ONNX models: loaded as modules, and written from any module.

Source: https://onnx.ai/onnx/
"""

from .errors import MalformedModel, UnsupportedModel
from .loading import load
from .module import ImportedModel, Port

__all__ = ["ImportedModel", "MalformedModel", "Port", "UnsupportedModel", "load"]
