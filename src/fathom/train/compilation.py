"""Compiling what is done with every batch, and going on eagerly where that cannot be."""

import sys
import warnings
from collections.abc import Callable
from itertools import chain
from types import FrameType
from typing import Any

import numpy as np

from ..compiled import CompiledFunction
from ..errors import IndexOutOfRange, MissingExtra, RecordingError
from ..nn import Module
from ..tape import Node

# A function that needs more programs than these would need one for each batch.
_MOST_RECORDINGS = 8


class Compilation:
    """Whether a training compiles, and what it says where that cannot be.

    Args:
        is_wanted: whether anything is compiled.

    Attributes:
        is_wanted: the same; false from when it turns out that nothing can be compiled here.
    """

    def __init__(self, is_wanted: bool = True) -> None:
        self.is_wanted = is_wanted
        self._has_warned = False

    def give_up(self, reason: str) -> None:
        """Say that something goes on eagerly, and why: once, however much there is of it."""
        if self._has_warned:
            return
        self._has_warned = True
        warnings.warn(
            f"going on eagerly, which is slower: {reason}. With compile=False (--eager) nothing "
            f"is compiled, and there is no warning",
            RuntimeWarning,
            stacklevel=_distance_to_user(),
        )


def _distance_to_user() -> int:
    """How far up the stack the user's code is, counted by `warnings.warn` in the caller."""
    frame: FrameType | None = sys._getframe(1)
    distance = 1
    while frame is not None and frame.f_globals.get("__name__", "").startswith("fathom."):
        frame = frame.f_back
        distance += 1
    return distance


class BatchFunction:
    """A function of a model and a batch, compiled for batches of the usual size.

    A program holds for one shape. The last batch of an epoch, which is smaller, would need one
    of its own and is run eagerly instead.

    Args:
        function: the function.
        model: the model whose parameters and buffers it finds by itself.
        compilation: whether it is compiled.
    """

    def __init__(
        self, function: Callable[..., Any], model: Module, compilation: Compilation
    ) -> None:
        self.function = function
        self.model = model
        self._compilation = compilation
        self._compiled: CompiledFunction | None = CompiledFunction(function)

    def __call__(self, is_usual: bool, *args: Any) -> Any:
        """Run the function.

        Args:
            is_usual: whether the batch is of the usual size.
            args: what the function is called with.
        """
        if self._compiled is None or not self._compilation.is_wanted:
            return self.function(*args)
        if is_usual:
            try:
                if self._compiled.recordings < _MOST_RECORDINGS:
                    return self._compiled(*args)
                self._go_on_eagerly(
                    f"{_MOST_RECORDINGS} programs were made for batches that differ in more "
                    f"than the values of their tensors"
                )
            except IndexOutOfRange:
                # Eagerly, a loss says what is wrong with a label.
                self.function(*args)
                raise
            except MissingExtra as error:
                self._compilation.is_wanted = False
                self._go_on_eagerly(str(error))
            except RecordingError as error:
                # A recording that fails has left everything as it was.
                self._go_on_eagerly(str(error))
        put_in_row_order(self.model)
        return self.function(*args)

    def _go_on_eagerly(self, reason: str) -> None:
        self._compiled = None
        self._compilation.give_up(reason)


def put_in_row_order(model: Module) -> None:
    """Let parameters and buffers lie in memory row by row, as those read from a file do.

    Programs lay them out as suits them, and in NumPy the order of a sum, hence its rounding,
    follows the layout; a resumed training shall end bit for bit like an uninterrupted one.
    """
    for tensor in chain(model.parameters(), model.buffers()):
        node = tensor._node
        if not node.value.flags.c_contiguous:
            value = np.ascontiguousarray(node.value)
            if node.needs_gradient:
                tensor._become_leaf(value, node.hooks)
            else:
                tensor._node = Node(value)
