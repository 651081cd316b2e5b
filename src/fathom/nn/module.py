"""The module: parameters, buffers and other modules under names, and what is computed with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from ..anomaly import anomaly_mode
from ..autograd.walk import HookHandle
from ..devices import Device
from ..errors import FathomError
from ..promotion import DType, float32, float64, is_floating, supported
from ..recording import Watched, current, note_change
from ..tape import no_grad
from ..tensor import Tensor, cast, constant
from .parameter import Parameter

if TYPE_CHECKING:
    from .summary import Summary

__all__ = ["Module", "StateDictError"]

Kind = TypeVar("Kind")


class StateDictError(FathomError, RuntimeError):
    """A state dict does not fit the module it is loaded into."""


class ModuleAttributeError(FathomError, TypeError, AttributeError, KeyError):
    """A name in a module is missing, taken, or given something that does not belong there."""

    __str__ = Exception.__str__  # KeyError would print the message in quotes


class IncompatibleKeys(NamedTuple):
    """What `Module.load_state_dict` found only on one side."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )


class Module(Watched):
    """The base of all layers and networks.

    A subclass assigns parameters and other modules to its attributes and defines `forward`.
    Whatever attribute holds a `Parameter` or a `Module` is one of the module's own; a tensor
    that is kept but not trained is announced with `register_buffer`. A module is complete
    before its ``__init__`` runs, so a forgotten ``super().__init__()`` does no harm.

    Attributes:
        training: whether the module computes as in training (dropout drops, batch
            normalization uses the batch's statistics); set by `train` and `eval`.
    """

    training: bool
    # The names of the buffers, and whether each belongs to the state dict.
    _buffers: dict[str, bool]
    _forward_hooks: dict[int, Callable[..., Any]]
    _forward_pre_hooks: dict[int, Callable[..., Any]]
    _compiled_call: Callable[..., Any] | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        module = super().__new__(cls)
        module.__dict__.update(training=True, _buffers={}, _forward_hooks={}, _forward_pre_hooks={})
        return module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; called by ``module(…)``."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward(); define 'def forward(self, x)' in it"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if current.recorder is not None:
            current.recorder.note_use(self)
        elif self._compiled_call is not None and not anomaly_mode.enabled:
            return self._compiled_call(*args, **kwargs)
        try:
            if self._forward_pre_hooks or self._forward_hooks:
                return self._call_with_hooks(args, kwargs)
            return self.forward(*args, **kwargs)
        except FathomError as error:
            _say_where(error, self)
            raise

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for before in list(self._forward_pre_hooks.values()):
            args, kwargs = before(self, args, kwargs)
        output = self.forward(*args, **kwargs)
        for after in list(self._forward_hooks.values()):
            output = after(self, args, kwargs, output)
        return output

    def compile(self, **options: Any) -> None:
        """Compile the calls of this module from now on, as `fathom.compile` does a function.

        Args:
            options: those of `fathom.compile`.
        """
        from ..compiled import CompiledFunction

        self.__dict__["_compiled_call"] = CompiledFunction(self._call, **options)

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        """What `compile` compiles: the call itself."""
        return self(*args, **kwargs)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call ``hook(module, args)`` before every `forward`.

        Args:
            hook: what it returns, unless None, takes the place of the arguments.
            prepend: whether it runs before the hooks that are there already.
            with_kwargs: whether the hook is ``hook(module, args, kwargs)`` and returns None
                or both.

        Returns:
            A handle whose `remove` takes the hook away.
        """

        def run(module: Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
            if with_kwargs:
                replaced = hook(module, args, kwargs)
                return (args, kwargs) if replaced is None else replaced
            replaced = hook(module, args)
            if replaced is None:
                return args, kwargs
            return replaced if isinstance(replaced, tuple) else (replaced,), kwargs

        return _add_hook(self._forward_pre_hooks, run, prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call ``hook(module, args, output)`` after every `forward`.

        Args:
            hook: what it returns, unless None, takes the place of the output.
            prepend: whether it runs before the hooks that are there already.
            with_kwargs: whether the hook is ``hook(module, args, kwargs, output)``.

        Returns:
            A handle whose `remove` takes the hook away.
        """

        def run(module: Module, args: Any, kwargs: Any, output: Any) -> Any:
            seen = (args, kwargs, output) if with_kwargs else (args, output)
            replaced = hook(module, *seen)
            return output if replaced is None else replaced

        return _add_hook(self._forward_hooks, run, prepend)

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        if value is not None and name in attributes:
            before = attributes[name]
            for kind, word in ((Parameter, "parameter"), (Module, "child module")):
                if isinstance(before, kind) and not isinstance(value, kind):
                    raise ModuleAttributeError(
                        f"cannot assign a {type(value).__name__} as {word} '{name}' of "
                        f"{type(self).__name__} (a {kind.__name__} or None is expected)"
                    )
            if name in attributes["_buffers"] and not isinstance(value, Tensor):
                raise ModuleAttributeError(
                    f"cannot assign a {type(value).__name__} as buffer '{name}' of "
                    f"{type(self).__name__} (a Tensor or None is expected)"
                )
        if name not in attributes or attributes[name] is not value:
            note_change()
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        note_change()
        self._buffers.pop(name, None)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Assign a parameter, or None for one that is left out, to an attribute."""
        _require_free(self, name, Parameter)
        if param is not None and not isinstance(param, Parameter):
            raise ModuleAttributeError(
                f"cannot register a {type(param).__name__} as parameter '{name}'; "
                f"wrap it: nn.Parameter(tensor)"
            )
        setattr(self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Assign a tensor that belongs to the module's state but is not trained.

        Args:
            name: the attribute's name.
            tensor: the value; None for a buffer that is left out.
            persistent: whether it belongs to the state dict.
        """
        if name not in self._buffers:
            _require_free(self, name, Tensor)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise ModuleAttributeError(
                f"cannot register a {type(tensor).__name__} as buffer '{name}'; "
                f"a Tensor or None is expected"
            )
        self._buffers[name] = persistent
        self.__dict__[name] = tensor
        note_change()

    def add_module(self, name: str, module: "Module | None") -> None:
        """Assign a child module to an attribute."""
        _require_free(self, name, Module)
        if module is not None and not isinstance(module, Module):
            raise ModuleAttributeError(
                f"cannot register a {type(module).__name__} as child module '{name}'; "
                f"an nn.Module is expected"
            )
        setattr(self, name, module)

    register_module = add_module

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> "Iterator[tuple[str, Module]]":
        """This module and all within it, each with its path, outer ones first."""
        seen = set() if memo is None else memo
        if id(self) in seen:
            return
        if remove_duplicate:
            seen.add(id(self))
        yield prefix, self
        for name, child in _attributes_of_kind(self, Module):
            yield from child.named_modules(seen, _join(prefix, name), remove_duplicate)

    def modules(self) -> "Iterator[Module]":
        """This module and all within it, each once, outer ones first."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> "Iterator[tuple[str, Module]]":
        """The modules directly within this one, each once, with their names."""
        return _once(_attributes_of_kind(self, Module), set())

    def children(self) -> "Iterator[Module]":
        """The modules directly within this one, each once."""
        return (module for _, module in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their paths.

        Args:
            prefix: put before every path.
            recurse: whether those of the modules within are included.
            remove_duplicate: whether a parameter that is used twice is given once.
        """
        found = (
            (_join(path, name), parameter)
            for path, module in self._holders(prefix, recurse, remove_duplicate)
            for name, parameter in _attributes_of_kind(module, Parameter)
            if name not in module._buffers
        )
        return _once(found, set()) if remove_duplicate else found

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once; with `recurse` also those of the modules within."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their paths; the arguments are those of `named_parameters`."""
        found = (
            (_join(path, name), module.__dict__[name])
            for path, module in self._holders(prefix, recurse, remove_duplicate)
            for name in module._buffers
            if module.__dict__[name] is not None
        )
        return _once(found, set()) if remove_duplicate else found

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, each once; with `recurse` also those of the modules within."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _holders(
        self, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> "Iterator[tuple[str, Module]]":
        if not recurse:
            return iter(((prefix, self),))
        return self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)

    def get_submodule(self, target: str) -> "Module":
        """The module at a path such as ``"encoder.layers.0"``; the empty path is this one."""
        module = self
        for name in target.split(".") if target else ():
            module = _part(module, name, Module, "child module", target)
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as ``"encoder.layers.0.weight"``."""
        path, _, name = target.rpartition(".")
        return _part(self.get_submodule(path), name, Parameter, "parameter", target)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as ``"norm.running_mean"``."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        buffer = _part(module, name, Tensor, "buffer", target)
        if name not in module._buffers:
            raise ModuleAttributeError(
                f"'{name}' of {type(module).__name__} is no buffer (in the path '{target}')"
            )
        return buffer

    def state_dict(
        self,
        *,
        destination: dict[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> dict[str, Any]:
        """The parameters and persistent buffers under their paths.

        The tensors hold the values of this moment: they do not change when training goes on,
        and writing into them in place, which could not reach the module, raises.

        Args:
            destination: a dict to add to.
            prefix: put before every path.
            keep_vars: whether the parameters and buffers themselves are given.
        """
        state = {} if destination is None else destination
        for name, tensor in self._named_state():
            state[prefix + name] = tensor if keep_vars else tensor.detach()
        return state

    def _named_state(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """What the state dict holds, in PyTorch's order."""
        for name, parameter in _attributes_of_kind(self, Parameter):
            if name not in self._buffers:
                yield _join(prefix, name), parameter
        for name, persistent in self._buffers.items():
            if persistent and self.__dict__[name] is not None:
                yield _join(prefix, name), self.__dict__[name]
        for name, child in _attributes_of_kind(self, Module):
            yield from child._named_state(_join(prefix, name))

    @no_grad()
    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy parameters and persistent buffers from a state dict into this module.

        Args:
            state_dict: tensors or arrays under the paths that `state_dict` gives; they are
                cast to the dtypes of this module.
            strict: whether the keys must be the same on both sides.
            assign: whether parameters and buffers take on the dtypes in `state_dict` instead.

        Returns:
            The keys that were missing and the unexpected ones.

        Raises:
            StateDictError: keys are missing or unexpected, or shapes differ; it lists all of
                them, and the module is as it was.
        """
        own = dict(self._named_state())
        missing = [key for key in own if key not in state_dict]
        unexpected = [key for key in state_dict if key not in own]
        values = {key: _as_tensor(state_dict[key]) for key in own if key in state_dict}
        misshapen = [
            f"{key} has shape {own[key].shape} here and "
            f"{'is no tensor' if value is None else f'shape {value.shape}'} in the state dict"
            for key, value in values.items()
            if value is None or value.shape != own[key].shape
        ]
        if misshapen or (strict and (missing or unexpected)):
            raise StateDictError(
                _describe_misfit(type(self).__name__, missing, unexpected, misshapen, strict)
            )
        for key, value in values.items():
            new = value if assign else cast(value, own[key].dtype)  # type: ignore[arg-type]
            own[key].data = new  # type: ignore[assignment]
        return IncompatibleKeys(missing, unexpected)

    def train(self, mode: bool = True) -> Self:
        """Let this module and all within it compute as in training, and return it."""
        mode = bool(mode)
        for module in self.modules():
            if module.training is not mode:
                module.__dict__["training"] = mode
                note_change()
        return self

    def eval(self) -> Self:
        """Let this module and all within it compute as in use, and return it."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set `requires_grad` of every parameter, and return the module."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Let go of every parameter's gradient, or make it zero."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None if set_to_none else parameter.grad.detach() * 0

    def apply(self, fn: "Callable[[Module], Any]") -> Self:
        """Call a function with every module within this one, then with this one."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def to(self, *args: Any, device: Any = None, dtype: Any = None, **_: Any) -> Self:
        """Cast the floating parameters and buffers, as in ``to("cpu", fathom.float64)``.

        Args:
            args: a device (the CPU), a dtype, both, or a tensor whose dtype is taken.
            device: the CPU.
            dtype: float32 or float64.
        """
        for argument in args:
            if isinstance(argument, Tensor):
                dtype = argument.dtype
            elif isinstance(argument, str | Device) and _is_device(argument):
                device = argument
            elif argument is not None and not isinstance(argument, bool):
                dtype = argument
        if device is not None:
            Device(device)
        return self if dtype is None else self._cast(supported(dtype))

    def cpu(self) -> Self:
        """The module itself: it is on the CPU."""
        return self

    def float(self) -> Self:
        """Cast the floating parameters and buffers to float32."""
        return self._cast(float32)

    def double(self) -> Self:
        """Cast the floating parameters and buffers to float64."""
        return self._cast(float64)

    def type(self, dst_type: Any) -> Self:
        """Cast the floating parameters and buffers."""
        return self._cast(supported(dst_type))

    @no_grad()
    def _cast(self, dtype: DType) -> Self:
        if not is_floating(dtype):
            raise ModuleAttributeError(f"parameters need a floating dtype, not {dtype}")
        for tensor in chain(self.parameters(), self.buffers()):
            if is_floating(tensor.dtype):
                tensor.data = cast(tensor, dtype)
                if tensor.grad is not None:
                    tensor.grad = cast(tensor.grad, dtype)
        return self

    def summary(self, input_shape: Sequence[Any], dtype: Any = float32) -> "Summary":
        """A table of the layers: output shapes, parameters, multiply-adds and memory.

        The model runs once on zeros, in evaluation mode; its mode, its statistics and the
        random state are the same afterwards.

        Args:
            input_shape: the shape of one sample, without the batch dimension, which is added
                with size 1: ``(1, 28, 28)`` for a grey image. A sequence of shapes for a
                model with several inputs.
            dtype: the inputs' dtype; an integer dtype for embeddings.

        Returns:
            A `Summary`, which prints as a table and has the rows as data.
        """
        from .summary import summarize

        return summarize(self, input_shape, dtype)

    def extra_repr(self) -> str:
        """What `repr` shows between the brackets: the layer's arguments."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [
            f"({name}): " + repr(child).replace("\n", "\n  ")
            for name, child in _attributes_of_kind(self, Module)
        ]
        return layout(type(self).__name__, lines, children)


def layout(name: str, extra: list[str], children: list[str]) -> str:
    """A module as PyTorch prints it: on one line without children, else indented."""
    if not children and len(extra) <= 1:
        return f"{name}({''.join(extra)})"
    inner = "\n  ".join(extra + children)
    return f"{name}(\n  {inner}\n)"


def _require_free(module: Module, name: str, kind: type) -> None:
    if not isinstance(name, str) or not name or "." in name:
        raise ModuleAttributeError(
            f"{name!r} cannot name a part of a module: expected a string without '.'"
        )
    present = getattr(module, name, None)
    if present is not None and not isinstance(present, kind):
        raise ModuleAttributeError(f"{type(module).__name__} has an attribute '{name}' already")


def _part(module: Module, name: str, kind: type[Kind], word: str, target: str) -> Kind:
    found = module.__dict__.get(name)
    if found is None or not isinstance(found, kind):
        raise ModuleAttributeError(
            f"{type(module).__name__} has no {word} '{name}' (in the path '{target}')"
        )
    return found


def _attributes_of_kind(module: Module, kind: "type[Kind]") -> Iterator[tuple[str, Kind]]:
    return (
        (name, value) for name, value in list(module.__dict__.items()) if isinstance(value, kind)
    )


def _once(named: Iterator[tuple[str, Kind]], seen: set[int]) -> Iterator[tuple[str, Kind]]:
    for name, value in named:
        if id(value) not in seen:
            seen.add(id(value))
            yield name, value


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix and name else prefix or name


def _add_hook(
    hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any], first: bool
) -> HookHandle:
    key = max(hooks, default=-1) + 1
    later = dict(hooks) if first else {}
    if first:
        hooks.clear()
    hooks[key] = hook
    hooks.update(later)
    note_change()
    return HookHandle(hooks, key)


def _is_device(argument: Any) -> bool:
    if isinstance(argument, Device):
        return True
    return argument.split(":")[0] in ("cpu", "cuda", "mps", "xpu", "meta")


def _as_tensor(value: Any) -> Tensor | None:
    if isinstance(value, Tensor):
        return value
    try:
        return constant(value)
    except (FathomError, TypeError, ValueError):
        return None


def _describe_misfit(
    name: str, missing: list[str], unexpected: list[str], misshapen: list[str], strict: bool
) -> str:
    parts = [f"the state dict does not fit {name}:"]
    if missing and strict:
        parts.append(f"  missing keys: {', '.join(missing)}")
    if unexpected and strict:
        parts.append(f"  unexpected keys: {', '.join(unexpected)}")
    if misshapen:
        parts.append("  other shapes: " + "; ".join(misshapen))
    if not misshapen:
        parts.append("  load_state_dict(…, strict=False) takes the keys that fit")
    return "\n".join(parts)


class _Place(NamedTuple):
    """Where an error came from: the innermost module, and its path from the outermost so far."""

    innermost: Module
    outermost: Module
    path: str
    message: str


def _say_where(error: FathomError, module: Module) -> None:
    """Write the path of the module an error comes from into the message.

    The error passes through the calls of the nested modules from the inside outwards; each
    puts the name under which it holds the last one before the path.
    """
    place: _Place | None = getattr(error, "_place", None)
    if place is None:
        place = _Place(module, module, "", str(error))
    else:
        for name, inner in module.named_modules():
            if inner is place.outermost and name:
                place = place._replace(outermost=module, path=_join(name, place.path))
                break
    error._place = place  # type: ignore[attr-defined]
    kind = type(place.innermost).__name__
    where = f"{kind} '{place.path}'" if place.path else kind
    own = place.message.removeprefix(kind + " ")
    separator = ": " if own == place.message else " "
    error.args = (where + separator + own,)
