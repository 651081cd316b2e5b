"""Numbers inside a kernel, with Python's operators: what an op's `expression` works on."""

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..ops import DTypeError
from . import mathematics
from .emitter import Emitter, Value, index, lanes_of, number, vector

DType = np.dtype[Any]

BOOL = np.dtype(bool)
_FLOATING = {4: "float", 8: "double"}


def register_type(dtype: DType, lanes: int) -> str:
    """LLVM's type of `lanes` elements in a register, where a bool is one bit."""
    return vector("i1" if dtype.kind == "b" else _element_in_memory(dtype), lanes)


def memory_type(dtype: DType, lanes: int = 1) -> str:
    """LLVM's type of `lanes` elements in memory, where a bool is a byte holding 0 or 1."""
    return vector(_element_in_memory(dtype), lanes)


def _element_in_memory(dtype: DType) -> str:
    return _FLOATING[dtype.itemsize] if dtype.kind == "f" else f"i{8 * dtype.itemsize}"


def load_lanes(
    emitter: Emitter, dtype: DType, pointer: Value, lanes: int, mask: Value | None = None
) -> "Lanes":
    """Load neighbouring elements of an array; those that `mask` leaves out are zero."""
    value = emitter.load(memory_type(dtype, lanes), pointer, mask)
    if dtype.kind == "b":
        value = emitter.compare("ne", value, number(0, value.type))
    return Lanes(emitter, value, dtype)


def store_lanes(lanes: "Lanes", pointer: Value, mask: Value | None = None) -> None:
    """Store lanes side by side in an array; those that `mask` leaves out are not written."""
    value = lanes.value
    if lanes.dtype.kind == "b":
        value = lanes.emitter.convert("zext", value, memory_type(lanes.dtype, lanes.count))
    lanes.emitter.store(value, pointer, mask)


def literal_lanes(emitter: Emitter, value: float, dtype: DType, lanes: int) -> "Lanes":
    """The same number in all lanes; an integer wraps around where the dtype cannot hold it."""
    type = register_type(dtype, lanes)
    if dtype.kind in "iu":
        # LLVM's integers have no sign of their own; it reads the signed ones of their size.
        half = 1 << (8 * dtype.itemsize - 1)
        value = (int(value) + half) % (2 * half) - half
    return Lanes(emitter, number(value, type), dtype)


class Lanes:
    """A number inside a kernel, or a vector of numbers that are treated alike.

    Operators and methods write instructions; their results are what NumPy gives for arrays
    of the same dtype. The operands of an operator share a dtype, but for bools, which count
    as 0 and 1 beside numbers. A Python number takes the dtype of the lanes it meets, and a
    single lane is repeated beside several.

    Where NumPy reports a division of integers by zero, the lane's result is unspecified.
    Subnormal floating-point numbers may count as zero.

    Args:
        emitter: where the instructions are written.
        value: the register that holds the lanes; bools are bits.
        dtype: the NumPy dtype of the elements.
    """

    __slots__ = ("dtype", "emitter", "value")

    def __init__(self, emitter: Emitter, value: Value, dtype: DType) -> None:
        self.emitter = emitter
        self.value = value
        self.dtype = dtype

    @property
    def count(self) -> int:
        """How many numbers there are side by side."""
        return lanes_of(self.value.type)

    @property
    def is_floating(self) -> bool:
        return self.dtype.kind == "f"

    @property
    def is_signed(self) -> bool:
        """Whether the numbers are integers that may be negative."""
        return self.dtype.kind == "i"

    @property
    def is_integer(self) -> bool:
        return self.dtype.kind in "iu"

    def __repr__(self) -> str:
        return f"Lanes({self.value}, {self.dtype})"

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "what lanes hold is known only when the kernel runs; choose by condition.select(a, b)"
        )

    __hash__ = None  # type: ignore[assignment]

    # What meets in an operator

    def constant(self, value: float) -> "Lanes":
        """A number of the same dtype in as many lanes."""
        if self.is_integer and value % 1 != 0:
            raise DTypeError(f"lanes of {self.dtype} meet {value}: cast them before")
        return literal_lanes(self.emitter, value, self.dtype, self.count)

    def spread(self, count: int) -> "Lanes":
        """A single lane repeated; several stay as they are."""
        if self.count == count:
            return self
        return self._with(self.emitter.splat(self.value, count))

    def _with(self, value: Value) -> "Lanes":
        return Lanes(self.emitter, value, self.dtype)

    def _truth(self, value: Value) -> "Lanes":
        return Lanes(self.emitter, value, BOOL)

    def _meet(self, other: Any) -> tuple["Lanes", "Lanes"]:
        """Both operands, with one dtype and equally many lanes."""
        if not isinstance(other, Lanes):
            return self, self.constant(other)
        if other.dtype != self.dtype:
            if self.dtype == BOOL:
                return self.cast(other.dtype)._meet(other)
            if other.dtype != BOOL:
                raise DTypeError(f"lanes of {self.dtype} meet lanes of {other.dtype}: cast one")
            other = other.cast(self.dtype)
        count = max(self.count, other.count)
        return self.spread(count), other.spread(count)

    def _combine(self, write: Callable[[Value, Value], Value], other: Any) -> "Lanes":
        one, two = self._meet(other)
        return one._with(write(one.value, two.value))

    def _bitwise(self, name: str, other: Any) -> "Lanes":
        return self._combine(lambda a, b: self.emitter.bits(name, a, b), other)

    def _require_floating(self, name: str) -> None:
        if not self.is_floating:
            raise DTypeError(f"{name} of {self.dtype}: cast to a floating-point dtype before")

    # Arithmetic. The sum of bools is their disjunction, the product their conjunction.

    def __add__(self, other: Any) -> "Lanes":
        one, two = self._meet(other)
        if one.dtype == BOOL:
            return one | two
        return one._combine(self.emitter.add, two)

    def __radd__(self, other: Any) -> "Lanes":
        return self.constant(other) + self

    def __sub__(self, other: Any) -> "Lanes":
        return self._combine(self.emitter.subtract, other)

    def __rsub__(self, other: Any) -> "Lanes":
        return self.constant(other) - self

    def __mul__(self, other: Any) -> "Lanes":
        one, two = self._meet(other)
        if one.dtype == BOOL:
            return one & two
        return one._combine(self.emitter.multiply, two)

    def __rmul__(self, other: Any) -> "Lanes":
        return self.constant(other) * self

    def __truediv__(self, other: Any) -> "Lanes":
        one, two = self._meet(other)
        one._require_floating("a quotient")
        return one._combine(self.emitter.divide, two)

    def __rtruediv__(self, other: Any) -> "Lanes":
        return self.constant(other) / self

    def __floordiv__(self, other: Any) -> "Lanes":
        one, two = self._meet(other)
        if one.is_floating:
            return mathematics.floor_quotient(one, two)
        return one._divide_integers(two)[0]

    def __rfloordiv__(self, other: Any) -> "Lanes":
        return self.constant(other) // self

    def __mod__(self, other: Any) -> "Lanes":
        one, two = self._meet(other)
        if one.is_floating:
            return mathematics.floor_remainder(one, two)
        return one._divide_integers(two)[1]

    def __rmod__(self, other: Any) -> "Lanes":
        return self.constant(other) % self

    def _divide_integers(self, divisor: "Lanes") -> tuple["Lanes", "Lanes"]:
        """The quotient rounded towards minus infinity, and what it leaves."""
        # The processor stops at x / 0, and at the most negative number / -1.
        harmful = divisor == 0
        if self.is_signed:
            harmful = harmful | (divisor == -1)
        safe = harmful.select(1, divisor)
        quotient = self._with(self.emitter.divide(self.value, safe.value, signed=self.is_signed))
        rest = self - quotient * safe
        if not self.is_signed:
            return quotient, rest
        is_below = (rest != 0) & ((rest ^ safe) < 0)
        quotient = is_below.select(quotient - 1, quotient)
        return (divisor == -1).select(-self, quotient), is_below.select(rest + safe, rest)

    def __pow__(self, other: Any) -> "Lanes":
        one, two = self._meet(other)
        if self.is_floating:
            return mathematics.power(one, two)
        if self.is_signed:
            # 1 / a^|b| rounds to 0 unless a is 1 or -1.
            one = ((two < 0) & (abs(one) != 1)).select(0, one)
            two = abs(two)
        return one._raise_by_squaring(two)

    def _raise_by_squaring(self, exponent: "Lanes") -> "Lanes":
        emitter = self.emitter
        result, base, rest = (
            emitter.variable(start.value) for start in (self.constant(1), self, exponent)
        )
        with emitter.loop(index(0), index(8 * self.dtype.itemsize)):
            product, factor, bits = (
                self._with(emitter.read(place)) for place in (result, base, rest)
            )
            is_odd = (bits & 1) != 0
            emitter.assign(result, is_odd.select(product * factor, product).value)
            emitter.assign(base, (factor * factor).value)
            emitter.assign(rest, (bits >> 1).value)
        return self._with(emitter.read(result))

    def __rpow__(self, other: Any) -> "Lanes":
        return self.constant(other) ** self

    def __neg__(self) -> "Lanes":
        return self._with(self.emitter.negate(self.value))

    def __abs__(self) -> "Lanes":
        if self.is_floating:
            return self.intrinsic("fabs")
        if self.is_signed:
            return (self < 0).select(-self, self)
        return self

    def multiply_add(self, factor: Any, summand: Any) -> "Lanes":
        """self * factor + summand; floating-point numbers are rounded once."""
        if not self.is_floating:
            return self * factor + summand
        one, two = self._meet(factor)
        one, three = one._meet(summand)
        two = two.spread(three.count)
        return self._with(self.emitter.multiply_add(one.value, two.value, three.value))

    def minimum(self, other: Any) -> "Lanes":
        """The smaller number; NaN if one of them is."""
        one, two = self._meet(other)
        if one.dtype == BOOL:
            return one & two
        smaller = (two < one).select(two, one)
        return two.isnan().select(two, smaller) if one.is_floating else smaller

    def maximum(self, other: Any) -> "Lanes":
        """The larger number; NaN if one of them is."""
        one, two = self._meet(other)
        if one.dtype == BOOL:
            return one | two
        # Compared in this way round, it is one instruction where `two` is a constant.
        larger = (two > one).select(two, one)
        return two.isnan().select(two, larger) if one.is_floating else larger

    # Comparisons

    def _compare(self, floating: str, integer: str, other: Any) -> "Lanes":
        one, two = self._meet(other)
        if one.is_floating:
            name = floating
        elif integer in ("eq", "ne"):
            name = integer
        else:
            name = f"{'s' if one.is_signed else 'u'}{integer}"
        return self._truth(self.emitter.compare(name, one.value, two.value))

    def __eq__(self, other: Any) -> "Lanes":  # type: ignore[override]
        return self._compare("oeq", "eq", other)

    def __ne__(self, other: Any) -> "Lanes":  # type: ignore[override]
        return self._compare("une", "ne", other)

    def __lt__(self, other: Any) -> "Lanes":
        return self._compare("olt", "lt", other)

    def __le__(self, other: Any) -> "Lanes":
        return self._compare("ole", "le", other)

    def __gt__(self, other: Any) -> "Lanes":
        return self._compare("ogt", "gt", other)

    def __ge__(self, other: Any) -> "Lanes":
        return self._compare("oge", "ge", other)

    def select(self, a: Any, b: Any) -> "Lanes":
        """`a` where this bool holds, `b` elsewhere; one of them at least has to be lanes."""
        if isinstance(a, Lanes):
            a, b = a._meet(b)
        else:
            b, a = b._meet(a)
        count = max(self.count, a.count)
        condition, one, two = self.spread(count), a.spread(count), b.spread(count)
        return a._with(self.emitter.select(condition.value, one.value, two.value))

    def replace_where(self, condition: "Lanes", compute: Callable[[], "Lanes"]) -> "Lanes":
        """These lanes, but what `compute` gives where the condition holds.

        What `compute` writes is jumped over where the condition holds in no lane, so it is for
        what is costly and rarely needed.
        """
        kept = self.emitter.variable(self.value)
        with self.emitter.when(condition.any().value):
            self.emitter.assign(kept, condition.select(compute(), self).value)
        return self._with(self.emitter.read(kept))

    def any(self) -> "Lanes":
        """Whether this bool holds in some lane, as a single lane."""
        if self.count == 1:
            return self
        bits = self.emitter.convert("bitcast", self.value, f"i{self.count}")
        return self._truth(self.emitter.compare("ne", bits, number(0, bits.type)))

    # Bits

    def __and__(self, other: Any) -> "Lanes":
        return self._bitwise("and", other)

    def __or__(self, other: Any) -> "Lanes":
        return self._bitwise("or", other)

    def __xor__(self, other: Any) -> "Lanes":
        return self._bitwise("xor", other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> "Lanes":
        return self ^ (True if self.dtype == BOOL else -1)

    def __lshift__(self, other: Any) -> "Lanes":
        if self._is_inside(other):
            return self._bitwise("shl", other)
        one, distance = self._meet(other)
        limit, is_inside = one._limit_of_shift(distance)
        return is_inside.select(one._bitwise("shl", limit), 0)

    def __rlshift__(self, other: Any) -> "Lanes":
        return self.constant(other) << self

    def __rshift__(self, other: Any) -> "Lanes":
        if self._is_inside(other):
            return self._bitwise("ashr" if self.is_signed else "lshr", other)
        one, distance = self._meet(other)
        limit, is_inside = one._limit_of_shift(distance)
        if self.is_signed:
            return one._bitwise("ashr", limit)
        return is_inside.select(one._bitwise("lshr", limit), 0)

    def __rrshift__(self, other: Any) -> "Lanes":
        return self.constant(other) >> self

    def _is_inside(self, distance: Any) -> bool:
        """Whether a number known while compiling is a distance of a shift by less than all."""
        return isinstance(distance, int) and 0 <= distance < 8 * self.dtype.itemsize

    def _limit_of_shift(self, distance: "Lanes") -> tuple["Lanes", "Lanes"]:
        """The distance kept below the number of bits, and whether it already was."""
        bits = 8 * self.dtype.itemsize
        inside = self._truth(
            self.emitter.compare("ult", distance.value, distance.constant(bits).value)
        )
        return inside.select(distance, bits - 1), inside

    def bits(self) -> "Lanes":
        """The bits of floating-point numbers, as signed integers of the same size."""
        return self.view(np.dtype(f"i{self.dtype.itemsize}"))

    def view(self, dtype: DType) -> "Lanes":
        """The same bits read as another dtype of the same size."""
        type = register_type(dtype, self.count)
        if type == self.value.type:
            return Lanes(self.emitter, self.value, dtype)
        return Lanes(self.emitter, self.emitter.convert("bitcast", self.value, type), dtype)

    # Conversion

    def cast(self, dtype: DType) -> "Lanes":
        """The same numbers in another dtype.

        A fraction is cut off. Integers keep their lowest bits where the dtype is too small.
        Floating-point numbers that the integer cannot hold become what x86 processors make
        of them: the most negative number of 32 or 64 bits, cut to the dtype's size.
        """
        if dtype == self.dtype:
            return self
        if dtype == BOOL:
            return self != 0
        if self.dtype == BOOL:
            one = literal_lanes(self.emitter, 1, dtype, self.count)
            return self.select(one, 0)
        if self.is_floating and dtype.kind in "iu":
            return self._truncate_to(dtype)
        return self._convert(self._conversion(dtype), dtype)

    def _conversion(self, dtype: DType) -> str:
        """LLVM's name of the conversion, unless it rounds to integers."""
        if dtype.kind == "f":
            if self.is_floating:
                return "fpext" if dtype.itemsize > self.dtype.itemsize else "fptrunc"
            return "sitofp" if self.is_signed else "uitofp"
        if dtype.itemsize <= self.dtype.itemsize:
            return "trunc" if dtype.itemsize < self.dtype.itemsize else "bitcast"
        return "sext" if self.is_signed else "zext"

    def _convert(self, name: str, dtype: DType) -> "Lanes":
        type = register_type(dtype, self.count)
        return Lanes(self.emitter, self.emitter.convert(name, self.value, type), dtype)

    def _truncate_to(self, dtype: DType) -> "Lanes":
        wide = np.dtype("int64" if dtype.itemsize == 8 else "int32")
        limit = 2 ** (8 * wide.itemsize - 1)
        converted = self._convert("fptosi", wide)
        return (abs(self) < limit).select(converted, -limit).cast(dtype)

    # Floating-point numbers, where an integer is its own floor and so on

    def intrinsic(self, name: str, *others: "Lanes") -> "Lanes":
        """LLVM's intrinsic function of that name."""
        operands = (self.value, *(other.value for other in others))
        return self._with(self.emitter.intrinsic(name, self.value.type, *operands))

    def _round(self, name: str) -> "Lanes":
        return self.intrinsic(name) if self.is_floating else self

    def floor(self) -> "Lanes":
        return self._round("floor")

    def ceil(self) -> "Lanes":
        return self._round("ceil")

    def trunc(self) -> "Lanes":
        return self._round("trunc")

    def rint(self) -> "Lanes":
        """The nearest integer, ties to even."""
        return self._round("roundeven")

    def sqrt(self) -> "Lanes":
        self._require_floating("the square root")
        return self.intrinsic("sqrt")

    def copysign(self, other: Any) -> "Lanes":
        """The magnitude of this number with the sign of another."""
        one, two = self._meet(other)
        return one.intrinsic("copysign", two)

    def fmod(self, divisor: Any) -> "Lanes":
        """What division leaves with the quotient cut to an integer; the system's function."""
        self._require_floating("fmod")
        return self._combine(self.emitter.remainder, divisor)

    def isnan(self) -> "Lanes":
        if not self.is_floating:
            return literal_lanes(self.emitter, False, BOOL, self.count)
        return self._compare("uno", "", self)

    def isfinite(self) -> "Lanes":
        if not self.is_floating:
            return literal_lanes(self.emitter, True, BOOL, self.count)
        return abs(self) < float("inf")

    def signbit(self) -> "Lanes":
        """Whether the sign is minus, also that of -0.0 and of NaN."""
        return self.bits() < 0 if self.is_floating else self < 0

    # Functions

    def exp(self) -> "Lanes":
        return mathematics.exp(self)

    def expm1(self) -> "Lanes":
        return mathematics.expm1(self)

    def log(self) -> "Lanes":
        return mathematics.log(self)

    def log1p(self) -> "Lanes":
        return mathematics.log1p(self)

    def log2(self) -> "Lanes":
        return mathematics.log2(self)

    def log10(self) -> "Lanes":
        return mathematics.log10(self)

    def logaddexp(self, other: Any) -> "Lanes":
        return mathematics.logaddexp(*self._meet(other))

    def sin(self) -> "Lanes":
        return mathematics.sin(self)

    def cos(self) -> "Lanes":
        return mathematics.cos(self)

    def arctan(self) -> "Lanes":
        return mathematics.arctan(self)

    def arctan2(self, x: Any) -> "Lanes":
        """The angle of the point (x, self)."""
        return mathematics.arctan2(*self._meet(x))

    def arcsin(self) -> "Lanes":
        return mathematics.arcsin(self)

    def tanh(self) -> "Lanes":
        return mathematics.tanh(self)

    def arcsinh(self) -> "Lanes":
        return mathematics.arcsinh(self)

    def exponent(self) -> "Lanes":
        """The n for which the magnitude lies in [2^(n-1), 2^n), an int32; 0 for 0."""
        return mathematics.exponent(self)

    def hypot(self, other: Any) -> "Lanes":
        return mathematics.hypot(*self._meet(other))

    def erf(self) -> "Lanes":
        return mathematics.erf(self)

    def erfc(self) -> "Lanes":
        return mathematics.erfc(self)

    def erfinv(self) -> "Lanes":
        return mathematics.erfinv(self)
