"""PyTorch's files: a pickle of names and numbers beside the bytes of the tensors.

A pickle is a program, and PyTorch's own may call whatever it names. The one read here is run by a
machine that knows the few names a file of tensors needs, calls nothing else, and imports nothing.

Source: https://docs.pytorch.org/docs/stable/notes/serialization.html and the module `pickletools`
of the standard library, which describes each instruction.
"""

from .reader import is_pytorch, read_pytorch, read_pytorch_stored
from .writer import write_pytorch

__all__ = ["is_pytorch", "read_pytorch", "read_pytorch_stored", "write_pytorch"]
