"""The package `onnx`, which is an optional part of the installation."""

from typing import Any

from ..errors import MissingExtra


def onnx_package() -> Any:
    """The package `onnx`: its protocol buffers and its checker."""
    try:
        import onnx
    except ImportError:
        raise MissingExtra(
            "reading and writing ONNX models needs onnx: pip install 'fathom-dl[onnx]'"
        ) from None
    return onnx
