"""The tensor: a handle to a value that never changes."""

import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from . import indexing
from .arrays import read_only, to_array, to_text
from .devices import CPU, Device
from .errors import AutogradError, DTypeError, ShapeError, ViewWriteError
from .ops import (
    Add,
    Array,
    BitwiseAnd,
    BitwiseNot,
    BitwiseOr,
    BitwiseXor,
    Cast,
    Clone,
    Detach,
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
    Remainder,
    Shape,
    ShiftLeft,
    ShiftRight,
    Subtract,
)
from .promotion import (
    DType,
    category,
    combine,
    default_dtype_of,
    float32,
    is_floating,
    promote_types,
)
from .tape import Node, Value, grad_mode

Number = bool | int | float
Function = TypeVar("Function", bound=Callable[..., Any])


class _Quiet(threading.local):
    """A context for each thread in which NaN and infinity arise silently, as IEEE 754 has them.

    NumPy keeps what it warns of in the context; to run an operation in one prepared for it
    costs a tenth of turning the warnings off and on around it.
    """

    def __init__(self) -> None:
        self.context = without_warnings()


def without_warnings() -> Context:
    """A context in which NumPy computes without warnings."""
    context = copy_context()
    context.run(np.seterr, all="ignore")
    return context


quiet = _Quiet()

_VIEW_WRITE = (
    "this tensor is a view made by {}, and values never change, so writing in place cannot "
    "reach the tensor it was made from; write to that tensor instead (x[index] = value), or "
    "make a new one (y = y + 1, y.clone())"
)


class Tensor:
    """A multi-dimensional array that can say how it was computed.

    A tensor is a handle to a value, and values never change: the in-place spellings
    (``x += 1``, ``x[0] = 1``, ``x.zero_()``) let the handle point to a new value. Two
    tensors never share a change. Functions of `fathom` that take a tensor first are its
    methods too: ``x.exp()`` is ``fathom.exp(x)``.

    Args:
        data: numbers, nested sequences, a NumPy array or another tensor; copied.
        dtype: the element type; float32 by default, as for ``torch.Tensor``.
        requires_grad: whether `backward` shall compute a gradient for it.
    """

    __slots__ = ("__weakref__", "_node", "grad")

    # NumPy leaves mixed operators (array * tensor) to the tensor.
    __array_priority__ = 1000

    _node: Node
    grad: "Tensor | None"

    def __init__(self, data: Any = (), dtype: Any = float32, requires_grad: bool = False) -> None:
        self._node = Node(to_array(data, dtype))
        self.grad = None
        if requires_grad:
            self.requires_grad = True

    if TYPE_CHECKING:
        # The methods that `tensor_method` adds.
        def __getattr__(self, name: str) -> Callable[..., "Tensor"]: ...

    def apply_operation(self, op: Op, operands: tuple[Operand, ...]) -> "Tensor":
        """Apply an operation to tensors, arrays and numbers, and note it on the tape."""
        nodes, values, needs_gradient = [], [], False
        for operand in operands:
            is_tensor = isinstance(operand, Tensor)
            node = operand._node if is_tensor else constant_beside(operand, operands)
            nodes.append(node)
            values.append(node.value)
            needs_gradient = needs_gradient or node.needs_gradient
        value = quiet.context.run(op.compute, *values)
        if needs_gradient and grad_mode.enabled and value.dtype.kind == "f":
            return wrap(Node(value, op, tuple(nodes), True))
        return wrap(Node(value, op))

    def rebind(self, result: "Tensor") -> "Tensor":
        """Let this handle point to the value of `result`: what every in-place spelling does.

        Args:
            result: a tensor of the same shape, and of a dtype that this one's can hold.

        Returns:
            The handle itself.

        Raises:
            ViewWriteError: the tensor was made by a movement operation, so PyTorch would
                write into the tensor that it was made from.
            AutogradError: the tensor is a leaf that requires a gradient, outside `no_grad`.
        """
        node = self._node
        if node.op is not None and node.op.is_view:
            raise ViewWriteError(_VIEW_WRITE.format(node.op.name))
        if result.shape != self.shape:
            raise ShapeError(
                f"an in-place operation gave shape {result.shape}, "
                f"which does not fit into the tensor's shape {self.shape}"
            )
        if result.dtype != self.dtype:
            if category(result.dtype) > category(self.dtype):
                raise DTypeError(
                    f"a result of dtype {result.dtype} cannot be written into "
                    f"a tensor of dtype {self.dtype}; convert the tensor first"
                )
            result = cast(result, self.dtype)
        is_parameter = node.needs_gradient and not node.inputs
        if is_parameter and grad_mode.enabled:
            raise AutogradError(
                "a leaf tensor that requires a gradient is written in place; "
                "do it within fathom.no_grad(), or compute a new tensor"
            )
        if is_parameter:
            self._become_leaf(result._node.value, hooks=node.hooks)
            return self
        source = result._node.op
        if source is None or source.is_view:
            result = Clone()(result)
        self._node = result._node
        return self

    def _become_leaf(self, value: Value, hooks: Any = None, op: Op | None = None) -> None:
        self._node = Node(value, op, needs_gradient=True)
        self._node.leaf = weakref.ref(self)
        self._node.hooks = hooks

    @property
    def shape(self) -> Shape:
        """The size of every dimension."""
        return self._node.value.shape

    @property
    def dtype(self) -> DType:
        """The element type, a NumPy dtype."""
        return self._node.value.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def device(self) -> Device:
        """Where the values are: always the CPU."""
        return CPU

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor."""
        return self._node.needs_gradient

    @requires_grad.setter
    def requires_grad(self, requires: bool) -> None:
        node = self._node
        if node.inputs:
            if not requires:
                raise AutogradError(
                    "requires_grad can be turned off for leaf tensors only; use y.detach()"
                )
            return
        if requires and not is_floating(self.dtype):
            raise AutogradError(
                f"only tensors of a floating dtype can require gradients, not {self.dtype}"
            )
        if requires:
            self._become_leaf(node.value, node.hooks, node.op)
        else:
            self._node = Node(node.value, node.op)

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor comes from outside rather than from an operation on the tape."""
        return not self._node.inputs

    @property
    def grad_fn(self) -> Op | None:
        """The operation on the tape that produced this tensor, if there is one."""
        return self._node.op if self._node.inputs else None

    @property
    def data(self) -> "Tensor":
        """The same value without its history; assigning replaces the value."""
        return self.detach()

    @data.setter
    def data(self, value: "Tensor") -> None:
        if self.requires_grad:
            self._become_leaf(value._node.value, self._node.hooks)
        else:
            self._node = Node(value._node.value)

    @property
    def T(self) -> "Tensor":  # noqa: N802 - PyTorch's name
        """The tensor with its dimensions in reverse order."""
        return Permute(tuple(range(self.ndim))[::-1])(self)

    @property
    def mT(self) -> "Tensor":  # noqa: N802 - PyTorch's name
        """The tensor with its last two dimensions exchanged."""
        return self.transpose(-2, -1)

    @property
    def mH(self) -> "Tensor":  # noqa: N802 - PyTorch's name
        """The tensor with its last two dimensions exchanged (numbers here are real)."""
        return self.mT

    @property
    def H(self) -> "Tensor":  # noqa: N802 - PyTorch's name
        """A matrix with rows and columns exchanged (numbers here are real)."""
        return self.t()

    def detach(self) -> "Tensor":
        """The same value without its history: no gradient flows through it."""
        return wrap(Node(self._node.value, Detach()))

    def requires_grad_(self, requires_grad: bool = True) -> "Tensor":
        """Set `requires_grad` and return the tensor."""
        self.requires_grad = requires_grad
        return self

    def numpy(self, *, force: bool = False) -> Array:
        """The value as a NumPy array: a view, and read-only, because values never change.

        Args:
            force: whether a tensor that requires a gradient is detached first.

        Raises:
            AutogradError: the tensor requires a gradient, which NumPy would lose.
        """
        if self.requires_grad and not force:
            raise AutogradError(
                "numpy() on a tensor that requires a gradient would lose the gradient; "
                "use tensor.detach().numpy()"
            )
        return read_only(self._node.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if dtype is None and not copy:
            return read_only(self._node.value)
        return np.array(self._node.value, dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        # A copy: the consumer may write into what it is given.
        return np.array(self._node.value).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return np.empty(0).__dlpack_device__()

    def item(self) -> Number:
        """The only element as a Python number."""
        array = np.asarray(self._node.value)
        if array.size != 1:
            raise ShapeError(
                f"item() needs a tensor with one element, this one has shape {self.shape}; "
                f"use tolist()"
            )
        return array.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return np.asarray(self._node.value).tolist()

    def __bool__(self) -> bool:
        if self._node.value.size != 1:
            raise ShapeError(
                f"the truth of a tensor of shape {self.shape} is ambiguous; use x.any() or x.all()"
            )
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __index__(self) -> int:
        if is_floating(self.dtype):
            raise TypeError("only integer tensors of a single element can be an index")
        return int(self.item())

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a zero-dimensional tensor")
        return self.shape[0]

    def __iter__(self) -> "Iterator[Tensor]":
        return (self[position] for position in range(len(self)))

    def __contains__(self, element: Any) -> bool:
        return bool((self == element).any())

    def __repr__(self) -> str:
        return describe(self)

    def __format__(self, specification: str) -> str:
        if specification and not self.shape:
            return format(self.item(), specification)
        return format(repr(self), specification)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Tensor":
        if self._node.inputs:
            raise AutogradError("only leaf tensors can be copied with deepcopy; use clone()")
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        copied.grad = self.grad.__deepcopy__(memo) if self.grad is not None else None
        if self.requires_grad:
            copied._become_leaf(self._node.value)
        else:
            copied._node = Node(self._node.value)
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        array = np.asarray(self._node.value)
        return (_restore, (type(self), array, self.requires_grad and self.is_leaf))

    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> "Tensor":
        return indexing.read(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, PendingWrite):
            value = value.take()
        if not isinstance(value, Tensor):
            value = constant(value, self.dtype)
        self.rebind(indexing.write(self, index, cast(value, self.dtype)))

    def __neg__(self) -> "Tensor":
        return Negative()(self)

    def __pos__(self) -> "Tensor":
        return self

    def __abs__(self) -> "Tensor":
        return self.abs()

    def __invert__(self) -> "Tensor":
        op = LogicalNot() if self.dtype.kind == "b" else BitwiseNot()
        return op(self)

    def __add__(self, other: Any) -> "Tensor":
        return binary(Add(), self, other)

    def __radd__(self, other: Any) -> "Tensor":
        return binary(Add(), other, self)

    def __iadd__(self, other: Any) -> "Tensor":
        return augment(self, self + other)

    def __sub__(self, other: Any) -> "Tensor":
        return binary(Subtract(), self, other)

    def __rsub__(self, other: Any) -> "Tensor":
        return binary(Subtract(), other, self)

    def __isub__(self, other: Any) -> "Tensor":
        return augment(self, self - other)

    def __mul__(self, other: Any) -> "Tensor":
        return binary(Multiply(), self, other)

    def __rmul__(self, other: Any) -> "Tensor":
        return binary(Multiply(), other, self)

    def __imul__(self, other: Any) -> "Tensor":
        return augment(self, self * other)

    def __truediv__(self, other: Any) -> "Tensor":
        return binary(Divide(), self, other, floating=True)

    def __rtruediv__(self, other: Any) -> "Tensor":
        return binary(Divide(), other, self, floating=True)

    def __itruediv__(self, other: Any) -> "Tensor":
        return augment(self, self / other)

    def __floordiv__(self, other: Any) -> "Tensor":
        return binary(FloorDivide(), self, other)

    def __rfloordiv__(self, other: Any) -> "Tensor":
        return binary(FloorDivide(), other, self)

    def __ifloordiv__(self, other: Any) -> "Tensor":
        return augment(self, self // other)

    def __mod__(self, other: Any) -> "Tensor":
        return binary(Remainder(), self, other)

    def __rmod__(self, other: Any) -> "Tensor":
        return binary(Remainder(), other, self)

    def __imod__(self, other: Any) -> "Tensor":
        return augment(self, self % other)

    def __pow__(self, exponent: Any) -> "Tensor":
        return self.pow(exponent)

    def __rpow__(self, base: Any) -> "Tensor":
        return to_tensor_beside(base, self).pow(self)

    def __ipow__(self, exponent: Any) -> "Tensor":
        return augment(self, self**exponent)

    def __matmul__(self, other: Any) -> "Tensor":
        return self.matmul(to_tensor_beside(other, self))

    def __rmatmul__(self, other: Any) -> "Tensor":
        return to_tensor_beside(other, self).matmul(self)

    def __and__(self, other: Any) -> "Tensor":
        return binary(BitwiseAnd(), self, other)

    def __rand__(self, other: Any) -> "Tensor":
        return binary(BitwiseAnd(), other, self)

    def __iand__(self, other: Any) -> "Tensor":
        return augment(self, self & other)

    def __or__(self, other: Any) -> "Tensor":
        return binary(BitwiseOr(), self, other)

    def __ror__(self, other: Any) -> "Tensor":
        return binary(BitwiseOr(), other, self)

    def __ior__(self, other: Any) -> "Tensor":
        return augment(self, self | other)

    def __xor__(self, other: Any) -> "Tensor":
        return binary(BitwiseXor(), self, other)

    def __rxor__(self, other: Any) -> "Tensor":
        return binary(BitwiseXor(), other, self)

    def __ixor__(self, other: Any) -> "Tensor":
        return augment(self, self ^ other)

    def __lshift__(self, other: Any) -> "Tensor":
        return binary(ShiftLeft(), self, other)

    def __rlshift__(self, other: Any) -> "Tensor":
        return binary(ShiftLeft(), other, self)

    def __rshift__(self, other: Any) -> "Tensor":
        return binary(ShiftRight(), self, other)

    def __rrshift__(self, other: Any) -> "Tensor":
        return binary(ShiftRight(), other, self)

    def __eq__(self, other: Any) -> "Tensor":  # type: ignore[override]
        return binary(Equal(), self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __ne__(self, other: Any) -> "Tensor":  # type: ignore[override]
        return binary(NotEqual(), self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __lt__(self, other: Any) -> "Tensor":
        return binary(Less(), self, other)

    def __le__(self, other: Any) -> "Tensor":
        return binary(LessEqual(), self, other)

    def __gt__(self, other: Any) -> "Tensor":
        return binary(Greater(), self, other)

    def __ge__(self, other: Any) -> "Tensor":
        return binary(GreaterEqual(), self, other)


# What a tensor can be computed with; anything else is simply not equal to it.
_OPERANDS = (Tensor, np.ndarray, np.generic, bool, int, float)


class PendingWrite(Tensor):
    """What ``x[0] += 1`` hands from the view ``x[0]`` to the assignment ``x[0] = …``.

    It is good for nothing else: after ``y = x[0]``, the result of ``y += 1`` would have to
    reach ``x``, so any use of it raises, and letting it go unused warns.
    """

    __slots__ = ("_op", "_result")

    def __init__(self, op: Op, result: Tensor) -> None:
        self._op = op
        self._result: Tensor | None = result

    @property
    def _node(self) -> Node:  # type: ignore[override]
        raise ViewWriteError(_VIEW_WRITE.format(self._op.name))

    def take(self) -> Tensor:
        """The result, for the assignment that writes it."""
        result = self._result
        if result is None:
            raise ViewWriteError(_VIEW_WRITE.format(self._op.name))
        self._result = None
        return result

    def __del__(self) -> None:
        if self._result is not None:
            warnings.warn(_VIEW_WRITE.format(self._op.name), RuntimeWarning, stacklevel=2)


def augment(tensor: Tensor, result: Tensor) -> Tensor:
    """What ``tensor += …`` evaluates to: the rebound handle, or for a view a pending write."""
    op = tensor._node.op
    if op is not None and op.is_view:
        return PendingWrite(op, result)
    return tensor.rebind(result)


def tensor_method(function: Function) -> Function:
    """Make a function of a tensor a method of `Tensor` too, under the same name."""
    setattr(Tensor, function.__name__, function)
    return function


def with_in_place(function: Function) -> Function:
    """Add the in-place spelling of a tensor method: ``x.exp_()`` rebinds x to its exp."""

    @wraps(function)
    def in_place(self: Tensor, *arguments: Any, **options: Any) -> Tensor:
        return self.rebind(function(self, *arguments, **options))

    in_place.__name__ = function.__name__ + "_"
    in_place.__doc__ = f"The in-place spelling of `{function.__name__}`."
    setattr(Tensor, in_place.__name__, in_place)
    return function


def wrap(node: Node) -> Tensor:
    """A handle to a node."""
    tensor = Tensor.__new__(Tensor)
    tensor._node = node
    tensor.grad = None
    return tensor


def constant(data: Any, dtype: Any = None) -> Tensor:
    """A tensor without history, for numbers and arrays that meet tensors."""
    return wrap(Node(to_array(data, dtype)))


def constant_beside(operand: Operand, operands: tuple[Operand, ...]) -> Node:
    """The node of an array, or of a number that takes its dtype from the tensors beside it."""
    if isinstance(operand, np.ndarray | np.generic):
        return Node(np.asarray(operand))
    if hasattr(operand, "apply_operation"):  # a symbol
        return Node(operand)
    dtypes = [other.dtype for other in operands if hasattr(other, "dtype")]
    return Node(np.asarray(operand, max(dtypes, key=category)))


def to_tensor_beside(operand: Any, tensor: Tensor) -> Tensor:
    """The operand as a tensor; a Python number takes the dtype it has beside `tensor`."""
    if isinstance(operand, Tensor):
        return operand
    if type(operand) in (int, float, bool):
        return constant(operand, combine(tensor.dtype, None, default_dtype_of(operand)))
    return constant(operand)


def cast(tensor: Tensor, dtype: DType) -> Tensor:
    """The tensor in another dtype; the tensor itself where it has it already."""
    if tensor._node.value.dtype == dtype:
        return tensor
    return Cast(dtype)(tensor)


# Numbers from here on overflow in float32.
_FLOAT32_LIMIT = 3e38


def binary(op: Op, first: Any, second: Any, *, floating: bool = False) -> Tensor:
    """Apply an elementwise operation to two operands after promoting their dtypes.

    Args:
        op: the operation.
        first, second: tensors, arrays or Python numbers; at least one is a tensor.
        floating: whether integers become float32 first, as for a division.
    """
    if isinstance(first, Tensor):
        dtype = first._node.value.dtype
        if dtype.kind == "f":
            # What is met most often needs no promotion: floats of one dtype, or a number.
            if isinstance(second, Tensor):
                if second._node.value.dtype is dtype:
                    return first.apply_operation(op, (first, second))
            elif (type(second) is float or type(second) is int) and abs(second) < _FLOAT32_LIMIT:
                return first.apply_operation(op, (first, wrap(Node(np.asarray(second, dtype)))))
    first, second = promoted((first, second), floating=floating)
    return first.apply_operation(op, (first, second))


def promoted(operands: tuple[Any, ...], *, floating: bool = False) -> tuple[Tensor, ...]:
    """The operands as tensors of their common dtype, by PyTorch's rules of promotion."""
    dimensioned = scalar = number = None
    for operand in operands:
        if isinstance(operand, Tensor | np.ndarray | np.generic):
            if operand.ndim:
                dimensioned = _wider(dimensioned, operand.dtype)
            else:
                scalar = _wider(scalar, operand.dtype)
        elif isinstance(operand, bool | int | float):
            number = _wider(number, default_dtype_of(operand))
        elif hasattr(operand, "apply_operation"):  # a symbol
            wrapped = [wrap(Node(other)) if other is operand else other for other in operands]
            return promoted(tuple(wrapped), floating=floating)
        else:
            raise DTypeError(
                f"cannot compute with a {type(operand).__name__} beside a tensor; "
                f"expected a tensor, an array or a number"
            )
    common = combine(dimensioned, scalar, number)
    if floating and not is_floating(common):
        common = float32
    return tuple(
        [
            cast(operand, common)
            if isinstance(operand, Tensor)
            else wrap(Node(_as_dtype(operand, common)))
            for operand in operands
        ]
    )


@np.errstate(all="ignore")
def _as_dtype(operand: Any, dtype: DType) -> Array:
    try:
        return np.asarray(operand, dtype)
    except OverflowError:  # an integer that the dtype cannot hold wraps around
        return np.asarray(operand).astype(dtype)


def _wider(first: DType | None, second: DType) -> DType:
    return second if first is None else promote_types(first, second)


def describe(tensor: Tensor) -> str:
    """The tensor as PyTorch prints it: ``tensor([1., 2.], requires_grad=True)``."""
    value = tensor._node.value
    if not isinstance(value, np.ndarray):
        return f"tensor({value!r})"
    notes = []
    if value.size == 0 and value.shape != (0,):
        notes.append(f"size={value.shape}")
    if value.dtype not in (np.float32, np.int64, np.bool_):
        notes.append(f"dtype=fathom.{value.dtype}")
    if tensor._node.inputs:
        notes.append(f"grad_fn=<{tensor._node.op.name}>")  # type: ignore[union-attr]
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return f"tensor({', '.join([to_text(value), *notes])})"


def _restore(kind: type[Tensor], array: Array, requires_grad: bool) -> Tensor:
    tensor = kind.__new__(kind)
    tensor.grad = None
    tensor._node = Node(array)
    if requires_grad:
        tensor._become_leaf(array)
    return tensor
