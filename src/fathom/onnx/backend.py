"""Fathom as a backend in the sense of ``onnx.backend.base``, which the ONNX project tests with."""

from collections.abc import Sequence
from typing import Any

from ..errors import DTypeError
from ..ops import Array
from ..tape import no_grad
from ..tensor import constant
from .errors import UnsupportedModel
from .loading import module_of
from .module import ImportedModel
from .package import onnx_package


class BackendModel:
    """A model that is ready to run on arrays.

    Args:
        module: the model.
        compiled: whether its calls are compiled.
    """

    def __init__(self, module: ImportedModel, compiled: bool) -> None:
        self.module = module
        if compiled:
            module.compile()

    def run(self, inputs: Sequence[Array], **_: Any) -> tuple[Array, ...]:
        """The outputs for inputs in their order."""
        with no_grad():
            made = self.module(*[constant(array) for array in inputs])
        outputs = made if isinstance(made, tuple) else (made,)
        return tuple(output.numpy() for output in outputs)


class Backend:
    """The interface of ``onnx.backend.base.Backend``.

    Args:
        compiled: whether models are compiled.
    """

    def __init__(self, *, compiled: bool = False) -> None:
        self.compiled = compiled

    def is_compatible(self, model: Any, device: str = "CPU", **_: Any) -> bool:
        """Whether Fathom has all that a model needs."""
        try:
            module_of(model)
        except (UnsupportedModel, DTypeError):
            return False
        return self.supports_device(device)

    def prepare(self, model: Any, device: str = "CPU", **_: Any) -> BackendModel:
        """Make a model ready to run."""
        onnx_package().checker.check_model(model)
        return BackendModel(module_of(model), self.compiled)

    def run_model(self, model: Any, inputs: Any, device: str = "CPU", **_: Any) -> Any:
        """Run a model once."""
        return self.prepare(model, device).run(inputs)

    def supports_device(self, device: str) -> bool:
        """Whether there is such a device: the CPU."""
        return device.partition(":")[0] == "CPU"
