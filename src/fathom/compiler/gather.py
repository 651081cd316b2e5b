"""Reading the elements that index tensors name."""

from dataclasses import dataclass

from .emitter import Emitter, Value, index
from .indexed import IndexedKernel
from .kernel import PARAMETERS, buffer_pointers, share
from .lanes import memory_type
from .nest import limits_of, longest


@dataclass(frozen=True)
class GatherKernel(IndexedKernel):
    """Copies the elements of a value that index tensors name, as `ops.Index` does.

    The selection takes the copies; what belongs to an index outside stays as it was.
    """

    def emit(self, emitter: Emitter, name: str) -> None:
        axes = self.axes(emitter.target.lanes(self.dtype.itemsize))
        lanes = axes.row.lanes
        with emitter.function(name, PARAMETERS) as (table, operands, thread, threads):
            pointers = buffer_pointers(emitter, len(self.buffers), table, operands)
            source, result = pointers[self.value.buffer], pointers[self.selection.buffer]
            type, element = memory_type(self.dtype, lanes), memory_type(self.dtype, 1)

            def copy(place: Value, selected: Value, count: int) -> None:
                mask = None if count == lanes else emitter.mask(lanes, index(count))
                copied = emitter.load(type, emitter.address(source, element, place), mask)
                emitter.store(copied, emitter.address(result, element, selected), mask)

            shared = longest(axes.all)
            part = share(emitter, axes.all[shared].steps, thread, threads)
            limits = limits_of(axes.all, shared, part)
            self.walk(emitter, pointers, axes, limits, copy)

    @property
    def is_shareable(self) -> bool:
        axes = self.axes(1).all
        return axes[longest(axes)].steps > 1

    @property
    def work(self) -> int:
        axes = self.axes(8)
        return axes.places * (6 * len(self.indices) + 3 * axes.steps_for_each)

    def __str__(self) -> str:
        return self.listed("{selected} = {place}")
