"""The state of a training: what a checkpoint holds, and how a training goes on from it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..errors import FathomError
from ..functional.random import default_generator
from .errors import CheckpointError

if TYPE_CHECKING:
    from .trainer import Trainer


@dataclass
class Running:
    """What has come together in an epoch that is not finished.

    Attributes:
        loss_sum: the sum of the losses of all samples.
        samples: the number of samples.
        seconds: the time that it took.
        is_trained: whether all batches are done, so that only the validation is left.
    """

    loss_sum: float = 0.0
    samples: int = 0
    seconds: float = 0.0
    is_trained: bool = False


def state_of(trainer: "Trainer") -> dict[str, Any]:
    """The parameters, buffers, optimizer, schedule, random key, position, and what was counted."""
    loader, schedule = trainer.train_loader, trainer.schedule
    return {
        "model": trainer.model_state(),
        "optimizer": trainer.optimizer.state_dict(),
        "schedule": None if schedule is None else schedule.state_dict(),
        "random_key": default_generator.get_state(),
        "position": {
            "epoch": trainer.epoch,
            "batch": trainer.batch,
            "steps": trainer.steps,
            "usual_size": trainer.usual_size,
            "loader": loader.state_dict() if hasattr(loader, "state_dict") else None,
        },
        "running": asdict(trainer.running),
        "metrics": [metric.state_dict() for metric in trainer.metrics],
        "history": {name: list(values) for name, values in trainer.history.items()},
        "callbacks": [
            {"name": type(callback).__name__, "state": callback.state_dict()}
            for callback in trainer.callbacks
        ],
    }


def restore(trainer: "Trainer", state: Mapping[str, Any]) -> None:
    """Let a trainer stand where another stood when `state_of` was called.

    Raises:
        CheckpointError: it is no such state, or of another training.
        FathomError: it does not fit the model, the optimizer or the schedule.
    """
    try:
        _require_same_parts(trainer, state)
        _restore(trainer, state)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        if isinstance(error, FathomError):
            raise
        raise CheckpointError(
            f"this state does not fit the trainer ({type(error).__name__}: {error}); make "
            f"model, optimizer, schedule, metrics and callbacks as they were in the run "
            f"that is resumed"
        ) from error


def _require_same_parts(trainer: "Trainer", state: Mapping[str, Any]) -> None:
    names = [saved["name"] for saved in state["callbacks"]]
    own = [type(callback).__name__ for callback in trainer.callbacks]
    if names != own:
        raise CheckpointError(
            f"the run was trained with the callbacks {', '.join(names) or '-'}, this trainer "
            f"has {', '.join(own) or '-'}; resume with the same"
        )
    if (state["schedule"] is None) != (trainer.schedule is None):
        saved, here = ("no", "one") if state["schedule"] is None else ("a", "none")
        raise CheckpointError(
            f"the run was trained with {saved} schedule, this trainer has {here}; "
            f"resume with the same"
        )


def _restore(trainer: "Trainer", state: Mapping[str, Any]) -> None:
    position, loader = state["position"], trainer.train_loader
    trainer.model.load_state_dict(state["model"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    if trainer.schedule is not None:
        trainer.schedule.load_state_dict(state["schedule"])
    trainer.epoch, trainer.batch = int(position["epoch"]), int(position["batch"])
    trainer.steps = int(position["steps"])
    trainer.usual_size = position.get("usual_size")
    trainer.running = Running(**state["running"])
    if position["loader"] is not None and hasattr(loader, "load_state_dict"):
        loader.load_state_dict(position["loader"])
    for metric, counts in zip(trainer.metrics, state["metrics"], strict=True):
        metric.load_state_dict(counts)
    for callback, saved in zip(trainer.callbacks, state["callbacks"], strict=True):
        callback.load_state_dict(saved["state"])
    trainer.history = {name: list(values) for name, values in state["history"].items()}
    default_generator.set_state(state["random_key"])
