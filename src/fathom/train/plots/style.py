"""How all plots look, and how they are written."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import MissingExtra
from ...formats import atomic_write
from ..checkpoint import PathLike
from ..errors import TrainingError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Plot = TypeVar("Plot", bound=Callable[..., Any])

INK, PALE_INK, GRID = "#222222", "#6b6b6b", "#e4e4e4"
GREY, BLUE, RED = "#9aa5b1", "#1f5fa8", "#b5432a"

_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "text.color": INK,
    "axes.edgecolor": PALE_INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.color": PALE_INK,
    "ytick.color": PALE_INK,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
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


def plot(function: Plot) -> Plot:
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


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def names_of(class_names: Sequence[str] | None, count: int) -> list[str]:
    """The names of the classes; their numbers by default."""
    if class_names is None:
        return [str(number) for number in range(count)]
    if len(class_names) != count:
        raise TrainingError(f"there are {len(class_names)} class names for {count} classes")
    return [str(name) for name in class_names]
