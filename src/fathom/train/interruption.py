"""Ctrl-C as a wish: the first asks to stop after the batch, the second stops at once."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_NOTE = b"\nstopping after this batch; press Ctrl-C again to stop at once\n"


@contextmanager
def interruption_handled(ask_to_stop: Callable[[], None], quiet: bool = False) -> Iterator[None]:
    """Within this block, the first Ctrl-C calls `ask_to_stop`, the next raises as usual.

    Only the main thread can receive signals; in another one nothing changes.

    Args:
        ask_to_stop: what the first Ctrl-C does; it may come at any moment, so it should do
            no more than set a flag.
        quiet: whether nothing is written to the standard error output.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        ask_to_stop()
        if not quiet:
            # Not by print(), which may be in the middle of writing.
            with contextlib.suppress(OSError):
                os.write(2, _NOTE)

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
