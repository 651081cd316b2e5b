"""Sorting, and what is found by sorting."""

__all__: list[str] = []
