"""The error of the models."""

from ..errors import ArgumentError


class ModelError(ArgumentError):
    """A model was asked for that cannot be built."""
