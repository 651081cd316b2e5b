"""What a training shows while it runs."""

import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

# How often, in seconds, a bar shows new figures.
_REFRESH = 0.1


class Progress:
    """Shows each epoch: a bar on a terminal, and one plain line when it has ended.

    Args:
        quiet: whether nothing is shown.
        stream: where to write; standard output by default.
    """

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.quiet = quiet
        self.stream = stream
        self._bar: Any = None
        self._shown = 0
        self._next = 0.0

    def begin_epoch(self, epoch: int, epochs: int, batches: int | None, done: int) -> None:
        """Start the bar of an epoch, of whose batches some may be done already."""
        stream = self.stream or sys.stdout
        if self.quiet or not stream.isatty():
            return
        from tqdm import tqdm  # type: ignore[import-untyped]

        self._bar = tqdm(
            total=batches,
            initial=done,
            desc=_title(epoch, epochs),
            unit="batch",
            leave=False,
            file=stream,
            dynamic_ncols=True,
        )
        self._shown = done

    def end_batch(self, batch: int, loss: float) -> None:
        """Let the bar show the number of batches and the mean loss, if it is time."""
        if self._bar is None:
            return
        now = time.perf_counter()
        if now >= self._next:
            self._next = now + _REFRESH
            self._bar.set_postfix_str(f"loss {loss:.4g}", refresh=False)
            self._bar.update(batch - self._shown)
            self._shown = batch

    def end_epoch(self, epoch: int, epochs: int, figures: Mapping[str, Any]) -> None:
        """Take the bar away, and write the figures of the epoch as one line."""
        self.close()
        shown = [
            f"{name} {figure:.4g}"
            for name, figure in figures.items()
            if isinstance(figure, float) and name != "seconds"
        ]
        if "seconds" in figures:
            shown.append(f"{figures['seconds']:.1f} s")
        self.note("  ".join([_title(epoch, epochs), *shown]))

    def note(self, text: str) -> None:
        """Write a line."""
        if not self.quiet:
            print(text, file=self.stream or sys.stdout, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _title(epoch: int, epochs: int) -> str:
    return f"epoch {epoch:>{len(str(epochs))}}/{epochs}"
