"""Writes the loops of a kernel, in the order that its stages say."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from .emitter import Emitter, Value, index
from .kernel import Reduce, share
from .pass_writer import PassWriter, is_unrolled, unrolled, write_unrolled
from .places import Place, PlaceWriter
from .stages import Stages


class LoopWriter:
    """Writes one kernel into a function that has been begun.

    Args:
        emitter: where to write.
        stages: what to write.
        pointers: the addresses of the kernel's buffers.
        thread: which thread runs it.
        threads: how many do.
    """

    def __init__(
        self,
        emitter: Emitter,
        stages: Stages,
        pointers: list[Value],
        thread: Value,
        threads: Value,
    ) -> None:
        self.emitter = emitter
        self.stages = stages
        self.thread = thread
        self.threads = threads
        self.writer = PlaceWriter(emitter, stages, pointers)

    def write(self) -> None:
        """Write all the loops."""
        if self.stages.is_empty:
            return
        is_shared = self.stages.shared is not None
        with nullcontext() if is_shared else self._on_last_thread():
            self._loop(0, [self.writer.start()])

    def _on_last_thread(self) -> AbstractContextManager[None]:
        following = self.emitter.add(self.thread, index(1))
        return self.emitter.when(self.emitter.compare("eq", following, self.threads))

    # Kept axes

    def _loop(self, depth: int, places: list[Place]) -> None:
        """Write the loops over kept axes from `depth` inwards, for some places together."""
        stages = self.stages
        for place in places:
            self.writer.evaluate(place, self._rows_at(depth))
        if depth == stages.kept:
            self._rows(places)
            return
        axis = stages.order[depth]
        if axis == stages.along:
            (place,) = places
            for vectors in self._vectors(place):
                self._loop(depth + 1, vectors)
            return
        start, stop = self._limits(axis, stages.shape[axis])
        with self.emitter.loop(start, stop) as counter:
            self._loop(depth + 1, [place.moved(axis, counter) for place in places])

    def _limits(self, axis: int, count: int) -> tuple[Value, Value]:
        """Where this thread starts and stops in a loop."""
        if axis == self.stages.shared:
            return share(self.emitter, count, self.thread, self.threads)
        return index(0), index(count)

    def _vectors(self, place: Place) -> Iterator[list[Place]]:
        """The vectors along the last axis, some together.

        What is done with them is written as often as they are given.
        """
        stages, along = self.stages, self.stages.along
        step = stages.lanes * stages.together
        blocks, rest = divmod(stages.shape[along], step)
        if blocks:
            start, stop = self._limits(along, blocks)
            with self.emitter.loop(start, stop) as block:
                yield self.writer.vectors(place, self.emitter.multiply(block, index(step)), step)
        if rest:
            with self._on_last_thread() if along == stages.shared else nullcontext():
                yield self.writer.vectors(place, index(blocks * step), rest)

    def _rows_at(self, depth: int, stage: int = 0) -> list[int]:
        """What belongs into so many loops over kept axes, after so many passes."""
        stages = self.stages
        return [
            number
            for number in stages.needed
            if stages.depth[number] == depth
            and stages.stage[number] == stage
            and not isinstance(stages.body.instructions[number].action, Reduce)
        ]

    def _rows(self, rows: list[Place]) -> None:
        """Write everything for some points of the kept axes."""
        stages, writer = self.stages, self.writer
        places = [unrolled(writer, row) for row in rows] if is_unrolled(stages) else None
        for number, one in enumerate(stages.passes, start=1):
            if places is None:
                PassWriter(writer, one, rows).write()
            else:
                for row, of_row in zip(rows, places, strict=True):
                    write_unrolled(writer, one, row, of_row)
            for row in rows:
                writer.evaluate(row, self._rows_at(stages.kept, number))
        for row in rows:
            writer.write(row, stages.row_stores)
