"""Groups the operations of a graph so that each group becomes one kernel.

The vertices are visited from the results backwards. One that is read at the very point that a
group computes joins it: its value then lives in a register. It is stored in memory too where
others need it, and it may join only if these do not lead back to the group, so that no two
groups wait for each other. Any other vertex begins a group of its own.
"""

import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import NamedTuple

from ..graph import Graph, Vertex
from ..ops import (
    Clone,
    Elementwise,
    Expand,
    Fold,
    Index,
    Largest,
    MatMul,
    Op,
    Pick,
    PlacePicked,
    Reshape,
    Shape,
    Smallest,
    Sum,
    arithmetic,
    elementwise,
    logic,
)
from ..ops.reduce import ArgLargest, Reduction
from .margins import CONVOLUTIONS
from .tracing import STILL, Along, AxisMap, Cut, aligned, alone, covered, in_order, straight, traced
from .views import is_view

REDUCTIONS = (Sum, Largest, Smallest, ArgLargest)
PRODUCTS = (MatMul, *CONVOLUTIONS)

# Of these a value is computed again in every group that needs it, where that takes no more
# loads than the value itself would.
_CHEAP = (elementwise, logic, arithmetic)
_DEAR = (arithmetic.Divide, arithmetic.Power, arithmetic.Remainder, arithmetic.FloorDivide)

# A reduction joins what it is spread over again only if the kept points are enough to share
# among threads, or the whole space is small anyway.
_ENOUGH_POINTS = 16
_SMALL_SPACE = 1 << 14

# A value so many times smaller than what it meets is found in the cache.
_FEW = 16

# How many values before a reduction are looked through for what it shares with others.
_NEAR = 24


@dataclass(eq=False)
class Group:
    """Vertices that one kernel computes, point by point of a common space.

    Attributes:
        sizes: the axes of the space in order, each with the number of its points.
        running: where the kernel stands along the axes that the group's reductions run over.
        members: each vertex with where the kernel stands in it.
        stored: the members whose values are written to memory.
        product: the member that is a matrix product or a convolution, if one is.
    """

    sizes: dict[int, int]
    running: AxisMap = ()
    members: dict[Vertex, AxisMap] = field(default_factory=dict)
    stored: list[Vertex] = field(default_factory=list)
    product: Vertex | None = None
    # Axes that have become two: the outer one, the inner one, and the size of that.
    _cuts: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        """The sizes of the space's axes."""
        return tuple(self.sizes.values())

    @property
    def reduced(self) -> tuple[int, ...]:
        """The axes that the group's reductions run over."""
        axes = {axis for along in self.running for axis, _ in along.steps}
        return tuple(axis for axis in self.sizes if axis in axes)

    @property
    def kept(self) -> frozenset[int]:
        """The axes, without those of one point, that no reduction runs over."""
        reduced = self.reduced
        return frozenset(
            axis for axis, size in self.sizes.items() if size != 1 and axis not in reduced
        )

    def traced(self, op: Op, axes: AxisMap, shape: Shape) -> AxisMap | None:
        """Where the kernel stands in the operand of a movement (see `traced`); where that needs
        it, axes are cut in two."""
        while True:
            found = traced(op, self.resolved(axes), shape, self.sizes)
            if not isinstance(found, Cut):
                return found
            if self.product is not None:
                return None
            self._cut(*found)

    def _cut(self, axis: int, size: int) -> None:
        outer = max(*self.sizes, *self._cuts, axis) + 1
        inner = outer + 1
        parts = {outer: self.sizes[axis] // size, inner: size}
        self._cuts[axis] = outer, inner, size
        sizes: dict[int, int] = {}
        for other, points in self.sizes.items():
            sizes.update(parts if other == axis else {other: points})
        self.sizes = sizes
        self.members = {vertex: self.resolved(axes) for vertex, axes in self.members.items()}
        self.running = self.resolved(self.running)

    def resolved(self, axes: AxisMap) -> AxisMap:
        """A map in the axes that there are now, some of which may be parts of former ones."""
        if not self._cuts:
            return axes
        return tuple(
            in_order(along._replace(steps=tuple(self._parts(along.steps)))) for along in axes
        )

    def _parts(self, steps: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        for axis, step in steps:
            if axis in self._cuts:
                outer, inner, size = self._cuts[axis]
                yield from self._parts(((outer, step * size), (inner, step)))
            else:
                yield axis, step

    def settle(self) -> None:
        """Number the axes from 0 on, in order."""
        number = {axis: place for place, axis in enumerate(self.sizes)}

        def renamed(axes: AxisMap) -> AxisMap:
            return tuple(
                in_order(Along(tuple((number[a], step) for a, step in along.steps), along.start))
                for along in axes
            )

        self.members = {vertex: renamed(axes) for vertex, axes in self.members.items()}
        self.running = renamed(self.running)
        self.sizes = dict(enumerate(self.sizes.values()))
        self._cuts = {}

    def place(self, vertex: Vertex, axes: AxisMap, *, stored: bool) -> bool:
        """Take a vertex in, if it fits, and say whether it did."""
        axes = self.resolved(axes)
        if vertex in self.members:
            return self.members[vertex] == axes and not stored
        if isinstance(vertex.op, PRODUCTS):
            fits = self._take_product(vertex, axes)
        elif isinstance(vertex.op, REDUCTIONS):
            fits = self._take_reduction(vertex, axes)
        else:
            fits = self._covers(vertex, axes) or (not stored and is_cheap(vertex))
            fits = fits or self._awaits_reduction(vertex, axes)
        if fits:
            self.members[vertex] = axes
            if stored:
                self.stored.append(vertex)
        return fits

    def _covers(self, vertex: Vertex, axes: AxisMap) -> bool:
        """Whether a value along these axes has one element for each point of the space, or
        one for each point that the reductions keep."""
        found = covered(axes, vertex.shape, self.sizes)
        everything = frozenset(axis for axis, size in self.sizes.items() if size != 1)
        return found == everything or (bool(self.running) and found == self.kept)

    def _awaits_reduction(self, vertex: Vertex, axes: AxisMap) -> bool:
        """Whether a value with one element for each row comes of a reduction of the rows,
        which can then join too."""
        if self.running or self.product is not None:
            return False
        reduction = _reduction_below(vertex)
        return reduction is not None and self._take_reduction(reduction, axes)

    @property
    def has_parts(self) -> bool:
        """Whether the reductions leave several axes, so that each is of a part of a whole."""
        return len(self.kept) > 1

    def is_whole(self, vertex: Vertex, axes: AxisMap) -> bool:
        """Whether a value has one element for each point of the space."""
        everything = frozenset(axis for axis, size in self.sizes.items() if size != 1)
        return covered(self.resolved(axes), vertex.shape, self.sizes) == everything

    def _take_product(self, vertex: Vertex, axes: AxisMap) -> bool:
        if self.product is not None or self.running or axes != straight(vertex.shape):
            return False
        if len(axes) != len(self.sizes) or not self._covers(vertex, axes):
            return False
        self.product = vertex
        return True

    def _take_reduction(self, vertex: Vertex, axes: AxisMap) -> bool:
        if self.product is not None or self._adds_up:
            return False
        found = covered(axes, vertex.shape, self.sizes)
        if found is None:
            return False
        shape = vertex.operands[0].shape
        wanted = [shape[axis] for axis in sorted(reduced_axes(vertex.op)) if shape[axis] != 1]
        if self.running:
            return found == self.kept and self.running_along(tuple(wanted)) is not None
        free = [axis for axis, size in self.sizes.items() if size != 1 and axis not in found]
        if free:
            kept = math.prod(self.sizes[axis] for axis in found)
            if kept < _ENOUGH_POINTS and math.prod(self.shape) > _SMALL_SPACE:
                return False
            if [self.sizes[axis] for axis in free] != wanted:
                return False
            self.running = tuple(map(alone, free))
            return True
        first = max([*self.sizes, *self._cuts], default=-1) + 1
        added = dict(enumerate(wanted, start=first))
        self.sizes |= added
        self.running = tuple(map(alone, added))
        return True

    @property
    def _adds_up(self) -> bool:
        """Whether windows are added up; a pass for each reduction would be one over each."""
        return any(isinstance(vertex.op, Fold) for vertex in self.stored)

    def running_along(self, sizes: Shape) -> AxisMap | None:
        """Where the kernel stands along reduced axes of these sizes."""
        have = tuple(math.prod(self.sizes[a] for a, _ in along.steps) for along in self.running)
        if have == sizes:
            return self.running
        if math.prod(have) != math.prod(sizes):
            return None
        return self.traced(Reshape(have), self.running, sizes)


class Use(NamedTuple):
    """That a value is read: by whom, and along which axes of a group's space.

    The axes are None where the reader needs the value in memory.
    """

    reader: "Group | Vertex"
    axes: AxisMap | None = None

    def now(self) -> "Use":
        """The same in the axes that the group has now."""
        if isinstance(self.reader, Vertex) or self.axes is None:
            return self
        return self._replace(axes=self.reader.resolved(self.axes))


def is_fusable(vertex: Vertex) -> bool:
    """Whether the vertex is computed point by point, in a loop with others."""
    op = vertex.op
    if isinstance(op, Elementwise):
        return has_expression(op)
    if isinstance(op, Index):
        return reads_along_neighbours(op)
    if isinstance(op, CONVOLUTIONS):
        return vertex.dtype.kind == "f"
    return isinstance(op, (Fold, Pick, PlacePicked, MatMul, *REDUCTIONS))


def has_expression(op: Op) -> bool:
    """Whether an operation says how it is computed on a single number."""
    return isinstance(op, Elementwise) and type(op).expression is not Elementwise.expression


def reads_along_neighbours(op: Index) -> bool:
    """Whether the indexed axes lie side by side, so that the index's axes take their place."""
    return list(op.axes) == list(range(op.axes[0], op.axes[0] + len(op.axes)))


def is_cheap(vertex: Vertex) -> bool:
    """Whether computing the value again takes no longer than loading it."""
    op = vertex.op
    if not isinstance(op, Elementwise) or isinstance(op, _DEAR):
        return False
    if type(op).__module__ not in {module.__name__ for module in _CHEAP}:
        return False
    size = math.prod(vertex.shape)
    large = [one for one in set(vertex.operands) if _is_large(one, size)]
    return len(large) <= 1


def _is_large(vertex: Vertex, size: int) -> bool:
    """Whether loading a value costs about as much as loading so many elements."""
    while isinstance(vertex.op, Expand):
        vertex = vertex.operands[0]
    count = math.prod(vertex.shape)
    return count > 1 and size < count * _FEW


def _reduction_below(vertex: Vertex) -> Vertex | None:
    """The reduction that an elementwise computation of the same shape starts from, if any."""
    for operand in vertex.operands:
        if operand.shape != vertex.shape:
            continue
        if isinstance(operand.op, REDUCTIONS):
            return operand
        if isinstance(operand.op, Elementwise):
            found = _reduction_below(operand)
            if found is not None:
                return found
    return None


def reduced_axes(op: Op | None) -> tuple[int, ...]:
    """The axes that a reduction runs over."""
    return op.axes if isinstance(op, Reduction) else (op.axis,)  # type: ignore[union-attr]


def fuse(graph: Graph) -> list[Group | Vertex]:
    """Group a graph's vertices into kernels.

    Returns:
        The groups, and the vertices that are computed whole, each after those it depends on.
    """
    return _Fusion(graph).units()


class _Fusion:
    """The groups while they grow, from the results backwards."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._uses: dict[Vertex, list[Use]] = {}
        # For each unit, those that need what it stores.
        self._readers: dict[Group | Vertex, set[Group | Vertex]] = {}

    def units(self) -> list[Group | Vertex]:
        """All units, each after those whose results it needs."""
        results = set(self._graph.outputs)
        for vertex in _backwards(self._graph):
            if vertex.op is None or is_view(vertex.op):
                continue
            uses = list(dict.fromkeys(use.now() for use in self._uses.get(vertex, [])))
            if not is_fusable(vertex):
                self._readers[vertex] = {use.reader for use in uses}
                for operand in vertex.operands:
                    self._note(operand, Use(vertex))
                continue
            groups = self._join(vertex, uses, is_result=vertex in results)
            for group in groups:
                for operand, axes in operands_of(group, vertex):
                    self._note(operand, Use(group, axes))
        for unit in self._readers:
            if isinstance(unit, Group):
                unit.settle()
        order = TopologicalSorter(self._writers())
        return list(order.static_order())

    def _writers(self) -> dict[Group | Vertex, list[Group | Vertex]]:
        writers: dict[Group | Vertex, list[Group | Vertex]] = {
            unit: [] for unit in reversed(self._readers)
        }
        for unit, readers in self._readers.items():
            for reader in readers:
                writers[reader].append(unit)
        return writers

    def _join(self, vertex: Vertex, uses: list[Use], *, is_result: bool) -> list[Group]:
        """The groups in which a vertex is computed: its readers', or one of its own."""
        soft = [use for use in uses if use.axes is not None]
        groups = {use.reader for use in soft}
        if len(groups) == len(uses) > 1 and not is_result and is_cheap(vertex):
            for use in soft:
                use.reader.place(vertex, use.axes, stored=False)  # type: ignore[union-attr,arg-type]
            return [use.reader for use in soft]  # type: ignore[misc]
        for group, axes in soft:
            assert isinstance(group, Group)
            assert axes is not None
            if isinstance(vertex.op, Fold):
                continue  # what is added up is known only when all of it is
            others = {use.reader for use in uses} - {group}
            stored = is_result or bool(others)
            # A value that others need too is worth joining for only where nothing has decided
            # yet what the group's loops look like.
            is_open = group.product is None and (
                not group.running or (group.has_parts and group.is_whole(vertex, axes))
            )
            if (others and not is_open) or [use.reader for use in uses].count(group) > 1:
                continue
            if self._leads_to(others, group):
                continue
            if group.place(vertex, axes, stored=stored):
                self._readers[group] |= others
                return [group]
        readers = {use.reader for use in uses}
        for group, axes in self._siblings(vertex):
            if group in readers or self._leads_to(readers, group):
                continue
            if group.place(vertex, axes, stored=True):
                self._readers[group] |= readers
                return [group]
        group = _begin(vertex)
        self._readers[group] = {use.reader for use in uses}
        return [group]

    def _siblings(self, vertex: Vertex) -> Iterator[tuple[Group, AxisMap]]:
        """The groups with a reduction of what this one reduces, each with where their kernel
        would stand in its result: one pass over memory serves both."""
        if not isinstance(vertex.op, REDUCTIONS):
            return
        sources = _sources(vertex)
        for group in self._readers:
            if isinstance(group, Vertex) or group.product is not None:
                continue
            for member in list(group.members):
                if not isinstance(member.op, REDUCTIONS) or _kept(member) != _kept(vertex):
                    continue
                if sources.isdisjoint(_sources(member)):
                    continue
                place = group.traced(Reshape(member.shape), group.members[member], vertex.shape)
                if place is not None:
                    yield group, place
                    break

    def _leads_to(self, units: set[Group | Vertex], goal: Group) -> bool:
        """Whether `goal` needs, directly or not, what one of the units stores."""
        seen, waiting = set(units), list(units)
        while waiting:
            for reader in self._readers[waiting.pop()]:
                if reader is goal:
                    return True
                if reader not in seen:
                    seen.add(reader)
                    waiting.append(reader)
        return False

    def _note(self, operand: Vertex, use: Use) -> None:
        """Note that a value is read, following movements back to what they move."""
        while is_view(operand.op):
            if use.axes is not None:
                shape = operand.operands[0].shape
                axes = use.reader.traced(operand.op, use.axes, shape)  # type: ignore
                use = Use(use.reader, axes)
            operand = operand.operands[0]
        self._uses.setdefault(operand, []).append(use)


def _backwards(graph: Graph) -> Iterator[Vertex]:
    """A graph's vertices from the results backwards; what says which element is the largest
    comes after the largest itself, so that it can join that in its group."""
    vertices = graph.vertices()[::-1]
    number = {vertex: place for place, vertex in enumerate(vertices)}
    following: dict[Vertex, set[Vertex]] = {vertex: set(vertex.operands) for vertex in vertices}
    largest = {_copied(one): one for one in vertices if isinstance(one.op, Largest)}
    for vertex in vertices:
        if isinstance(vertex.op, ArgLargest) and _copied(vertex) in largest:
            following[largest[_copied(vertex)]].add(vertex)
    waits_for = dict.fromkeys(vertices, 0)
    for later in following.values():
        for vertex in later:
            waits_for[vertex] += 1
    ready = [number[vertex] for vertex in vertices if not waits_for[vertex]]
    while ready:
        vertex = vertices[heapq.heappop(ready)]
        yield vertex
        for other in following[vertex]:
            waits_for[other] -= 1
            if not waits_for[other]:
                heapq.heappush(ready, number[other])


def _copied(reduction: Vertex) -> Vertex:
    """The value that a reduction runs over, before it was moved or copied."""
    vertex = reduction.operands[0]
    while is_view(vertex.op) or isinstance(vertex.op, Clone):
        vertex = vertex.operands[0]
    return vertex


def _sources(reduction: Vertex) -> set[Vertex]:
    """The large values that a reduction is computed from, near to it."""
    size = math.prod(reduction.operands[0].shape)
    found: set[Vertex] = set()
    waiting = [reduction.operands[0]]
    while waiting and len(found) < _NEAR:
        vertex = waiting.pop()
        found.add(vertex)
        if is_view(vertex.op) or isinstance(vertex.op, (Elementwise, *REDUCTIONS)):
            waiting += [one for one in vertex.operands if math.prod(one.shape) * _FEW > size]
    return found


def _kept(reduction: Vertex) -> list[tuple[int, int]]:
    """The axes of a reduction's operand that are left, with their sizes."""
    gone = reduced_axes(reduction.op)
    shape = reduction.operands[0].shape
    return [(axis, n) for axis, n in enumerate(shape) if n != 1 and axis not in gone]


def _begin(vertex: Vertex) -> Group:
    if isinstance(vertex.op, Fold):
        # The points are those of the operand; their values are added up where they are stored.
        shape = vertex.operands[0].shape
        return Group(dict(enumerate(shape)), (), {vertex: straight(shape)}, [vertex])
    group = Group(dict(enumerate(vertex.shape)))
    group.place(vertex, straight(vertex.shape), stored=True)
    return group


def operands_of(group: Group, vertex: Vertex) -> Iterator[tuple[Vertex, AxisMap | None]]:
    """A member's operands, each with the kernel axes along which the member reads it.

    The axes are None for an operand that is read elsewhere than at the kernel's point, which
    has to lie in memory.
    """
    axes = group.members[vertex]
    op, operands, shape = vertex.op, vertex.operands, vertex.shape
    match op:
        case _ if isinstance(op, PRODUCTS):
            yield operands[0], None
            yield operands[1], None
            for bias in operands[2:]:
                yield bias, aligned(axes, shape, bias.shape)
        case Reduction() | ArgLargest():
            yield operands[0], _spread(group, op, axes, operands[0].shape)
        case Fold():
            yield operands[0], axes
        case Pick():
            yield operands[0], None
            yield operands[1], axes
        case PlacePicked(axis):
            for operand in operands:
                yield operand, axes[:axis] + axes[axis + 1 :]
        case Index():
            yield operands[0], None
            first = op.axes[0]
            rank = len(shape) - (len(operands[0].shape) - len(op.axes))
            inner, index_shape = axes[first : first + rank], shape[first : first + rank]
            for index in operands[1:]:
                yield index, aligned(inner, index_shape, index.shape)
        case _:
            for operand in operands:
                yield operand, aligned(axes, shape, operand.shape)


def _spread(group: Group, op: Op | None, axes: AxisMap, shape: Shape) -> AxisMap:
    """The kernel axes along a reduction's operand, given those along its result."""
    reduced = set(reduced_axes(op))
    wanted = tuple(size for place, size in enumerate(shape) if place in reduced and size != 1)
    along = group.running_along(wanted)
    assert along is not None, "a member's reduction fits the group's"
    running = iter(along)
    if op.keepdims:  # type: ignore[union-attr]
        kept = iter([axis for place, axis in enumerate(axes) if place not in reduced])
    else:
        kept = iter(axes)
    return tuple(
        (next(running) if size != 1 else STILL) if place in reduced else next(kept)
        for place, size in enumerate(shape)
    )
