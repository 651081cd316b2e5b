"""The symbol: what stands for a value while a function is recorded."""

from typing import Any, NoReturn

import numpy as np

from .. import indexing
from ..errors import RecordingError
from ..ops import (
    Absolute,
    Add,
    BitwiseAnd,
    BitwiseNot,
    BitwiseOr,
    BitwiseXor,
    Divide,
    Equal,
    FloorDivide,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    LogicalNot,
    Multiply,
    Negative,
    NotEqual,
    Op,
    Operand,
    Permute,
    Power,
    Remainder,
    Shape,
    Subtract,
)
from ..promotion import DType
from ..tensor import Tensor
from .graph import Vertex
from .origin import called_by_user, user_place


class UnknownAttribute(RecordingError, AttributeError):
    """A symbol was asked for what only an array has."""


class Symbol:
    """A value that is not known yet: shape, dtype, and the vertex that will compute it.

    It has what the gradients of operations use on bare values: operators and
    `apply_operation`. Whatever would need the value raises `RecordingError`.
    """

    __slots__ = ("__weakref__", "dtype", "recorder", "shape", "vertex")

    # NumPy leaves mixed operators (array * symbol) to the symbol.
    __array_priority__ = 1000

    def __init__(self, vertex: Vertex, recorder: Any) -> None:
        self.vertex = vertex
        self.recorder = recorder
        self.shape: Shape = vertex.spec.shape
        self.dtype: DType = vertex.spec.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        """The bytes that the value will take."""
        return self.size * self.dtype.itemsize

    def apply_operation(self, op: Op, operands: tuple[Operand, ...]) -> Operand:
        """Record an operation."""
        for operand in operands:
            if isinstance(operand, Tensor):
                return operand.apply_operation(op, operands)
        return self.recorder.apply(op, operands)

    def __repr__(self) -> str:
        origin = f", computed at {self.vertex.origin}" if self.vertex.origin else ""
        return f"<{self.dtype}{list(self.shape)} while recording{origin}>"

    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> Operand:
        return indexing.read(self, index)

    def swapaxes(self, first: int, second: int) -> Operand:
        """The value with two of its dimensions exchanged."""
        order = list(range(self.ndim))
        order[first], order[second] = order[second], order[first]
        return Permute(tuple(order))(self)

    def __neg__(self) -> Operand:
        return Negative()(self)

    def __abs__(self) -> Operand:
        return Absolute()(self)

    def __invert__(self) -> Operand:
        return (LogicalNot() if self.dtype.kind == "b" else BitwiseNot())(self)

    def __add__(self, other: Operand) -> Operand:
        return Add()(self, other)

    def __radd__(self, other: Operand) -> Operand:
        return Add()(other, self)

    def __sub__(self, other: Operand) -> Operand:
        return Subtract()(self, other)

    def __rsub__(self, other: Operand) -> Operand:
        return Subtract()(other, self)

    def __mul__(self, other: Operand) -> Operand:
        return Multiply()(self, other)

    def __rmul__(self, other: Operand) -> Operand:
        return Multiply()(other, self)

    def __truediv__(self, other: Operand) -> Operand:
        return Divide()(self, other)

    def __rtruediv__(self, other: Operand) -> Operand:
        return Divide()(other, self)

    def __floordiv__(self, other: Operand) -> Operand:
        return FloorDivide()(self, other)

    def __rfloordiv__(self, other: Operand) -> Operand:
        return FloorDivide()(other, self)

    def __mod__(self, other: Operand) -> Operand:
        return Remainder()(self, other)

    def __rmod__(self, other: Operand) -> Operand:
        return Remainder()(other, self)

    def __pow__(self, other: Operand) -> Operand:
        return Power()(self, other)

    def __rpow__(self, other: Operand) -> Operand:
        return Power()(other, self)

    def __and__(self, other: Operand) -> Operand:
        return BitwiseAnd()(self, other)

    def __rand__(self, other: Operand) -> Operand:
        return BitwiseAnd()(other, self)

    def __or__(self, other: Operand) -> Operand:
        return BitwiseOr()(self, other)

    def __ror__(self, other: Operand) -> Operand:
        return BitwiseOr()(other, self)

    def __xor__(self, other: Operand) -> Operand:
        return BitwiseXor()(self, other)

    def __rxor__(self, other: Operand) -> Operand:
        return BitwiseXor()(other, self)

    def __eq__(self, other: object) -> Operand:
        return Equal()(self, other)

    def __ne__(self, other: object) -> Operand:
        return NotEqual()(self, other)

    def __lt__(self, other: Operand) -> Operand:
        return Less()(self, other)

    def __le__(self, other: Operand) -> Operand:
        return LessEqual()(self, other)

    def __gt__(self, other: Operand) -> Operand:
        return Greater()(self, other)

    def __ge__(self, other: Operand) -> Operand:
        return GreaterEqual()(self, other)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        self.recorder.require_current()
        call = called_by_user()
        what, remedy = _REMEDIES.get(call, (f"{call}()", _ELSEWHERE))
        raise RecordingError(
            f"{user_place()}: {what} needs the values of a tensor of shape {self.shape}, but a "
            f"function under fathom.compile is recorded before there are values; {remedy}"
        )

    __bool__ = __float__ = __int__ = __index__ = __len__ = __iter__ = _refuse
    __array__ = item = tolist = _refuse

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **_: Any) -> Any:
        # What an array's operator calls where a symbol stands beside it.
        if method != "__call__" or ufunc not in _OPERATORS:
            self._refuse()
        return _OPERATORS[ufunc]()(*operands)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise UnknownAttribute(
            f"{user_place()}: a tensor has no array, and so no '{name}' of it, while a function "
            f"under fathom.compile is recorded; {_ELSEWHERE}"
        )


_OPERATORS: dict[np.ufunc, type[Op]] = {
    np.add: Add,
    np.subtract: Subtract,
    np.multiply: Multiply,
    np.divide: Divide,
    np.floor_divide: FloorDivide,
    np.remainder: Remainder,
    np.power: Power,
    np.bitwise_and: BitwiseAnd,
    np.bitwise_or: BitwiseOr,
    np.bitwise_xor: BitwiseXor,
    np.equal: Equal,
    np.not_equal: NotEqual,
    np.less: Less,
    np.less_equal: LessEqual,
    np.greater: Greater,
    np.greater_equal: GreaterEqual,
}

_ELSEWHERE = (
    "compute it with functions of fathom whose result's shape does not depend on values, or "
    "return the tensor and do this part outside"
)
_RETURN = "return the tensor from the function and look at its value outside"
# What each call of the user's was, in words, and what to do instead.
_REMEDIES = {
    "__bool__": (
        "the truth of a tensor ('if', 'while', 'and', 'or', 'not', 'in')",
        "choose elementwise with fathom.where(condition, a, b), or return the tensor and "
        "branch outside",
    ),
    "__index__": (
        "a tensor as an index or a size of Python's",
        "pass a Python number, or select with fathom.gather or fathom.where",
    ),
    "item": ("item()", _RETURN),
    "tolist": ("tolist()", _RETURN),
    "__float__": ("float()", _RETURN),
    "__int__": ("int()", _RETURN),
    "__format__": ("formatting", _RETURN),
    "__array__": ("a function of NumPy", _ELSEWHERE),
}
