"""What a kernel is: loops over an index space, with a body of instructions for each point.

A kernel is a plain description that can be compared, hashed and printed. Machine code is
made of it by its `emit`, and nothing but the description decides what that code is, so equal
kernels are compiled once and kept on disk under the description's hash.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..ops import Op, Shape
from .emitter import Emitter, Value
from .target import Target

DType = np.dtype[Any]


@dataclass(frozen=True)
class Access:
    """How a kernel walks through a buffer, counted in elements.

    The point (i, j, …) of the kernel's space reads or writes the element at
    ``offset + i * strides[0] + j * strides[1] + …`` of buffer number `buffer`. A stride of 0
    means that the value is the same all along that axis.
    """

    buffer: int
    offset: int
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Load:
    """The value at the kernel's point in a buffer."""

    access: Access


@dataclass(frozen=True)
class LoadAt:
    """The value at a place that index values of the body say: a gather.

    Attributes:
        access: where the element with all indices 0 lies.
        indices: for each index: the instruction that computes it (an int64), the stride it is
            multiplied by, and the size that it must stay under. An index outside is reported
            in buffer `status`, and element 0 is read instead.
        wrap: whether indices from -size to -1 count from the end.
        status: the buffer that takes the report (see `report_index`).
        number: what the report calls this instruction.
    """

    access: Access
    indices: tuple[tuple[int, int, int], ...]
    wrap: bool
    status: int
    number: int


@dataclass(frozen=True, eq=False)
class Literal:
    """A number known while compiling; 0.0 and -0.0 are different ones."""

    number: float | int | bool

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))


@dataclass(frozen=True)
class Position:
    """The kernel's index along an axis, times `stride`, plus `offset`: an int64."""

    axis: int
    stride: int = 1
    offset: int = 0


@dataclass(frozen=True)
class Apply:
    """An elementwise operation on the results of earlier instructions."""

    op: Op
    operands: tuple[int, ...]


@dataclass(frozen=True)
class Reduce:
    """What an earlier instruction gives, combined over the kernel's reduced axes.

    Attributes:
        kind: "sum", "largest", "smallest" (NaN wins in both), "first largest" or
            "first smallest" (the position of it, an int64, counted along the reduced axis;
            NaN counts as largest and as smallest).
        operand: the instruction.
    """

    kind: str
    operand: int


@dataclass(frozen=True)
class Product:
    """An element of a matrix product that the kernel has just computed."""


Action = Load | LoadAt | Literal | Position | Apply | Reduce | Product


@dataclass(frozen=True)
class Instruction:
    """One line of a body: what is computed, and the dtype of the result."""

    action: Action
    dtype: DType


@dataclass(frozen=True)
class Store:
    """Writes the result of an instruction to a buffer, or adds it to what lies there."""

    operand: int
    access: Access
    adds: bool = False


@dataclass(frozen=True)
class Body:
    """What a kernel does at every point: instructions in order, then stores.

    A store may write to the buffer that a load reads, at the same point only.
    """

    instructions: tuple[Instruction, ...]
    stores: tuple[Store, ...]

    @property
    def product(self) -> int:
        """The number of the instruction that stands for an element of the kernel's product."""
        return next(
            number
            for number, instruction in enumerate(self.instructions)
            if isinstance(instruction.action, Product)
        )


def accesses(body: Body) -> Iterator[Access]:
    """All places in buffers that a body reads or writes."""
    for instruction in body.instructions:
        if isinstance(instruction.action, Load | LoadAt):
            yield instruction.action.access
    for store in body.stores:
        yield store.access


def rewritten(
    body: Body, access: Callable[[Access], Access], position: Callable[[Position], Position]
) -> Body:
    """A body for another space.

    Args:
        body: what is changed.
        access: gives the access for the new space.
        position: gives the position in the new space.
    """

    def changed(action: Action) -> Action:
        match action:
            case Load() | LoadAt():
                return replace(action, access=access(action.access))
            case Position():
                return position(action)
        return action

    return Body(
        tuple(
            replace(instruction, action=changed(instruction.action))
            for instruction in body.instructions
        ),
        tuple(replace(store, access=access(store.access)) for store in body.stores),
    )


@dataclass(frozen=True)
class Kernel:
    """The description of a native function.

    Attributes:
        buffers: the dtype of each buffer it is given, in the order of their numbers.
    """

    buffers: tuple[DType, ...]

    def emit(self, emitter: Emitter, name: str) -> None:
        """Write the kernel as the function ``void name(ptr table, ptr operands, i64 thread,
        i64 threads)`` into the emitter's module (see `entry`)."""
        raise NotImplementedError

    @property
    def work(self) -> int:
        """About how many vector instructions one call takes, to decide on sharing it."""
        raise NotImplementedError

    @property
    def is_shareable(self) -> bool:
        """Whether several threads may run it together."""
        return True

    @property
    def operations(self) -> int:
        """How many floating-point operations one call takes; 0 where it only moves data."""
        return 0

    def scratch(self, target: Target) -> int:
        """How many bytes of working memory each thread needs for one call.

        A kernel that needs some is given one more buffer behind its others: `threads` times
        as many bytes, aligned to 64; the part of each thread starts at `thread` times them.
        """
        return 0

    def __str__(self) -> str:
        """The loops in readable form, as `explain` prints them."""
        raise NotImplementedError


# The parameters of every kernel: the table of the program's buffers, the numbers of those
# that this call works on, which thread this is, and how many there are.
PARAMETERS = (
    ("table", "ptr readonly"),
    ("operands", "ptr readonly"),
    ("thread", "i64"),
    ("threads", "i64"),
)


def buffer_pointers(emitter: Emitter, count: int, table: Value, operands: Value) -> list[Value]:
    """The addresses of a kernel's buffers, read when it is entered."""
    pointers = []
    for number in range(count):
        place = emitter.address(operands, "i64", Value(str(number), "i64"))
        entry = emitter.address(table, "ptr", emitter.load("i64", place))
        pointers.append(emitter.load("ptr", entry))
    return pointers


def memory_of(
    kernel: Kernel, emitter: Emitter, table: Value, operands: Value, thread: Value
) -> tuple[list[Value], Value | None]:
    """The addresses of a kernel's buffers, and of this thread's working memory if it asks for
    some (see `Kernel.scratch`)."""
    size = kernel.scratch(emitter.target)
    count = len(kernel.buffers) + (size > 0)
    pointers = buffer_pointers(emitter, count, table, operands)
    if not size:
        return pointers, None
    offset = emitter.multiply(thread, Value(str(size), "i64"))
    return pointers, emitter.address(pointers.pop(), "i8", offset)


def share(emitter: Emitter, count: int, thread: Value, threads: Value) -> tuple[Value, Value]:
    """This thread's part of `count` equal pieces of work: where it starts and stops."""
    whole = Value(str(count), "i64")
    following = emitter.add(thread, Value("1", "i64"))
    start, stop = (
        emitter.divide(emitter.multiply(whole, factor), threads) for factor in (thread, following)
    )
    return start, stop


def same_point(shape: Shape, first: Access, second: Access) -> bool:
    """Whether two accesses meet the same element at every point of a space."""
    return first.offset == second.offset and all(
        size == 1 or one == other
        for size, one, other in zip(shape, first.strides, second.strides, strict=True)
    )
