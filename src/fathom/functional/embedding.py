"""Look-ups in tables of vectors."""

__all__: list[str] = []
