"""Fathom: a deep-learning library small enough to read."""

from builtins import tuple as Size  # noqa: N812 - PyTorch's name of a shape
from importlib import import_module
from math import e, inf, nan, pi
from typing import TYPE_CHECKING, Any

from . import autograd
from .devices import Device as device
from .devices import accelerator, backends, cuda, mps
from .errors import FathomError
from .functional.activation import log_softmax, relu, softmax
from .functional.conversion import *
from .functional.creation import *
from .functional.diagonal import *
from .functional.einsum import *
from .functional.elementwise import *
from .functional.distance import cdist, cosine_similarity, pairwise_distance, pdist
from .functional.joining import *
from .functional.linear_algebra import *
from .functional.trigonometry import *
from .functional.special import *
from .functional.rounding import *
from .functional.logic import *
from .functional.exponential import *
from .functional.matrix import *
from .functional.masking import *
from .functional.movement import *
from .functional.rearrangement import *
from .functional.random import *
from .functional.reduction import *
from .functional.statistics import *
from .functional.extrema import *
from .functional.cumulative import *
from .functional.scatter import *
from .functional.selection import *
from .functional.sorting import *
from .memory import keep_freed_memory
from .promotion import float32, float64, int8, int16, int32, int64, uint8
from .promotion import bool_ as bool
from .promotion import float32 as float
from .promotion import float64 as double
from .promotion import int32 as int
from .promotion import int64 as long
from .promotion import int16 as short
from .tape import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .tensor import Tensor

keep_freed_memory()
del keep_freed_memory

if TYPE_CHECKING:
    from . import data, formats, linalg, models, nn, onnx, optim, sklearn, train, utils
    from .compiled import compile
    from .runtime.peak import peak
    from .runtime.threads import get_num_threads, set_num_threads
    from .train import Trainer

__version__ = "0.1.0"

newaxis = None

# Rooms that a script may not need are opened when it first names them.
_ROOMS = ("data", "formats", "linalg", "models", "nn", "onnx", "optim", "sklearn", "train", "utils")
_ELSEWHERE = {"Trainer": "train", "compile": "compiled", "load": "formats", "save": "formats"}
_ELSEWHERE |= dict.fromkeys(("get_num_threads", "set_num_threads"), "runtime.threads")
_ELSEWHERE["peak"] = "runtime.peak"
# PyTorch has these of nn.functional's functions at its top level too.
_ELSEWHERE |= dict.fromkeys(
    (
        "adaptive_avg_pool1d",
        "adaptive_max_pool1d",
        "alpha_dropout",
        "avg_pool1d",
        "celu",
        "channel_shuffle",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
        "dropout",
        "group_norm",
        "hardshrink",
        "layer_norm",
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
        "pixel_shuffle",
        "pixel_unshuffle",
        "prelu",
        "relu_",
        "rms_norm",
        "rrelu",
        "selu",
        "threshold",
    ),
    "nn.functional",
)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    if name in _ELSEWHERE:
        return getattr(import_module(f".{_ELSEWHERE[name]}", __name__), name)
    if name.endswith("_") and not name.startswith("_") and hasattr(Tensor, name):
        return getattr(Tensor, name)  # fathom.exp_(x) is x.exp_()
    raise AttributeError(f"module 'fathom' has no attribute {name!r}")
