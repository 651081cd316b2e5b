"""Sorting, and the search in what is sorted."""

import math
from dataclasses import dataclass

import numpy as np

from ..ops import Shape
from .emitter import Emitter, Value, Variable, index, number, vector
from .kernel import PARAMETERS, Access, DType, Kernel, buffer_pointers, memory_of, share
from .lanes import Lanes, load_lanes, memory_type, store_lanes
from .listing import counters, element, loops
from .nest import Axis, limits_of, longest, merged, moved, nest
from .target import Target

# How many elements are sorted by counting.
_BLOCK = 16

UINT8 = np.dtype("uint8")


@dataclass(frozen=True)
class ArgSortKernel(Kernel):
    """Writes the indices that sort along an axis, as `ops.ArgSort` does: stably, NaN largest.

    Blocks of a few elements are sorted by counting for each one how many come before it. Such
    sorted runs are then merged in pairs into runs of twice the length, until one is left.
    Threads share the lines.

    Attributes:
        shape: of the source and of the result.
        axis: along which the elements are sorted.
        descending: whether the largest comes first.
        source: where the elements lie.
        result: where the indices go, which are int64.
    """

    shape: Shape
    axis: int
    descending: bool
    source: Access
    result: Access

    def emit(self, emitter: Emitter, name: str) -> None:
        with emitter.function(name, PARAMETERS) as (table, operands, thread, threads):
            if 0 in self.shape:
                return
            buffers, scratch = memory_of(self, emitter, table, operands, thread)
            assert scratch is not None, "a line that is sorted has elements"
            line = _Line(emitter, self, buffers, scratch)
            lines = self._lines()
            shared = longest(lines)
            part = share(emitter, lines[shared].steps, thread, threads)
            start = [index(self.source.offset), index(self.result.offset)]
            with nest(emitter, lines, limits_of(lines, shared, part), start) as (source, result):
                line.sort(source, result)

    def _lines(self) -> list[Axis]:
        """The loops over the other axes."""
        axes = [
            Axis(size, (self.source.strides[axis], self.result.strides[axis]))
            for axis, size in enumerate(self.shape)
            if axis != self.axis
        ]
        return merged(axes) or [Axis(1, (0, 0))]

    @property
    def dtype(self) -> DType:
        """The dtype of the elements."""
        return self.buffers[self.source.buffer]

    @property
    def length(self) -> int:
        """How many elements a line has."""
        return self.shape[self.axis]

    def scratch(self, target: Target) -> int:
        # Two lines of elements and two of their indices; each thread's part is aligned to 64.
        return math.ceil(2 * self.length * (8 + self.dtype.itemsize) / 64) * 64

    @property
    def is_shareable(self) -> bool:
        lines = self._lines()
        return lines[longest(lines)].steps > 1

    @property
    def work(self) -> int:
        doublings = (max(self.length - 1, 0) // _BLOCK).bit_length()
        return math.prod(self.shape) * (10 + 15 * doublings)

    def __str__(self) -> str:
        names = counters(len(self.shape))
        line = names.copy()
        line[self.axis] = f"0..{self.length - 1}"
        order = "descending" if self.descending else "ascending"
        return (
            f"{loops(names, self.shape)}\n"
            f"    {element(self.result, names)} = argsort({element(self.source, line)}, {order})"
            f"[{names[self.axis]}]  # {self.dtype}"
        )


class _Line:
    """Writes the sort of one line.

    Args:
        kernel: says what is sorted.
        buffers: the addresses of the kernel's buffers.
        memory: the address of the thread's working memory.
    """

    def __init__(
        self, emitter: Emitter, kernel: ArgSortKernel, buffers: list[Value], memory: Value
    ) -> None:
        self._emitter = emitter
        self._kernel = kernel
        self._source = buffers[kernel.source.buffer]
        self._result = buffers[kernel.result.buffer]
        # Bools are sorted as the bytes that hold them.
        self._held = UINT8 if kernel.dtype.kind == "b" else kernel.dtype
        length = kernel.length
        # Indices first: they need the better alignment.
        self._orders = [emitter.address(memory, "i64", index(k * length)) for k in range(2)]
        elements = emitter.address(memory, "i64", index(2 * length))
        type = memory_type(kernel.dtype, 1)
        self._elements = [emitter.address(elements, type, index(k * length)) for k in range(2)]

    def sort(self, source: Value, result: Value) -> None:
        """Sort the line that starts at these places of source and result."""
        emitter, kernel, length = self._emitter, self._kernel, index(self._kernel.length)
        strides = [access.strides[kernel.axis] for access in (kernel.source, kernel.result)]
        with emitter.loop(index(0), length) as step:
            (place,) = moved(emitter, [source], step, strides[:1])
            self._write(self._read(self._source, place), self._elements[1], step)
        whole, rest = divmod(kernel.length, _BLOCK)
        with emitter.loop(index(0), index(whole)) as block:
            self._sort_block(emitter.multiply(block, index(_BLOCK)), _BLOCK)
        if rest:
            self._sort_block(index(whole * _BLOCK), rest)
        runs = [emitter.variable(place) for place in (*self._elements, *self._orders)]
        blocks = whole + (rest > 0)
        with emitter.loop(index(0), index((blocks - 1).bit_length())) as doublings:
            self._merge_runs(emitter.bits("shl", index(_BLOCK), doublings), runs)
            for first, second in (runs[:2], runs[2:]):
                held = emitter.read(first)
                emitter.assign(first, emitter.read(second))
                emitter.assign(second, held)
        order = emitter.read(runs[2])
        with emitter.loop(index(0), length) as step:
            (place,) = moved(emitter, [result], step, strides[1:])
            found = emitter.load("i64", emitter.address(order, "i64", step))
            emitter.store(found, emitter.address(self._result, "i64", place))

    def _sort_block(self, start: Value, count: int) -> None:
        """Sort the `count` elements from `start` on, from the second line into the first."""
        emitter, dtype = self._emitter, self._held
        mask = emitter.mask(_BLOCK, index(count))
        place = emitter.address(self._elements[1], memory_type(dtype, 1), start)
        elements = load_lanes(emitter, dtype, place, _BLOCK, mask)
        rank = number(0, vector("i64", _BLOCK))
        for lane in range(count):
            one = Lanes(emitter, emitter.extract(elements.value, lane), dtype).spread(_BLOCK)
            # Before those that follow it comes what has to stay there, before the others what
            # has to be moved there.
            is_later = emitter.compare("sgt", emitter.lane_numbers(_BLOCK), number(lane, rank.type))
            stays, moves = self._are_in_order(one, elements), ~self._are_in_order(elements, one)
            comes_before = emitter.select(is_later, stays.value, moves.value)
            rank = emitter.add(rank, emitter.convert("zext", comes_before, rank.type))
        places = emitter.add(rank, emitter.splat(start, _BLOCK))
        into = emitter.addresses(self._elements[0], memory_type(dtype, 1), places)
        emitter.scatter(elements.value, into, mask)
        order = emitter.add(emitter.lane_numbers(_BLOCK), emitter.splat(start, _BLOCK))
        emitter.scatter(order, emitter.addresses(self._orders[0], "i64", places), mask)

    def _merge_runs(self, width: Value, runs: list[Variable]) -> None:
        """Merge neighbouring runs of `width` sorted elements into one.

        Args:
            runs: the addresses of the elements to read and to write, and of their indices.
        """
        emitter, length = self._emitter, index(self._kernel.length)
        elements, written, order, reordered = map(emitter.read, runs)
        pair = emitter.add(width, width)
        pairs = emitter.divide(
            emitter.add(pair, index(self._kernel.length - 1)), pair, signed=False
        )
        with emitter.loop(index(0), pairs) as position:
            start = emitter.multiply(position, pair)
            middle = emitter.intrinsic("smin", "i64", emitter.add(start, width), length)
            stop = emitter.intrinsic("smin", "i64", emitter.add(start, pair), length)
            left, right = emitter.variable(start), emitter.variable(middle)
            with emitter.loop(start, stop) as place:
                one, two = emitter.read(left), emitter.read(right)
                # Behind the end of the right run may be nothing to read.
                readable = emitter.intrinsic("smin", "i64", two, index(self._kernel.length - 1))
                first, second = self._read(elements, one), self._read(elements, readable)
                may_come_first = emitter.bits(
                    "or", self._are_in_order(first, second).value, emitter.compare("sge", two, stop)
                )
                takes_left = emitter.bits(
                    "and", emitter.compare("slt", one, middle), may_come_first
                )
                chosen = emitter.select(takes_left, one, two)
                self._write(self._read(elements, chosen), written, place)
                found = emitter.load("i64", emitter.address(order, "i64", chosen))
                emitter.store(found, emitter.address(reordered, "i64", place))
                step = emitter.convert("zext", takes_left, "i64")
                emitter.assign(left, emitter.add(one, step))
                emitter.assign(right, emitter.add(two, emitter.subtract(index(1), step)))

    def _are_in_order(self, first: Lanes, second: Lanes) -> Lanes:
        """Whether the first of two elements, which came first, has to stay so."""
        if self._kernel.descending:
            first, second = second, first
        ordered = first <= second
        return ordered | second.isnan() if self._kernel.dtype.kind == "f" else ordered

    def _read(self, base: Value, place: Value) -> Lanes:
        address = self._emitter.address(base, memory_type(self._held, 1), place)
        return load_lanes(self._emitter, self._held, address, 1)

    def _write(self, value: Lanes, base: Value, place: Value) -> None:
        type = memory_type(self._held, 1)
        store_lanes(value, self._emitter.address(base, type, place))


@dataclass(frozen=True)
class SearchSortedKernel(Kernel):
    """Writes the places at which values keep ascending sequences ascending.

    It gives what `ops.SearchSorted` gives, for sequences and values of the same dtype. NaN
    counts as largest.

    Attributes:
        right: whether the place lies behind equal elements.
        shape: of the values and of the result.
        size: how many elements a sequence has.
        sequences: where the elements lie: along all axes of the values but the last, and
            then along the sequence.
        values: where the values lie.
        result: where the places go, which are int64.
    """

    right: bool
    shape: Shape
    size: int
    sequences: Access
    values: Access
    result: Access

    def emit(self, emitter: Emitter, name: str) -> None:
        axes = self._axes()
        type = memory_type(self.dtype, 1)
        accesses = (self.sequences, self.values, self.result)
        with emitter.function(name, PARAMETERS) as (table, operands, thread, threads):
            buffers = buffer_pointers(emitter, len(self.buffers), table, operands)
            sequences, values, result = (buffers[access.buffer] for access in accesses)
            shared = longest(axes)
            part = share(emitter, axes[shared].steps, thread, threads)
            start = [index(access.offset) for access in accesses]
            with nest(emitter, axes, limits_of(axes, shared, part), start) as places:
                address = emitter.address(values, type, places[1])
                value = load_lanes(emitter, self.dtype, address, 1)
                found = self._search(emitter, sequences, places[0], value)
                emitter.store(found, emitter.address(result, "i64", places[2]))

    def _search(self, emitter: Emitter, sequences: Value, start: Value, value: Lanes) -> Value:
        """How many elements of the sequence that begins at `start` come before a value."""
        found = emitter.variable(index(0))
        # Steps of falling powers of two: each is taken if all elements in it come before.
        doublings = self.size.bit_length()
        with emitter.loop(index(0), index(doublings)) as halvings:
            step = emitter.bits("lshr", index((1 << doublings) >> 1), halvings)
            before = emitter.read(found)
            after = emitter.add(before, step)
            exists = emitter.compare("sle", after, index(self.size))
            with emitter.when(exists):
                last = emitter.subtract(after, index(1))
                (place,) = moved(emitter, [start], last, self.sequences.strides[-1:])
                address = emitter.address(sequences, memory_type(self.dtype, 1), place)
                comes_before = self._comes_before(
                    load_lanes(emitter, self.dtype, address, 1), value
                )
                emitter.assign(found, emitter.select(comes_before.value, after, before))
        return emitter.read(found)

    def _comes_before(self, member: Lanes, value: Lanes) -> Lanes:
        """Whether the value's place is behind an element of the sequence."""
        before = member <= value if self.right else member < value
        if self.dtype.kind != "f":
            return before
        # All but NaN come before NaN, and NaN comes before a place to its right.
        return before | (value.isnan() if self.right else value.isnan() & ~member.isnan())

    def _axes(self) -> list[Axis]:
        of_sequences = (*self.sequences.strides[:-1], 0)[: len(self.shape)]
        strides = zip(of_sequences, self.values.strides, self.result.strides, strict=True)
        axes = [Axis(size, steps) for size, steps in zip(self.shape, strides, strict=True)]
        return merged(axes) or [Axis(1, (0, 0, 0))]

    @property
    def dtype(self) -> DType:
        """The dtype of sequences and values."""
        return self.buffers[self.values.buffer]

    @property
    def is_shareable(self) -> bool:
        axes = self._axes()
        return axes[longest(axes)].steps > 1

    @property
    def work(self) -> int:
        return 10 * math.prod(self.shape) * self.size.bit_length()

    def __str__(self) -> str:
        names = counters(len(self.shape))
        sequence = element(self.sequences, [*names[:-1], f"0..{self.size - 1}"])
        side = "right" if self.right else "left"
        return (
            f"{loops(names, self.shape)}\n"
            f"    {element(self.result, names)} = searchsorted({sequence}, "
            f"{element(self.values, names)}, {side})  # {self.dtype}"
        )
