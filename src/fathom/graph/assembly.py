"""The end of a recording: what was seen becomes inputs, writes and results of a graph."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ..tensor import Tensor
from .graph import Constant, Graph, Input, Vertex, replace
from .guards import Guards
from .recorded import CallGradient, GradientChange, Output, Place, Recording, Write, spent_gradient
from .seen import Backward, Final, Places, Seen, SeenGradient, Seens


def assemble(
    result: Any,
    results: Sequence[Vertex],
    seens: Seens,
    backward: Backward | None,
    places: Places,
    guards: Guards,
    known: Collection[int],
) -> Recording:
    """Put a recording together.

    Args:
        result: the structure that the function returned.
        results: the vertices that it names by their numbers.
        seens: the tensors that the function saw.
        backward: how gradients flow from the results to these, if they do.
        places: where they are found.
        guards: what else the function looked at.
        known: the identities of arguments that the function knows by another name.
    """
    assembly = _Assembly(seens, places)
    outputs = [vertex for _, vertex in assembly.writes] + list(results)
    alive = [
        *(seen.tensor() for seen in seens.tensors),
        *(seen.owner() for seen, _ in seens.gradients),
    ]
    return Recording(
        graph=Graph(list(assembly.inputs), replace(outputs, assembly.replaced)),
        inputs=tuple(assembly.inputs.values()),
        writes=tuple(write for write, _ in assembly.writes),
        gradient_changes=tuple(assembly.changes),
        result=result,
        guards=guards,
        gradients_present=tuple(assembly.gradients_present),
        touched={
            id(tensor): tensor
            for tensor in alive
            if tensor is not None and (id(tensor) in known or not places.is_argument(tensor))
        },
        gradient=None if backward is None else assembly.call_gradient(backward),
        flags=tuple(guards.flags_set()),
        unsettled=_own_change(guards) or assembly.births,
    )


def _own_change(guards: Guards) -> str:
    """What the function has itself changed among that which steers it, in words."""
    change = guards.change(besides_flags=True)
    if change is None:
        return ""
    return (
        f"{change} in the function itself; keep what changes in a tensor, and write into it: "
        f"count.add_(1)"
    )


class _Assembly:
    """Inputs, writes and gradient changes, as they come out of what was seen."""

    def __init__(self, seens: Seens, places: Places) -> None:
        self.places = places
        self.inputs: dict[Input, Place] = {}
        self.replaced: dict[Vertex, Vertex] = {}
        self.writes: list[tuple[Write, Vertex]] = []
        self.changes: list[GradientChange] = []
        self.gradients_present: list[tuple[Place, bool]] = []
        # That the function made a tensor that stays, in words.
        self.births = ""
        self._place_inputs(seens.tensors)
        updated = self._place_writes(seens.tensors, seens.finals)
        self._place_gradients(seens.gradients, updated)

    def call_gradient(self, backward: Backward) -> CallGradient:
        """How gradients flow through the function, as a recording of its own."""
        alive = [(seen.tensor(), vertex) for seen, vertex in backward.gradients]
        flows = [(tensor, vertex) for tensor, vertex in alive if tensor is not None]
        inputs = [*self.inputs, *backward.seeds]
        outputs = replace([vertex for _, vertex in flows], self.replaced)
        recording = Recording(
            graph=Graph(inputs, outputs),
            inputs=tuple(map(Place, range(len(inputs)))),
            writes=(),
            gradient_changes=(),
            result=[Output(number, number) for number in range(len(outputs))],
            guards=Guards(),
            gradients_present=(),
            touched={},
        )
        sources = tuple(self.places.of([tensor]) for tensor, _ in flows)
        return CallGradient(recording, sources, backward.results)

    def _place_inputs(self, tensors: list[Seen]) -> None:
        sharers: dict[Vertex, list[Tensor]] = {}
        for seen in tensors:
            tensor = seen.tensor()
            if tensor is not None:
                sharers.setdefault(seen.vertex, []).append(tensor)
            elif not isinstance(seen.vertex, Constant):
                # Nobody can change any more what has died.
                self.replaced.setdefault(seen.vertex, Constant(np.asarray(seen.before.value)))
        for vertex, living in sharers.items():
            if isinstance(vertex, Constant):
                self.births = (
                    f"it makes a tensor of shape {vertex.shape} at {vertex.origin} and keeps it "
                    f"outside; make it once, and write into it: kept.copy_(value)"
                )
            place = self.places.of(living)
            made = Input(vertex.spec, str(place), vertex.origin)
            self.replaced[vertex] = made
            self.inputs[made] = place

    def _place_writes(self, tensors: list[Seen], finals: list[Final | None]) -> set[int]:
        """Place what has another value at the end; returns the identities of such tensors."""
        updated = set()
        sharers: dict[tuple[Vertex, bool], list[Tensor]] = {}
        for seen, final in zip(tensors, finals, strict=True):
            tensor = seen.tensor()
            if final is None or tensor is None:
                continue
            updated.add(id(tensor))
            key = (final.vertex, final.requires_grad)
            if self.places.is_state(tensor) and not final.requires_grad:
                sharers.setdefault(key, []).append(tensor)
            else:
                self.writes.append((Write(self.places.of([tensor]), key[1]), key[0]))
        for (vertex, requires_grad), sharing in sharers.items():
            self.writes.append((Write(self.places.of(sharing), requires_grad), vertex))
        return updated

    def _place_gradients(
        self, gradients: list[tuple[SeenGradient, Any]], updated: set[int]
    ) -> None:
        for seen, final in gradients:
            owner = seen.owner()
            if owner is None:
                continue
            place = self.places.of([owner])
            if seen.is_read:
                self.gradients_present.append((place, seen.before is not None))
            if isinstance(final, Vertex) and id(owner) in updated:
                self.changes.append(GradientChange(place, spent_gradient))
            elif isinstance(final, Vertex):
                slot = Place(place.argument, place.handles, "grad")
                self.writes.append((Write(slot, is_new=True), final))
            elif final is not seen.before or not seen.is_read:
                becomes = None if final is None else self.places.of([final])
                self.changes.append(GradientChange(place, becomes))
