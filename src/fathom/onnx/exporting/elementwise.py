"""Operations on single elements."""

import math

import numpy as np

from ...graph import Vertex
from .translation import directly, translates
from .writer import Writer, element_number

for _operation, _kind in {
    "Absolute": "Abs",
    "Add": "Add",
    "Arcsin": "Asin",
    "Arcsinh": "Asinh",
    "Arctan": "Atan",
    "BitwiseAnd": "BitwiseAnd",
    "BitwiseNot": "BitwiseNot",
    "BitwiseOr": "BitwiseOr",
    "BitwiseXor": "BitwiseXor",
    "BoundAbove": "Min",
    "BoundBelow": "Max",
    "Ceil": "Ceil",
    "Clone": "Identity",
    "Cos": "Cos",
    "Detach": "Identity",
    "Determinant": "Det",
    "Equal": "Equal",
    "Erf": "Erf",
    "Exp": "Exp",
    "Floor": "Floor",
    "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual",
    "IsNan": "IsNaN",
    "Less": "Less",
    "LessEqual": "LessOrEqual",
    "Log": "Log",
    "LogicalAnd": "And",
    "LogicalNot": "Not",
    "LogicalOr": "Or",
    "LogicalXor": "Xor",
    "Maximum": "Max",
    "Minimum": "Min",
    "Multiply": "Mul",
    "Negative": "Neg",
    "Power": "Pow",
    "Relu": "Relu",
    "Round": "Round",
    "Sigmoid": "Sigmoid",
    "Sign": "Sign",
    "Sin": "Sin",
    "Sqrt": "Sqrt",
    "Subtract": "Sub",
    "Tanh": "Tanh",
    "Where": "Where",
}.items():
    directly(_operation, _kind)


@translates("Cast")
def cast(writer: Writer, vertex: Vertex, x: str) -> str:
    """Another element type."""
    return writer.node("Cast", x, to=element_number(vertex.dtype))


@translates("Divide")
def divide(writer: Writer, vertex: Vertex, a: str, b: str) -> str:
    """A quotient; that of integers, which ONNX rounds, as floats."""
    if vertex.operands[0].dtype.kind == "f":
        return writer.node("Div", a, b)
    number = element_number(vertex.dtype)
    first, second = (writer.node("Cast", operand, to=number) for operand in (a, b))
    return writer.node("Div", first, second)


@translates("FloorDivide")
def floor_divide(writer: Writer, vertex: Vertex, a: str, b: str) -> str:
    """A quotient rounded down."""
    if vertex.dtype.kind == "f":
        return writer.node("Floor", writer.node("Div", a, b))
    # Div rounds towards zero, but without a remainder there is nothing to round.
    return writer.node("Div", writer.node("Sub", a, writer.node("Mod", a, b)), b)


@translates("Remainder")
def remainder(writer: Writer, vertex: Vertex, a: str, b: str) -> str:
    """A remainder with the sign of the divisor."""
    if vertex.dtype.kind != "f":
        return writer.node("Mod", a, b)
    zero = writer.like(vertex, 0)
    rest = writer.node("Mod", a, b, fmod=1)
    signs = writer.node("Xor", writer.node("Less", rest, zero), writer.node("Less", b, zero))
    is_other = writer.node("And", signs, writer.node("Not", writer.node("Equal", rest, zero)))
    return writer.node("Where", is_other, writer.node("Add", rest, b), rest)


@translates("MultiplyAdd")
def multiply_add(writer: Writer, vertex: Vertex, a: str, b: str, c: str) -> str:
    """a b + c."""
    return writer.node("Add", writer.node("Mul", a, b), c)


@translates("Standardize")
def standardize(writer: Writer, vertex: Vertex, x: str, mean: str, scale: str) -> str:
    """(x - mean) scale."""
    return writer.node("Mul", writer.node("Sub", x, mean), scale)


@translates("NotEqual")
def not_equal(writer: Writer, vertex: Vertex, a: str, b: str) -> str:
    """Whether two differ."""
    return writer.node("Not", writer.node("Equal", a, b))


@translates("IsFinite")
def is_finite(writer: Writer, vertex: Vertex, x: str) -> str:
    """Whether a number is neither infinite nor NaN."""
    wrong = writer.node("Or", writer.node("IsInf", x), writer.node("IsNaN", x))
    return writer.node("Not", wrong)


@translates("SignBit")
def sign_bit(writer: Writer, vertex: Vertex, x: str) -> str:
    """Whether the sign is minus, also of -0."""
    zero, one = writer.like(vertex.operands[0], 0), writer.like(vertex.operands[0], 1)
    below = writer.node("Less", x, zero)
    if vertex.operands[0].dtype.kind != "f":
        return below
    return writer.node("Or", below, writer.node("Less", writer.node("Div", one, x), zero))


@translates("Truncate")
def truncate(writer: Writer, vertex: Vertex, x: str) -> str:
    """The whole part."""
    if vertex.dtype.kind != "f":
        return writer.node("Identity", x)
    is_below = writer.node("Less", x, writer.like(vertex, 0))
    return writer.node("Where", is_below, writer.node("Ceil", x), writer.node("Floor", x))


@translates("Expm1")
def expm1(writer: Writer, vertex: Vertex, x: str) -> str:
    """e^x - 1 = tanh(x / 2) (e^x + 1), which does not cancel."""
    half = writer.node("Tanh", writer.node("Mul", x, writer.like(vertex, 0.5)))
    grown = writer.node("Add", writer.node("Exp", x), writer.like(vertex, 1))
    return writer.node("Mul", half, grown)


@translates("Log1p")
def log1p(writer: Writer, vertex: Vertex, x: str) -> str:
    """log(1 + x); near 0 it loses the digits that x has more than 1 + x."""
    return writer.node("Log", writer.node("Add", writer.like(vertex, 1), x))


@translates("LogBase")
def log_base(writer: Writer, vertex: Vertex, x: str) -> str:
    """The logarithm to another base."""
    base = writer.like(vertex, math.log(vertex.op.base))  # type: ignore[union-attr]
    return writer.node("Div", writer.node("Log", x), base)


@translates("LogAddExp")
def log_add_exp(writer: Writer, vertex: Vertex, a: str, b: str) -> str:
    """log(e^a + e^b)."""
    apart = writer.node("Neg", writer.node("Abs", writer.node("Sub", a, b)))
    added = writer.node("Add", writer.like(vertex, 1), writer.node("Exp", apart))
    return writer.node("Add", writer.node("Max", a, b), writer.node("Log", added))


@translates("Erfc")
def erfc(writer: Writer, vertex: Vertex, x: str) -> str:
    """1 - erf(x)."""
    return writer.node("Sub", writer.like(vertex, 1), writer.node("Erf", x))


@translates("Hypot")
def hypot(writer: Writer, vertex: Vertex, a: str, b: str) -> str:
    """The root of a sum of two squares."""
    squares = [writer.node("Mul", side, side) for side in (a, b)]
    return writer.node("Sqrt", writer.node("Add", *squares))


@translates("Arctan2")
def arctan2(writer: Writer, vertex: Vertex, y: str, x: str) -> str:
    """The angle of a point: that of its quotient, and half a turn to the left of 0."""
    zero, turn = writer.like(vertex, 0), writer.like(vertex, np.pi)
    angle = writer.node("Atan", writer.node("Div", y, x))
    half = writer.node("Where", writer.node("Less", y, zero), writer.like(vertex, -np.pi), turn)
    moved = writer.node(
        "Where", writer.node("Less", x, zero), writer.node("Add", angle, half), angle
    )
    return writer.node("Where", writer.node("IsNaN", moved), zero, moved)


@translates("ShiftLeft", "ShiftRight")
def shift(writer: Writer, vertex: Vertex, a: str, b: str) -> str:
    """Bits moved, as products with powers of two, which signed integers have too."""
    two = writer.like(vertex, 2)
    power = writer.node("Pow", two, b)
    if vertex.kind == "ShiftLeft":
        return writer.node("Mul", a, power)
    return floor_divide(writer, vertex, a, power)
