"""The memory of state: tensors that live from call to call, and which a program updates in place.

Values never change for anybody who can see them. A program writes into the memory of a tensor
only while nothing else holds that memory: no other tensor, no tape, no NumPy view. Otherwise
the tensor is given memory of its own first.
"""

from sys import getrefcount
from typing import NamedTuple

import numpy as np

from ..compiler.views import Layout
from ..graph.recorded import Place
from ..ops import Array
from ..promotion import DType
from ..tape import Node
from ..tensor import wrap
from .executor import address

# Two processors that write into one line of memory hold each other up, and vectors that lie
# across two lines take twice as long to load; so what is larger starts on a line.
_LINE = 64
_LARGE = 4 * _LINE


class StateMemory:
    """Where one state of a program lies.

    Args:
        place: where the state is found.
        layout: how the program wants it to lie.
        dtype: of its elements.
        is_written: whether the program writes it.

    Attributes:
        tensor: the tensor that holds the value; for a gradient, its owner.
        node: the node of the value whose address the program knows.
    """

    __slots__ = (
        "_array",
        "_holders",
        "_is_gradient",
        "_is_joint",
        "_layout",
        "_place",
        "_strides",
        "is_written",
        "node",
        "tensor",
    )

    def __init__(self, place: Place, layout: Layout, dtype: DType, is_written: bool) -> None:
        self._place = place
        self._layout = layout
        self._strides = tuple(stride * dtype.itemsize for stride in layout.strides)
        self.tensor = place.handles[0]
        self._is_gradient = place.slot == "grad"
        self._is_joint = len(place.handles) > 1
        self.is_written = is_written
        self.node: Node | None = None
        # Another program may let the node's value lie otherwise, which frees its array: this
        # one stays for as long as the program knows its address.
        self._array: Array | None = None
        self._holders = len(place.handles) + _HOLDERS.of_node

    @property
    def is_read_only_value(self) -> bool:
        """Whether the program only reads the value of a single tensor."""
        return not (self.is_written or self._is_gradient or self._is_joint)

    def is_ready(self) -> bool:
        """Whether the value lies where the program last found it, and may be written there."""
        node = self.node
        tensor = self.tensor.grad if self._is_gradient else self.tensor
        if tensor._node is not node or node.value is not self._array:  # type: ignore[union-attr]
            return False
        if self._is_joint and self._is_parted():
            return False
        # Written out, because this runs for each state at every call.
        return not self.is_written or (
            getrefcount(node) <= self._holders and getrefcount(node.value) <= _HOLDERS.of_array
        )

    def _is_parted(self) -> bool:
        """Whether tensors that shared a value no longer do."""
        return any(tensor._node is not self.node for tensor in self._place.tensors(()))

    def settle(self) -> Array:
        """Let the value lie as the program wants it, and return its array."""
        self._hold(next(self._place.tensors(()))._node)
        if self.is_written and not (self._is_unshared() and self._is_writeable()):
            self._move_out()
        assert self._array is not None
        return self._array

    def _hold(self, node: Node) -> None:
        """Hold a node and its array, which then lies as the program wants it."""
        if not self._lies_well(node.value):
            # An equal value: whoever else holds the node need not know.
            node.value = _laid_out(node.value, self._layout)
        self.node, self._array = node, node.value

    def count_holders(self) -> "Holders":
        """How many holders the interpreter counts of the node and of its array."""
        node = self.node
        return Holders(getrefcount(node), getrefcount(node.value))  # type: ignore[union-attr]

    def _is_unshared(self) -> bool:
        """Whether nobody but the state's tensors holds the value."""
        holders = self.count_holders()
        return holders.of_node <= self._holders and holders.of_array <= _HOLDERS.of_array

    def _is_writeable(self) -> bool:
        array = self.node.value  # type: ignore[union-attr]
        return bool(array.flags.writeable) and (array.base is None or _owns_base(array))

    def _lies_well(self, array: Array) -> bool:
        if not array.flags.aligned or (array.nbytes >= _LARGE and address(array) % _LINE):
            return False
        return array.size <= 1 or all(
            size == 1 or one == other
            for size, one, other in zip(array.shape, array.strides, self._strides, strict=True)
        )

    def _move_out(self) -> None:
        """Give the state's tensors a node of their own with a copy of the value."""
        shared = self.node
        assert shared is not None
        fresh = Node(_laid_out(shared.value, self._layout), None, (), shared.needs_gradient)
        fresh.leaf, fresh.hooks = shared.leaf, shared.hooks
        for tensor in self._place.tensors(()):
            tensor._node = fresh
        self._hold(fresh)


def _laid_out(array: Array, layout: Layout) -> Array:
    """A copy of the array whose elements lie as the layout says, from the start of a line on."""
    # NumPy lets a view of this array hold the array itself, because its base is none of NumPy's.
    memory = bytearray(array.nbytes + _LINE)
    start = -address(np.frombuffer(memory, np.uint8)) % _LINE
    strides = tuple(stride * array.itemsize for stride in layout.strides)
    copy: Array = np.ndarray(array.shape, array.dtype, memory, start, strides)
    copy[...] = array
    return copy


def _owns_base(array: Array) -> bool:
    """Whether the memory that the array lies in is there for it alone."""
    return isinstance(array.base, bytearray) and getrefcount(array.base) <= _OWNED


def _count_owners() -> int:
    """How many holders the interpreter counts of a memory that only one array lies in."""
    array = _laid_out(np.zeros(1), Layout((1,), (1,)))
    return getrefcount(array.base)


class Holders(NamedTuple):
    """How many holders the interpreter counts of a node, and of the array in it."""

    of_node: int
    of_array: int


def _count_unshared() -> Holders:
    """The holders of a node that only a `StateMemory` holds, and of an array in it."""
    tensor = wrap(Node(np.zeros(1)))
    memory = StateMemory(Place(None, (tensor,)), Layout((1,), (1,)), np.dtype(float), True)
    memory.settle()
    holders = memory.count_holders()
    return holders._replace(of_node=holders.of_node - 1)


_OWNED = _count_owners()
_HOLDERS = Holders(0, 0)
_HOLDERS = _count_unshared()
