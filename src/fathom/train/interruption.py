"""Ctrl-C as a wish: the first asks to stop after the batch, the second stops at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruption_handled(ask_to_stop: Callable[[], None]) -> Iterator[None]:
    """Within this block, the first Ctrl-C calls `ask_to_stop`, the next raises as usual.

    Only the main thread can receive signals; in another one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        ask_to_stop()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
