"""Writes LLVM's intermediate representation as text."""

import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from .target import Target


class Value(NamedTuple):
    """A register or a constant: what an instruction takes.

    Attributes:
        text: its name, as LLVM writes it.
        type: its type: ``float``, ``i64``, ``ptr``, ``<16 x float>``, ….
    """

    text: str
    type: str

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


def vector(element: str, lanes: int) -> str:
    """The type of `lanes` elements side by side; for one lane the element's own."""
    return element if lanes == 1 else f"<{lanes} x {element}>"


def element_of(type: str) -> str:
    """The type of a vector's elements; a scalar's own."""
    return type.split(" x ")[1][:-1] if type.startswith("<") else type


def lanes_of(type: str) -> int:
    """How many elements a value of this type has."""
    return int(type[1:].split(" x ", maxsplit=1)[0]) if type.startswith("<") else 1


def is_floating(type: str) -> bool:
    """Whether the elements are floating-point numbers."""
    return element_of(type) in ("float", "double")


def number(value: float, type: str) -> Value:
    """A constant; all lanes of a vector have it."""
    element = element_of(type)
    if element in ("float", "double"):
        value = float(value)
        if element == "float":  # LLVM wants float constants exactly representable
            value = _to_float32(value)
        text = f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
    elif element == "i1":
        text = "true" if value else "false"
    else:
        text = str(int(value))
    lanes = lanes_of(type)
    if lanes > 1:
        text = f"splat ({element} {text})"
    return Value(text, type)


def _to_float32(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def index(value: int) -> Value:
    """A constant of the type that counts and addresses."""
    return Value(str(value), "i64")


class Variable(NamedTuple):
    """A place for a value that changes, as in a loop; LLVM keeps it in a register."""

    place: Value
    type: str


class Emitter:
    """Writes one module, function by function.

    Every method that writes an instruction returns the `Value` it defines. Arithmetic takes
    scalars and vectors alike, and chooses the instruction by the type of its operands.

    Args:
        target: the processor to write for.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._names = 0
        self._lines: list[str] = []
        self._entry: list[str] = []
        self._functions: list[str] = []
        self._declarations: dict[str, str] = {}
        self._block = "entry"

    @property
    def text(self) -> str:
        """The module written so far."""
        return "\n\n".join([*self._functions, "\n".join(self._declarations.values())]) + "\n"

    @property
    def length(self) -> int:
        """How many lines the function being written has."""
        return len(self._lines)

    @contextmanager
    def function(
        self, name: str, parameters: tuple[tuple[str, str], ...], result: str = "void"
    ) -> Iterator[list[Value]]:
        """Write a function; the block gets the parameters as values.

        Args:
            name: its name.
            parameters: a name and a type (with LLVM's attributes after it) for each.
            result: the type it returns; the block calls `give` unless that is void.
        """
        self._lines, self._entry, self._block = [], [], "entry"
        listed = ", ".join(f"{type} %{label}" for label, type in parameters)
        yield [Value(f"%{label}", type.split()[0]) for label, type in parameters]
        if result == "void":
            self._lines.append("  ret void")
        body = "\n".join(["entry:", *self._entry, *self._lines])
        self._functions.append(f"define {result} @{name}({listed}) {{\n{body}\n}}")

    def give(self, value: Value) -> None:
        """Return a value from the function: its last instruction."""
        self._lines.append(f"  ret {value}")

    def comment(self, text: str) -> None:
        """Write a comment, which a reader of the module sees."""
        self._lines.append(f"  ; {text}")

    def define(self, type: str, instruction: str) -> Value:
        """Write an instruction that defines a value of `type`."""
        value = Value(self._fresh("v"), type)
        self._lines.append(f"  {value.text} = {instruction}")
        return value

    def _fresh(self, prefix: str) -> str:
        self._names += 1
        return f"%{prefix}{self._names}"

    # Arithmetic

    def _binary(self, floating: str, integer: str, a: Value, b: Value) -> Value:
        name = floating if is_floating(a.type) else integer
        return self.define(a.type, f"{name} {a}, {b.text}")

    def add(self, a: Value, b: Value) -> Value:
        return self._binary("fadd contract", "add", a, b)

    def subtract(self, a: Value, b: Value) -> Value:
        return self._binary("fsub contract", "sub", a, b)

    def multiply(self, a: Value, b: Value) -> Value:
        return self._binary("fmul contract", "mul", a, b)

    def divide(self, a: Value, b: Value, *, signed: bool = True) -> Value:
        """The quotient; integers are rounded towards zero, and `b` must not be 0."""
        return self._binary("fdiv", "sdiv" if signed else "udiv", a, b)

    def remainder(self, a: Value, b: Value, *, signed: bool = True) -> Value:
        """What `divide` leaves, with the sign of `a`."""
        return self._binary("frem", "srem" if signed else "urem", a, b)

    def bits(self, name: str, a: Value, b: Value) -> Value:
        """An operation on the bits of integers: and, or, xor, shl, lshr, ashr."""
        return self.define(a.type, f"{name} {a}, {b.text}")

    def negate(self, a: Value) -> Value:
        if is_floating(a.type):
            return self.define(a.type, f"fneg {a}")
        return self.subtract(number(0, a.type), a)

    def multiply_add(self, a: Value, b: Value, c: Value) -> Value:
        """a * b + c, rounded once."""
        return self.intrinsic("fma", a.type, a, b, c)

    def compare(self, predicate: str, a: Value, b: Value) -> Value:
        """A comparison by LLVM's predicate: ``olt`` for floats, ``slt`` or ``ult``, …."""
        kind = "fcmp" if is_floating(a.type) else "icmp"
        return self.define(vector("i1", lanes_of(a.type)), f"{kind} {predicate} {a}, {b.text}")

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        return self.define(a.type, f"select {condition}, {a}, {b}")

    def convert(self, name: str, a: Value, type: str) -> Value:
        """A conversion by LLVM's name: sitofp, fptosi, sext, zext, trunc, fpext, bitcast, …."""
        return self.define(type, f"{name} {a} to {type}")

    def intrinsic(self, name: str, result: str, *operands: Value) -> Value:
        """A call of LLVM's intrinsic `name`, overloaded for the result's type."""
        suffix = _mangled(result)
        return self.call(f"llvm.{name}.{suffix}", result, *operands)

    def call(self, name: str, result: str, *operands: Value) -> Value:
        """A call of a function; it is declared unless the module holds it."""
        listed = ", ".join(operand.type for operand in operands)
        if name not in self._declarations and not any(
            f"@{name}(" in text for text in self._functions
        ):
            self._declarations[name] = f"declare {result} @{name}({listed})"
        written = f"call {result} @{name}({', '.join(map(str, operands))})"
        if result == "void":
            self._lines.append(f"  {written}")
            return Value("", "void")
        return self.define(result, written)

    def call_address(self, function: Value, result: str, *operands: Value) -> Value:
        """A call of the function that lies at an address."""
        written = f"call {result} {function.text}({', '.join(map(str, operands))})"
        if result == "void":
            self._lines.append(f"  {written}")
            return Value("", "void")
        return self.define(result, written)

    # Vectors

    def splat(self, a: Value, lanes: int) -> Value:
        """A vector whose lanes all hold the scalar `a`."""
        if lanes == 1:
            return a
        type = vector(a.type, lanes)
        first = self.define(type, f"insertelement {type} poison, {a}, i64 0")
        return self.define(
            type, f"shufflevector {first}, {type} poison, <{lanes} x i32> zeroinitializer"
        )

    def extract(self, a: Value, lane: int) -> Value:
        """One lane of a vector, as a scalar."""
        return self.define(element_of(a.type), f"extractelement {a}, i64 {lane}")

    def insert(self, a: Value, element: Value, lane: int) -> Value:
        """The vector with one lane replaced by a scalar."""
        return self.define(a.type, f"insertelement {a}, {element}, i64 {lane}")

    def shuffle(self, a: Value, b: Value, lanes: Sequence[int]) -> Value:
        """The lanes of two vectors, by their numbers counted through `a` and then `b`."""
        listed = ", ".join(f"i32 {lane}" for lane in lanes)
        type = vector(element_of(a.type), len(lanes))
        return self.define(type, f"shufflevector {a}, {b}, <{len(lanes)} x i32> <{listed}>")

    def lane_numbers(self, lanes: int, type: str = "i64") -> Value:
        """The vector 0, 1, 2, …."""
        if lanes == 1:
            return number(0, type)
        listed = ", ".join(f"{type} {lane}" for lane in range(lanes))
        return Value(f"<{listed}>", vector(type, lanes))

    def mask(self, lanes: int, count: Value) -> Value:
        """A mask whose first `count` lanes (an i64) are set."""
        narrow = self.convert("trunc", count, "i32")
        return self.compare("slt", self.lane_numbers(lanes, "i32"), self.splat(narrow, lanes))

    # Memory

    def address(self, base: Value, type: str, offset: Value) -> Value:
        """The address of element `offset` (an i64) behind `base`, for elements of `type`."""
        return self.define("ptr", f"getelementptr {type}, {base}, {offset}")

    def load(self, type: str, place: Value, mask: Value | None = None) -> Value:
        """Load a value, or where there is a mask only its set lanes (the others are zero)."""
        align = _bytes_of(element_of(type))
        if mask is None:
            return self.define(type, f"load {type}, {place}, align {align}")
        name = f"llvm.masked.load.{_mangled(type)}.p0"
        self._declarations[name] = f"declare {type} @{name}(ptr, i32, {mask.type}, {type})"
        return self.define(
            type,
            f"call {type} @{name}({place}, i32 {align}, {mask}, {type} zeroinitializer)",
        )

    def store(self, value: Value, place: Value, mask: Value | None = None) -> None:
        """Store a value, or where there is a mask only its set lanes."""
        align = _bytes_of(element_of(value.type))
        if mask is None:
            self._lines.append(f"  store {value}, {place}, align {align}")
            return
        name = f"llvm.masked.store.{_mangled(value.type)}.p0"
        self._declarations[name] = f"declare void @{name}({value.type}, ptr, i32, {mask.type})"
        self._lines.append(f"  call void @{name}({value}, {place}, i32 {align}, {mask})")

    def veiled(self, place: Value) -> Value:
        """The same address, of which LLVM no longer knows where it comes from.

        What is loaded from it is loaded here, not kept in a register from an earlier load of
        the same element.
        """
        return self.define(place.type, f'call {place.type} asm "", "=r,0"({place})')

    def addresses(self, base: Value, type: str, offsets: Value) -> Value:
        """The addresses of several elements behind `base`: a vector of pointers."""
        lanes = lanes_of(offsets.type)
        return self.define(vector("ptr", lanes), f"getelementptr {type}, {base}, {offsets}")

    def gather(self, type: str, places: Value, mask: Value) -> Value:
        """Load each lane from its own address; lanes that the mask lacks are zero."""
        name = f"llvm.masked.gather.{_mangled(type)}.v{lanes_of(type)}p0"
        align = _bytes_of(element_of(type))
        zero = number(0, type)
        listed = f"{places}, i32 {align}, {mask}, {zero}"
        self._declarations[name] = (
            f"declare {type} @{name}({places.type}, i32, {mask.type}, {type})"
        )
        return self.define(type, f"call {type} @{name}({listed})")

    def scatter(self, value: Value, places: Value, mask: Value) -> None:
        """Store each lane of the mask at its own address."""
        name = f"llvm.masked.scatter.{_mangled(value.type)}.v{lanes_of(value.type)}p0"
        align = _bytes_of(element_of(value.type))
        self._declarations[name] = (
            f"declare void @{name}({value.type}, {places.type}, i32, {mask.type})"
        )
        self._lines.append(f"  call void @{name}({value}, {places}, i32 {align}, {mask})")

    # Variables and control flow

    def variable(self, start: Value) -> Variable:
        """A place for a value that changes, holding `start` from here on."""
        place = Value(self._fresh("place"), "ptr")
        # In the entry block, where LLVM turns it into a register.
        self._entry.append(f"  {place.text} = alloca {start.type}")
        variable = Variable(place, start.type)
        self.assign(variable, start)
        return variable

    def array(self, type: str, count: int) -> Value:
        """The address of room on the stack for `count` elements; they hold nothing yet."""
        place = Value(self._fresh("array"), "ptr")
        self._entry.append(f"  {place.text} = alloca [{count} x {type}], align 64")
        return place

    def read(self, variable: Variable) -> Value:
        return self.define(variable.type, f"load {variable.type}, {variable.place}")

    def assign(self, variable: Variable, value: Value) -> None:
        self._lines.append(f"  store {value}, {variable.place}")

    @contextmanager
    def loop(self, start: Value, stop: Value, step: int = 1) -> Iterator[Value]:
        """A loop from `start` up to but without `stop`; the block gets the counter."""
        before, name = self._block, self._fresh("loop")[1:]
        counter, following = Value(f"%{name}.i", "i64"), f"%{name}.next"
        self._jump(f"{name}.test")
        self._open(f"{name}.test")
        latch = f"{name}.latch"
        self._lines.append(
            f"  {counter.text} = phi i64 [ {start.text}, %{before} ], [ {following}, %{latch} ]"
        )
        goes_on = self.compare("slt", counter, stop)
        self._lines.append(f"  br {goes_on}, label %{name}.body, label %{name}.end")
        self._open(f"{name}.body")
        yield counter
        self._jump(latch)
        self._open(latch)
        self._lines.append(f"  {following} = add nsw i64 {counter.text}, {step}")
        self._jump(f"{name}.test")
        self._open(f"{name}.end")

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """A block that runs only where the condition, an i1, holds."""
        name = self._fresh("when")[1:]
        self._lines.append(f"  br {condition}, label %{name}.body, label %{name}.end")
        self._open(f"{name}.body")
        yield
        self._jump(f"{name}.end")
        self._open(f"{name}.end")

    @contextmanager
    def repeat(self) -> Iterator[str]:
        """A loop that ends only where its block calls `leave` with what it is given."""
        name = self._fresh("repeat")[1:]
        self._jump(f"{name}.body")
        self._open(f"{name}.body")
        yield f"{name}.end"
        self._jump(f"{name}.body")
        self._open(f"{name}.end")

    def leave(self, loop: str, condition: Value) -> None:
        """Go on behind the loop, one of `repeat`, where the condition, an i1, holds."""
        following = self._fresh("stay")[1:]
        self._lines.append(f"  br {condition}, label %{loop}, label %{following}")
        self._open(following)

    # Between threads

    def load_shared(self, type: str, place: Value) -> Value:
        """Load what another thread stores; what it stored before that is seen as well."""
        align = _bytes_of(type)
        return self.define(type, f"load atomic {type}, {place} seq_cst, align {align}")

    def store_shared(self, value: Value, place: Value) -> None:
        """Store for other threads, after everything stored before."""
        align = _bytes_of(value.type)
        self._lines.append(f"  store atomic {value}, {place} release, align {align}")

    def exchange(self, value: Value, place: Value) -> Value:
        """Store for other threads at once with loading what was there; no memory access of
        this thread moves across it."""
        return self.define(value.type, f"atomicrmw xchg {place}, {value} seq_cst")

    def _jump(self, label: str) -> None:
        self._lines.append(f"  br label %{label}")

    def _open(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label


_BYTES = {"float": 4, "double": 8, "i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "ptr": 8}


def _bytes_of(type: str) -> int:
    return _BYTES[type]


def _mangled(type: str) -> str:
    """A type as LLVM writes it in the name of an overloaded intrinsic."""
    element = {"float": "f32", "double": "f64"}.get(element_of(type), element_of(type))
    return element if not type.startswith("<") else f"v{lanes_of(type)}{element}"


def literal(value: Any, type: str) -> Value:
    """A NumPy or Python number as a constant."""
    return number(value.item() if hasattr(value, "item") else value, type)
