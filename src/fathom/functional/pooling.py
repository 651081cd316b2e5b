"""Pooling over windows."""

__all__: list[str] = []
