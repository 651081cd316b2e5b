"""Sheets of pictures: what a classifier got wrong, and what a layer has learnt."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ShapeError
from ...nn import Module
from ..checkpoint import PathLike
from ..metrics.classification import classes_of
from ..metrics.metric import Array, array_of
from .style import INK, PALE_INK, RED, names_of, new_figure, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@plot
def confident_mistakes(
    images: Any,
    output: Any,
    target: Any,
    class_names: Sequence[str] | None = None,
    count: int = 24,
    *,
    path: PathLike | None = None,
) -> Any:
    """The pictures that the model was surest of and wrong about.

    Args:
        images: shape (N, H, W), (N, 1, H, W), (N, 3, H, W), or (N, D) with square D.
        output: the scores of the classes, shape (N, C): logits, or probabilities.
        target: the classes, shape (N,), or one-hot rows, shape (N, C).
        class_names: the names of the classes; their numbers by default.
        count: how many pictures at most.
        path: where to write a PNG file; None for nowhere.

    Returns:
        The figure.
    """
    scores = array_of(output)
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise ShapeError(f"output must have shape (N, classes), got {scores.shape}")
    pictures = as_pictures(images)
    if len(pictures) != len(scores):
        raise ShapeError(f"there are {len(pictures)} images but {len(scores)} outputs")
    predicted, actual, classes = classes_of("confident_mistakes", scores, target)
    names = names_of(class_names, classes)
    confidence = _probabilities(scores)[np.arange(len(scores)), predicted]
    wrong = np.flatnonzero(predicted != actual)
    shown = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]
    columns = max(1, min(8, len(shown)))
    rows = max(1, math.ceil(len(shown) / columns))
    figure = new_figure(max(1.25 * columns, 3.6), 1.6 * rows + 0.5)
    if not len(shown):
        figure.text(0.5, 0.5, f"No mistakes in {len(scores)} samples.", ha="center", va="center")
        return figure
    found = f"{len(wrong)} mistakes" if len(wrong) > 1 else "1 mistake"
    more = f", the surest {len(shown)} of them" if len(shown) < len(wrong) else ""
    figure.suptitle(
        f"{found}{more}\nabove: predicted class and confidence; below: true class",
        x=0.01,
        ha="left",
        fontsize=8,
        linespacing=1.4,
    )
    for place, sample in enumerate(shown):
        axes = figure.add_subplot(rows, columns, place + 1)
        _show_picture(axes, pictures[sample])
        axes.set_title(
            f"{_short(names[predicted[sample]])}  {_percent(confidence[sample])}",
            fontsize=8,
            color=RED,
            loc="center",
            fontweight="normal",
            pad=3,
        )
        axes.set_xlabel(_short(names[actual[sample]]), fontsize=8, color=INK, labelpad=3)
    return figure


@plot
def weights(
    layer: Any,
    shape: Sequence[int] | None = None,
    count: int = 64,
    *,
    path: PathLike | None = None,
) -> Any:
    """A layer's weights as pictures: blue is positive, red negative, white zero.

    Each unit of a linear layer is one picture of its inputs, each filter of a convolution
    one picture for its first input channel, or in colour where it has three.

    Args:
        layer: a module with a ``weight``, or the weight: shape (units, inputs) or
            (filters, channels, H, W).
        shape: the height and width of a linear layer's inputs; by default square, or if
            that is impossible one row.
        count: how many pictures at most.
        path: where to write a PNG file; None for nowhere.

    Returns:
        The figure.
    """
    weight = array_of(getattr(layer, "weight", None) if isinstance(layer, Module) else layer)
    if weight.ndim == 2:
        shape = tuple(shape) if shape is not None else _plane(weight.shape[1])
        if math.prod(shape) != weight.shape[1]:
            raise ShapeError(f"{weight.shape[1]} inputs are no picture of shape {shape}")
        pictures = weight.reshape(-1, *shape)
    elif weight.ndim == 4:
        pictures = weight.transpose(0, 2, 3, 1) if weight.shape[1] == 3 else weight[:, 0]
    else:
        raise ShapeError(
            f"a weight of shape {weight.shape} cannot be shown; expected (units, inputs) or "
            f"(filters, channels, height, width)"
        )
    shown = pictures[:count]
    columns = math.ceil(math.sqrt(len(shown) * 1.4))
    rows = math.ceil(len(shown) / columns)
    high, wide = shown.shape[1:3]
    figure = new_figure(max(0.85 * columns, 2.8), 0.85 * rows * min(max(high / wide, 0.2), 3) + 0.3)
    limit = float(np.abs(shown).max(initial=0)) or 1.0
    is_coloured = shown.ndim == 4
    found = f"{len(shown)} of {len(pictures)}" if len(shown) < len(pictures) else f"{len(shown)}"
    kind = "filters" if weight.ndim == 4 else "units"
    meaning = "grey is zero" if is_coloured else "blue is positive, red negative"
    figure.suptitle(f"{found} {kind}; {meaning}", fontsize=8, x=0.01, ha="left", color=PALE_INK)
    for place, picture in enumerate(shown):
        axes = figure.add_subplot(rows, columns, place + 1)
        if is_coloured:
            axes.imshow(picture / (2 * limit) + 0.5, interpolation="nearest")
        else:
            axes.imshow(picture, cmap="RdBu", vmin=-limit, vmax=limit, interpolation="nearest")
        axes.set_xticks(())
        axes.set_yticks(())
        axes.spines[:].set_visible(False)
    return figure


def as_pictures(images: Any) -> Array:
    """Images as an array of shape (N, H, W) or (N, H, W, 3).

    Raises:
        ShapeError: they have no such shape.
    """
    pictures = array_of(images)
    if pictures.ndim == 2 and math.isqrt(pictures.shape[1]) ** 2 == pictures.shape[1]:
        side = math.isqrt(pictures.shape[1])
        return pictures.reshape(-1, side, side)
    if pictures.ndim == 3:
        return pictures
    if pictures.ndim == 4 and pictures.shape[1] == 1:
        return pictures[:, 0]
    if pictures.ndim == 4 and pictures.shape[1] == 3:
        return pictures.transpose(0, 2, 3, 1)
    raise ShapeError(
        f"inputs of shape {pictures.shape} are no pictures; expected (N, H, W), (N, 1, H, W), "
        f"(N, 3, H, W), or (N, D) with square D"
    )


def _show_picture(axes: "Axes", picture: Array) -> None:
    low, high = float(picture.min()), float(picture.max())
    # Whatever the scaling of the inputs, the darkest becomes black, the lightest white.
    scaled = (picture - low) / (high - low) if high > low else np.zeros(picture.shape)
    axes.imshow(scaled, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks(())
    axes.set_yticks(())
    axes.spines[:].set_visible(False)


def _probabilities(scores: Array) -> Array:
    rows = scores.astype(np.float64)
    if rows.size and rows.min() >= 0 and np.allclose(rows.sum(1), 1, atol=1e-3):
        return rows
    powers = np.exp(rows - rows.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _short(name: str) -> str:
    return name if len(name) <= 11 else name[:10] + "…"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share < 0.995 else "> 99 %"


def _plane(size: int) -> tuple[int, int]:
    side = math.isqrt(size)
    return (side, side) if side * side == size else (1, size)
