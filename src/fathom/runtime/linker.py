"""Links object code to an image that runs wherever it lies in memory, and puts it there.

LLVM has a linker as well, but loading LLVM takes longer than all else between starting Python
and running a program from the disk cache. Kernels are simple enough: code and constants that
refer to each other by their distance, and now and then a function of the C library.

An image is a line that names what it is, a line with the place of each of its functions, a line
with the place of each pointer to a function of the C library, and the bytes. Only ELF files for
x86-64 become images (Tool Interface Standard: Executable and Linking Format, 1995; System V
Application Binary Interface, AMD64 Architecture Processor Supplement).
"""

import ctypes
import mmap
import os
import struct
from typing import NamedTuple

from ..errors import FathomError

_TITLE = b"fathom image"
_ELF_64_BITS = b"\x7fELF\x02\x01"
_X86_64 = 62
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QIIq")
_BYTES, _SYMBOLS, _RELOCATIONS, _UNWINDING = 1, 2, 4, 0x70000001  # kinds of sections
_WRITTEN, _IN_MEMORY = 1, 2  # flags of sections
_GLOBAL = 1
_DISTANCES = (2, 4)  # R_X86_64_PC32 and R_X86_64_PLT32
_JUMP = bytes.fromhex("ff2502000000 0f0b")  # to the address that stands behind these bytes


class Unlinkable(Exception):
    """The object code has something in it that only LLVM's linker knows."""


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    start: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int

    def read(self, file: bytes) -> bytes:
        return file[self.start : self.start + self.size]


def linked(file: bytes) -> bytes:
    """Object code as an image.

    Raises:
        Unlinkable: where that is not possible.
    """
    if not file.startswith(_ELF_64_BITS) or file[18] != _X86_64:
        raise Unlinkable
    (start,) = struct.unpack_from("<Q", file, 40)
    (count,) = struct.unpack_from("<H", file, 60)
    sections = [_Section(*_SECTION.unpack_from(file, start + 64 * n)) for n in range(count)]
    image, places = _laid_out(file, sections)
    functions: dict[str, int] = {}
    needed: dict[str, int] = {}
    addresses: list[int | None] = []
    (symbols,) = (section for section in sections if section.kind == _SYMBOLS)
    names = sections[symbols.link].read(file)
    for name_at, info, _, section, value, _ in _SYMBOL.iter_unpack(symbols.read(file)):
        name = names[name_at : names.index(0, name_at)].decode()
        address = None
        if section in places:
            address = places[section] + value
            if info >> 4 == _GLOBAL:
                functions[name] = address
        elif section == 0 and name:
            _align(image, 16)
            address = len(image)
            needed[name] = address + len(_JUMP)
            image += _JUMP + bytes(8)
        addresses.append(address)
    for section in sections:
        if section.kind == _RELOCATIONS and section.info in places:
            for offset, kind, symbol, addend in _RELOCATION.iter_unpack(section.read(file)):
                address, place = addresses[symbol], places[section.info] + offset
                if kind not in _DISTANCES or address is None:
                    raise Unlinkable
                struct.pack_into("<i", image, place, address + addend - place)
    return b"\n".join([_TITLE, _listed(functions), _listed(needed), image])


def _laid_out(file: bytes, sections: list[_Section]) -> tuple[bytearray, dict[int, int]]:
    """The bytes of the sections that belong into memory, and the place of each."""
    image, places = bytearray(), {}
    for number, section in enumerate(sections):
        if section.flags & _IN_MEMORY and section.kind != _UNWINDING:
            if section.kind != _BYTES or section.flags & _WRITTEN:
                raise Unlinkable
            _align(image, section.alignment)
            places[number] = len(image)
            image += section.read(file)
    return image, places


def _align(image: bytearray, alignment: int) -> None:
    image += bytes(-len(image) % alignment)


def _listed(places: dict[str, int]) -> bytes:
    return " ".join(f"{name} {place}" for name, place in places.items()).encode()


def _places(line: bytes) -> dict[str, int]:
    words = line.decode().split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


def is_image(code: bytes) -> bool:
    """Whether this is what `linked` gives."""
    return code.startswith(_TITLE)


def put_in_memory(image: bytes) -> tuple[dict[str, int], object]:
    """The addresses of an image's functions, and the object whose memory they lie in.

    Raises:
        FathomError: the system does not allow it.
    """
    _, functions, needed, code = image.split(b"\n", 3)
    memory = mmap.mmap(-1, len(code), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.write(code)
    for name, place in _places(needed).items():
        struct.pack_into("<Q", memory, place, c_function(name))
    owner = (ctypes.c_char * len(code)).from_buffer(memory)
    start = ctypes.addressof(owner)
    executable = mmap.PROT_READ | mmap.PROT_EXEC
    mprotect = ctypes.CDLL(None, use_errno=True).mprotect
    if mprotect(ctypes.c_void_p(start), ctypes.c_size_t(len(code)), executable) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise FathomError(
            f"this system does not let a process make machine code ({reason}); eager mode works"
        )
    return {name: start + place for name, place in _places(functions).items()}, owner


def c_function(name: str) -> int:
    """The address of a function of the C library."""
    return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value or 0
