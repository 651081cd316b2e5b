"""What a training is made of: its settings, and the model, optimizer and schedule they mean."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FileFormatError

if TYPE_CHECKING:
    from ..data.datasets import Splits
    from ..optim import Optimizer
    from ..optim.lr_scheduler import LRScheduler

# Rates for a first try, where an optimizer's own default is slow.
_LEARNING_RATES = {"sgd": 0.1, "adam": 0.003, "adamw": 0.003}
# The model for images where none is named.
_IMAGE_MODEL = ("small_cnn", {"batch_norm": True, "dropout": 0.25})
SCHEDULES = ("constant", "cosine", "exponential", "linear", "onecycle", "plateau", "step")
# The share of the first learning rate that is left in the end.
_LAST_SHARE = 0.01


@dataclass
class Settings:
    """The options of ``fathom train``, as ``config.json`` keeps them under ``"settings"``."""

    data: str = "digits"
    label: str = "label"
    model: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    epochs: int = 20
    optimizer: str = "adam"
    lr: float | None = None
    weight_decay: float | None = None
    schedule: str = "onecycle"
    batch_size: int = 64
    validation: float = 0.1
    patience: int | None = None
    seed: int = 0
    tensorboard: bool = False
    eager: bool = False

    @classmethod
    def of_run(cls, folder: Path) -> "Settings":
        """The settings that a run folder was made with.

        Raises:
            FileFormatError: it was not made by ``fathom train``.
        """
        from ..train.run import RunFolder, read_json

        file = RunFolder(folder).config
        try:
            return cls(**read_json(file)["settings"])
        except (KeyError, TypeError):
            raise FileFormatError(
                f"'{file}' has no settings of `fathom train`; continue this run with "
                f"Trainer.fit(…, resume=True)"
            ) from None

    @property
    def label_column(self) -> str | int:
        """The label's column by name, or by position where that is a number."""
        try:
            return int(self.label)
        except ValueError:
            return self.label

    def load_data(self) -> "Splits":
        """The data set."""
        from ..data import datasets

        return datasets.load(self.data, label=self.label_column)

    def describe_model(self, data: "Splits") -> dict[str, Any]:
        """The model's name and options, from which `fathom.models.create` builds it."""
        from ..models import ModelError, options_for_images

        classes = len(data.classes)
        if len(data.input_shape) == 3:
            name, chosen = _IMAGE_MODEL if self.model is None else (self.model, {})
            chosen = {**chosen, **self.options}
            options = options_for_images(name, data.input_shape, classes, **chosen)
        elif self.model in (None, "mlp"):
            name = "mlp"
            options = {"sizes": [*data.input_shape, 128, classes], **self.options}
        else:
            raise ModelError(
                f"{self.model} takes images, and '{data.name}' has rows of "
                f"{data.input_shape[0]} features; take --model mlp"
            )
        return {"name": name, "options": options}

    def make_optimizer(self, parameters: Any) -> "Optimizer":
        """The optimizer."""
        from ..optim import optimizer_named

        rate = self.lr if self.lr is not None else _LEARNING_RATES.get(self.optimizer)
        options = {"lr": rate, "weight_decay": self.weight_decay}
        given: dict[str, Any] = {
            name: value for name, value in options.items() if value is not None
        }
        return optimizer_named(self.optimizer)(parameters, **given)

    def make_schedule(self, optimizer: "Optimizer", steps: int) -> "LRScheduler | None":
        """The schedule of the learning rate, over `epochs` epochs of so many steps."""
        from ..optim import lr_scheduler

        epochs, rate = self.epochs, float(optimizer.param_groups[0]["lr"])
        match self.schedule:
            case "cosine":
                return lr_scheduler.CosineAnnealingLR(optimizer, epochs)
            case "exponential":
                return lr_scheduler.ExponentialLR(optimizer, _LAST_SHARE ** (1 / epochs))
            case "linear":
                return lr_scheduler.LinearLR(optimizer, 1.0, _LAST_SHARE, epochs)
            case "onecycle":
                return lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * steps)
            case "plateau":
                return lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
            case "step":
                return lr_scheduler.StepLR(optimizer, max(1, epochs // 3))
            case _:
                return None

    def as_config(self, data: "Splits") -> dict[str, Any]:
        """What ``config.json`` shall hold, besides what the trainer writes there."""
        transform = data.transform
        scaling = {
            name: getattr(transform, name)
            for name in ("maximum", "mean", "std")
            if hasattr(transform, name)
        }
        # A run can be evaluated from another folder than it was trained from.
        is_file = self.data.lower().endswith(".csv")
        place = str(Path(self.data).resolve()) if is_file else self.data
        return {
            "settings": {**asdict(self), "data": place},
            "data": data.name,
            "input_shape": list(data.input_shape),
            "classes": data.classes,
            "scaling": scaling,
            "model": self.describe_model(data),
        }
