"""The writer: builds an ONNX graph node by node."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph import Vertex
from ...ops import Array
from ..errors import UnsupportedModel
from ..package import onnx_package
from ..reading import ELEMENT_TYPES
from .sizes import Size, Trial, size_from

ELEMENT_NUMBERS = {dtype: number for number, dtype in ELEMENT_TYPES.items()}


class Writer:
    """An ONNX graph that grows.

    Args:
        trials: what was changed in each recording after the first.
        sizes: the sizes of the open dimensions in the first recording.
        parallel: for each vertex of the first recording those of the others.
    """

    def __init__(
        self,
        trials: Sequence[Trial] = (),
        sizes: dict[str, int] | None = None,
        parallel: dict[Vertex, tuple[Vertex, ...]] | None = None,
    ) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.origin = ""
        # For each open dimension an input that has it, and which axis that is.
        self.sources: dict[str, tuple[str, int]] = {}
        self._trials = trials
        self._sizes = sizes or {}
        self._parallel = parallel or {}
        self._names: set[str] = set()
        self._constants: dict[Any, str] = {}
        self._dimensions: dict[str, str] = {}

    def name(self, wanted: str) -> str:
        """The name, or one like it that is not taken yet; it is then taken."""
        found, number = wanted, 1
        while found in self._names:
            found = f"{wanted}_{number}"
            number += 1
        self._names.add(found)
        return found

    def node(self, kind: str, *operands: str, name: str = "", **attributes: Any) -> str:
        """Add a node with one result, and return the result's name."""
        return self.node_with(1, kind, *operands, name=name, **attributes)[0]

    def node_with(
        self, results: int, kind: str, *operands: str, name: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node with several results, and return their names."""
        names = [self.name(name or kind.lower()) for _ in range(results)]
        helper = onnx_package().helper
        node = helper.make_node(
            kind, list(operands), names, names[0], doc_string=self.origin or None, **attributes
        )
        self.nodes.append(node)
        return names

    def initializer(self, name: str, array: Array) -> str:
        """Add a tensor with a name of its own, and return the name."""
        found = self.name(name)
        tensor = onnx_package().TensorProto()
        tensor.name = found
        tensor.dims.extend(array.shape)
        tensor.data_type = element_number(array.dtype)
        tensor.raw_data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        self.initializers.append(tensor)
        return found

    def constant(self, value: Any, dtype: Any = None) -> str:
        """A constant; equal ones are there once."""
        array = np.asarray(value, dtype)
        key = array.shape, array.dtype.str, array.tobytes()
        if key not in self._constants:
            self._constants[key] = self.initializer("constant", array)
        return self._constants[key]

    def integers(self, *values: int) -> str:
        """A constant vector of sizes or axes."""
        return self.constant(np.array(values, np.int64))

    def like(self, vertex: Vertex, number: Any) -> str:
        """A number in the dtype of a vertex."""
        return self.constant(number, vertex.dtype)

    def sizes_of(self, vertex: Vertex, read: Any) -> tuple[Size, ...]:
        """Sizes that an operation holds, each as it follows the open dimensions.

        Args:
            vertex: the vertex.
            read: gives a sequence of integers from a vertex.

        Raises:
            UnsupportedModel: a size follows a dimension in another way than evenly.
        """
        others = self._parallel.get(vertex, ())
        columns = zip(read(vertex), *[read(other) for other in others], strict=True)
        try:
            return tuple(
                size_from(first, rest, self._trials, self._sizes) for first, *rest in columns
            )
        except ValueError:
            raise UnsupportedModel(
                f"{vertex.origin}: {vertex.kind} depends on an open dimension in a way that ONNX "
                f"cannot be told; leave the dimension out of dynamic_axes"
            ) from None

    def is_same_always(self, vertex: Vertex, read: Any) -> bool:
        """Whether what `read` gives of a vertex depends on no open dimension."""
        first = read(vertex)
        return all(read(other) == first for other in self._parallel.get(vertex, ()))

    def vector(self, sizes: Sequence[Size]) -> str:
        """Sizes as a vector."""
        if all(size.is_fixed for size in sizes):
            return self.integers(*[size.constant for size in sizes])
        parts = [self._size(size) for size in sizes]
        return self.node("Concat", *parts, name="shape", axis=0)

    def _size(self, size: Size) -> str:
        if size.is_fixed:
            return self.integers(size.constant)
        total = ""
        for dimension, factor in size.factors.items():
            term = self._dimension(dimension)
            if factor != 1:
                term = self.node("Mul", term, self.integers(factor), name="size")
            total = self.node("Add", total, term, name="size") if total else term
        if size.constant:
            total = self.node("Add", total, self.integers(size.constant), name="size")
        return total

    def _dimension(self, name: str) -> str:
        if name not in self._dimensions:
            source, axis = self.sources[name]
            shape = self.node("Shape", source, name=f"{name}_size", start=axis, end=axis + 1)
            self._dimensions[name] = shape
        return self._dimensions[name]


def element_number(dtype: Any) -> int:
    """ONNX's number of an element type."""
    return ELEMENT_NUMBERS[np.dtype(dtype).newbyteorder("=")]
