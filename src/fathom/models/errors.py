"""The error of the models."""

from ..errors import FathomError


class ModelError(FathomError, ValueError):
    """A model was asked for that cannot be built."""
