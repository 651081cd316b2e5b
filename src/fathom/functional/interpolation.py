"""Resizing of images."""

__all__: list[str] = []
