"""Files: what is read from them is checked, what is written to them is whole."""

from .darknet import read_cfg, write_cfg
from .files import atomic_write, open_to_read
from .idx import read_idx, write_idx
from .image import read_image
from .keras import read_keras
from .nested import load, save
from .pytorch import read_pytorch, write_pytorch
from .safetensors import read_safetensors, write_safetensors

__all__ = [
    "atomic_write",
    "load",
    "open_to_read",
    "read_cfg",
    "read_idx",
    "read_image",
    "read_keras",
    "read_pytorch",
    "read_safetensors",
    "save",
    "write_cfg",
    "write_idx",
    "write_pytorch",
    "write_safetensors",
]
