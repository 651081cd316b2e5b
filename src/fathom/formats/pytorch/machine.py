"""Runs the pickles that hold tensors, and refuses all others."""

import struct
from collections.abc import Callable, Mapping
from mmap import mmap
from typing import Any

_MARK = object()


class Refusal(Exception):
    """Why a pickle is not read."""


class Machine:
    """Runs one pickle: a stack, a memo, and an instruction for each byte that is one.

    Instructions that make objects of classes, or set their attributes, are not there at all; a
    name from the file stands for an entry of `names`, or for nothing.

    Args:
        data: the bytes; the pickle may be followed by others.
        names: what a pickle may name: functions, which may be called with arguments from the
            file and check them, and other values.
        find_storage: gives what stands for a storage, by the tuple that describes it.
        start: where the pickle starts.

    Attributes:
        position: where the next instruction is; after `run`, where the pickle ends.
    """

    def __init__(
        self,
        data: bytes | mmap,
        names: Mapping[str, Any],
        find_storage: Callable[[Any], Any],
        start: int = 0,
    ) -> None:
        self.position = start
        self._data = data
        self._names = names
        self._find_storage = find_storage
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """The object that the pickle describes.

        Raises:
            Refusal: it is damaged, or does what is not allowed.
        """
        try:
            while (code := self._take(1)) != b".":
                instruction = _INSTRUCTIONS.get(code)
                if instruction is None:
                    raise Refusal(
                        f"its pickle has the instruction {code!r} at byte {self.position - 1}, "
                        f"which no file of tensors needs"
                    )
                instruction(self)
            return self._pop()
        except (IndexError, KeyError, UnicodeDecodeError) as error:
            raise Refusal(
                f"its pickle is damaged before byte {self.position} ({type(error).__name__})"
            ) from None

    def _take(self, count: int) -> bytes:
        piece = self._data[self.position : self.position + count]
        if len(piece) < count:
            raise Refusal("its pickle ends too early")
        self.position += count
        return piece

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _line(self) -> str:
        stop = self._data.find(b"\n", self.position, self.position + 300)
        if stop < 0:
            raise Refusal("its pickle has a name without an end")
        return self._take(stop + 1 - self.position)[:-1].decode()

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self, kind: type = object) -> Any:
        value = self._stack.pop()
        if value is _MARK or not isinstance(value, kind):
            raise Refusal(
                f"its pickle has a {type(value).__name__} where a {kind.__name__} belongs, "
                f"at byte {self.position}"
            )
        return value

    def _pop_to_mark(self) -> list[Any]:
        values: list[Any] = []
        while (value := self._stack.pop()) is not _MARK:
            values.append(value)
        values.reverse()
        return values

    def _top(self, kind: type) -> Any:
        value = self._pop(kind)
        self._push(value)
        return value

    # What the instructions do.

    def _skip_protocol(self) -> None:
        version = self._number("<B")
        if not 2 <= version <= 5:
            raise Refusal(f"its pickle has protocol {version}; 2 to 5 are known")

    def _skip_frame(self) -> None:
        self._take(8)

    def _mark(self) -> None:
        self._push(_MARK)

    def _drop(self) -> None:
        self._stack.pop()

    def _drop_to_mark(self) -> None:
        self._pop_to_mark()

    def _long(self) -> None:
        self._push(int.from_bytes(self._take(self._number("<B")), "little", signed=True))

    def _text(self, form: str) -> None:
        self._push(self._take(self._number(form)).decode("utf-8", "surrogatepass"))

    def _old_text(self, form: str) -> None:
        # What Python 2 wrote; its names are ASCII.
        self._push(self._take(self._number(form)).decode("latin-1"))

    def _bytes(self, form: str) -> None:
        self._push(self._take(self._number(form)))

    def _tuple(self, count: int) -> None:
        parts = [self._pop() for _ in range(count)]
        self._push(tuple(reversed(parts)))

    def _tuple_to_mark(self) -> None:
        self._push(tuple(self._pop_to_mark()))

    def _list_to_mark(self) -> None:
        self._push(self._pop_to_mark())

    def _append(self) -> None:
        value = self._pop()
        self._top(list).append(value)

    def _append_to_mark(self) -> None:
        values = self._pop_to_mark()
        self._top(list).extend(values)

    def _dict_to_mark(self) -> None:
        values = self._pop_to_mark()
        self._push({})
        self._set(values)

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._set([key, value])

    def _set_items_to_mark(self) -> None:
        self._set(self._pop_to_mark())

    def _set(self, values: list[Any]) -> None:
        if len(values) % 2:
            raise Refusal("its pickle has a key without a value")
        target = self._top(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            target[checked_key(key)] = value

    def _add_to_mark(self) -> None:
        values = self._pop_to_mark()
        self._top(set).update(map(checked_key, values))

    def _remember(self, number: int) -> None:
        self._memo[number] = self._stack[-1]

    def _recall(self, number: int) -> None:
        self._push(self._memo[number])

    def _name(self) -> None:
        module, name = self._line(), self._line()
        self._push_name(f"{module}.{name}")

    def _name_from_stack(self) -> None:
        name, module = self._pop(str), self._pop(str)
        self._push_name(f"{module}.{name}")

    def _push_name(self, name: str) -> None:
        if name not in self._names:
            raise Refusal(
                f"its pickle names {name[:120]!r}, which is not one of the names that a file of "
                f"tensors needs, and which was not looked up; save a state_dict() of tensors and "
                f"plain values instead"
            )
        self._push(self._names[name])

    def _call(self) -> None:
        arguments = self._pop(tuple)
        function = self._pop()
        if not isinstance(function, Function):
            raise Refusal(f"its pickle calls a {type(function).__name__}")
        self._push(function.call(arguments))

    def _set_state(self) -> None:
        # PyTorch notes versions of modules beside the keys of a state dict. They mean nothing
        # here, and nothing of ours has attributes that a file could set.
        self._pop()
        if not isinstance(self._stack[-1], dict):
            raise Refusal(f"its pickle sets attributes of a {type(self._stack[-1]).__name__}")

    def _storage(self) -> None:
        self._push(self._find_storage(self._pop()))


class Function:
    """A function that a pickle may call.

    Args:
        function: takes what the file gives it and raises `Refusal` where that is no good.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def call(self, arguments: tuple[Any, ...]) -> Any:
        """Call it; a wrong number of arguments is the file's fault."""
        try:
            return self._function(*arguments)
        except (TypeError, ValueError, OverflowError) as error:
            raise Refusal(f"its pickle gives wrong arguments ({error})") from None


def checked_key(key: Any) -> Any:
    """A key of a dict; others than these might take for ever to hash."""
    if key is None or isinstance(key, str | int | float | bytes):
        return key
    if isinstance(key, tuple) and all(isinstance(part, str | int | float) for part in key):
        return key
    raise Refusal(f"its pickle has a {type(key).__name__} as the key of a dict")


_INSTRUCTIONS: dict[bytes, Callable[[Machine], None]] = {
    b"\x80": Machine._skip_protocol,
    b"\x95": Machine._skip_frame,
    b"(": Machine._mark,
    b"0": Machine._drop,
    b"1": Machine._drop_to_mark,
    b"N": lambda machine: machine._push(None),
    b"\x88": lambda machine: machine._push(True),
    b"\x89": lambda machine: machine._push(False),
    b"K": lambda machine: machine._push(machine._number("<B")),
    b"M": lambda machine: machine._push(machine._number("<H")),
    b"J": lambda machine: machine._push(machine._number("<i")),
    b"G": lambda machine: machine._push(machine._number(">d")),
    b"\x8a": Machine._long,
    b"X": lambda machine: machine._text("<I"),
    b"\x8c": lambda machine: machine._text("<B"),
    b"\x8d": lambda machine: machine._text("<Q"),
    b"T": lambda machine: machine._old_text("<I"),
    b"U": lambda machine: machine._old_text("<B"),
    b"B": lambda machine: machine._bytes("<I"),
    b"C": lambda machine: machine._bytes("<B"),
    b"\x8e": lambda machine: machine._bytes("<Q"),
    b")": lambda machine: machine._push(()),
    b"\x85": lambda machine: machine._tuple(1),
    b"\x86": lambda machine: machine._tuple(2),
    b"\x87": lambda machine: machine._tuple(3),
    b"t": Machine._tuple_to_mark,
    b"]": lambda machine: machine._push([]),
    b"l": Machine._list_to_mark,
    b"a": Machine._append,
    b"e": Machine._append_to_mark,
    b"}": lambda machine: machine._push({}),
    b"d": Machine._dict_to_mark,
    b"s": Machine._set_item,
    b"u": Machine._set_items_to_mark,
    b"\x8f": lambda machine: machine._push(set()),
    b"\x90": Machine._add_to_mark,
    b"q": lambda machine: machine._remember(machine._number("<B")),
    b"r": lambda machine: machine._remember(machine._number("<I")),
    b"\x94": lambda machine: machine._remember(len(machine._memo)),
    b"h": lambda machine: machine._recall(machine._number("<B")),
    b"j": lambda machine: machine._recall(machine._number("<I")),
    b"c": Machine._name,
    b"\x93": Machine._name_from_stack,
    b"R": Machine._call,
    b"b": Machine._set_state,
    b"Q": Machine._storage,
}
