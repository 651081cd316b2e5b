"""The functions behind the layers, under PyTorch's name for the place: ``fathom.nn.functional``."""

from ..functional.activation import *
from ..functional.attention import *
from ..functional.convolution import *
from ..functional.cross_entropy import *
from ..functional.distance import *
from ..functional.dropout import *
from ..functional.embedding import *
from ..functional.exponential import sigmoid as sigmoid
from ..functional.folding import *
from ..functional.grid_sampling import *
from ..functional.interpolation import *
from ..functional.loss import *
from ..functional.margin import *
from ..functional.matrix import bilinear as bilinear
from ..functional.matrix import linear as linear
from ..functional.normalization import *
from ..functional.padding import *
from ..functional.pooling import *
from ..functional.trigonometry import tanh as tanh
