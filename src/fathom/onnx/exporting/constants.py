"""Constants, also such as are larger where an open dimension is."""

import math

import numpy as np

from ...graph import Constant, Vertex
from ...ops import Array
from ..errors import UnsupportedModel
from .sizes import Size
from .writer import Writer


def write_constant(writer: Writer, vertex: Constant) -> str:
    """The name of a constant."""
    if writer.is_same_always(vertex, _content):
        return writer.constant(vertex.array)
    shape = writer.sizes_of(vertex, lambda v: v.shape)
    if writer.is_same_always(vertex, lambda v: _uniform(_array(v))) and vertex.array.size:
        number = writer.constant(vertex.array.flat[0], vertex.dtype)
        return writer.node("Expand", number, writer.vector(shape))
    if writer.is_same_always(vertex, lambda v: _counts_up(_array(v))) and _counts_up(vertex.array):
        (count,) = writer.sizes_of(vertex, lambda v: [math.prod(v.shape)])
        zero, one = (writer.constant(number, np.int64) for number in (0, 1))
        end = writer.node("Squeeze", writer.vector([count]), writer.integers(0))
        counted = writer.node("Range", zero, end, one)
        if vertex.dtype != np.int64:
            from .elementwise import cast

            counted = cast(writer, vertex, counted)
        return writer.node("Reshape", counted, writer.vector(shape))
    if vertex.array.ndim == 0 and vertex.dtype.kind == "i":
        (size,) = writer.sizes_of(vertex, lambda v: [int(_array(v))])
        return _number(writer, vertex, size)
    raise UnsupportedModel(
        f"{vertex.origin}: a constant depends on an open dimension in a way that ONNX cannot be "
        f"told; leave the dimension out of dynamic_axes"
    )


def _number(writer: Writer, vertex: Vertex, size: Size) -> str:
    from .elementwise import cast

    scalar = writer.node("Squeeze", writer.vector([size]), writer.integers(0))
    return scalar if vertex.dtype == np.int64 else cast(writer, vertex, scalar)


def _array(vertex: Vertex) -> Array:
    assert isinstance(vertex, Constant)
    return vertex.array


def _content(vertex: Vertex) -> tuple[object, ...]:
    array = _array(vertex)
    return array.shape, array.tobytes()


def _uniform(array: Array) -> bytes | None:
    """The number that an array holds everywhere, if it does."""
    same = array.size and (array == array.flat[0]).all()
    return array.flat[0].tobytes() if same else b"%d" % array.size


def _counts_up(array: Array) -> bool:
    """Whether an array holds 0, 1, 2, … in its order."""
    return bool((array.reshape(-1) == np.arange(array.size)).all())
