"""Working ahead: batches are prepared by background threads while others are in use."""

import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from typing import TypeVar

from ..errors import DatasetError

Result = TypeVar("Result")
_Jobs = queue.SimpleQueue["tuple[Future[Result], Callable[[], Result]] | None"]


def prefetch(
    jobs: Iterable[Callable[[], Result]],
    threads: int,
    ahead: int,
    timeout: float = 0,
    on_start: Callable[[int], object] | None = None,
) -> Generator[Result, None, None]:
    """The results of jobs, in order, computed by threads ahead of when they are asked for.

    An exception in a job is raised where its result is due, with its own traceback. The
    threads end when the generator is exhausted, closed or forgotten.

    Args:
        jobs: functions to call; the iterable itself is read by the calling thread only.
        threads: how many threads compute.
        ahead: how many results are computed in advance.
        timeout: seconds to wait for a result; 0 to wait for ever.
        on_start: called in each new thread with its number.

    Raises:
        DatasetError: a result did not come in time.
    """
    waiting: _Jobs[Result] = queue.SimpleQueue()
    for number in range(threads):
        # A daemon, so that a job that hangs cannot keep the program from ending.
        threading.Thread(
            target=_work, args=(waiting, number, on_start), name="fathom-loader", daemon=True
        ).start()
    results: deque[Future[Result]] = deque()

    def submit(job: Callable[[], Result]) -> None:
        future: Future[Result] = Future()
        results.append(future)
        waiting.put((future, job))

    try:
        remaining = iter(jobs)
        for job in itertools.islice(remaining, ahead):
            submit(job)
        while results:
            try:
                result = results[0].result(timeout or None)
            except TimeoutError:
                if results[0].done():  # the job itself has raised it
                    raise
                raise DatasetError(f"no batch came within the timeout of {timeout} s") from None
            results.popleft()
            for job in itertools.islice(remaining, 1):
                submit(job)
            yield result
    finally:
        for future in results:
            future.cancel()
        for _ in range(threads):
            waiting.put(None)


def _work(waiting: "_Jobs[Result]", number: int, on_start: Callable[[int], object] | None) -> None:
    start: Callable[[int], object] | None = on_start
    while (task := waiting.get()) is not None:
        future, job = task
        if future.set_running_or_notify_cancel():
            try:
                if start is not None:
                    start(number)
                    start = None
                future.set_result(job())
            except BaseException as error:
                future.set_exception(error)
        del task, future, job
