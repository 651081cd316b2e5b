"""Orders a plan's steps, lets results take over the memory of inputs, and places barriers."""

import heapq
from collections.abc import Iterable, Mapping

import numpy as np

from .convolution import ConvolutionKernel
from .copies import copy_step
from .kernel import Load, LoadAt, same_point
from .loops import LoopKernel
from .matmul import MatMulKernel
from .memory import ALIGNMENT, assign_places, overlap
from .plan import Buffer, Plan, Step
from .target import host

# What sharing a kernel must save to be worth its barrier, in cycles; and for each line of state
# that it writes, because a line written here and there goes from one core's cache to another's.
WORTH_SHARING = 750
WORTH_MOVING_A_LINE = 4


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
    if threads > 1:
        _share(plan.steps, threads)
    for step in plan.steps:
        _give_scratch(plan, step, threads if step.is_shared else 1)
    plan.arena_bytes = assign_places(plan)
    _place_barriers(plan.steps)


def _share(steps: list[Step], threads: int) -> None:
    """Let all threads take part in the steps that are then done sooner than by one of them.

    State that threads write together, or that one alone writes and others read, goes from
    cache to cache at every call.
    """
    moving = {step: _state_bytes(step.written) for step in steps}
    for step in steps:
        step.is_shared = _is_worth_sharing(step, moving[step], threads)
    kept = {buffer.root for step in steps if not step.is_shared for buffer in step.written}
    for step in steps:
        if step.is_shared:
            moved = moving[step] + sum(buffer.bytes for buffer in step.read & kept)
            step.is_shared = _is_worth_sharing(step, moved, threads)


def _state_bytes(buffers: Iterable[Buffer]) -> int:
    return sum(buffer.bytes for buffer in buffers if buffer.shared_with is not None)


def _is_worth_sharing(step: Step, moved_bytes: int, threads: int) -> bool:
    if step.kernel is None or not step.kernel.is_shareable:
        return False
    saved = step.kernel.work * (1 - 1 / threads)
    return saved >= WORTH_SHARING + WORTH_MOVING_A_LINE * (moved_bytes / ALIGNMENT)


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
    elif isinstance(kernel, MatMulKernel | ConvolutionKernel):
        shape = kernel.shape
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
    for followers in following.values():
        for step in followers:
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
