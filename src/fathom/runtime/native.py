"""The runtime's own native functions, compiled once and kept on disk like the kernels."""

import ctypes
import threading
from functools import cache
from typing import Any, NamedTuple

from ..compiler.emitter import Emitter
from ..compiler.target import host
from .cache import cached
from .machine_code import Code, load, to_object
from .steps import emit_steps
from .team import emit_team

_WORD = ctypes.c_void_p


class Native(NamedTuple):
    """The functions as ctypes calls them; each lets other Python threads run meanwhile."""

    run_job: Any
    give_job: Any
    serve: Any
    steps: int
    timed_steps: int
    code: Code


def native() -> Native:
    """The functions, ready to be called."""
    with _lock:  # made twice, one would be dropped while threads run in it
        return _made()


_lock = threading.Lock()


@cache
def _made() -> Native:
    target = host()

    def build() -> bytes:
        emitter = Emitter(target)
        emit_team(emitter)
        emit_steps(emitter)
        return to_object(emitter.text, target)

    names = ("run_job", "give_job", "serve", "steps", "timed_steps")
    code = load(cached(f"runtime for {target}", build), names)
    return Native(
        ctypes.CFUNCTYPE(None, _WORD)(code["run_job"]),
        ctypes.CFUNCTYPE(None, _WORD, _WORD)(code["give_job"]),
        ctypes.CFUNCTYPE(None, _WORD, ctypes.c_int64)(code["serve"]),
        code["steps"],
        code["timed_steps"],
        code,
    )
