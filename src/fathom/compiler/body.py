"""Writes a body: what a kernel does at one point, for a vector of points at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from .emitter import Emitter, Value, element_of, index, lanes_of, number, vector
from .kernel import Access, Apply, Body, DType, Literal, Load, LoadAt, Position, Product, Reduce
from .lanes import Lanes, literal_lanes, load_lanes, memory_type, store_lanes

INT64 = np.dtype("int64")


@dataclass(frozen=True)
class Point:
    """Where in its space a kernel stands: at several points side by side along one axis.

    Attributes:
        counters: the index along each axis, for the first lane.
        axis: the axis along which the lanes lie.
        lanes: how many there are.
        mask: which of them exist; None where all do.
    """

    counters: tuple[Value, ...]
    axis: int
    lanes: int
    mask: Value | None = None

    def at_first_lane(self) -> "Point":
        """The first of the points alone."""
        return replace(self, lanes=1, mask=None)


def evaluate(
    emitter: Emitter,
    body: Body,
    pointers: list[Value],
    point: Point,
    known: Mapping[int, Lanes] | None = None,
    wanted: Iterable[int] | None = None,
) -> dict[int, Lanes]:
    """Write the instructions of a body for one point.

    What is the same for all lanes of the point is computed once, as a single lane. So what a
    kernel finds to vary along none of its inner axes (see `varying`) can be evaluated before
    the loops over these, and be given as `known` inside.

    Args:
        emitter: where to write.
        body: the instructions.
        pointers: the addresses of the kernel's buffers.
        point: where the kernel stands.
        known: results that are there already, by the number of the instruction; those of
            `Product` and `Reduce` have to be among them.
        wanted: the instructions whose results are needed; those of the stores if not given.

    Returns:
        The results by the number of the instruction, `known` included.
    """
    results = dict(known or {})
    if wanted is None:
        wanted = (store.operand for store in body.stores)
    alike = point.at_first_lane()
    varies = varying(body, {point.axis})
    for position in sorted(_needed(body, wanted, results)):
        place = point if position in varies else alike
        results[position] = _result(emitter, body, pointers, place, position, results)
    return results


def write_stores(
    emitter: Emitter,
    body: Body,
    pointers: list[Value],
    point: Point,
    results: Mapping[int, Lanes],
) -> None:
    """Write a body's stores of results that `evaluate` gave."""
    for store in body.stores:
        result = results[store.operand]
        stride = store.access.strides[point.axis]
        place = point if stride else point.at_first_lane()
        value = _spread(result, place.lanes)
        if store.adds:
            offset = _offset(emitter, store.access, place)
            pointer = pointers[store.access.buffer]
            value = _load(emitter, result.dtype, pointer, offset, stride, place) + value
        _store(emitter, value, pointers, store.access, place)


def varying(body: Body, axes: Iterable[int]) -> frozenset[int]:
    """The numbers of the instructions whose results may differ along some of the axes."""
    axes = set(axes)
    found: set[int] = set()
    for position, instruction in enumerate(body.instructions):
        action = instruction.action
        match action:
            case Load(access):
                varies = any(access.strides[axis] for axis in axes)
            case LoadAt(access, indices):
                varies = any(access.strides[axis] for axis in axes)
                varies = varies or any(operand in found for operand, _, _ in indices)
            case Position(axis, stride):
                varies = axis in axes and stride != 0
            case Apply(_, operands):
                varies = any(operand in found for operand in operands)
            case Reduce(_, operand):
                varies = operand in found
            case Product():
                varies = bool(axes)
            case Literal():
                varies = False
        if varies:
            found.add(position)
    return frozenset(found)


def _needed(body: Body, wanted: Iterable[int], known: Mapping[int, Lanes]) -> set[int]:
    """The instructions to run so that the wanted results are there."""
    found: set[int] = set()
    waiting = list(wanted)
    while waiting:
        position = waiting.pop()
        if position in found or position in known:
            continue
        found.add(position)
        match body.instructions[position].action:
            case Apply(_, operands):
                waiting.extend(operands)
            case LoadAt(_, indices):
                waiting.extend(operand for operand, _, _ in indices)
            case Product() | Reduce():
                raise KeyError(f"the result of instruction {position} has to be given")
    return found


def _result(
    emitter: Emitter,
    body: Body,
    pointers: list[Value],
    point: Point,
    position: int,
    results: Mapping[int, Lanes],
) -> Lanes:
    instruction = body.instructions[position]
    dtype = instruction.dtype
    match instruction.action:
        case Load(access):
            offset = _offset(emitter, access, point)
            stride = access.strides[point.axis]
            return _load(emitter, dtype, pointers[access.buffer], offset, stride, point)
        case LoadAt() as action:
            return _load_at(emitter, action, dtype, pointers, point, results)
        case Literal(value):
            return literal_lanes(emitter, value, dtype, 1)
        case Position(axis, stride, offset):
            start = _sum(emitter, [(point.counters[axis], stride)], offset)
            if axis != point.axis:
                return Lanes(emitter, start, dtype)
            return Lanes(emitter, _steps(emitter, start, stride, point.lanes), dtype)
        case Apply(op, operands):
            values = [results[operand] for operand in operands]
            lanes = max(value.count for value in values)
            return op.expression(*(_spread(value, lanes) for value in values))  # type: ignore[attr-defined]
        case _:
            raise KeyError(f"the result of instruction {position} has to be given")


def _spread(value: Lanes, lanes: int) -> Lanes:
    """A single lane repeated, or the first lane alone; what has `lanes` already stays."""
    if lanes == 1 < value.count:
        return Lanes(value.emitter, value.emitter.extract(value.value, 0), value.dtype)
    return value.spread(lanes)


# Addresses


def _sum(emitter: Emitter, terms: Iterable[tuple[Value, int]], constant: int) -> Value:
    """The sum of counters times their strides; what is known is added up here."""
    total = None
    for counter, stride in terms:
        if stride == 0:
            continue
        if counter.text.lstrip("-").isdigit():
            constant += int(counter.text) * stride
            continue
        term = counter if stride == 1 else emitter.multiply(counter, index(stride))
        total = term if total is None else emitter.add(total, term)
    if total is None:
        return index(constant)
    return total if constant == 0 else emitter.add(total, index(constant))


def _offset(emitter: Emitter, access: Access, point: Point) -> Value:
    """How far behind the buffer's start the element of the first lane lies."""
    return _sum(emitter, zip(point.counters, access.strides, strict=True), access.offset)


def _steps(emitter: Emitter, start: Value, stride: int, lanes: int) -> Value:
    """The vector start, start + stride, …."""
    if lanes == 1:
        return start
    steps = ", ".join(f"i64 {lane * stride}" for lane in range(lanes))
    type = vector("i64", lanes)
    return emitter.add(emitter.splat(start, lanes), Value(f"<{steps}>", type))


# Loads and stores


def _load(
    emitter: Emitter, dtype: DType, pointer: Value, offset: Value, stride: int, point: Point
) -> Lanes:
    """Load elements that lie `stride` apart."""
    element = memory_type(dtype, 1)
    if point.lanes == 1 or stride == 0:
        return load_lanes(emitter, dtype, emitter.address(pointer, element, offset), 1)
    if stride == 1:
        place = emitter.address(pointer, element, offset)
        return load_lanes(emitter, dtype, place, point.lanes, point.mask)
    return _gather(emitter, dtype, pointer, _steps(emitter, offset, stride, point.lanes), point)


def _gather(emitter: Emitter, dtype: DType, pointer: Value, offsets: Value, point: Point) -> Lanes:
    element = memory_type(dtype, 1)
    places = emitter.addresses(pointer, element, offsets)
    value = emitter.gather(vector(element, point.lanes), places, _mask(point))
    if dtype.kind == "b":
        value = emitter.compare("ne", value, number(0, value.type))
    return Lanes(emitter, value, dtype)


def _store(
    emitter: Emitter, result: Lanes, pointers: list[Value], access: Access, point: Point
) -> None:
    stride = access.strides[point.axis]
    pointer, element = pointers[access.buffer], memory_type(result.dtype, 1)
    offset = _offset(emitter, access, point)
    if point.lanes == 1 or stride == 1:
        store_lanes(result, emitter.address(pointer, element, offset), point.mask)
        return
    value = result.value
    if element_of(value.type) == "i1":
        value = emitter.convert("zext", value, vector("i8", point.lanes))
    steps = _steps(emitter, offset, stride, point.lanes)
    emitter.scatter(value, emitter.addresses(pointer, element, steps), _mask(point))


def _mask(point: Point) -> Value:
    return point.mask or number(1, vector("i1", point.lanes))


# Loads at places that the body computes


def _load_at(
    emitter: Emitter,
    action: LoadAt,
    dtype: DType,
    pointers: list[Value],
    point: Point,
    results: Mapping[int, Lanes],
) -> Lanes:
    access, pointer = action.access, pointers[action.access.buffer]
    checked = [
        (_checked_index(emitter, action, size, pointers, point, results[operand].value), stride)
        for operand, stride, size in action.indices
    ]
    start = _offset(emitter, access, point)
    if all(lanes_of(value.type) == 1 for value, _ in checked):
        # All lanes have the same indices: their elements lie as those of a plain load.
        offset = emitter.add(start, _sum(emitter, checked, 0))
        return _load(emitter, dtype, pointer, offset, access.strides[point.axis], point)
    offsets = _steps(emitter, start, access.strides[point.axis], point.lanes)
    for value, stride in checked:
        spread = emitter.splat(value, point.lanes) if lanes_of(value.type) == 1 else value
        steps = emitter.multiply(spread, number(stride, spread.type))
        offsets = emitter.add(offsets, steps)
    return _gather(emitter, dtype, pointer, offsets, point)


def _checked_index(
    emitter: Emitter,
    action: LoadAt,
    size: int,
    pointers: list[Value],
    point: Point,
    given: Value,
) -> Value:
    """The index where it is inside, otherwise 0 and a report of it."""
    value, limit = given, number(size, given.type)
    if action.wrap:
        from_end = emitter.compare("slt", given, number(0, given.type))
        value = emitter.select(from_end, emitter.add(given, limit), given)
    outside = emitter.compare("uge", value, limit)
    if point.mask is not None and lanes_of(given.type) > 1:
        outside = emitter.bits("and", outside, point.mask)
    report_index(emitter, outside, given, size, pointers[action.status], action.number)
    return emitter.select(outside, number(0, given.type), value)


def report_index(
    emitter: Emitter, outside: Value, given: Value, size: int, status: Value, number_: int
) -> None:
    """Where some lane of `outside` is set, tell the buffer `status` of its index.

    A report that is there already stays.

    Args:
        outside: which lanes have an index that does not fit.
        given: the indices.
        size: what they have to stay under.
        status: an int64 buffer that takes: one more than the number, the index, the size.
        number_: what the report calls the instruction.
    """
    lanes = lanes_of(outside.type)
    if lanes == 1:
        found = outside
    else:
        bits = emitter.convert("bitcast", outside, f"i{lanes}")
        found = emitter.compare("ne", bits, number(0, bits.type))
    with emitter.when(found):
        if lanes > 1:
            first = emitter.intrinsic("cttz", bits.type, bits, Value("true", "i1"))
            given = emitter.define("i64", f"extractelement {given}, {first}")
        is_first = emitter.compare("eq", emitter.load("i64", status), index(0))
        with emitter.when(is_first):
            for position, value in enumerate((index(number_ + 1), given, index(size))):
                emitter.store(value, emitter.address(status, "i64", index(position)))
