"""PyTorch's place for the loader: ``fathom.utils.data`` is `fathom.data`."""

from . import data as data
