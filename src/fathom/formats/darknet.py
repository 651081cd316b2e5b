"""Darknet's files: ``.cfg``, which describes a network, and ``.weights``, which holds its numbers.

A ``.cfg`` is text: sections in brackets, options ``name=value`` below them. A ``.weights`` file is
a header of three 32-bit numbers (the version) and the number of images that the network has seen,
with 32 or 64 bits; then nothing but 32-bit floats, little-endian, whose meaning only the ``.cfg``
tells.

Source: `src/parser.c` of https://github.com/pjreddie/darknet
"""

import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import FileFormatError
from ..ops import Array
from .files import PathLike, atomic_write, open_to_read

# A network of a thousand layers takes a tenth of this.
_LONGEST_CFG = 1 << 22
_VERSION = struct.Struct("<3i")


@dataclass(frozen=True)
class Section:
    """A section of a ``.cfg``.

    Attributes:
        name: what stands in the brackets.
        options: the options as texts, in their order.
        line: where it starts in the file; 0 where it comes from none.
    """

    name: str
    options: dict[str, str] = field(default_factory=dict)
    line: int = 0


def read_cfg(path: PathLike) -> list[Section]:
    """Read the sections of a ``.cfg``.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        FileFormatError: a line of it is neither a section nor an option.
    """
    with open_to_read(path) as file:
        content = file.read(_LONGEST_CFG + 1)
    name = os.fspath(path)
    if len(content) > _LONGEST_CFG:
        raise FileFormatError(f"{name!r} is longer than any .cfg ({_LONGEST_CFG} bytes)")
    if b"\0" in content:
        raise FileFormatError(f"{name!r} is no text, so it is no .cfg")
    return parse_cfg(content.decode("utf-8", "replace"), name)


def parse_cfg(text: str, name: str = ".cfg") -> list[Section]:
    """The sections of the text of a ``.cfg``.

    Blanks mean nothing wherever they stand, lines that start with # or ; are remarks, and of an
    option that is given twice the first counts.

    Args:
        text: the text.
        name: the file, for errors.

    Raises:
        FileFormatError: a line is neither a section nor an option.
    """
    sections: list[Section] = []
    for number, full_line in enumerate(text.splitlines(), 1):
        line = "".join(full_line.split())
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            if line[-1] != "]" or len(line) < 3:
                raise FileFormatError(f"{name!r}, line {number}: no section: {line[:60]!r}")
            sections.append(Section(line[1:-1], {}, number))
            continue
        option, equals, value = line.partition("=")
        if not equals or not option:
            raise FileFormatError(f"{name!r}, line {number}: no option=value: {line[:60]!r}")
        if not sections:
            raise FileFormatError(f"{name!r}, line {number}: an option before any [section]")
        sections[-1].options.setdefault(option, value)
    if not sections:
        raise FileFormatError(f"{name!r} has no sections")
    return sections


def format_cfg(sections: Iterable[Section]) -> str:
    """The text of a ``.cfg`` with these sections."""
    blocks = (
        "\n".join([f"[{section.name}]", *(f"{key}={value}" for key, value in items)]) + "\n"
        for section, items in ((section, section.options.items()) for section in sections)
    )
    return "\n".join(blocks)


def write_cfg(path: PathLike, sections: Iterable[Section]) -> None:
    """Write a ``.cfg``, whole or not at all."""
    with atomic_write(path) as file:
        file.write(format_cfg(sections).encode())


@dataclass(frozen=True)
class WeightsHeader:
    """What stands before the numbers of a ``.weights`` file.

    Attributes:
        major, minor, revision: the version of the form.
        seen: how many images the network was trained on.
    """

    major: int = 0
    minor: int = 2
    revision: int = 0
    seen: int = 0

    @property
    def is_long(self) -> bool:
        """Whether `seen` has 64 bits."""
        return self.major * 10 + self.minor >= 2 and self.major < 1000 and self.minor < 1000

    @property
    def is_transposed(self) -> bool:
        """Whether the weights of connected layers lie input by input."""
        return self.major > 1000 or self.minor > 1000

    @property
    def size(self) -> int:
        """The number of bytes it takes."""
        return _VERSION.size + (8 if self.is_long else 4)

    def to_bytes(self) -> bytes:
        """As it stands in a file."""
        seen = struct.pack("<Q" if self.is_long else "<I", self.seen)
        return _VERSION.pack(self.major, self.minor, self.revision) + seen


def read_weights(path: PathLike) -> tuple[WeightsHeader, Array]:
    """Read a ``.weights`` file: its header, and all its numbers in a row.

    Raises:
        MissingFileError, FileAccessError: the file cannot be read.
        FileFormatError: it is too short, or does not end with a whole number.
    """
    name = os.fspath(path)
    with open_to_read(path) as file:
        size = os.fstat(file.fileno()).st_size
        version = file.read(_VERSION.size)
        if len(version) < _VERSION.size:
            raise FileFormatError(f"{name!r} has {size} bytes, too few for Darknet's weights")
        header = WeightsHeader(*_VERSION.unpack(version))
        seen = file.read(header.size - _VERSION.size)
        if len(seen) < header.size - _VERSION.size:
            raise FileFormatError(f"{name!r} has {size} bytes, too few for Darknet's weights")
        header = WeightsHeader(
            header.major, header.minor, header.revision, int.from_bytes(seen, "little")
        )
        if (size - header.size) % 4:
            raise FileFormatError(
                f"{name!r} has {size - header.size} bytes after its header of {header.size}, "
                f"which are no whole 32-bit numbers; is it one of Darknet's files?"
            )
        numbers = np.empty((size - header.size) // 4, "<f4")
        if file.readinto(numbers.view(np.uint8)) != numbers.nbytes:  # type: ignore[attr-defined]
            raise FileFormatError(f"{name!r} ends while it is read")
    return header, numbers.astype(np.float32, copy=False)


def write_weights(path: PathLike, header: WeightsHeader, arrays: Sequence[Any]) -> None:
    """Write a ``.weights`` file, whole or not at all.

    Args:
        path: the file.
        header: its header.
        arrays: the numbers, in the order of the file.
    """
    with atomic_write(path) as file:
        file.write(header.to_bytes())
        for array in arrays:
            file.write(np.ascontiguousarray(array, "<f4").reshape(-1).view(np.uint8).data)
