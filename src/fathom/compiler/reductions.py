"""How the elements of a reduction are combined, whatever loops run over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .emitter import Emitter, lanes_of
from .kernel import DType
from .lanes import Lanes, literal_lanes

INT32, INT64 = np.dtype("int32"), np.dtype("int64")
BYTE = np.dtype("int8")

# What is carried from element to element: the result so far, and for the kinds that ask for
# a place also where it was met.
State = tuple[Lanes, ...]


@dataclass(frozen=True)
class Reduction:
    """One kind of reduction of elements of one dtype.

    Attributes:
        kind: as in `Reduce`.
        dtype: of the elements.
        count: how many there are; None where that is not known.
    """

    kind: str
    dtype: DType
    count: int | None = None

    @property
    def gives_place(self) -> bool:
        """Whether the result is where the element was, not the element."""
        return self.kind.startswith("first")

    @property
    def rounds(self) -> bool:
        """Whether it matters in which order elements are combined."""
        return self.kind == "sum" and self.dtype.kind == "f"

    def identity(self, emitter: Emitter, lanes: int) -> State:
        """What changes nothing when it is combined with an element."""
        start = literal_lanes(emitter, self._neutral(), self._held, lanes)
        if self.gives_place:
            # Whatever is not beaten by an element is equal to all of them: the first is met.
            return start, literal_lanes(emitter, 0, self.place, lanes)
        return (start,)

    def _neutral(self) -> Any:
        if self.kind == "sum":
            return 0
        largest = self.kind.endswith("largest")
        if self.dtype.kind == "f":
            return -np.inf if largest else np.inf
        if self.dtype.kind == "b":
            return not largest
        limits = np.iinfo(self.dtype)
        return limits.min if largest else limits.max

    @property
    def _held(self) -> DType:
        """The dtype of the elements while they are combined."""
        return BYTE if self.dtype.kind == "b" and self.gives_place else self.dtype

    @property
    def place(self) -> DType:
        """The dtype of places while elements are combined."""
        is_small = self.count is not None and self.count < 2**31
        return INT32 if is_small else INT64

    @property
    def dtypes(self) -> tuple[DType, ...]:
        """The dtypes of the parts of a state."""
        return (self._held, self.place) if self.gives_place else (self._held,)

    def element(self, value: Lanes, place: Lanes) -> State:
        """An element and its number, ready to be combined where places are asked for."""
        return value.cast(self._held), place

    def combine(self, before: State, after: State, *, in_order: bool = False) -> State:
        """Two partial results made one.

        Args:
            before: one of them.
            after: the other.
            in_order: whether all places of the second come after those of the first.
        """
        a, b = before[0], after[0]
        if self.kind == "sum":
            return (a + b,)
        if self.dtype.kind == "b" and not self.gives_place:
            return (a | b if self.kind == "largest" else a & b,)
        if not self.gives_place:
            return (a.maximum(b) if self.kind == "largest" else a.minimum(b),)
        loses = b <= a if self.kind == "first largest" else b >= a
        wins = ~(loses | a.isnan())  # NaN loses no comparison
        if not in_order:
            alike = a == b
            if self.dtype.kind == "f":
                alike = alike | (a.isnan() & b.isnan())
            wins = wins | (alike & (after[1] < before[1]))
        return wins.select(b, a), wins.select(after[1], before[1])

    def combine_all(self, states: Sequence[State]) -> State:
        """Partial results made one, in a tree."""
        states = list(states)
        while len(states) > 1:
            pairs = zip(states[::2], states[1::2], strict=False)
            left = states[-1:] if len(states) % 2 else []
            states = [*(self.combine(*pair) for pair in pairs), *left]
        return states[0]

    def across(self, state: State) -> State:
        """The lanes of a partial result combined to a single one, in a tree."""
        while (lanes := lanes_of(state[0].value.type)) > 1:
            state = self.combine(_half(state, 0, lanes // 2), _half(state, lanes // 2, lanes))
        return state

    def result(self, state: State) -> Lanes:
        """What the reduction gives, when all elements are combined."""
        return state[-1].cast(INT64) if self.gives_place else state[-1]


def _half(state: State, start: int, stop: int) -> State:
    """Some neighbouring lanes of each part."""
    halves = []
    for part in state:
        emitter = part.emitter
        if stop - start == 1:
            value = emitter.extract(part.value, start)
        else:
            value = emitter.shuffle(part.value, part.value, range(start, stop))
        halves.append(Lanes(emitter, value, part.dtype))
    return tuple(halves)
