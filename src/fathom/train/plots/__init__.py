"""Pictures of a training: its curves, its confusions, its mistakes, its weights.

Each function returns a matplotlib ``Figure`` and, given a path, writes it there as PNG. No
window is opened and no global state of matplotlib is touched, so they work without a display.
"""

from .confusion import confusion_matrix
from .curves import training_curves
from .pictures import as_pictures, confident_mistakes, weights
from .style import save_figure

__all__ = [
    "as_pictures",
    "confident_mistakes",
    "confusion_matrix",
    "save_figure",
    "training_curves",
    "weights",
]
