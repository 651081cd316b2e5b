"""`fathom.data` under the name it has in PyTorch, so that imports need no other change."""

from ..data import *
from ..data import __all__ as __all__
