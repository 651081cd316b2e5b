"""The curves of a training."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checkpoint import PathLike
from ..errors import TrainingError
from .style import BLUE, GREY, new_figure, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@plot
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
    figure = new_figure(3.6 * columns + 0.2, 2.7 * rows)
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
        color=BLUE if only else GREY,
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
            color=BLUE,
            linewidth=1.6,
            label="validation",
            marker=marker,
            markersize=4,
        )
        is_loss = "loss" in name or "error" in name
        best = _best(validation, is_loss)
        axes.plot(epochs[best], validation[best], "o", color=BLUE, markersize=4.5)
        axes.annotate(
            f"{validation[best]:.4g}",
            (epochs[best], validation[best]),
            xytext=(0, 7 if is_loss else -7),
            textcoords="offset points",
            color=BLUE,
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


def _best(values: Sequence[float], smallest: bool) -> int:
    """The position of the best value; of the first where none is a number."""
    figures = np.array(values) if smallest else -np.array(values)
    return int(np.argmin(np.where(np.isnan(figures), np.inf, figures)))
