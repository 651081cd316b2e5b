"""Where the windows of a convolution or pooling lie, as ONNX says it."""

from collections.abc import Sequence

from ...ops import Shape, Windows
from ..errors import MalformedModel


def windows_of(
    sizes: Shape,
    kernel: Sequence[int],
    strides: Sequence[int] | None,
    pads: Sequence[int] | None,
    dilations: Sequence[int] | None,
    auto_pad: str,
    ceil_mode: int = 0,
) -> tuple[Windows, tuple[tuple[int, int], ...]]:
    """The windows, and the padding as the model means it.

    With `ceil_mode` the windows may reach further than the padding.

    Args:
        sizes: the spatial sizes of the images.
        kernel, strides, pads, dilations, auto_pad, ceil_mode: as ONNX has them.
    """
    rank = len(sizes)
    steps = tuple(strides or (1,) * rank)
    apart = tuple(dilations or (1,) * rank)
    for given in (kernel, steps, apart):
        if len(given) != rank or min(given, default=1) < 1:
            raise MalformedModel(f"{list(given)} does not fit images of size {sizes}")
    spans = [step * (size - 1) + 1 for size, step in zip(kernel, apart, strict=True)]
    padding = _padding(sizes, spans, steps, pads, auto_pad)
    reached = []
    for size, span, step, (low, high) in zip(sizes, spans, steps, padding, strict=True):
        left = (size + low + high - span) % step
        # A last window counts if it begins within the image or the padding before it.
        fits = (size + low + high - span + step - left) < size + low
        reached.append((low, high + step - left) if ceil_mode and left and fits else (low, high))
    return Windows(tuple(kernel), steps, tuple(reached), apart), padding


def _padding(
    sizes: Shape,
    spans: Sequence[int],
    strides: Shape,
    pads: Sequence[int] | None,
    auto_pad: str,
) -> tuple[tuple[int, int], ...]:
    rank = len(sizes)
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        pairs = []
        for size, span, step in zip(sizes, spans, strides, strict=True):
            total = max((-(-size // step) - 1) * step + span - size, 0)
            small, large = total // 2, total - total // 2
            pairs.append((small, large) if auto_pad == "SAME_UPPER" else (large, small))
        return tuple(pairs)
    if auto_pad == "VALID" or pads is None:
        return ((0, 0),) * rank
    if auto_pad != "NOTSET" or len(pads) != 2 * rank or min(pads, default=0) < 0:
        raise MalformedModel(
            f"auto_pad {auto_pad!r} and pads {list(pads)} do not fit images of size {sizes}"
        )
    return tuple(zip(pads[:rank], pads[rank:], strict=True))
