"""What functions of images (N, C, *sizes) ask of their input; sequences and volumes count too."""

from ..errors import ShapeError
from ..ops import Reshape, Shape
from ..tensor import Tensor

PLACES = {1: "L", 2: "H, W", 3: "D, H, W"}


def spatial_rank(name: str) -> int:
    """The number of spatial dimensions: the digit in ``conv2d`` or ``Conv2d``."""
    return int(name[-2])


def as_batch(name: str, input: Tensor, channels: int | None, rank: int) -> Tensor:
    """The input as (N, C, *sizes), where it may lack N; raises where it does not fit."""
    places = PLACES[rank]
    shape = input.shape
    one = "C" if channels is None else channels
    if len(shape) not in (rank + 1, rank + 2):
        advice = ""
        if len(shape) == rank:
            advice = "; add a dimension for the channels: x.unsqueeze(0)"
        elif len(shape) == 2 and rank == 2:
            advice = "; give flattened images their shape back: x.reshape(-1, C, H, W)"
        raise ShapeError(
            f"{name} expects shape (N, {one}, {places}) or ({one}, {places}), "
            f"got shape {shape}{advice}"
        )
    axis = len(shape) - rank - 1
    if channels is not None and shape[axis] != channels:
        raise ShapeError(
            f"{name} expects {channels} input channels in dimension {axis}, "
            f"got shape {shape}{_channel_advice(shape, channels, rank)}"
        )
    return input if axis == 1 else Reshape((1, *shape))(input)


def _channel_advice(shape: Shape, channels: int, rank: int) -> str:
    batched = len(shape) == rank + 2
    if not batched and channels == 1:
        return "; a batch of grey images needs a channel dimension: x.unsqueeze(1)"
    if shape[-1] == channels:
        order = (0, rank + 1, *range(1, rank + 1)) if batched else (rank, *range(rank))
        return f"; the channels seem to come last, try x.permute{order}"
    return ""


def as_given(result: Tensor, input: Tensor) -> Tensor:
    """The result without the batch dimension if the input had none."""
    return result if result.ndim == input.ndim else Reshape(result.shape[1:])(result)
