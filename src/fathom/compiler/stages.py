"""In which order a kernel's loops run, and what is computed inside which of them.

Reductions make a kernel run several times over its reduced axes: a value that depends on the
result of a reduction can only be computed in a later pass over the same elements. So a
log-softmax takes three passes over each row: its largest element; the sum of the exponentials
of the distances to that; and the results.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from ..ops import Shape
from .axes import accesses
from .body import varying
from .costs import cost_of_access, cost_of_instruction
from .dependencies import closure, operands_of, without_reductions
from .kernel import Apply, Body, Load, LoadAt, Reduce, Store
from .reductions import Reduction
from .target import Target

# What takes more instructions is kept for the next pass, in so many bytes at most.
_CHEAP = 8
_LARGEST_SCRATCH = 16 * 1024

# How many vectors are treated together, by the cost of one: enough that the processor does
# not wait for the result of one instruction before it starts another.
_TOGETHER_FOR_COST = ((8, 8), (16, 4), (80, 2))

# A loop that threads share has so many parts, if any has.
_ENOUGH_PARTS = 32


@dataclass(frozen=True)
class Pass:
    """One run over the reduced axes.

    Attributes:
        reduces: the numbers of the `Reduce` instructions that take their elements.
        stores: what is written at every point.
        computed: the instructions that run at every point, or in some of the inner loops.
        saved: those of them whose results a later pass finds in the scratch memory.
        recalled: the results that are found there.
    """

    reduces: tuple[int, ...]
    stores: tuple[Store, ...]
    computed: frozenset[int]
    saved: frozenset[int] = frozenset()
    recalled: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Stages:
    """The order of a kernel's work.

    Loops over kept axes are outside, those over reduced axes inside; the space's last axis is
    the one that vectors lie along, whichever it is.

    Attributes:
        shape: the axes of the space.
        reduced: those that reductions run over.
        body: the instructions.
        target: the processor.
    """

    shape: Shape
    reduced: tuple[int, ...]
    body: Body
    target: Target

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The axes of the loops, outermost first."""
        kept = [axis for axis in range(len(self.shape)) if axis not in self.reduced]
        if self.walks_sideways:
            # What a vector takes from many lines of memory, the next one takes beside it.
            kept = [*kept[:-2], kept[-1], kept[-2]]
        return (*kept, *sorted(self.reduced))

    @cached_property
    def walks_sideways(self) -> bool:
        """Whether neighbours along the last axis lie far apart, but not along that before it."""
        if self.reduced or len(self.shape) == 1:
            return False
        strides = [access.strides[-2:] for access in accesses(self.body)]
        return any(abs(one) < abs(other) and other != 1 for one, other in strides if one)

    @cached_property
    def kept(self) -> int:
        """How many of the loops run over kept axes."""
        return len(self.shape) - len(self.reduced)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return any(self.shape[axis] == 0 for axis in self.order[: self.kept])

    @property
    def along(self) -> int:
        """The axis that vectors lie along."""
        return len(self.shape) - 1

    @property
    def is_along_rows(self) -> bool:
        """Whether vectors hold elements that are reduced with each other."""
        return self.along in self.reduced

    @cached_property
    def depth(self) -> tuple[int, ...]:
        """For each instruction, how many of the loops it lies in."""
        depth = [0] * len(self.body.instructions)
        for number, axis in enumerate(self.order, start=1):
            body = self.body if number <= self.kept else without_reductions(self.body)
            for position in varying(body, {axis}):
                depth[position] = number
        for number, instruction in enumerate(self.body.instructions):
            match instruction.action:
                case Reduce():
                    depth[number] = self.kept
                case Apply(_, operands):
                    depth[number] = max([depth[number], *(depth[o] for o in operands)])
                case LoadAt(_, indices):
                    depth[number] = max([depth[number], *(depth[o] for o, _, _ in indices)])
        return tuple(depth)

    @cached_property
    def stage(self) -> tuple[int, ...]:
        """For each instruction, how many passes have to be over before it can run."""
        stage: list[int] = []
        for instruction in self.body.instructions:
            before = max((stage[number] for number in operands_of(instruction)), default=0)
            stage.append(before + isinstance(instruction.action, Reduce))
        return tuple(stage)

    @cached_property
    def needed(self) -> frozenset[int]:
        """The instructions that some store depends on."""
        return closure(self.body, (store.operand for store in self.body.stores))

    @cached_property
    def row_stores(self) -> tuple[Store, ...]:
        """What is written once for each point of the kept axes."""
        return tuple(store for store in self.body.stores if not self._is_full(store))

    def _is_full(self, store: Store) -> bool:
        """Whether a store writes at every point of the reduced axes."""
        return any(store.access.strides[axis] for axis in self.reduced)

    @cached_property
    def passes(self) -> tuple[Pass, ...]:
        """The runs over the reduced axes."""
        if not self.reduced:
            return ()
        reduces = [
            number
            for number, instruction in enumerate(self.body.instructions)
            if isinstance(instruction.action, Reduce) and number in self.needed
        ]
        stores = tuple(store for store in self.body.stores if self._is_full(store))
        count = max((self.stage[number] for number in reduces), default=0)
        if stores:
            # Last, because a store may overwrite what a pass before it has to read.
            count = max([count, 1, *(self.stage[store.operand] + 1 for store in stores)])
        passes = []
        for index in range(count):
            these = tuple(number for number in reduces if self.stage[number] == index + 1)
            written = stores if index == count - 1 else ()
            computed = closure(self.body, self._wanted(these, written), self._rows)
            passes.append(Pass(these, written, computed))
        return self._with_scratch(passes) if self.is_along_rows else tuple(passes)

    def _wanted(self, reduces: Iterable[int], stores: Iterable[Store]) -> list[int]:
        """The results that a pass is made for."""
        return [*map(self.operand, reduces), *(store.operand for store in stores)]

    @cached_property
    def _rows(self) -> frozenset[int]:
        """The instructions that lie outside of all loops over reduced axes."""
        return frozenset(n for n, depth in enumerate(self.depth) if depth <= self.kept)

    def _with_scratch(self, passes: Iterable[Pass]) -> tuple[Pass, ...]:
        """The passes, with what is dear to compute kept from one to the next."""
        points = self.reduced_points + self.target.lanes(1)
        planned: list[Pass] = []
        room, before, kept = _LARGEST_SCRATCH, frozenset[int](), frozenset[int]()
        for one in passes:
            wanted = self._wanted(one.reduces, one.stores)
            dear = kept | frozenset(filter(self._is_dear, one.computed & before))
            reached = dear & closure(self.body, wanted, self._rows, dear)
            recalled = reached & kept
            for number in sorted(reached - kept):
                size = points * self._itemsize(number)
                if size <= room:
                    room -= size
                    recalled |= {number}
            computed = closure(self.body, wanted, self._rows | recalled)
            planned.append(replace(one, computed=computed, recalled=recalled))
            before, kept = before | computed, kept | recalled
        return tuple(replace(one, saved=one.computed & kept) for one in planned)

    @cached_property
    def reduced_points(self) -> int:
        return math.prod(self.shape[axis] for axis in self.reduced)

    def _itemsize(self, number: int) -> int:
        return self.body.instructions[number].dtype.itemsize

    def _is_dear(self, number: int) -> bool:
        """Whether a result is worth a store and a load."""
        return sum(map(self.cost, closure(self.body, [number], self._rows))) > _CHEAP

    def reduction(self, number: int) -> Reduction:
        """What a `Reduce` instruction does."""
        action = self.body.instructions[number].action
        assert isinstance(action, Reduce)
        dtype = self.body.instructions[action.operand].dtype
        return Reduction(action.kind, dtype, self.reduced_points)

    def operand(self, number: int) -> int:
        """What a `Reduce` instruction takes."""
        action = self.body.instructions[number].action
        assert isinstance(action, Reduce)
        return action.operand

    # Vectors

    @cached_property
    def lanes(self) -> int:
        """How many elements a vector holds: as many as fit of the widest that matter."""
        size = self.shape[self.along]
        return min(self.target.lanes(self._widest), 1 << max(size - 1, 0).bit_length())

    @property
    def _widest(self) -> int:
        varies = varying(self.body, {self.along})
        floats = {
            self._itemsize(number)
            for number in varies & self.needed
            if self.body.instructions[number].dtype.kind == "f"
        }
        if floats:
            return max(floats)
        in_memory = {
            self._itemsize(number)
            for number in varies & self.needed
            if isinstance(self.body.instructions[number].action, Load | LoadAt)
        }
        in_memory |= {
            self._itemsize(store.operand)
            for store in self.body.stores
            if store.access.strides[self.along]
        }
        return max(in_memory, default=8)

    @cached_property
    def vectors(self) -> int:
        """How many vectors the elements along the last axis fill."""
        return -(-self.shape[self.along] // self.lanes)

    @cached_property
    def together(self) -> int:
        """How many vectors of results are computed at a time."""
        if self.is_along_rows:
            return 1
        if self.walks_sideways:
            return 1  # each vector keeps as many lines of memory in use as it has lanes
        wanted = self.vectors_for_cost(self.cost_of_point)
        if not self.reduced:
            return max(min(wanted, 4, self.vectors), 1)
        # Some blocks at least, so that there is something to share among threads.
        return max(min(wanted, -(-self.vectors // 4)), 1)

    def vectors_for_cost(self, cost: int) -> int:
        """How many vectors are treated together that cost so much each."""
        return next((count for limit, count in _TOGETHER_FOR_COST if cost <= limit), 1)

    # Sharing

    @cached_property
    def shared(self) -> int | None:
        """The axis whose loop threads share; None where one thread does all."""
        if self.is_empty:
            return None
        kept = self.order[: self.kept]
        parts = {axis: self.shape[axis] for axis in kept if self._is_apart(axis)}
        if self.along in parts:
            parts[self.along] //= self.lanes * self.together
        for axis, count in parts.items():
            if count >= _ENOUGH_PARTS:
                return axis
        count, axis = max(((count, axis) for axis, count in parts.items()), default=(0, 0))
        return axis if count > 1 else None

    def _is_apart(self, axis: int) -> bool:
        """Whether what is added up in memory at different points of an axis never meets."""
        for store in self.body.stores:
            stride, size = abs(store.access.strides[axis]), self.shape[axis]
            reach = 0
            for other, step in enumerate(map(abs, store.access.strides)):
                if other != axis and step % max(stride * size, 1):
                    reach += step * (self.shape[other] - 1)
            if store.adds and reach >= stride:
                return False
        return True

    # Costs

    def cost(self, number: int) -> int:
        """About how many vector instructions an instruction of the body takes."""
        return cost_of_instruction(self.body, number, self.along, self.lanes, self.target)

    def _cost_of_stores(self, stores: Iterable[Store]) -> int:
        return sum(cost_of_access(store.access, self.along, self.lanes) for store in stores)

    @cached_property
    def cost_of_point(self) -> int:
        """About how many instructions the innermost loop takes for a vector."""
        if not self.reduced:
            inner = [n for n in self.needed if self.depth[n] == len(self.order)]
            return sum(map(self.cost, inner)) + self._cost_of_stores(self.body.stores)
        return max((self.cost_of_pass(one) for one in self.passes), default=1)

    def cost_of_pass(self, one: Pass) -> int:
        inner = [n for n in one.computed if self.depth[n] == len(self.order)]
        return (
            sum(map(self.cost, [*inner, *one.reduces]))
            + self._cost_of_stores(one.stores)
            + len(one.recalled)
            + len(one.saved)
        )

    def runs(self, depth: int, outside: int = 0) -> int:
        """How many vectors or single points the loops down to a depth run through.

        Args:
            depth: how many loops these are.
            outside: how many of the outermost are left out.
        """
        return math.prod(
            self.vectors if axis == self.along else self.shape[axis]
            for axis in self.order[outside:depth]
        )

    @cached_property
    def work(self) -> int:
        """About how many vector instructions all the loops take."""
        inside = [number for one in self.passes for number in (*one.computed, *one.reduces)]
        rows = [number for number in self.needed if self.depth[number] <= self.kept]
        total = sum(self.runs(self.depth[number]) * self.cost(number) for number in rows)
        for number in inside:
            is_reduce = isinstance(self.body.instructions[number].action, Reduce)
            depth = len(self.order) if is_reduce else self.depth[number]
            total += self.runs(depth) * self.cost(number)
        for store in self.body.stores:
            depth = len(self.order) if self._is_full(store) else self.kept
            total += self.runs(depth) * self._cost_of_stores([store])
        return max(total, 1)
