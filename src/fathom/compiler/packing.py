"""Writes the rearrangement of a matrix's columns into a contiguous panel."""

from .emitter import Emitter, Value, element_of, index, lanes_of
from .tile import Matrix


def write_packing(
    emitter: Emitter, type: str, panel: Matrix, source: Matrix, inner: int | Value, columns: Value
) -> None:
    """Copy columns of a matrix to a panel whose rows are contiguous.

    Lanes behind the last column are filled with anything.

    Args:
        emitter: where to write.
        type: the type of a vector.
        panel: where to; its rows have room for whole vectors.
        source: where from, beginning with the first of the columns.
        inner: the number of rows; where it is known only when the kernel runs, an i64 that is
            at least the number of lanes.
        columns: how many columns there are, an i64.
    """
    lanes = lanes_of(type)
    size = index(inner) if isinstance(inner, int) else inner
    is_deep = not isinstance(inner, int) or inner >= lanes
    if source.column_stride == 1:
        _copy(emitter, type, panel, source, size, columns)
        return
    with emitter.loop(index(0), columns, lanes) as column:
        target = panel._replace(start=_behind(emitter, type, panel, column))
        block = source._replace(start=_behind(emitter, type, source, column))
        left = emitter.subtract(columns, column)
        if source.row_stride == 1 and is_deep:
            _transpose(emitter, type, target, block, size, left)
        else:
            _pick(emitter, type, target, block, size, left)


def _behind(emitter: Emitter, type: str, matrix: Matrix, column: Value) -> Value:
    offset = emitter.multiply(column, index(matrix.column_stride))
    return emitter.address(matrix.start, element_of(type), offset)


def _copy(
    emitter: Emitter, type: str, panel: Matrix, source: Matrix, size: Value, columns: Value
) -> None:
    """Copy row after row, so that each is read in one go."""
    element, lanes = element_of(type), lanes_of(type)

    def copy(row: Value, to: Value, column: Value, left: Value) -> None:
        is_whole = left.text.isdigit() and int(left.text) >= lanes
        mask = None if is_whole or lanes == 1 else emitter.mask(lanes, left)
        value = emitter.load(type, emitter.address(row, element, column), mask)
        emitter.store(value, emitter.address(to, element, column))

    with emitter.loop(index(0), size) as k:
        row = emitter.address(source.start, element, emitter.multiply(k, index(source.row_stride)))
        to = emitter.address(panel.start, element, emitter.multiply(k, index(panel.row_stride)))
        if columns.text.isdigit():
            count = int(columns.text)
            for start in range(0, count, lanes):
                copy(row, to, index(start), index(count - start))
        else:
            with emitter.loop(index(0), columns, lanes) as column:
                copy(row, to, column, emitter.subtract(columns, column))


def _transpose(
    emitter: Emitter, type: str, panel: Matrix, source: Matrix, size: Value, left: Value
) -> None:
    """Turn columns that are contiguous into rows, in square blocks."""
    element, lanes = element_of(type), lanes_of(type)
    starts = _starts_of_columns(emitter, type, source, left)
    with emitter.loop(index(0), size, lanes) as begin:
        # The last block reaches back over the one before.
        k = emitter.intrinsic("smin", "i64", begin, emitter.subtract(size, index(lanes)))
        block = [emitter.load(type, emitter.address(start, element, k)) for start in starts]
        to = emitter.address(panel.start, element, emitter.multiply(k, index(panel.row_stride)))
        for position, row in enumerate(transposed(emitter, block)):
            offset = index(position * panel.row_stride)
            emitter.store(row, emitter.address(to, element, offset))


def _pick(
    emitter: Emitter, type: str, panel: Matrix, source: Matrix, size: Value, left: Value
) -> None:
    """Copy one number at a time: any strides."""
    element = element_of(type)
    starts = _starts_of_columns(emitter, type, source, left)
    with emitter.loop(index(0), size) as k:
        offset = emitter.multiply(k, index(source.row_stride))
        to = emitter.address(panel.start, element, emitter.multiply(k, index(panel.row_stride)))
        for lane, start in enumerate(starts):
            value = emitter.load(element, emitter.address(start, element, offset))
            emitter.store(value, emitter.address(to, element, index(lane)))


def _starts_of_columns(emitter: Emitter, type: str, source: Matrix, left: Value) -> list[Value]:
    """The address of each column's first element; those behind the last repeat it."""
    last = emitter.subtract(left, index(1))
    starts = []
    for lane in range(lanes_of(type)):
        column = emitter.intrinsic("smin", "i64", index(lane), last)
        offset = emitter.multiply(column, index(source.column_stride))
        starts.append(emitter.address(source.start, element_of(type), offset))
    return starts


def transposed(emitter: Emitter, rows: list[Value]) -> list[Value]:
    """The columns of a square block: blocks change places across the diagonal.

    First single elements, then blocks of two by two, and so on: so the shuffles within few
    neighbouring lanes, for which processors have instructions of their own, come first.
    """
    size = len(rows)
    rows = list(rows)
    distance = 1
    while distance < size:
        kept = [lane for lane in range(size) if not lane & distance]
        low, high = list(range(size)), list(range(distance, size + distance))
        for lane in kept:
            low[lane + distance] = size + lane
            high[lane + distance] = size + lane + distance
        for position in kept:
            pair = rows[position], rows[position + distance]
            rows[position] = emitter.shuffle(*pair, low)
            rows[position + distance] = emitter.shuffle(*pair, high)
        distance *= 2
    return rows
