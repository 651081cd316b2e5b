"""Pictures of a training: its curves, its confusions, its mistakes, its weights.

Each function returns a matplotlib ``Figure`` and, given a path, writes it there as PNG. No
window is opened and no global state of matplotlib is touched, so they work without a display.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..errors import MissingExtra, ShapeError
from ..formats import atomic_write
from ..nn import Module
from .checkpoint import PathLike
from .errors import TrainingError
from .metrics.classification import classes_of
from .metrics.metric import array_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
Plot = TypeVar("Plot", bound=Callable[..., Any])

_INK, _PALE_INK, _GRID = "#222222", "#6b6b6b", "#e4e4e4"
_TRAINING, _VALIDATION, _WRONG = "#9aa5b1", "#1f5fa8", "#b5432a"

_STYLE = {
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "text.color": _INK,
    "axes.edgecolor": _PALE_INK,
    "axes.labelcolor": _INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.color": _PALE_INK,
    "ytick.color": _PALE_INK,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "grid.color": _GRID,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "figure.facecolor": "white",
}


@contextmanager
def _style() -> Iterator[None]:
    try:
        from matplotlib import rc_context
    except ImportError:
        raise MissingExtra("plots need matplotlib: pip install 'fathom-dl[plots]'") from None
    with rc_context(_STYLE):
        yield


def _plot(function: Plot) -> Plot:
    """Let a function draw in our style, and write the figure where `path` is given."""

    @wraps(function)
    def drawing(*arguments: Any, path: PathLike | None = None, **options: Any) -> Any:
        with _style():
            figure = function(*arguments, **options)
            if path is not None:
                save_figure(figure, path)
        return figure

    return drawing  # type: ignore[return-value]


def save_figure(figure: "Figure", path: PathLike) -> None:
    """Write a figure as PNG, whole or not at all."""
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=144)


def _new_figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


@_plot
def training_curves(history: Mapping[str, Sequence[Any]], *, path: PathLike | None = None) -> Any:
    """The loss, the metrics and the learning rate by epoch.

    Args:
        history: what `Trainer.fit` returned.
        path: where to write a PNG file; None for nowhere.

    Returns:
        The figure.
    """
    epochs = list(history.get("epoch", ()))
    if not epochs:
        raise TrainingError("there are no curves to draw: no epoch is finished")
    names = [
        name
        for name, values in history.items()
        if name not in ("epoch", "seconds")
        and not name.startswith("val_")
        and not any(isinstance(value, list) for value in values)
        and not (name.startswith("lr") and len(set(values)) == 1)
    ]
    columns = 2 if len(names) == 4 else min(len(names), 3)
    rows = math.ceil(len(names) / columns)
    figure = _new_figure(3.6 * columns + 0.2, 2.7 * rows)
    for place, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, place + 1)
        _draw_curves(axes, epochs, history[name], history.get(f"val_{name}"), name)
    return figure


def _draw_curves(
    axes: "Axes",
    epochs: list[int],
    training: Sequence[float],
    validation: Sequence[float] | None,
    name: str,
) -> None:
    from matplotlib.ticker import MaxNLocator

    marker = "o" if len(epochs) == 1 else None
    only = name.startswith("lr") or validation is None
    axes.plot(
        epochs,
        training,
        color=_VALIDATION if only else _TRAINING,
        linewidth=1.6,
        label="training",
        marker=marker,
        markersize=4,
    )
    axes.set_title("learning rate" if name == "lr" else name.replace("_", " "))
    if validation is not None:
        axes.plot(
            epochs,
            validation,
            color=_VALIDATION,
            linewidth=1.6,
            label="validation",
            marker=marker,
            markersize=4,
        )
        is_loss = "loss" in name or "error" in name
        best = int(np.nanargmin(validation) if is_loss else np.nanargmax(validation))
        axes.plot(epochs[best], validation[best], "o", color=_VALIDATION, markersize=4.5)
        axes.annotate(
            f"{validation[best]:.4g}",
            (epochs[best], validation[best]),
            xytext=(0, 7 if is_loss else -7),
            textcoords="offset points",
            color=_VALIDATION,
            ha="right" if best > len(epochs) / 2 else "left",
            va="bottom" if is_loss else "top",
            fontsize=8,
        )
        axes.legend(loc="upper right" if is_loss else "lower right", fontsize=8)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.margins(x=0.03, y=0.12)


@_plot
def confusion_matrix(
    counts: Any, class_names: Sequence[str] | None = None, *, path: PathLike | None = None
) -> Any:
    """Which class was taken for which, with the counts.

    The shade of a cell is its share of the samples of its class, so that classes of
    different sizes can be compared; hits are blue, mistakes red.

    Args:
        counts: shape (classes, classes): entry (i, j) counts the samples of class i that
            were predicted as class j.
        class_names: the names of the classes; their numbers by default.
        path: where to write a PNG file; None for nowhere.

    Returns:
        The figure.
    """
    table = array_of(counts)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not table.size:
        raise ShapeError(f"a confusion matrix is square, this one has shape {table.shape}")
    size = len(table)
    names = _names(class_names, size)
    share = table / np.maximum(table.sum(1, keepdims=True), 1)
    side = min(max(3.4, 0.46 * size + 1.4), 16)
    figure = _new_figure(side, side)
    axes = figure.add_subplot()
    axes.imshow(_shades(share), interpolation="nearest")
    # Beyond some forty classes there is no room for figures and names.
    if size <= 40:
        for row, column in np.argwhere(table > 0):
            strong = share[row, column] > 0.55
            axes.text(
                column,
                row,
                str(table[row, column]),
                ha="center",
                va="center",
                color="white" if strong else _INK,
                fontsize=8 if table.max() < 10_000 else 6.5,
            )
        turned = max(map(len, names)) > 3
        axes.set_xticks(
            range(size),
            names,
            rotation=45 if turned else 0,
            ha="right" if turned else "center",
            rotation_mode="anchor" if turned else None,
        )
        axes.set_yticks(range(size), names)
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2 if size <= 40 else 0.2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    right = int(np.trace(table))
    axes.set_title(f"{right} of {table.sum()} right, {table.sum() - right} wrong")
    return figure


def _shades(share: Array) -> Array:
    """Colours from the shares of a row: white to blue on the diagonal, to red beside it."""
    from matplotlib.colors import to_rgb

    hits = np.eye(len(share), dtype=bool)[..., None]
    colour = np.where(hits, to_rgb(_VALIDATION), to_rgb(_WRONG))
    # Few mistakes of many samples shall still be seen: the root lifts small shares.
    strength = np.sqrt(share)[..., None] * np.where(hits, 0.9, 1.0)
    empty = np.array(to_rgb("#f5f5f5"))
    return empty + (colour - empty) * np.clip(strength, 0, 1)


@_plot
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
    names = _names(class_names, classes)
    confidence = _probabilities(scores)[np.arange(len(scores)), predicted]
    wrong = np.flatnonzero(predicted != actual)
    shown = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]
    columns = max(1, min(8, len(shown)))
    rows = max(1, math.ceil(len(shown) / columns))
    figure = _new_figure(max(1.25 * columns, 3.6), 1.6 * rows + 0.5)
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
            color=_WRONG,
            loc="center",
            fontweight="normal",
            pad=3,
        )
        axes.set_xlabel(_short(names[actual[sample]]), fontsize=8, color=_INK, labelpad=3)
    return figure


@_plot
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
    weight = array_of(layer.weight if isinstance(layer, Module) else layer)
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
    figure = _new_figure(0.85 * columns, 0.85 * rows * min(max(high / wide, 0.2), 3) + 0.3)
    limit = float(np.abs(shown).max(initial=0)) or 1.0
    figure.suptitle(
        f"{len(shown)} of {len(pictures)}" if len(shown) < len(pictures) else f"{len(shown)} units",
        fontsize=8,
        x=0.01,
        ha="left",
        color=_PALE_INK,
    )
    for place, picture in enumerate(shown):
        axes = figure.add_subplot(rows, columns, place + 1)
        if picture.ndim == 3:
            _show_picture(axes, picture / (2 * limit) + 0.5)
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


def _names(class_names: Sequence[str] | None, count: int) -> list[str]:
    if class_names is None:
        return [str(number) for number in range(count)]
    if len(class_names) != count:
        raise TrainingError(f"there are {len(class_names)} class names for {count} classes")
    return [str(name) for name in class_names]


def _short(name: str) -> str:
    return name if len(name) <= 11 else name[:10] + "…"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share < 0.995 else "> 99 %"


def _plane(size: int) -> tuple[int, int]:
    side = math.isqrt(size)
    return (side, side) if side * side == size else (1, size)
