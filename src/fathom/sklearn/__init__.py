"""Estimators for scikit-learn: networks that fit, predict, and take part in its pipelines."""

from ..errors import MissingExtra

try:
    import sklearn as _sklearn  # noqa: F401 - to say what is missing, before anything needs it
except ImportError:
    raise MissingExtra(
        "fathom.sklearn needs scikit-learn: pip install 'fathom-dl[sklearn]'"
    ) from None

from .classifier import Classifier
from .regressor import Regressor

__all__ = ["Classifier", "Regressor"]
