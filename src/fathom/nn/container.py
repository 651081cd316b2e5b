"""Modules and parameters held in sequences and dictionaries."""

import operator
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Self, overload

from ..errors import IndexOutOfRange
from ..tensor import Tensor
from .module import Module, layout
from .parameter import Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class _ModuleSequence(Module):
    """What `Sequential` and `ModuleList` share: modules under the names "0", "1", …"""

    def _modules(self) -> list[Module]:
        return [value for value in self.__dict__.values() if isinstance(value, Module)]

    def _hold(self, modules: Iterable[Module]) -> None:
        """Hold these modules, and no others, under their positions."""
        for name, _ in list(self.named_items()):
            delattr(self, name)
        for position, module in enumerate(modules):
            self.add_module(str(position), module)

    def named_items(self) -> Iterator[tuple[str, Module]]:
        """The modules with their names; one that occurs twice is given twice."""
        attributes = self.__dict__.items()
        return ((name, value) for name, value in attributes if isinstance(value, Module))

    def __len__(self) -> int:
        return len(self._modules())

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules())

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> "Module | Self":
        if isinstance(index, slice):
            part = type(self).__new__(type(self))
            for name, module in list(self.named_items())[index]:
                part.add_module(name, module)
            if isinstance(self, ModuleList):
                part._hold(part._modules())
            return part
        return self._modules()[self._position(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, list(self.named_items())[self._position(index)][0], module)

    def __delitem__(self, index: int | slice) -> None:
        kept = self._modules()
        del kept[index if isinstance(index, slice) else self._position(index)]
        self._hold(kept)

    def _position(self, index: int) -> int:
        position, length = operator.index(index), len(self)
        if not -length <= position < length:
            raise IndexOutOfRange(
                f"index {position} is out of range for a {type(self).__name__} of {length} modules"
            )
        return position % length

    def append(self, module: Module) -> Self:
        """Add a module at the end, and return the container."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end, and return the container."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the one at `index`, and return the container."""
        modules = self._modules()
        modules.insert(index, module)
        self._hold(modules)
        return self

    def pop(self, index: int = -1) -> Module:
        """Take the module at `index` out, and return it."""
        module = self[index]
        del self[index]
        return module

    def __add__(self, other: Iterable[Module]) -> Self:
        joined = type(self).__new__(type(self))
        joined._hold([*self, *other])
        return joined

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)


class Sequential(_ModuleSequence):
    """Modules called one after the other, each with what the one before returned.

    Args:
        modules: the modules, or one dict of modules by name.
    """

    def __init__(self, *modules: Any) -> None:
        named = len(modules) == 1 and isinstance(modules[0], Mapping)
        for name, module in modules[0].items() if named else enumerate(modules):
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Any:
        for module in self._modules():
            input = module(input)
        return input


class ModuleList(_ModuleSequence):
    """A list of modules, which belong to the module that holds the list.

    Args:
        modules: the modules.
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        self.extend(modules or ())

    def __repr__(self) -> str:
        lines = []
        first = 0
        for text, group in groupby(repr(module).replace("\n", "\n  ") for module in self):
            count = len(list(group))
            repeated = f"({first}-{first + count - 1}): {count} x {text}"
            lines.append(repeated if count > 1 else f"({first}): {text}")
            first += count
        return layout(type(self).__name__, [], lines)


class ModuleDict(Module):
    """A dictionary of modules, which belong to the module that holds the dictionary.

    Args:
        modules: the modules by name, as a mapping or as pairs.
    """

    def __init__(
        self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None
    ) -> None:
        self.update(modules or {})

    def _as_dict(self) -> dict[str, Module]:
        return {name: value for name, value in self.__dict__.items() if isinstance(value, Module)}

    def __getitem__(self, key: str) -> Module:
        return self._as_dict()[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __len__(self) -> int:
        return len(self._as_dict())

    def __iter__(self) -> Iterator[str]:
        return iter(self._as_dict())

    def __contains__(self, key: object) -> bool:
        return key in self._as_dict()

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._as_dict().keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._as_dict().values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """The names with the modules."""
        return self._as_dict().items()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add modules by name, replacing those that are there under the same names."""
        for name, module in dict(modules).items():
            self.add_module(name, module)

    def pop(self, key: str) -> Module:
        """Take a module out, and return it."""
        module = self[key]
        delattr(self, key)
        return module

    def clear(self) -> None:
        """Take all modules out."""
        for name in self._as_dict():
            delattr(self, name)


class ParameterList(Module):
    """A list of parameters, which belong to the module that holds the list.

    Args:
        values: the parameters; tensors become parameters.
    """

    def __init__(self, values: Iterable[Tensor] | None = None) -> None:
        self.extend(values or ())

    def _as_list(self) -> list[Parameter]:
        return [value for value in self.__dict__.values() if isinstance(value, Parameter)]

    def append(self, value: Tensor) -> Self:
        """Add a parameter at the end, and return the list."""
        self.register_parameter(str(len(self)), _as_parameter(value))
        return self

    def extend(self, values: Iterable[Tensor]) -> Self:
        """Add parameters at the end, and return the list."""
        for value in values:
            self.append(value)
        return self

    def __getitem__(self, index: int) -> Parameter:
        return self._as_list()[index]

    def __setitem__(self, index: int, value: Tensor) -> None:
        setattr(self, str(range(len(self))[index]), _as_parameter(value))

    def __len__(self) -> int:
        return len(self._as_list())

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._as_list())

    def __repr__(self) -> str:
        lines = [f"({place}): {_brief(value)}" for place, value in enumerate(self)]
        return layout(type(self).__name__, [], lines)


class ParameterDict(Module):
    """A dictionary of parameters, which belong to the module that holds the dictionary.

    Args:
        parameters: the parameters by name; tensors become parameters.
    """

    def __init__(
        self, parameters: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]] | None = None
    ) -> None:
        self.update(parameters or {})

    def _as_dict(self) -> dict[str, Parameter]:
        attributes = self.__dict__.items()
        return {name: value for name, value in attributes if isinstance(value, Parameter)}

    def __getitem__(self, key: str) -> Parameter:
        return self._as_dict()[key]

    def __setitem__(self, key: str, value: Tensor) -> None:
        self.register_parameter(key, _as_parameter(value))

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __len__(self) -> int:
        return len(self._as_dict())

    def __iter__(self) -> Iterator[str]:
        return iter(self._as_dict())

    def __contains__(self, key: object) -> bool:
        return key in self._as_dict()

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._as_dict().keys()

    def values(self) -> Iterable[Parameter]:
        """The parameters."""
        return self._as_dict().values()

    def items(self) -> Iterable[tuple[str, Parameter]]:
        """The names with the parameters."""
        return self._as_dict().items()

    def update(self, parameters: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]]) -> None:
        """Add parameters by name, replacing those that are there under the same names."""
        for name, value in dict(parameters).items():
            self[name] = value

    def pop(self, key: str) -> Parameter:
        """Take a parameter out, and return it."""
        value = self[key]
        delattr(self, key)
        return value

    def __repr__(self) -> str:
        lines = [f"({name}): {_brief(value)}" for name, value in self.items()]
        return layout(type(self).__name__, [], lines)


def _as_parameter(value: Tensor) -> Parameter:
    return value if isinstance(value, Parameter) else Parameter(value)


def _brief(value: Parameter) -> str:
    size = "x".join(map(str, value.shape))
    return f"Parameter containing: [{value.dtype} of size {size}]"
