"""`fathom.compile`: a function of tensors as one program."""

import threading
import warnings
from collections.abc import Callable
from copy import deepcopy
from functools import partial, update_wrapper
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from os import PathLike
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from .anomaly import anomaly_mode
from .errors import ArgumentError, RecordingError
from .graph.guards import snapshot
from .graph.names import name_arguments, name_state
from .graph.program import Program
from .graph.recorded import Recording
from .graph.recorder import record
from .graph.structure import is_plain_dict
from .recording import Watched, current
from .tape import grad_mode
from .tensor import Tensor

if TYPE_CHECKING:
    from .runtime.explain import Explanation
    from .runtime.profile import Profile
    from .runtime.program import NativeProgram

__all__ = ["CompiledFunction", "compile"]

# The flags of code that runs after the call has returned.
_RUNS_LATER = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
_MANY_PROGRAMS = 8
_MOST_PROGRAMS = 32


class CompiledFunction:
    """A function that is recorded at its first call, and then runs as a program.

    Every combination of shapes, dtypes and plain values gets a program of its own.

    Args:
        function: a function of tensors, nested structures of them and plain values.
        back_end: makes a program of a recording.

    Attributes:
        function: the function as it was.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        back_end: Callable[[Recording], Program] | None = None,
    ) -> None:
        update_wrapper(self, function)
        self.function = function
        self._back_end = back_end or _native_program
        # For each signature the programs, the one used last first.
        self._programs: dict[Any, list[Program]] = {}
        self._count = 0
        self._has_warned = False
        # Signatures whose recording changed what the next one finds.
        self._unsettled: set[Any] = set()
        # Tensors that a program knows otherwise than as an argument.
        self._touched: dict[int, Tensor] = {}
        self._lock = threading.RLock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if current.recorder is not None or anomaly_mode.enabled:
            return self.function(*args, **kwargs)
        tensors, signature = _signature(args, kwargs)
        if self._touched:
            for tensor in tensors:
                if id(tensor) in self._touched:
                    signature = self._by_identity(signature, tensors)
                    break
        programs = self._programs.get(signature)
        if programs is not None and programs[0].fits(tensors):
            return programs[0](tensors)
        return self._find(signature, args, kwargs, tensors)(tensors)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __deepcopy__(self, memo: dict[int, Any]) -> "CompiledFunction":
        return CompiledFunction(deepcopy(self.function, memo), self._back_end)

    def __reduce__(self) -> tuple[Any, ...]:
        return (CompiledFunction, (self.function, self._back_end))

    def _by_identity(self, signature: Any, tensors: list[Tensor]) -> Any:
        """The signature with the identities of tensors that a program knows by another name."""
        known = [id(tensor) if id(tensor) in self._touched else None for tensor in tensors]
        return (signature, *known) if any(known) else signature

    def _find(self, signature: Any, args: Any, kwargs: Any, tensors: list[Tensor]) -> Program:
        """The program for a call that the program used last does not fit."""
        with self._lock:
            programs = self._programs.get(signature, [])
            for program in programs:
                if program.fits(tensors):
                    others = [other for other in programs if other is not program]
                    self._programs[signature] = [program, *others]
                    return program
            return self._record(signature, args, kwargs, tensors)

    def _record(self, signature: Any, args: Any, kwargs: Any, tensors: list[Tensor]) -> Program:
        recorded = record(self.function, args, kwargs, known=self._touched.keys())
        name_arguments(recorded, self.function, args, kwargs)
        program = self._back_end(recorded)
        if recorded.unsettled:
            # What it makes at its first call it finds at the second, which records anew.
            if signature in self._unsettled:
                raise RecordingError(
                    f"{self._name} cannot be compiled: {recorded.unsettled} (this was so at the "
                    f"call before, too)"
                )
            self._unsettled.add(signature)
            return program
        self._unsettled.discard(signature)
        reason = self._reason(signature)
        self._touched.update(recorded.touched)
        signature = self._by_identity(_signature(args, kwargs)[1], tensors)
        self._programs[signature] = [program, *self._programs.pop(signature, [])]
        self._count += 1
        if self._count > _MANY_PROGRAMS and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"{self._name} has been recorded for the {self._count}th time: {reason}. Each "
                f"time costs far more than a call; pass what varies as a tensor, and keep shapes "
                f"equal",
                RuntimeWarning,
                stacklevel=4,
            )
        while sum(map(len, self._programs.values())) > _MOST_PROGRAMS:
            oldest = next(iter(self._programs))
            if len(self._programs[oldest]) > 1:
                self._programs[oldest] = self._programs[oldest][:-1]
            else:
                del self._programs[oldest]
        return program

    def _reason(self, signature: Any) -> str:
        """Why none of the programs fits, in words."""
        programs = self._programs.get(signature)
        if programs:
            change = programs[0].recording.guards.change()
            return change or "a parameter, buffer or gradient has another shape, dtype or role"
        before = next(reversed(self._programs), ())
        for number, (old, new) in enumerate(zip(before[1:], signature[1:], strict=False)):
            if old != new:
                return f"argument {number} was {_described(old)} and is {_described(new)}"
        return "the call has other arguments than the one before"

    def explain(self, stage: str | None = None, *, program: int = 0) -> str:
        """What became of the function, stage by stage from Python to machine code.

        Args:
            stage: ``"graph"``, the operations as recorded; ``"simplified"``, what is left of
                them; ``"kernels"``, the steps of the program, with the lines of code that each
                comes from; ``"memory"``, where temporaries lie and for how long; ``"loops"``,
                what each kernel does; ``"llvm"``, ``"optimized"`` and ``"assembly"``, its code.
                Without a stage, an overview.
            program: which of the function's programs: 0 for that recorded last (each
                combination of shapes, dtypes and plain values has its own).

        Raises:
            ArgumentError: the function has not been called yet, or has fewer programs.
            UnknownNameError: there is no stage of that name.
        """
        explanation = self._explanation(program)
        return explanation.overview() if stage is None else explanation.stage(stage)

    def explain_page(
        self, path: str | PathLike[str], *, program: int = 0, profile: "Profile | None" = None
    ) -> None:
        """Write all stages to a page for a browser, with the kernels as a picture.

        Args:
            path: the file, which needs nothing beside it.
            program: see `explain`.
            profile: what `profile` measured of this program: the picture then shows where the
                time goes.

        Raises:
            ArgumentError: as `explain` does; or the profile is one of another program.
        """
        from .runtime.page import page

        text = page(self._explanation(program), self.function, profile)
        Path(path).write_text(text, encoding="utf-8")

    def profile(self, *args: Any, repetitions: int = 100, **kwargs: Any) -> "Profile":
        """Call the function again and again, and measure where the time goes.

        These are calls like any other: a training step trains.

        Args:
            args, kwargs: what it is called with; for a method, the object first.
            repetitions: how many calls are timed as a whole, and then as many step by step.

        Returns:
            What was measured; printed, a table of the steps with the lines of code that each
            comes from, and what the machine could do (see `fathom.peak`).

        Raises:
            ArgumentError: `repetitions` is not positive.
        """
        from .runtime.profile import measure

        if repetitions < 1:
            raise ArgumentError(f"profile: expected one repetition or more, got {repetitions}")
        for _ in range(2):  # the second call may find what the first one made
            self(*args, **kwargs)
        tensors, signature = _signature(args, kwargs)
        signature = self._by_identity(signature, tensors)
        program = self._find(signature, args, kwargs, tensors)
        name_state(program.recording, self.function)
        return measure(self._name, _native(program), lambda: self(*args, **kwargs), repetitions)

    def _explanation(self, number: int) -> "Explanation":
        from .runtime.explain import Explanation

        programs = [program for found in reversed(self._programs.values()) for program in found]
        if not programs:
            raise ArgumentError(
                f"{self._name} has no program to explain yet: call it first, with arguments of "
                f"the shapes that matter"
            )
        if not 0 <= number < len(programs):
            raise ArgumentError(f"{self._name} has programs 0 to {len(programs) - 1}, not {number}")
        program = programs[number]
        name_state(program.recording, self.function)
        return Explanation(self._name, program.recording, _native(program))

    @property
    def recordings(self) -> int:
        """How often the function has been recorded so far."""
        return self._count

    @property
    def _name(self) -> str:
        return getattr(self.function, "__qualname__", type(self.function).__name__)


def _described(part: Any) -> str:
    """What a signature has for one argument, in words."""
    if isinstance(part, tuple) and isinstance(part[0], tuple):
        shape, dtype, requires_grad, _ = part
        return f"{dtype}{list(shape)}{' that requires a gradient' if requires_grad else ''}"
    if isinstance(part, tuple) and not isinstance(part[1], tuple):
        return str(part[1])
    return "something else"


def _native_program(recording: Recording) -> Program:
    # Imported when it is needed, because eager mode works without a compiler.
    from .runtime.compiled_program import CompiledProgram

    return CompiledProgram(recording)


def _native(program: Program) -> "NativeProgram":
    from .runtime.compiled_program import CompiledProgram

    if not isinstance(program, CompiledProgram):
        raise ArgumentError("this function was compiled for NumPy alone: it has no native code")
    return program.native


def _signature(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Tensor], Any]:
    """The tensors among the arguments, and what else a program depends on."""
    tensors: list[Tensor] = []
    parts: list[Any] = [grad_mode.enabled]
    for argument in args:
        if isinstance(argument, Tensor):
            node = argument._node
            value = node.value
            tensors.append(argument)
            parts.append((value.shape, value.dtype, node.needs_gradient, not node.inputs))
        else:
            parts.append(_signature_of(argument, tensors))
    if kwargs:
        parts.append(_signature_of(kwargs, tensors))
    if len(tensors) > 1 and len(set(map(id, tensors))) < len(tensors):
        first = {id(tensor): position for position, tensor in reversed([*enumerate(tensors)])}
        parts.append(tuple(first[id(tensor)] for tensor in tensors))
    return tensors, tuple(parts)


def _signature_of(argument: Any, tensors: list[Tensor]) -> Any:
    if isinstance(argument, Tensor):
        node = argument._node
        value = node.value
        tensors.append(argument)
        return (value.shape, value.dtype, node.needs_gradient, not node.inputs)
    if isinstance(argument, tuple | list):
        return type(argument), tuple([_signature_of(part, tensors) for part in argument])
    if is_plain_dict(argument):
        return type(argument), tuple(
            [
                (key if type(key) is str else snapshot(key), _signature_of(part, tensors))
                for key, part in argument.items()
            ]
        )
    if isinstance(argument, np.ndarray):
        raise RecordingError(
            f"a compiled function got a NumPy array of shape {argument.shape}; it takes tensors: "
            f"pass fathom.from_numpy(array)"
        )
    return snapshot(argument)


def compile(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function of tensors: it is recorded at its first call, then runs as a program.

    The function runs in Python once for each combination of shapes, dtypes and plain values,
    on symbols. The tensors that it finds by itself (parameters, buffers, an optimizer's
    moments and learning rate, the random key) are its state, which its program updates. Plain
    values that it finds (captured variables, globals, attributes of modules and of `self`) are
    compared at every call; where one has changed, the function is recorded again.

    Args:
        function: a function of tensors, nested tuples, lists and dicts of them, and plain
            values; or a module, whose call is compiled in place.

    Returns:
        The compiled function, or the module; without a function, a decorator.

    Raises:
        RecordingError: at a call, where the function needs the value of a tensor (`item`,
            ``if loss > 1``), or where something outside keeps a tensor that it computed.
    """
    if function is None:
        return partial(compile, **options)
    code = getattr(function, "__code__", None)
    if code is not None and code.co_flags & _RUNS_LATER:
        raise RecordingError(
            f"{function.__qualname__} is a generator or a coroutine, which fathom.compile cannot "
            f"record; compile the function that computes one element"
        )
    if isinstance(function, Watched):
        function.compile(**options)
        return function
    return CompiledFunction(function, **options)
