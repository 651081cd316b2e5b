"""Gradients: the backward walk over the tape, and its numerical check."""

from ..anomaly import AnomalyError, detect_anomaly, set_detect_anomaly
from ..tape import enable_grad, inference_mode, no_grad, set_grad_enabled
from .numerical import GradcheckError, gradcheck, gradgradcheck
from .walk import HookHandle, backward, grad

__all__ = [
    "AnomalyError",
    "GradcheckError",
    "HookHandle",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
