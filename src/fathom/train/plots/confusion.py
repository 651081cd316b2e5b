"""The confusion matrix as a picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import ShapeError
from ..checkpoint import PathLike
from ..metrics.metric import Array, array_of
from .style import BLUE, INK, RED, names_of, new_figure, plot


@plot
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
    names = names_of(class_names, size)
    share = table / np.maximum(table.sum(1, keepdims=True), 1)
    side = min(max(3.4, 0.46 * size + 1.4), 16)
    figure = new_figure(side, side)
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
                color="white" if strong else INK,
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
    colour = np.where(hits, to_rgb(BLUE), to_rgb(RED))
    # Few mistakes of many samples shall still be seen: the root lifts small shares.
    strength = np.sqrt(share)[..., None] * np.where(hits, 0.9, 1.0)
    empty = np.array(to_rgb("#f5f5f5"))
    return empty + (colour - empty) * np.clip(strength, 0, 1)
