"""Small ONNX models for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")


def node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> Any:
    """A node named after its first result."""
    return onnx.helper.make_node(kind, inputs, outputs, f"the_{outputs[0]}", **attributes)


def model(
    nodes: Sequence[Any],
    inputs: Mapping[str, Sequence[Any]],
    outputs: Sequence[str] = ("y",),
    initializers: Mapping[str, Any] | None = None,
    *,
    opset: int = 18,
) -> Any:
    """A model of float32 inputs.

    Args:
        nodes: its nodes.
        inputs: the shapes of its inputs.
        outputs: the names of its outputs.
        initializers: arrays by name.
        opset: the version of the operators.
    """
    helper = onnx.helper
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, 1, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, 1, None) for name in outputs],
        [
            onnx.numpy_helper.from_array(np.asarray(array), name)
            for name, array in (initializers or {}).items()
        ],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, ir_version=8, opset_imports=opsets)


def linear() -> Any:
    """A layer of 4 features and 3 outputs, whose weights have names as PyTorch gives them."""
    rng = np.random.default_rng(0)
    return model(
        [node("Gemm", ["x", "fc.weight", "fc.bias"], ["y"], transB=1)],
        {"x": ["batch", 4]},
        initializers={
            "fc.weight": rng.normal(size=(3, 4)).astype(np.float32),
            "fc.bias": rng.normal(size=3).astype(np.float32),
        },
    )
