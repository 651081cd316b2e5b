"""Which dtype an operation on mixed operands has: PyTorch's rules."""

from functools import lru_cache
from typing import Any

import numpy as np

from .ops import DTypeError

DType = np.dtype[Any]

float32 = np.dtype(np.float32)
float64 = np.dtype(np.float64)
int8 = np.dtype(np.int8)
int16 = np.dtype(np.int16)
int32 = np.dtype(np.int32)
int64 = np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
bool_ = np.dtype(np.bool_)

DTYPES = (float32, float64, int8, int16, int32, int64, uint8, bool_)

# A bool is promoted to an integer, an integer to a float, never the other way.
_CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2}
_DEFAULT_OF_TYPE = {bool: bool_, int: int64, float: float32}


def category(dtype: DType) -> int:
    """0 for bool, 1 for integers, 2 for floats."""
    return _CATEGORY[dtype.kind]


def is_floating(dtype: DType) -> bool:
    """Whether the dtype is float32 or float64."""
    return dtype.kind == "f"


def supported(dtype: Any) -> DType:
    """The dtype as one of Fathom's; raises `DTypeError` for any other."""
    if dtype is float or dtype is int or dtype is bool:
        return _DEFAULT_OF_TYPE[dtype]
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"{dtype!r} is not a dtype") from None
    if found not in DTYPES:
        names = ", ".join(map(str, DTYPES))
        raise DTypeError(f"dtype {found} is not supported; Fathom has {names}")
    return found


@lru_cache
def promote_types(first: DType, second: DType) -> DType:
    """The smallest dtype that holds both; a float beside an integer stays as it is."""
    first_category, second_category = category(first), category(second)
    if first_category != second_category:
        return first if first_category > second_category else second
    return np.promote_types(first, second)


def default_dtype_of(number: bool | int | float) -> DType:
    """The dtype a Python number has when no tensor is beside it."""
    if isinstance(number, bool):
        return bool_
    return int64 if isinstance(number, int) else float32


@lru_cache
def combine(dimensioned: DType | None, scalar: DType | None, number: DType | None) -> DType:
    """The common dtype of tensors with dimensions, tensors without, and Python numbers.

    A later kind changes the result only where it is of a higher category.
    """
    result: DType | None = None
    for dtype in (dimensioned, scalar, number):
        if dtype is not None and (result is None or category(dtype) > category(result)):
            result = dtype
    if result is None:
        raise DTypeError("no operand has a dtype")
    return result
