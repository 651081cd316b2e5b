"""Writes the inner part of a matrix product: a tile of the result, held in registers."""

from typing import NamedTuple

from .emitter import (
    Emitter,
    Value,
    Variable,
    element_of,
    index,
    is_floating,
    lanes_of,
    number,
)


class Matrix(NamedTuple):
    """A matrix in memory, as a tile reads it.

    Attributes:
        start: the address of its first element that the tile reads.
        row_stride: how many elements further the next row begins.
        column_stride: how many elements further the next column begins.
    """

    start: Value
    row_stride: int
    column_stride: int


def outer_product_tile(
    emitter: Emitter,
    type: str,
    first: Matrix,
    second: Matrix,
    inner: int | Value,
    height: int,
    masks: list[Value | None],
    unroll: int,
    before: list[list[Value]] | None = None,
) -> list[list[Value]]:
    """A tile of a product whose vectors lie along the columns.

    For each k, a row of the second matrix is multiplied by `height` numbers of the first, each
    repeated in all lanes, and added to the tile.

    Args:
        emitter: where to write.
        type: the type of a vector.
        first: the rows of the first matrix that the tile needs.
        second: the columns of the second one; they are contiguous.
        inner: the size of the dimension that is summed over; an i64 where it is known only
            when the kernel runs, for an `unroll` of 1.
        height: the number of rows.
        masks: for each vector of a row which lanes exist, or None where all do.
        unroll: how many sums each element is split into, which run side by side.
        before: the vectors of each row so far; all zero where there are none.

    Returns:
        The vectors of each row.
    """
    element, lanes = element_of(type), lanes_of(type)

    def step(k: Value, sums: list[list[Variable]]) -> None:
        row = _element(emitter, element, second.start, k, second.row_stride)
        factors = [
            emitter.load(type, emitter.address(row, element, index(position * lanes)), mask)
            for position, mask in enumerate(masks)
        ]
        column = _element(emitter, element, first.start, k, first.column_stride)
        for position, row_sums in enumerate(sums):
            place = emitter.address(column, element, index(position * first.row_stride))
            number_ = emitter.splat(emitter.load(element, place), lanes)
            for total, factor in zip(row_sums, factors, strict=True):
                accumulate(emitter, total, number_, factor)

    zeros = [[number(0, type)] * len(masks)] * height
    banks = [
        [[emitter.variable(sum_) for sum_ in row] for row in rows]
        for rows in [before or zeros, *[zeros] * (unroll - 1)]
    ]
    if isinstance(inner, Value):
        with emitter.loop(index(0), inner) as k:
            step(k, banks[0])
    else:
        whole = inner - inner % unroll
        with emitter.loop(index(0), index(whole), unroll) as k:
            for position, sums in enumerate(banks):
                step(emitter.add(k, index(position)), sums)
        for rest in range(whole, inner):
            step(index(rest), banks[rest - whole])
    return [
        [_total(emitter, [bank[row][column] for bank in banks]) for column in range(len(masks))]
        for row in range(height)
    ]


def inner_product_tile(
    emitter: Emitter,
    type: str,
    first: Matrix,
    second: Matrix,
    inner: int,
    height: int,
    width: int,
    lanes: int,
    unroll: int,
) -> list[list[Value]]:
    """A tile of a product whose vectors lie along the dimension that is summed over.

    That dimension is contiguous in both matrices. Each element of the tile has a vector of
    partial sums, which are added up in the end.

    Args:
        emitter: where to write.
        type: the type of a vector.
        first: the rows of the first matrix that the tile needs.
        second: the columns of the second one.
        inner: the size of the dimension that is summed over.
        height: the number of rows.
        width: the number of columns.
        lanes: how many lanes the result has, at least `width`; a power of two.
        unroll: how many vectors of sums each element has.

    Returns:
        One vector for each row.
    """
    element, depth = element_of(type), lanes_of(type)

    def step(k: Value, mask: Value | None, sums: list[list[Variable]]) -> None:
        rows = emitter.address(first.start, element, k)
        columns = emitter.address(second.start, element, k)
        factors = [
            emitter.load(type, emitter.address(rows, element, index(row * first.row_stride)), mask)
            for row in range(height)
        ]
        for column in range(width):
            place = emitter.address(columns, element, index(column * second.column_stride))
            factor = emitter.load(type, place, mask)
            for row in range(height):
                accumulate(emitter, sums[row][column], factors[row], factor)

    zero = number(0, type)
    banks = [
        [[emitter.variable(zero) for _ in range(width)] for _ in range(height)]
        for _ in range(unroll)
    ]
    whole = inner - inner % (depth * unroll)
    with emitter.loop(index(0), index(whole), depth * unroll) as start:
        for position, sums in enumerate(banks):
            step(emitter.add(start, index(position * depth)), None, sums)
    for position, k in enumerate(range(whole, inner, depth)):
        mask = emitter.mask(depth, index(inner - k)) if inner - k < depth else None
        step(index(k), mask, banks[position])
    return [
        [
            _sums_of_lanes(
                emitter,
                [_total(emitter, [bank[row][column] for bank in banks]) for column in range(width)],
                lanes,
            )
        ]
        for row in range(height)
    ]


def accumulate(emitter: Emitter, total: Variable, a: Value, b: Value) -> None:
    """total += a * b, in one instruction where the processor has it."""
    if is_floating(a.type):
        emitter.assign(total, emitter.intrinsic("fmuladd", a.type, a, b, emitter.read(total)))
    else:
        emitter.assign(total, emitter.add(emitter.multiply(a, b), emitter.read(total)))


def _total(emitter: Emitter, sums: list[Variable]) -> Value:
    values = [emitter.read(total) for total in sums]
    while len(values) > 1:
        half = (len(values) + 1) // 2
        added = [emitter.add(a, b) for a, b in zip(values, values[half:], strict=False)]
        values = added + values[len(added) : half]
    return values[0]


def _sums_of_lanes(emitter: Emitter, vectors: list[Value], lanes: int) -> Value:
    """A vector whose lanes are the sums of the lanes of several vectors.

    Vectors are folded two by two: the halves of the first and those of the second are added
    and lie side by side, then the quarters, and so on.
    """
    depth = length = lanes_of(vectors[0].type)
    vectors = vectors + [number(0, vectors[0].type)] * (lanes - len(vectors))
    while len(vectors) > 1:
        lower = _lower_halves(depth, length)
        lower += [lane + depth for lane in lower]
        pairs = zip(vectors[::2], vectors[1::2], strict=True)
        vectors = [_add_halves(emitter, a, b, lower, length // 2) for a, b in pairs]
        length //= 2
    (folded,) = vectors
    while length > 1:
        lower = _lower_halves(lanes * length, length)
        folded = _add_halves(emitter, folded, folded, lower, length // 2)
        length //= 2
    return folded


def _lower_halves(lanes: int, length: int) -> list[int]:
    """The lanes in the lower half of each segment of `length` lanes."""
    return [lane for lane in range(lanes) if lane % length < length // 2]


def _add_halves(emitter: Emitter, a: Value, b: Value, lower: list[int], half: int) -> Value:
    if len(lower) == 1:
        return emitter.add(emitter.extract(a, 0), emitter.extract(a, 1))
    upper = [lane + half for lane in lower]
    return emitter.add(emitter.shuffle(a, b, lower), emitter.shuffle(a, b, upper))


def _element(emitter: Emitter, element: str, start: Value, k: Value, stride: int) -> Value:
    offset = k if stride == 1 else emitter.multiply(k, index(stride))
    return emitter.address(start, element, offset)
