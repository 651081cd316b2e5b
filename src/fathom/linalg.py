"""Linear algebra under the names of ``torch.linalg``."""

__all__: list[str] = []
