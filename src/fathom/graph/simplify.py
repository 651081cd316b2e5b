"""Rewrites a graph into a simpler one that computes the same."""

import math
from collections.abc import Hashable

import numpy as np

from ..ops import (
    Absolute,
    Add,
    AddToWindows,
    ArgLargest,
    Array,
    Cast,
    Clone,
    Detach,
    Divide,
    Exp,
    Expand,
    Greater,
    Largest,
    Log,
    LogSoftmax,
    MatMul,
    MaxPool,
    MaxPoolChoice,
    Multiply,
    Negative,
    Op,
    Permute,
    PlacePicked,
    Power,
    Relu,
    Reshape,
    Shape,
    Slice,
    Softmax,
    Spec,
    Sqrt,
    Standardize,
    Subtract,
    Sum,
    Uniform,
    Variance,
)
from ..ops.reduce import reduced_shape
from .graph import Constant, Graph, Vertex

# Up to this size an operation on constants is computed at once.
_LARGEST_FOLDED = 1 << 16

# A sum over several axes of more elements than this is taken in parts, each shorter than the
# whole: threads share them, and no number of threads changes the result.
_LONG_SUM = 1 << 11
_PARTS = 16
_SHORTEST_PART = 16


def simplify(graph: Graph) -> Graph:
    """Fold constants, unite equal computations, drop what changes nothing or is not needed,
    and write composed operations out in simple ones."""
    simple: dict[Vertex, Vertex] = {}
    builder = _Builder()
    for vertex in graph.vertices():
        if 0 in vertex.shape:  # all is known of what has no elements
            simple[vertex] = Constant(np.empty(vertex.shape, vertex.dtype), vertex.origin)
        elif vertex.op is None:
            simple[vertex] = builder.united(vertex)
        else:
            operands = tuple(simple[operand] for operand in vertex.operands)
            builder.origin = vertex.origin
            simple[vertex] = builder.apply(vertex.op, *operands)
            _require_same_spec(vertex, simple[vertex])
    return Graph(graph.inputs, [simple[output] for output in graph.outputs])


def _require_same_spec(before: Vertex, after: Vertex) -> None:
    if before.spec != after.spec:
        raise AssertionError(
            f"{before.kind} gave {before.spec}, and simplified it gives {after.spec}"
        )


class _Builder:
    """Makes vertices, each computation once.

    Attributes:
        origin: the line of the user's code that new vertices come from.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, Vertex] = {}
        self.origin = ""

    def united(self, vertex: Vertex) -> Vertex:
        """An input or constant; equal numbers are one."""
        if not isinstance(vertex, Constant) or vertex.array.size != 1:
            return vertex
        return self._made.setdefault((*vertex.spec, vertex.array.tobytes()), vertex)

    def apply(self, op: Op, *operands: Vertex) -> Vertex:
        """The vertex of an operation on operands, in the simplest form there is."""
        simpler = self._identity(op, operands) or self._written_out(op, operands)
        if simpler is not None:
            return simpler
        key = (op, operands)
        made = self._made.get(key)
        if made is None:
            spec = op.infer(*(operand.spec for operand in operands))
            made = self._folded(op, operands, spec) or Vertex(op, operands, spec, self.origin)
            self._made[key] = made
        return made

    def _folded(self, op: Op, operands: tuple[Vertex, ...], spec: Spec) -> Vertex | None:
        """What an operation on constants gives."""
        array = _evaluated(op, operands, spec)
        if array is None:
            return None
        if array.size > 1 and (array == array.flat[0]).all() and not (array == 0).any():
            # A number spread out is a literal to a kernel, which need not load it. (Of zeros,
            # some may be negative.)
            number = Constant(np.ascontiguousarray(array.flat[0]).reshape(()), self.origin)
            return self.apply(Expand(spec.shape), number)
        return Constant(array, self.origin)

    def _identity(self, op: Op, operands: tuple[Vertex, ...]) -> Vertex | None:
        """The operand that the operation leaves as it is, or a shorter way to the result."""
        first = operands[0]
        match op:
            case Clone() | Detach():
                return first
            case Cast(dtype) if dtype == first.dtype:
                return first
            case Reshape(shape) | Expand(shape) if shape == first.shape:
                return first
            case Permute(order) if order == tuple(range(len(order))):
                return first
            case Reshape() | Expand() if type(first.op) is type(op):
                return self.apply(op, first.operands[0])
            case Permute(order) if isinstance(first.op, Permute):
                inner = first.op.order
                return self.apply(Permute(tuple(inner[axis] for axis in order)), first.operands[0])
            case Negative() if isinstance(first.op, Negative):
                return first.operands[0]
            case Multiply():
                for one, other in (operands, operands[::-1]):
                    if is_number(one, 1) and _broadcast_shape(operands) == other.shape:
                        return other
            case Sum(axes, keepdims) | Largest(axes, keepdims) if _are_single(first.shape, axes):
                return self.apply(Reshape(reduced_shape(first.shape, axes, keepdims)), first)
            case ArgLargest(axis, keepdims) if first.shape[axis] == 1:
                shape = reduced_shape(first.shape, (axis,), keepdims)
                return self._filled(0, Spec(shape, op.dtype))
            case MatMul() if 0 in first.shape:
                return self._empty_product(op, operands)
            case Sum(axes, keepdims) if isinstance(first.op, PlacePicked):
                if axes == (first.op.axis,):  # all but the picked element are zero
                    shape = reduced_shape(first.shape, axes, keepdims)
                    return self.apply(Reshape(shape), first.operands[0])
        return None

    def _written_out(self, op: Op, operands: tuple[Vertex, ...]) -> Vertex | None:
        """A composed operation in simple ones."""
        first = operands[0]
        match op:
            # The largest of what is cut off at 0 is the largest, cut off: on fewer elements.
            case MaxPool() if isinstance(first.op, Relu):
                return self.apply(Relu(), self.apply(op, first.operands[0]))
            case MaxPoolChoice(windows) if isinstance(first.op, Relu):
                x = first.operands[0]
                return self.apply(op, x, self.apply(MaxPool(windows), x))
            case Multiply():
                return self._gradient_of_pooled(*operands) or self._gradient_of_pooled(
                    *operands[::-1]
                )
            case Variance(axes, keepdims):
                return self._variance(first, axes, keepdims)
            case Standardize():
                x, mean, scale = operands
                return self.apply(Multiply(), self.apply(Subtract(), x, mean), scale)
            case LogSoftmax(axis):
                shifted = self._below_largest(first, axis)
                total = self.apply(Sum((axis,), keepdims=True), self.apply(Exp(), shifted))
                return self.apply(Subtract(), shifted, self.apply(Log(), total))
            case Softmax(axis):
                powers = self.apply(Exp(), self._below_largest(first, axis))
                total = self.apply(Sum((axis,), keepdims=True), powers)
                return self.apply(Divide(), powers, total)
            case Power() if first.dtype.kind == "f":
                return self._power(*operands)
            case Sum(axes, keepdims):
                return self._without_factor(first, axes, keepdims) or self._long_sum(
                    first, axes, keepdims
                )
        return None

    def _gradient_of_pooled(self, grad: Vertex, factor: Vertex) -> Vertex | None:
        """The gradient that a maximum of positive elements passes on, as one of the maximum."""
        choice = grad.operands[1] if isinstance(grad.op, AddToWindows) else None
        mask = factor.operands[0] if isinstance(factor.op, Cast) else None
        if choice is None or mask is None or not isinstance(choice.op, MaxPoolChoice):
            return None
        positive = mask.operands[0] if isinstance(mask.op, Greater) else None
        if positive is None or not isinstance(positive.op, Relu):
            return None
        x, largest = choice.operands
        if positive.operands[0] is not x or not is_number(mask.operands[1], 0):
            return None
        is_positive = self.apply(Greater(), self.apply(Relu(), largest), mask.operands[1])
        passed = self.apply(Multiply(), grad.operands[0], self.apply(Cast(grad.dtype), is_positive))
        return self.apply(grad.op, passed, choice)  # type: ignore[arg-type]

    def _below_largest(self, x: Vertex, axis: int) -> Vertex:
        return self.apply(Subtract(), x, self.apply(Largest((axis,), keepdims=True), x))

    def _power(self, base: Vertex, exponent: Vertex) -> Vertex | None:
        if not is_number(exponent) or _broadcast_shape((base, exponent)) != base.shape:
            return None
        match exponent.array.item():  # type: ignore[attr-defined]
            case 1:
                return base
            case 2:
                return self.apply(Multiply(), base, base)
            case 3:
                return self.apply(Multiply(), self.apply(Multiply(), base, base), base)
            case -1:
                return self.apply(Divide(), self.number(1, base), base)
            case 0.5 if isinstance(base.op, Absolute):  # else -0.0 and -inf would differ
                return self.apply(Sqrt(), base)
        return None

    def _without_factor(self, x: Vertex, axes: tuple[int, ...], keepdims: bool) -> Vertex | None:
        """The sum of products that have a factor in common, as a product with the sum."""
        parted = self._factored(x, axes)
        if parted is None:
            return None
        one, factor = parted
        total = self.apply(Sum(axes, keepdims), one)
        shape = (1,) * (len(x.shape) - len(factor.shape)) + factor.shape
        beside = self.apply(Reshape(reduced_shape(shape, axes, keepdims)), factor)
        return self.apply(Multiply(), total, beside)

    def _factored(self, x: Vertex, axes: tuple[int, ...]) -> tuple[Vertex, Vertex] | None:
        """A product as one of a value of the same shape, and one that is alike along axes."""
        if not isinstance(x.op, Multiply) or x.dtype.kind != "f":
            return None
        pairs = (x.operands, x.operands[::-1])
        for one, factor in pairs:
            shape = (1,) * (len(x.shape) - len(factor.shape)) + factor.shape
            if one.shape == x.shape and factor.shape != () and _are_single(shape, axes):
                return one, factor
        for one, other in pairs:
            parted = self._factored(one, axes) if one.shape == x.shape else None
            if parted is not None:
                return self.apply(Multiply(), parted[0], other), parted[1]
        return None

    def _long_sum(self, x: Vertex, axes: tuple[int, ...], keepdims: bool) -> Vertex | None:
        parts = _parts(x.shape, axes)
        if parts is None:
            return None
        outer, inner = parts
        rows = self.apply(Sum(inner, keepdims=True), x)
        result = self.apply(Sum(outer, keepdims=True), rows)
        return self.apply(Reshape(reduced_shape(x.shape, axes, keepdims)), result)

    def _variance(self, x: Vertex, axes: tuple[int, ...], keepdims: bool) -> Vertex:
        count = self.number(math.prod(x.shape[axis] for axis in axes), x)
        total = Sum(axes, keepdims=True)
        parts = _parts(x.shape, axes)
        if parts is None:
            distance = self.apply(Subtract(), x, self.apply(Divide(), self.apply(total, x), count))
            square = self.apply(Multiply(), distance, distance)
            variance = self.apply(Divide(), self.apply(total, square), count)
        else:
            # One pass instead of two, with distances from the mean of one of the n parts. It
            # lies within sqrt(n) standard deviations of the whole mean; so what is taken away
            # is at most n times what is left, and costs few digits.
            distance = self.apply(Subtract(), x, self._mean_of_part(x, *parts))
            square = self.apply(Multiply(), distance, distance)
            mean, mean_square = (
                self.apply(Divide(), self.apply(total, one), count) for one in (distance, square)
            )
            variance = self.apply(Subtract(), mean_square, self.apply(Multiply(), mean, mean))
            variance = self.apply(Relu(), variance)
        return self.apply(Reshape(reduced_shape(x.shape, axes, keepdims)), variance)

    def _mean_of_part(self, x: Vertex, outer: tuple[int, ...], inner: tuple[int, ...]) -> Vertex:
        stops = tuple(1 if axis in outer else size for axis, size in enumerate(x.shape))
        rank = len(stops)
        part = self.apply(Slice((0,) * rank, stops, (1,) * rank), x)
        count = self.number(math.prod(stops[axis] for axis in inner), x)
        return self.apply(Divide(), self.apply(Sum(inner, keepdims=True), part), count)

    def _empty_product(self, op: MatMul, operands: tuple[Vertex, ...]) -> Vertex:
        """The product of matrices with nothing to sum over."""
        result = self._filled(0, op.infer(*(operand.spec for operand in operands)))
        for bias in operands[2:]:
            result = self.apply(Add(), result, bias)
        return result

    def _filled(self, value: float, spec: Spec) -> Vertex:
        """A number spread over a shape."""
        number = Constant(np.asarray(value, spec.dtype), self.origin)
        return self.apply(Expand(spec.shape), number)

    def number(self, value: float, beside: Vertex) -> Vertex:
        """A constant of the dtype of the vertex it stands beside."""
        return Constant(np.asarray(value, beside.dtype), self.origin)


def is_number(vertex: Vertex, value: float | None = None) -> bool:
    """Whether a vertex is a constant of one element (and equal to `value`)."""
    if not isinstance(vertex, Constant) or vertex.array.size != 1:
        return False
    return value is None or vertex.array.item() == value


def _parts(shape: Shape, axes: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The axes of a long sum: those whose points are its parts, and those within a part.

    Returns:
        None where the sum is better taken at once.
    """
    outer: list[int] = []
    inner = sorted(axes)
    while len(inner) > 1 and math.prod(shape[axis] for axis in outer) < _PARTS:
        outer.append(inner.pop(0))
    length = math.prod(shape[axis] for axis in inner)
    count = math.prod(shape[axis] for axis in outer)
    if count == 1 or length < _SHORTEST_PART or count * length < _LONG_SUM:
        return None
    return tuple(outer), tuple(inner)


def _are_single(shape: Shape, axes: tuple[int, ...]) -> bool:
    return all(shape[axis] == 1 for axis in axes)


def _broadcast_shape(operands: tuple[Vertex, ...]) -> tuple[int, ...]:
    return np.broadcast_shapes(*(operand.shape for operand in operands))


@np.errstate(all="ignore")
def _evaluated(op: Op, operands: tuple[Vertex, ...], spec: Spec) -> Array | None:
    """The value of an operation on constants; None where it is not known or too large."""
    if not operands or isinstance(op, Expand | Uniform) or math.prod(spec.shape) > _LARGEST_FOLDED:
        return None
    arrays = [_value_of(operand) for operand in operands]
    known = [array for array in arrays if array is not None]
    if len(known) < len(arrays):
        return None
    try:
        return np.ascontiguousarray(op.compute(*known)).reshape(spec.shape)
    except (ValueError, IndexError, ArithmeticError):
        return None  # it raises when it is its turn


def _value_of(vertex: Vertex) -> Array | None:
    """The value of a constant, also of one that is spread over a shape."""
    if isinstance(vertex, Constant):
        return vertex.array
    if isinstance(vertex.op, Expand) and isinstance(vertex.operands[0], Constant):
        return np.broadcast_to(vertex.operands[0].array, vertex.shape)
    return None
