"""Gradients: the backward walk over the tape, and its numerical check."""

from ..tape import enable_grad, inference_mode, no_grad, set_grad_enabled
from .numerical import GradcheckError, gradcheck, gradgradcheck
from .walk import HookHandle, backward, grad

__all__ = [
    "GradcheckError",
    "HookHandle",
    "backward",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "set_grad_enabled",
]
