"""In which order of memory NumPy is fast."""

from typing import Literal

from .op import Shape

# Up to here the rearranged copy of a row costs less than it saves.
_SHORT_ROW = 32


def order_for(shape: Shape, axis: int) -> Literal["C", "F"]:
    """The order of memory in which NumPy combines the elements along `axis` fastest.

    NumPy begins a loop anew for every row that it combines. Rows of a few numbers, such as the
    logits of ten classes, are better laid out side by side ("F": column by column).
    """
    return "F" if axis == len(shape) - 1 and 0 < shape[axis] <= _SHORT_ROW else "C"
