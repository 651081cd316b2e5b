"""Running sums and extremes along an axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..ops import Shape
from .emitter import Emitter, Value, index
from .kernel import PARAMETERS, Access, DType, Kernel, buffer_pointers, share
from .lanes import Lanes, load_lanes, memory_type, store_lanes
from .listing import counters, element, loops
from .nest import Axis, along, limits_of, longest, merged, moved, nest
from .reductions import Reduction

# How many lines are run through side by side where a vector cannot take them: each step
# waits for the one before, so the processor needs several to work on.
_LINES = 4

FLOAT32, FLOAT64 = np.dtype("float32"), np.dtype("float64")


@dataclass(frozen=True)
class ScanKernel(Kernel):
    """Combines the elements up to and with each one, along an axis.

    Where the neighbours along another axis lie side by side in memory, a vector takes as many
    lines as it has lanes. Threads share the lines. Sums of float32 are carried in float64.
    The result may take the place of the source.

    Attributes:
        kind: "sum", "largest" or "smallest" (NaN wins in both).
        shape: of the source and of the result.
        axis: along which the elements are combined.
        source: where the elements lie.
        result: where the results go; of the same dtype.
    """

    kind: str
    shape: Shape
    axis: int
    source: Access
    result: Access

    def emit(self, emitter: Emitter, name: str) -> None:
        with emitter.function(name, PARAMETERS) as (table, operands, thread, threads):
            if 0 in self.shape:
                return
            buffers = buffer_pointers(emitter, len(self.buffers), table, operands)
            pointers = [buffers[access.buffer] for access in (self.source, self.result)]
            start = [index(self.source.offset), index(self.result.offset)]
            lines = self._lines(emitter.target.lanes(self._dtype.itemsize))
            shared = longest(lines)
            part = share(emitter, lines[shared].steps, thread, threads)
            limits = limits_of(lines, shared, part)
            across = lines[-1]
            with nest(emitter, lines[:-1], limits[:-1], start) as outer:

                def scan(first: Value, count: int) -> None:
                    offsets = moved(emitter, outer, first, across.strides)
                    if across.strides == (1, 1):
                        self._scan(emitter, pointers, [offsets], across.lanes, count)
                        return
                    each = [
                        moved(emitter, offsets, index(line), across.strides)
                        for line in range(count)
                    ]
                    self._scan(emitter, pointers, each, 1, 1)

                along(emitter, across, limits[-1], scan)

    def _scan(
        self,
        emitter: Emitter,
        pointers: Sequence[Value],
        lines: Sequence[Sequence[Value]],
        lanes: int,
        count: int,
    ) -> None:
        """Run through some lines at the same time.

        Args:
            lines: for each line (or vector of them) where in source and result it starts.
            lanes: how many lines a vector takes.
            count: how many of its lanes exist.
        """
        reduction = Reduction(self.kind, self._held, self.shape[self.axis])
        mask = None if count == lanes else emitter.mask(lanes, index(count))
        type = memory_type(self._dtype, 1)
        strides = (self.source.strides[self.axis], self.result.strides[self.axis])

        def read(offset: Value) -> Lanes:
            address = emitter.address(pointers[0], type, offset)
            return load_lanes(emitter, self._dtype, address, lanes, mask).cast(self._held)

        def write(value: Lanes, offset: Value) -> None:
            address = emitter.address(pointers[1], type, offset)
            store_lanes(value.cast(self._dtype), address, mask)

        carried = []
        for source, result in lines:
            first = read(source)
            write(first, result)
            carried.append(emitter.variable(first.value))
        with emitter.loop(index(1), index(self.shape[self.axis])) as step:
            places = [moved(emitter, offsets, step, strides) for offsets in lines]
            elements = [read(source) for source, _ in places]
            for variable, element, (_, result) in zip(carried, elements, places, strict=True):
                before = Lanes(emitter, emitter.read(variable), self._held)
                (after,) = reduction.combine((before,), (element,))
                emitter.assign(variable, after.value)
                write(after, result)

    def _lines(self, lanes: int) -> list[Axis]:
        """The loops over the other axes; the last takes several lines at each step."""
        accesses = (self.source, self.result)
        axes = merged(
            [
                Axis(size, tuple(access.strides[axis] for access in accesses))
                for axis, size in enumerate(self.shape)
                if axis != self.axis
            ]
        ) or [Axis(1, (0, 0))]
        side_by_side = [axis for axis in axes if axis.strides == (1, 1)]
        if not side_by_side:
            return [*axes[:-1], axes[-1]._replace(lanes=_LINES)]
        outer = [axis for axis in axes if axis.strides != (1, 1)]
        return [*outer, side_by_side[0]._replace(lanes=lanes)]

    @property
    def _dtype(self) -> DType:
        return self.buffers[self.source.buffer]

    @property
    def _held(self) -> DType:
        """The dtype in which the elements are combined."""
        return FLOAT64 if self.kind == "sum" and self._dtype == FLOAT32 else self._dtype

    @property
    def is_shareable(self) -> bool:
        lines = self._lines(1)
        return lines[longest(lines)].steps > 1

    @property
    def work(self) -> int:
        lines = self._lines(8)
        return 4 * self.shape[self.axis] * math.prod(line.steps for line in lines)

    def __str__(self) -> str:
        names = counters(len(self.shape))
        before = names.copy()
        before[self.axis] = f"0..{names[self.axis]}"
        return (
            f"{loops(names, self.shape)}\n"
            f"    {element(self.result, names)} = {self.kind}({element(self.source, before)})"
            f"  # {self._dtype}"
        )
