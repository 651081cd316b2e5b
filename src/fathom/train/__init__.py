"""Training: the trainer, callbacks, metrics, checkpoints, plots and reports."""

from . import metrics, plots
from .callbacks import Callback, Checkpoint, CSVLogger, EarlyStopping, TensorBoardLogger
from .checkpoint import load_checkpoint, save_checkpoint
from .errors import CheckpointError, NonFiniteLossError, TrainingError
from .report import write_report
from .run import Run, RunFolder, load_run
from .step import training_step
from .trainer import Trainer

__all__ = [
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "CheckpointError",
    "EarlyStopping",
    "NonFiniteLossError",
    "Run",
    "RunFolder",
    "TensorBoardLogger",
    "Trainer",
    "TrainingError",
    "load_checkpoint",
    "load_run",
    "metrics",
    "plots",
    "save_checkpoint",
    "training_step",
    "write_report",
]
