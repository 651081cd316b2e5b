"""`fathom.data` under the name it has in PyTorch, so that imports need no other change."""

from ..data import *  # noqa: F403
from ..data import __all__

__all__ = __all__  # noqa: PLW0127 - what is exported there is exported here
