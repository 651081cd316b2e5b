"""Orders a plan's steps, lets results take over the memory of inputs, and places barriers."""

import heapq
from collections.abc import Iterable, Mapping

import numpy as np

from .copies import copy_step
from .kernel import Load, LoadAt, same_point
from .loops import LoopKernel
from .matmul import MatMulKernel
from .memory import assign_places, overlap
from .plan import Buffer, Plan, Step
from .target import host

# A kernel with fewer vector instructions than this takes about as long as two barriers, so
# one thread runs it alone.
WORTH_SHARING = 1500


def schedule(plan: Plan, updates: Mapping[Buffer, Buffer], threads: int) -> None:
    """Make a plan ready to run.

    Args:
        plan: the plan; it is changed.
        updates: outputs that replace an input, with the input's buffer: state.
        threads: how many threads will run it.
    """
    following = _dependencies(plan.steps)
    late: list[Step] = []
    for output, replaced in updates.items():
        if not _take_over(plan, output, replaced, following):
            late.append(_copy(plan, output, replaced))
    plan.steps = [*_ordered(plan.steps, following), *late]
    for step in plan.steps:
        step.is_shared = (
            threads > 1
            and step.kernel is not None
            and step.kernel.is_shareable
            and step.kernel.work >= WORTH_SHARING
        )
        _give_scratch(plan, step, threads if step.is_shared else 1)
    plan.arena_bytes = assign_places(plan)
    _place_barriers(plan.steps)


def _give_scratch(plan: Plan, step: Step, threads: int) -> None:
    """Add the working memory that a kernel asks for to its buffers."""
    size = step.kernel.scratch(host()) if step.kernel is not None else 0
    if size:
        scratch = Buffer(np.dtype(np.uint8), size * threads)
        plan.buffers.append(scratch)
        step.operands = (*step.operands, scratch)
        step.written |= {scratch}


# For each step the steps that have to come after it.
Following = dict[Step, set[Step]]


def _dependencies(steps: list[Step]) -> Following:
    following: Following = {step: set() for step in steps}
    writers: dict[Buffer, list[Step]] = {}
    for step in steps:
        for buffer in step.operands:
            for writer in writers.get(buffer, ()):
                following[writer].add(step)
        for buffer in step.written:
            writers.setdefault(buffer, []).append(step)
    return following


def _take_over(plan: Plan, output: Buffer, replaced: Buffer, following: Following) -> bool:
    """Let an output be written over the input it replaces, if nobody reads that afterwards."""
    if plan.layouts[output] != plan.layouts[replaced]:
        return False
    writers = [step for step in plan.steps if output in step.written]
    readers = [step for step in plan.steps if replaced in step.operands]
    if len(writers) != 1:
        return False
    writer = writers[0]
    if writer in readers and not _reads_where_it_writes(writer, replaced, output):
        return False
    after = _reachable(writer, following)
    if any(reader in after for reader in readers):
        return False
    for reader in readers:
        if reader is not writer:
            following[reader].add(writer)
    output.shared_with = replaced
    return True


def _reachable(step: Step, following: Following) -> set[Step]:
    found: set[Step] = set()
    waiting = [step]
    while waiting:
        for later in following[waiting.pop()]:
            if later not in found:
                found.add(later)
                waiting.append(later)
    return found


def _reads_where_it_writes(step: Step, read: Buffer, written: Buffer) -> bool:
    """Whether a kernel reads a buffer only at the points at which it writes the other."""
    kernel = step.kernel
    if isinstance(kernel, LoopKernel):
        shape = kernel.shape
    elif isinstance(kernel, MatMulKernel):
        shape = (*kernel.batch, kernel.rows, kernel.columns)
        factors = (kernel.first.buffer, kernel.second.buffer)
        if any(step.operands[factor] is read for factor in factors):
            return False
    else:
        return False
    loads = []
    for instruction in kernel.body.instructions:
        action = instruction.action
        if isinstance(action, LoadAt) and step.operands[action.access.buffer] is read:
            return False
        if isinstance(action, Load) and step.operands[action.access.buffer] is read:
            loads.append(action.access)
    stores = [
        store.access
        for store in kernel.body.stores
        if step.operands[store.access.buffer] is written
    ]
    return all(same_point(shape, load, store) for load in loads for store in stores)


def _copy(plan: Plan, output: Buffer, replaced: Buffer) -> Step:
    """The step that copies a finished result over the input it replaces."""
    output.is_output = False
    return copy_step(output, plan.layouts[output], replaced, plan.layouts[replaced])


def _ordered(steps: list[Step], following: Following) -> list[Step]:
    """The steps in an order that respects what has to follow what, else as they were."""
    number = {step: position for position, step in enumerate(steps)}
    waits_for = dict.fromkeys(steps, 0)
    for later in following.values():
        for step in later:
            waits_for[step] += 1
    ready = [number[step] for step in steps if not waits_for[step]]
    heapq.heapify(ready)
    ordered: list[Step] = []
    while ready:
        step = steps[heapq.heappop(ready)]
        ordered.append(step)
        for later in following[step]:
            waits_for[later] -= 1
            if not waits_for[later]:
                heapq.heappush(ready, number[later])
    return ordered


def _place_barriers(steps: Iterable[Step]) -> None:
    """Let the threads meet before a step that needs what another thread may still work on."""
    shared: list[Step] = []
    alone: list[Step] = []
    for step in steps:
        rivals = [*shared, *alone] if step.is_shared else shared
        step.waits = any(_conflict(step, earlier) for earlier in rivals)
        if step.waits or step.kernel is None:
            shared, alone = [], []
        (shared if step.is_shared else alone).append(step)


def _conflict(step: Step, earlier: Step) -> bool:
    return any(overlap(one, other) for one in earlier.written for other in step.operands) or any(
        overlap(one, other) for one in earlier.read for other in step.written
    )
