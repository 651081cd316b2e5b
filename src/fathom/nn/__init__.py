"""Neural networks: modules, layers, losses and initialization."""

from . import functional as functional
from . import init as init
from . import utils as utils
from .activation import *
from .attention import *
from .container import *
from .convolution import *
from .distance import *
from .dropout import *
from .embedding import *
from .flatten import *
from .folding import *
from .linear import *
from .loss import *
from .module import Module as Module
from .normalization import *
from .padding import *
from .parameter import Parameter as Parameter
from .pooling import *
from .upsampling import *
