"""Reading and writing at positions: gather, scatter, masks and their kin."""

__all__: list[str] = []
