"""What the compiler makes of a graph: buffers, and steps that work on them in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..graph import Constant, Input, Vertex
from ..ops import Op
from .kernel import DType, Kernel
from .views import Layout


@dataclass(eq=False)
class Buffer:
    """A piece of memory that holds one value while it is needed.

    Attributes:
        dtype: the type of its elements.
        size: how many it holds.
        source: the graph's vertex whose value it holds; None for scratch memory.
        is_output: whether the value is a result of the graph.
        place: how many bytes behind the arena's start it lies; None for a buffer that lies
            elsewhere: an input, a constant, an output.
        shared_with: the input's buffer whose memory an output takes over.
    """

    dtype: DType
    size: int
    source: Vertex | None = None
    is_output: bool = False
    place: int | None = None
    shared_with: "Buffer | None" = None

    @property
    def root(self) -> "Buffer":
        """The buffer that owns the memory."""
        return self.shared_with or self

    @property
    def is_temporary(self) -> bool:
        """Whether it lies in the arena."""
        return not self.is_output and not isinstance(self.source, Input | Constant)

    @property
    def bytes(self) -> int:
        return self.size * self.dtype.itemsize


@dataclass(eq=False)
class Step:
    """A call of a kernel, or of an operation's evaluation by NumPy where there is none.

    Attributes:
        operands: the buffers it works on.
        written: which of them it writes.
        origins: the lines of the user's code it comes from.
        kernel: the kernel; None for a call back into NumPy.
        op: the operation that NumPy evaluates.
        layouts: for a call back, how the operands lie in their buffers.
        is_shared: whether all threads take part.
        waits: whether the threads meet before it begins.
    """

    operands: tuple[Buffer, ...]
    written: frozenset[Buffer]
    origins: tuple[str, ...] = ()
    kernel: Kernel | None = None
    op: Op | None = None
    layouts: tuple[Layout, ...] = ()
    is_shared: bool = False
    waits: bool = False

    @property
    def read(self) -> frozenset[Buffer]:
        """The buffers it reads (it may write them too)."""
        return frozenset(self.operands) - self.written


@dataclass
class Plan:
    """A program as data.

    Attributes:
        buffers: all of them.
        steps: the steps in order.
        inputs: the buffer of each of the graph's inputs.
        outputs: the buffer of each of its outputs.
        layouts: how each input and output lies in its buffer.
        status: where kernels report an index that is out of range.
        checks: what a report's number stands for.
        arena_bytes: how much memory the temporaries take together.
    """

    buffers: list[Buffer]
    steps: list[Step]
    inputs: Sequence[Buffer]
    outputs: Sequence[Buffer]
    layouts: Mapping[Buffer, Layout]
    status: Buffer
    checks: list[Vertex] = field(default_factory=list)
    arena_bytes: int = 0
