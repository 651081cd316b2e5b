"""Neural networks: modules, layers, losses and initialization."""

from . import functional as functional
from . import init as init
from .container import *
from .flatten import *
from .linear import *
from .module import Module as Module
from .parameter import Parameter as Parameter
