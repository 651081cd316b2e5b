"""What users hand in, as arrays of our own; and arrays as users read them."""

from typing import Any

import numpy as np

from .errors import DTypeError, ShapeError
from .ops import Array
from .promotion import float32, supported


# Numbers that a dtype cannot hold become infinite silently, as IEEE 754 has it.
@np.errstate(all="ignore")
def to_array(data: Any, dtype: Any = None) -> Array:
    """A new array with the given numbers.

    Args:
        data: a number, nested sequences, or anything that NumPy takes for an array.
        dtype: the element type. By default arrays keep theirs, Python floats become float32,
            Python integers int64.

    Raises:
        ShapeError: nested sequences differ in length.
        DTypeError: the numbers have, or the argument names, a dtype that Fathom lacks.
    """
    if isinstance(data, list | tuple):
        data = _plain(data)
    try:
        array = np.array(data, None if dtype is None else supported(dtype))
    except OverflowError as error:
        raise DTypeError(f"a number does not fit into the dtype: {error}") from None
    except (ValueError, TypeError) as error:
        if isinstance(error, DTypeError):
            raise
        raise ShapeError(f"cannot make a tensor of this {type(data).__name__}: {error}") from None
    if dtype is not None:
        return array
    if not _is_typed(data) and (array.dtype.kind == "f" or array.size == 0):
        return array.astype(float32)
    supported(array.dtype)
    return array


def _plain(sequence: Any) -> Any:
    """The sequence with tensors in it replaced by arrays, which NumPy stacks much faster."""
    if isinstance(sequence, list | tuple):
        return [_plain(element) for element in sequence]
    return np.asarray(sequence) if hasattr(sequence, "apply_operation") else sequence


def _is_typed(data: Any) -> bool:
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return hasattr(data, "dtype")


def read_only(array: Array) -> Array:
    """A view of the array that cannot be written."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def to_text(array: Array) -> str:
    """The elements as PyTorch prints them within ``tensor(…)``."""
    return np.array2string(
        array,
        separator=", ",
        prefix="tensor(",
        precision=4,
        threshold=1000,
        edgeitems=3,
        max_line_width=81,
        floatmode="maxprec" if _is_whole(array) else "fixed",
    )


def _is_whole(array: Array) -> bool:
    """Whether the elements are printed as ``2.``: integers of sizes that are not too unlike."""
    if array.dtype.kind != "f":
        return True
    sizes = np.abs(array[np.isfinite(array) & (array != 0)], dtype=np.float64)
    if sizes.size == 0:
        return True
    largest, smallest = sizes.max(), sizes.min()
    unlike = largest >= 1e8 or largest / smallest > 1000
    return not unlike and bool((sizes == np.floor(sizes)).all())
