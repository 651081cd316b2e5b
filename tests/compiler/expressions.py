"""Makes native functions of arrays out of functions of lanes."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from fathom.compiler.emitter import Emitter, index
from fathom.compiler.lanes import Lanes, load_lanes, memory_type, store_lanes
from fathom.compiler.target import host
from fathom.runtime.machine_code import load, to_object


def write(
    emitter: Emitter,
    name: str,
    expression: Callable[..., Lanes],
    dtypes: list[np.dtype[Any]],
    result: np.dtype[Any],
    lanes: int,
) -> None:
    """Write ``name(count, result, operands…)``, which goes through arrays lanes by lanes."""
    operands = [(f"x{number}", "ptr") for number in range(len(dtypes))]
    with emitter.function(name, (("count", "i64"), ("out", "ptr"), *operands)) as parameters:
        count, out, *pointers = parameters
        with emitter.loop(index(0), count, lanes) as start:
            places = [
                emitter.address(pointer, memory_type(dtype), start)
                for pointer, dtype in zip(pointers, dtypes, strict=True)
            ]
            value = expression(
                *(
                    load_lanes(emitter, dtype, place, lanes)
                    for dtype, place in zip(dtypes, places, strict=True)
                )
            )
            assert value.dtype == result, f"{value.dtype} rather than {result}"
            store_lanes(value, emitter.address(out, memory_type(result), start))


def native(
    expression: Callable[..., Lanes],
    dtypes: list[np.dtype[Any]],
    result: np.dtype[Any],
    lane_counts: tuple[int, ...] = (16,),
) -> list[Callable[..., np.ndarray]]:
    """Functions of arrays that apply an expression to so many elements at a time."""
    emitter = Emitter(host())
    names = [f"apply{lanes}" for lanes in lane_counts]
    for name, lanes in zip(names, lane_counts, strict=True):
        write(emitter, name, expression, dtypes, result, lanes)
    code = load(to_object(emitter.text, host()), names)
    pointers = [ctypes.c_void_p] * (1 + len(dtypes))
    prototype = ctypes.CFUNCTYPE(None, ctypes.c_int64, *pointers)

    def function_of(name: str, lanes: int) -> Callable[..., np.ndarray]:
        function = prototype(code[name])

        def apply(*arrays: np.ndarray) -> np.ndarray:
            size = arrays[0].size
            whole = -(-size // lanes) * lanes
            padded = [np.resize(array, whole) for array in arrays]
            out = np.empty(whole, result)
            function(whole, out.ctypes.data, *(array.ctypes.data for array in padded))
            assert code is not None  # it has to live as long as the function
            return out[:size]

        return apply

    return [function_of(*pair) for pair in zip(names, lane_counts, strict=True)]
