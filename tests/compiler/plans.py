"""Runs the kernels that a function is lowered to, watching what they write."""

from collections.abc import Callable
from typing import Any

import numpy as np

import fathom
from fathom.compiler.image_layouts import laid_out
from fathom.compiler.lower import lower
from fathom.compiler.plan import Buffer, Plan
from fathom.graph import Constant
from fathom.graph.graph import evaluate
from fathom.graph.recorder import record
from fathom.graph.simplify import simplify
from fathom.tensor import Tensor

from .native import run


def plan_of(
    function: Callable[..., Any], *arrays: np.ndarray, order: tuple[int, ...] | None = None
) -> tuple[Plan, list[np.ndarray], list[np.ndarray]]:
    """The plan of a function of tensors, what its inputs are, and its results are to be.

    Args:
        order: how the axes of arguments and results of that rank lie in memory, if not row by
            row.
    """
    tensors = tuple(
        fathom.tensor(array).requires_grad_(array.dtype.kind == "f") for array in arrays
    )
    recording = record(function, tensors, {})
    values = [next(iter(place.tensors(tensors))) for place in recording.inputs]
    inputs = [value.detach().numpy() for value in values]
    expected = evaluate(recording.graph, inputs)
    graph = simplify(recording.graph)

    def layouts(vertices):
        if order is None:
            return {}
        return {
            key: laid_out(vertex.shape, order)
            for key, vertex in vertices
            if len(vertex.shape) == len(order)
        }

    given = layouts((vertex, vertex) for vertex in graph.inputs)
    plan = lower(graph, given, layouts(enumerate(graph.outputs)))
    return plan, inputs, expected


def results_of(plan: Plan, arrays: list[np.ndarray], threads: int = 1) -> list[np.ndarray]:
    """What the kernels of a plan compute, run one after the other, as every thread in turn."""
    memory = {buffer: _filled(buffer) for buffer in plan.buffers}
    for buffer, array in zip(plan.inputs, arrays, strict=True):
        view_of(memory[buffer], plan, buffer)[...] = array
    for step in plan.steps:
        assert step.kernel is not None, f"{step.op} is left to NumPy"
        shared = threads if step.kernel.is_shareable else 1
        after = run(step.kernel, *(memory[buffer] for buffer in step.operands), threads=shared)
        memory.update(zip(step.operands, map(np.copy, after), strict=False))
    return [view_of(memory[buffer], plan, buffer).copy() for buffer in plan.outputs]


def check(
    function: Callable[..., Any],
    *arrays: np.ndarray,
    order: tuple[int, ...] | None = None,
    tolerance: float = 0.0,
) -> Plan:
    """Compare a function's results with those of NumPy, and those of two threads with these."""
    plan, inputs, expected = plan_of(function, *arrays, order=order)
    alone, shared = (results_of(plan, inputs, threads) for threads in (1, 2))
    for one, both, wanted in zip(alone, shared, expected, strict=True):
        assert one.dtype == wanted.dtype
        assert one.shape == wanted.shape
        np.testing.assert_array_equal(both, one)
        np.testing.assert_allclose(one, wanted, rtol=tolerance, atol=tolerance)
    return plan


def with_gradient(function: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    """The function's result, and the gradient of its sum weighted by a second argument."""

    def step(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        result = function(x)
        (gradient,) = fathom.autograd.grad(result, [x], weight.detach())
        return result, gradient

    return step


def _filled(buffer: Buffer) -> np.ndarray:
    if isinstance(buffer.source, Constant):
        return np.array(buffer.source.array, order="C").reshape(-1)
    return np.zeros(buffer.size, buffer.dtype)


def view_of(memory: np.ndarray, plan: Plan, buffer: Buffer) -> np.ndarray:
    """The value in a buffer."""
    layout = plan.layouts[buffer]
    strides = [stride * memory.itemsize for stride in layout.strides]
    return np.lib.stride_tricks.as_strided(memory[layout.offset :], layout.shape, strides)
