"""Normalization over features, channels and groups."""

__all__: list[str] = []
