"""The ONNX operators, one small function each, in families.

Source: https://onnx.ai/onnx/operators/
"""

from . import (  # noqa: F401 - each enters its operators in the table
    activation,
    attention,
    boxes,
    constant,
    convolution,
    elementwise,
    indexing,
    logic,
    loss,
    matrix,
    movement,
    normalization,
    pooling,
    quantization,
    random,
    recurrent,
    reduction,
    resizing,
    sampling,
    scatter,
    sorting,
    windows,
)
