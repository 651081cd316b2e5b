"""Reading tables of numbers from CSV files.

A file is read in blocks of whole lines. A block of nothing but digits, commas and line ends,
as in files of pixels, is turned into numbers all at once with array operations; any other
goes through Python's `csv`, line by line, which also finds the place of an error.
"""

import csv
import io
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ...errors import DatasetError, FileFormatError
from ...formats.files import PathLike, open_to_read

Array = np.ndarray[Any, Any]

_BLOCK = 1 << 22
_LONGEST_LINE = 1 << 26
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Nine digits always fit into 32 bits.
_MOST_DIGITS = 9
_LARGEST = float(np.finfo(np.float32).max)


class Block(NamedTuple):
    """Some whole lines of a file."""

    first_line: int
    text: bytes


class Table(NamedTuple):
    """The content of a CSV file.

    Attributes:
        names: the columns' names; None where the file has no header.
        features: float32 of shape (N, F): all columns but the label.
        labels: the label column's cells, as int64 or as texts; None without a label.
    """

    names: list[str] | None
    features: Array
    labels: Array | None


class Layout(NamedTuple):
    """What the first line says about the rest.

    Attributes:
        names: the columns' names; None where the file has no header.
        columns: the number of columns.
        label: the position of the label's column; None without a label.
    """

    names: list[str] | None
    columns: int
    label: int | None


def read_table(path: PathLike, label: str | int | None, header: bool | str) -> Table:
    """Read a CSV file; see `fathom.data.datasets.csv` for arguments and errors."""
    name = os.fspath(path)
    with open_to_read(path) as file:
        blocks = _blocks(file, name)
        first = next(blocks, None)
        if first is None:
            raise FileFormatError(f"'{name}' is empty")
        first_row = next(_rows(first, name), (0, []))[1]
        layout = _layout(first_row, label, header, name)
        _check_memory(first, layout, Path(name).stat().st_size, name)
        features, labels = [], []
        is_first = True
        for block in itertools.chain([first], blocks):
            skip = is_first and layout.names is not None
            is_first = False
            cells, label_cells = _parse(block, layout, skip, name)
            features.append(cells)
            labels.append(label_cells)
    try:
        table = np.concatenate(features)
    except MemoryError:
        raise DatasetError(f"'{name}' does not fit into memory") from None
    if not len(table):
        raise FileFormatError(f"'{name}' has no rows of data")
    return Table(layout.names, table, None if layout.label is None else _joined(labels))


def _blocks(file: BinaryIO, name: str) -> Iterator[Block]:
    line = 1
    text = file.read(_BLOCK).removeprefix(_BYTE_ORDER_MARK)
    while text:
        text += _rest_of_line(file, text, name)
        # A quoted cell may hold line ends: a block ends where all quotes are closed.
        quotes = text.count(b'"')
        parts = [text]
        while quotes % 2 and (more := file.readline(_LONGEST_LINE)):
            parts.append(more)
            quotes += more.count(b'"')
        text = b"".join(parts)
        yield Block(line, text)
        line += text.count(b"\n")
        text = file.read(_BLOCK)


def _rest_of_line(file: BinaryIO, text: bytes, name: str) -> bytes:
    if text.endswith(b"\n"):
        return b""
    rest = file.readline(_LONGEST_LINE)
    if len(rest) == _LONGEST_LINE:
        raise FileFormatError(
            f"'{name}' has a line longer than {_LONGEST_LINE} bytes; is it a CSV file?"
        )
    return rest


def _rows(block: Block, name: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of a block that are not empty: their numbers and their cells."""
    try:
        text = block.text.decode()
    except UnicodeDecodeError as error:
        before = block.text[: error.start]
        line = block.first_line + before.count(b"\n")
        column = before[before.rfind(b"\n") + 1 :].count(b",") + 1
        raise FileFormatError(
            f"'{name}', line {line}, column {column}: byte {block.text[error.start]:#04x} is not "
            f"UTF-8; save the file with the encoding UTF-8"
        ) from None
    # Lines end with a line feed only, as where the file is cut into blocks.
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    line = 0
    while True:
        start = line + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise FileFormatError(
                f"'{name}', line {block.first_line + reader.line_num - 1}: {error}"
            ) from None
        if row is None:
            return
        line = reader.line_num
        if row:
            yield block.first_line + start - 1, [cell.strip() for cell in row]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _layout(row: list[str], label: str | int | None, header: bool | str, name: str) -> Layout:
    if not row:
        raise FileFormatError(f"'{name}' has no rows of data")
    if header == "auto":
        has_header = not any(_is_number(cell) or not cell for cell in row)
        has_header |= isinstance(label, str) and label in row
    else:
        has_header = bool(header)
    names = row if has_header else None
    return Layout(names, len(row), _label_position(label, names, len(row), name))


def _label_position(
    label: str | int | None, names: list[str] | None, columns: int, name: str
) -> int | None:
    if label is None:
        return None
    if isinstance(label, int):
        if not -columns <= label < columns:
            raise DatasetError(f"'{name}' has {columns} columns, there is no column {label}")
        return label % columns
    if names is None:
        raise DatasetError(
            f"'{name}' has no header, so its label cannot be found by the name {label!r}; say "
            f"which column it is: label=0 for the first, -1 for the last, None for no label"
        )
    if label not in names:
        shown = ", ".join(names[:8]) + (", …" if columns > 8 else "")
        raise DatasetError(
            f"'{name}' has no column {label!r}; it has {shown}. Name the column that holds the "
            f"label, or say label=None"
        )
    return names.index(label)


def _parse(block: Block, layout: Layout, skip: bool, name: str) -> tuple[Array, Array | None]:
    """The features and the label cells of a block, whose first row is skipped if it has names."""
    if skip:
        rows = _rows(block, name)
        next(rows)
        following = next(rows, None)
        if following is None:
            return np.empty((0, layout.columns - (layout.label is not None)), np.float32), None
        lines = block.text.split(b"\n", following[0] - block.first_line)
        block = Block(following[0], lines[-1])
    numbers = _parse_whole_numbers(block.text, layout.columns)
    if numbers is None:
        return _parse_rows(block, layout, name)
    if layout.label is None:
        return numbers.astype(np.float32), None
    features = np.empty((len(numbers), layout.columns - 1), np.float32)
    features[:, : layout.label] = numbers[:, : layout.label]
    features[:, layout.label :] = numbers[:, layout.label + 1 :]
    return features, numbers[:, layout.label].astype(np.int64)


def _parse_whole_numbers(text: bytes, columns: int) -> Array | None:
    """The cells of a block of whole numbers in rows of equal length; None for any other."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    if not text.endswith(b"\n"):
        text += b"\n"
    characters = np.frombuffer(text, np.uint8)
    # Commas and line ends come before the digits.
    ends = np.flatnonzero(characters < ord("0"))
    kinds = characters[ends]
    widths = np.diff(ends, prepend=-1) - 1
    is_end_of_line = kinds == ord("\n")
    if (
        characters.max() > ord("9")
        or not ((kinds == ord(",")) | is_end_of_line).all()
        or widths.min() < 1
        or widths.max() > _MOST_DIGITS
        or len(ends) % columns
        or not is_end_of_line.reshape(-1, columns)[:, -1].all()
        or np.count_nonzero(is_end_of_line) != len(ends) // columns
    ):
        return None
    values = characters[ends - 1].astype(np.int32) - ord("0")
    longer = np.flatnonzero(widths > 1)
    for place in range(1, int(widths.max())):
        digits = characters[ends[longer] - 1 - place].astype(np.int32) - ord("0")
        values[longer] += digits * 10**place
        longer = longer[widths[longer] > place + 1]
    return values.reshape(-1, columns)


def _parse_rows(block: Block, layout: Layout, name: str) -> tuple[Array, Array | None]:
    features, labels = [], []
    for line, cells in _rows(block, name):
        if len(cells) != layout.columns:
            raise FileFormatError(
                f"'{name}', line {line} has {len(cells)} cells, the first line has {layout.columns}"
            )
        if layout.label is not None:
            labels.append(cells[layout.label])
            if not cells[layout.label]:
                raise _wrong_cell(line, layout.label, "", layout, name)
            del cells[layout.label]
        try:
            numbers = np.array(cells, np.float64)
        except ValueError:
            numbers = np.array(np.nan)
        if not (np.abs(numbers) <= _LARGEST).all() or "_" in "".join(cells):
            raise _first_wrong_cell(line, cells, layout, name)
        features.append(numbers.astype(np.float32))
    width = layout.columns - (layout.label is not None)
    table = np.stack(features) if features else np.empty((0, width), np.float32)
    return table, np.array(labels, np.str_) if labels else None


def _first_wrong_cell(line: int, row: list[str], layout: Layout, name: str) -> FileFormatError:
    for position, cell in enumerate(row):
        if not _is_number(cell) or not abs(float(cell)) <= _LARGEST or "_" in cell:
            after_label = layout.label is not None and position >= layout.label
            return _wrong_cell(line, position + after_label, cell, layout, name)
    raise AssertionError(f"line {line} of '{name}' has no wrong cell")


def _wrong_cell(line: int, position: int, cell: str, layout: Layout, name: str) -> FileFormatError:
    column = f"column {position + 1}"
    if layout.names is not None:
        column += f" ({layout.names[position]!r})"
    what = f"{cell[:40]!r} is not a finite number" if cell else "the cell is empty"
    advice = "; if the first line holds names, say header=True" if line == 1 else ""
    return FileFormatError(f"'{name}', line {line}, {column}: {what}{advice}")


def _joined(labels: list[Array | None]) -> Array:
    """The label cells of all blocks: whole numbers, or texts where any block holds texts."""
    parts = [part for part in labels if part is not None]
    if all(part.dtype.kind == "i" for part in parts):
        return np.concatenate(parts)
    return np.concatenate([part.astype(np.str_) for part in parts])


def _check_memory(first: Block, layout: Layout, size: int, name: str) -> None:
    """Refuse a file whose table would not fit, before the machine begins to swap."""
    rows_per_byte = first.text.count(b"\n") / len(first.text)
    # The blocks and their concatenation exist at the same time for a moment.
    needed = 2 * rows_per_byte * size * layout.columns * np.dtype(np.float32).itemsize
    available = available_memory()
    if available is not None and needed > available:
        raise DatasetError(
            f"'{name}' needs about {needed / 2**30:.1f} GiB of memory to be read, "
            f"and {available / 2**30:.1f} GiB are free; split the file"
        )


def available_memory() -> int | None:
    """The bytes of memory that can be had, where the system says so."""
    try:
        with open("/proc/meminfo") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None
