"""Simplified graphs give the same, with fewer operations."""

import numpy as np
import pytest

import fathom
import fathom.nn.functional as F
from fathom.graph import Constant, Graph, Input, evaluate
from fathom.graph.recorder import record
from fathom.graph.simplify import simplify


def simplified(function, *arguments) -> tuple[Graph, list[str]]:
    """The graph of a function when it is simple, and the operations left in it; checked for
    giving the same."""
    recording = record(function, arguments, {})
    graph = simplify(recording.graph)
    arrays = [next(place.tensors(arguments))._node.value for place in recording.inputs]
    for one, other in zip(evaluate(recording.graph, arrays), evaluate(graph, arrays), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(other, one, rtol=1e-6)
    return graph, [vertex.op.name for vertex in graph.vertices() if vertex.op is not None]


x = fathom.arange(1.0, 13.0).reshape(3, 4)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 1,
        lambda x: x.clone(),
        lambda x: x.detach(),
        lambda x: x.reshape(3, 4),
        lambda x: x.T.T,
        lambda x: x.neg().neg(),
        lambda x: x**1,
        lambda x: x.expand(3, 4),
    ],
)
def test_what_changes_nothing_goes(function):
    graph, operations = simplified(function, x)
    assert operations == []
    assert isinstance(graph.outputs[0], Input)


def test_equal_computations_are_made_once():
    _, operations = simplified(lambda x: (fathom.sin(x) + 1) * (fathom.sin(x) + 1), x)
    assert sorted(operations) == ["Add", "Multiply", "Sin"]


def test_constants_are_computed_at_once():
    graph, operations = simplified(lambda: fathom.arange(12.0).exp().sum())
    assert operations == []
    assert isinstance(graph.outputs[0], Constant)


def test_what_is_not_asked_for_is_not_computed():
    def function(x):
        fathom.exp(x)
        return x + 1

    assert simplified(function, x)[1] == ["Add"]


@pytest.mark.parametrize(
    ("function", "operations"),
    [
        (lambda x: x**2, ["Multiply"]),
        (lambda x: x.reshape(12).reshape(2, 6), ["Reshape"]),
        (lambda x: x.unsqueeze(1).sum(1), []),
        (lambda x: x[:1].amax(0), ["Slice", "Reshape"]),
        (lambda x: x[:, :1].argmax(1) + x[:, :1].argmin(1), []),
        (lambda x: F.softmax(x[:, :0], 1), []),
        (lambda x: x[:0].sum(0), []),
        (lambda x: x[:0].T @ x[:0] + 0, []),
        (lambda x: fathom.cat([x[:0], x[:0]]), []),
    ],
)
def test_there_is_a_shorter_way(function, operations):
    left = [name for name in simplified(function, x)[1] if name != "Expand"]
    assert left == operations


def test_a_root_of_negative_zero_stays_what_it_is():
    values = fathom.tensor([-0.0, -np.inf, 4.0])
    simplified(lambda x: x**0.5, values)


def test_a_sum_with_negative_zero_is_not_dropped():
    graph, _ = simplified(lambda x: x + 0, fathom.tensor([-0.0]))
    (result,) = evaluate(graph, [np.array([-0.0], np.float32)])
    assert not np.signbit(result[0])
