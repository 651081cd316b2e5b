"""What PyTorch's pickles may name, and what stands for it here."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ops import Array
from ..stored import ELEMENT_TYPES, ElementType, StoredTensor
from .machine import Function, Refusal, checked_key

# Tensors may show the same storage, and one number of it may be expanded to many; but together
# they may not be larger than this multiple of the file, and this much in any case.
EXPANSION = 4
ALLOWANCE = 1 << 20
_MOST_DIMENSIONS = 64

# PyTorch's names of element types in the names of storages.
STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}
_KINDS_OF_TENSOR = ("torch.Tensor", "torch.nn.parameter.Parameter")
_SPECIAL_TENSORS = (
    "_rebuild_sparse_tensor",
    "_rebuild_qtensor",
    "_rebuild_nested_tensor",
    "_rebuild_meta_tensor_no_storage",
    "_rebuild_device_tensor_from_numpy",
    "_rebuild_wrapper_subclass",
)


@dataclass(frozen=True)
class StorageType:
    """What the name of a class of storages stands for; without an element type, bytes."""

    element: ElementType | None


@dataclass(frozen=True)
class TensorType:
    """What the name of a class of tensors stands for."""

    name: str


@dataclass(frozen=True, eq=False)
class Storage:
    """A storage: an array of one dimension, as the file has it."""

    element: ElementType
    array: Array


class Names:
    """The names for one file.

    Args:
        file_size: the size of the file in bytes, which bounds that of its tensors.
        only_checks: whether there are no storages yet, and tensors are only checked.

    Attributes:
        table: the names.
    """

    def __init__(self, file_size: int, only_checks: bool = False) -> None:
        self._only_checks = only_checks
        self._left = EXPANSION * file_size + ALLOWANCE
        self.table: dict[str, Any] = {
            "collections.OrderedDict": Function(_ordered_dict),
            "builtins.set": Function(_set),
            "__builtin__.set": Function(_set),
            "torch.Size": Function(_size),
            "torch.device": Function(_device),
            "torch.storage.UntypedStorage": StorageType(None),
            "torch._utils._rebuild_tensor": Function(self._rebuild),
            "torch._utils._rebuild_tensor_v2": Function(self._rebuild_second),
            "torch._utils._rebuild_tensor_v3": Function(self._rebuild_third),
            "torch._utils._rebuild_parameter": Function(_parameter),
            "torch._utils._rebuild_parameter_with_state": Function(_parameter),
            "torch._tensor._rebuild_from_type_v2": Function(_rebuild_of_type),
        }
        for name, element in ELEMENT_TYPES.items():
            self.table[f"torch.{name}"] = element
        for name, element_name in STORAGES.items():
            for room in ("torch", "torch.cuda"):
                self.table[f"{room}.{name}"] = StorageType(ELEMENT_TYPES[element_name])
        for name in _KINDS_OF_TENSOR:
            self.table[name] = TensorType(name)
        for name in _SPECIAL_TENSORS:
            self.table[f"torch._utils.{name}"] = Function(_refuser(name))

    def _rebuild(self, storage: Any, offset: Any, size: Any, stride: Any) -> StoredTensor:
        if not isinstance(storage, Storage):
            raise Refusal("its pickle makes a tensor of what is no storage")
        size, stride = _numbers(size), _numbers(stride)
        (offset,) = _numbers((offset,))
        if len(size) != len(stride) or len(size) > _MOST_DIMENSIONS:
            raise Refusal(f"a tensor has {len(size)} sizes and {len(stride)} strides")
        count = math.prod(size)
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        limit = len(storage.array)
        if offset > limit or (count and last >= limit):
            raise Refusal(
                f"a tensor reaches beyond its storage of {limit} elements "
                f"(offset {offset}, size {size}, stride {stride})"
            )
        item_size = storage.element.lies_as.itemsize
        self._left -= count * item_size
        if self._left < 0:
            raise Refusal(
                f"its tensors are more than {EXPANSION} times as large as the file: they show "
                f"the same bytes again and again"
            )
        if self._only_checks:
            return StoredTensor(storage.element, np.zeros((), storage.element.lies_as))
        return StoredTensor(storage.element, _strided(storage.array, offset, size, stride))

    def _rebuild_second(
        self,
        storage: Any,
        offset: Any,
        size: Any,
        stride: Any,
        requires_grad: Any,
        hooks: Any = None,
        metadata: Any = None,
    ) -> StoredTensor:
        tensor = self._rebuild(storage, offset, size, stride)
        return StoredTensor(tensor.element, tensor.array, requires_grad is True)

    def _rebuild_third(
        self,
        storage: Any,
        offset: Any,
        size: Any,
        stride: Any,
        requires_grad: Any,
        hooks: Any,
        element: Any,
        metadata: Any = None,
    ) -> StoredTensor:
        if not isinstance(storage, Storage) or not isinstance(element, ElementType):
            raise Refusal("its pickle makes a tensor of what is no storage or no dtype")
        width = element.lies_as.itemsize
        usable = len(storage.array) * storage.array.itemsize // width * width
        if self._only_checks:
            array = np.broadcast_to(np.zeros((), element.lies_as), (usable // width,))
        else:
            array = storage.array.view(np.uint8)[:usable].view(element.lies_as)
        return self._rebuild_second(Storage(element, array), offset, size, stride, requires_grad)


def _strided(array: Array, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Array:
    if 0 in size:
        return np.empty(size, array.dtype)
    width = array.itemsize
    steps = tuple(width * step if n > 1 else 0 for n, step in zip(size, stride, strict=True))
    return np.lib.stride_tricks.as_strided(array[offset:], size, steps, writeable=False)


def _numbers(values: Any) -> tuple[int, ...]:
    if not isinstance(values, tuple) or not all(
        type(value) is int and 0 <= value < 2**48 for value in values
    ):
        raise Refusal("a tensor has an offset, sizes or strides that are no whole numbers")
    return values


def _parameter(data: Any, requires_grad: Any, hooks: Any = None, state: Any = None) -> StoredTensor:
    if not isinstance(data, StoredTensor):
        raise Refusal("its pickle makes a parameter of what is no tensor")
    return StoredTensor(data.element, data.array, requires_grad is True)


def _rebuild_of_type(function: Any, kind: Any, arguments: Any, state: Any) -> Any:
    if not (
        isinstance(function, Function)
        and isinstance(kind, TensorType)
        and isinstance(arguments, tuple)
    ):
        raise Refusal("its pickle makes a tensor in an unknown way")
    tensor = function.call(arguments)
    if not isinstance(tensor, StoredTensor):
        raise Refusal("its pickle makes a tensor in an unknown way")
    return tensor


def _refuser(name: str) -> Any:
    def refuse(*arguments: Any) -> None:
        raise Refusal(
            f"it holds a tensor of a kind that Fathom has not ({name.removeprefix('_rebuild_')}); "
            f"save it as a plain tensor"
        )

    return refuse


def _ordered_dict(items: Any = ()) -> "OrderedDict[Any, Any]":
    if not isinstance(items, list | tuple):
        raise Refusal("its pickle makes a dict of what are no items")
    result: OrderedDict[Any, Any] = OrderedDict()
    for item in items:
        if not isinstance(item, list | tuple) or len(item) != 2:
            raise Refusal("its pickle makes a dict of what are no items")
        result[checked_key(item[0])] = item[1]
    return result


def _set(items: Any = ()) -> set[Any]:
    if not isinstance(items, list | tuple):
        raise Refusal("its pickle makes a set of what is no list")
    return set(map(checked_key, items))


def _size(sizes: Any = ()) -> tuple[int, ...]:
    return _numbers(tuple(sizes) if isinstance(sizes, list) else sizes)


def _device(kind: Any, index: Any = None) -> str:
    if not isinstance(kind, str) or not (index is None or type(index) is int):
        raise Refusal("its pickle has a device without a name")
    return kind if index is None else f"{kind}:{index}"
