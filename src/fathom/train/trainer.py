"""The trainer: the loop over epochs and batches, and all that belongs to it."""

import copy
import itertools
import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import FathomError, RecordingError
from ..functional.random import manual_seed
from ..nn import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import CyclicLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from ..tensor import Tensor, constant
from .arguments import loss_from, metrics_from, optimizer_from
from .batches import as_loader, number_of_batches, split_batch
from .callbacks import Callback, Checkpoint, CSVLogger
from .checkpoint import PathLike, load_checkpoint, save_checkpoint
from .compilation import BatchFunction, Compilation
from .errors import CheckpointError, NonFiniteLossError, TrainingError
from .evaluation import evaluation_of, figures_of, measure, predict, prediction_of
from .interruption import interruption_handled
from .progress import Progress
from .report import write_report
from .run import RunFolder
from .state import Running, restore, state_of
from .step import Loss, training_step

History = dict[str, list[Any]]


class Trainer:
    """Trains a model, and evaluates it.

    Example:
        >>> trainer = Trainer(model, "cross_entropy", "adam", metrics=["accuracy"])
        >>> history = trainer.fit((images, labels), validation=(others, their_labels), epochs=5)
        >>> trainer.evaluate((others, their_labels))["accuracy"]

    Args:
        model: the model.
        loss: a function of output and target, a loss module, or a function's name in
            `fathom.nn.functional`: ``"cross_entropy"``, ``"mse_loss"``, ….
        optimizer: an optimizer of the model's parameters, or a name such as ``"adam"``.
        metrics: metrics, their names, or functions of output and target.
        schedule: a schedule of the optimizer, or a function that makes one of an optimizer.
            It goes forward after each epoch, `OneCycleLR` and `CyclicLR` after each step.
            `ReduceLROnPlateau` is given the validation loss, or the loss without validation.
        callbacks: what shall happen besides, in this order; checkpoints come last.
        lr: the learning rate of an optimizer given by name; None for its default.
        batch_size: the size of batches made of data sets and tensors.
        seed: where `fit` starts the default generator from, which dropout and shuffling draw
            from; None to leave it as it is.
        out: the run folder, which gets configuration, checkpoints, log, plots and a report,
            in place of those of an earlier run; None for none.
        config: what else ``config.json`` in the run folder shall hold; with ``"model":
            {"name": …, "options": {…}}`` `load_run` can make the model again.
        accumulate: how many batches' gradients are averaged for one step.
        clip_norm: the largest norm of all gradients together.
        clip_value: the largest magnitude of each element of a gradient.
        schedule_every: ``"epoch"`` or ``"step"``, where the schedule's kind does not say it.
        monitor: the figure that says which epoch is best; the validation loss by default.
        checkpoint_every: after how many batches a checkpoint is written besides.
        compile: whether training, evaluation and prediction are compiled, as `fathom.compile`
            does it, for batches of the size of the first; smaller ones run eagerly. What
            cannot be compiled goes on eagerly after a warning.
        quiet: whether nothing is shown.

    Attributes:
        history: the figures of each epoch, a dict of lists: ``epoch``, ``loss``, the
            metrics, the same with ``val_`` in front, ``lr``, ``seconds``.
        epoch: the number of epochs that are done.
        batch: the number of batches that are done in the epoch that is not.
        steps: the number of steps of the optimizer.
    """

    def __init__(
        self,
        model: Module,
        loss: str | Loss,
        optimizer: str | Optimizer = "adam",
        metrics: Iterable[Any] = (),
        schedule: LRScheduler | Callable[[Optimizer], LRScheduler] | None = None,
        callbacks: Iterable[Callback] = (),
        *,
        lr: float | None = None,
        batch_size: int = 64,
        seed: int | None = None,
        out: PathLike | None = None,
        config: Mapping[str, Any] | None = None,
        accumulate: int = 1,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        schedule_every: str | None = None,
        monitor: str | None = None,
        checkpoint_every: int | None = None,
        compile: bool = True,
        quiet: bool = False,
    ) -> None:
        if accumulate < 1 or batch_size < 1:
            raise TrainingError(
                f"accumulate and batch_size must be at least 1, got {accumulate} and {batch_size}"
            )
        if schedule_every not in ("epoch", "step", None):
            raise TrainingError(
                f"schedule_every is {schedule_every!r}, expected 'epoch', 'step' or None"
            )
        self.model = model
        self.loss = loss_from(loss)
        self.optimizer = optimizer_from(optimizer, model, lr)
        self.metrics = metrics_from(metrics)
        self.schedule = (
            schedule
            if schedule is None or isinstance(schedule, LRScheduler)
            else schedule(self.optimizer)
        )
        self.schedule_every = schedule_every or (
            "step" if isinstance(self.schedule, OneCycleLR | CyclicLR) else "epoch"
        )
        self.callbacks = list(callbacks)
        self.batch_size = batch_size
        self.seed = seed
        self.accumulate = accumulate
        self.progress = Progress(quiet)
        self.run = None if out is None else RunFolder(out)
        self.config = {
            "loss": getattr(self.loss, "__name__", type(self.loss).__name__),
            "optimizer": type(self.optimizer).__name__,
            "lr": float(self.optimizer.param_groups[0]["lr"]),
            "schedule": None if self.schedule is None else type(self.schedule).__name__,
            "metrics": [metric.name for metric in self.metrics],
            "batch_size": batch_size,
            "seed": seed,
            "accumulate": accumulate,
            "clip_norm": clip_norm,
            "clip_value": clip_value,
            "compile": compile,
            **(config or {}),
        }
        if self.run is not None:
            self._add_run_callbacks(self.run, monitor, checkpoint_every)
        # Called last, a checkpoint saves the others as they are after the epoch.
        self.callbacks.sort(key=lambda callback: isinstance(callback, Checkpoint))
        compilation = Compilation(compile)
        step = training_step(self.model, self.loss, self.optimizer, clip_norm, clip_value)
        self.step = BatchFunction(step, self.model, compilation)
        self.evaluation = evaluation_of(self.model, self.loss, compilation)
        self.prediction = prediction_of(self.model, compilation)
        self._begin()
        self.train_loader: Any = None

    def _add_run_callbacks(
        self, run: RunFolder, monitor: str | None, checkpoint_every: int | None
    ) -> None:
        if not any(isinstance(callback, CSVLogger) for callback in self.callbacks):
            self.callbacks.append(CSVLogger(run.log))
        if not any(isinstance(callback, Checkpoint) for callback in self.callbacks):
            self.callbacks.append(Checkpoint(run.path, monitor, every=checkpoint_every))

    def _begin(self) -> None:
        """Stand before the first epoch."""
        self.history: History = {}
        self.epoch = self.batch = self.steps = 0
        # The number of samples of the first batch: batches of this size are compiled.
        self.usual_size: int | None = None
        self.running = Running()
        self.is_interrupted = False
        self._stop_reason: str | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether no batch was trained on since `fit` was called without resuming."""
        return self.epoch == self.batch == 0

    @property
    def is_between_steps(self) -> bool:
        """Whether no gradients are being accumulated, so that a checkpoint holds all there is."""
        return self.batch % self.accumulate == 0 or self.batch == number_of_batches(
            self.train_loader
        )

    def stop(self, reason: str) -> None:
        """End the training after this epoch; for callbacks. The reason is shown."""
        self._stop_reason = reason

    def interrupt(self) -> None:
        """End the training after this batch, as Ctrl-C does; it can be resumed there."""
        self.is_interrupted = True

    def fit(
        self,
        train: Any,
        validation: Any = None,
        epochs: int = 10,
        resume: bool | PathLike = False,
    ) -> History:
        """Train until `epochs` epochs are done.

        Ctrl-C ends the training after the batch, writes a checkpoint where there is a run
        folder, and returns; a second Ctrl-C raises KeyboardInterrupt at once.

        Args:
            train: a `DataLoader`, a data set, or a tuple of tensors ``(inputs, target)``. Of
                the latter two, batches are made in a new random order each epoch.
            validation: the same, evaluated after each epoch; or None.
            epochs: how many epochs there shall be, those before a resume included.
            resume: a checkpoint's path, or True for the run folder's last one if there is
                one. A resumed run ends bit for bit where it would have ended.

        Returns:
            The history.

        Raises:
            TrainingError: the data cannot be trained on.
            NonFiniteLossError: the loss became NaN or infinite.
            CheckpointError: there is nothing to resume from.
            FileAccessError: the run folder cannot be written.
        """
        train = self.train_loader = as_loader(
            train, self.batch_size, shuffle=True, argument="train"
        )
        if validation is not None:
            validation = as_loader(
                validation, self.batch_size, shuffle=False, argument="validation"
            )
        if self.accumulate > 1 and number_of_batches(train) is None:
            raise TrainingError("accumulate needs training data whose number of batches is known")
        checkpoint = self._checkpoint_to_resume(resume)
        self._begin()
        if checkpoint is not None:
            self.load_state_dict(checkpoint)
        else:
            if self.seed is not None:
                manual_seed(self.seed)
            for metric in self.metrics:
                metric.reset()
        if self.run is not None:
            self.run.prepare({**self.config, "epochs": epochs})
        for callback in self.callbacks:
            callback.on_fit_begin(self)
        try:
            with interruption_handled(self.interrupt, self.progress.quiet):
                while self.epoch < epochs and not self.is_interrupted and not self._stop_reason:
                    self._run_epoch(train, validation, epochs)
        finally:
            self.progress.close()
        for callback in self.callbacks:
            callback.on_fit_end(self)
        self._conclude(validation)
        return self.history

    def _checkpoint_to_resume(self, resume: bool | PathLike) -> dict[str, Any] | None:
        if resume is False:
            return None
        if resume is not True:
            return load_checkpoint(resume)
        saved = self._saved_file()
        if saved is None:
            raise CheckpointError(
                "resume=True needs a run folder (out=…) or a Checkpoint among the callbacks; "
                "or give the path of a checkpoint"
            )
        return load_checkpoint(saved) if saved.exists() else None

    def _saved_file(self) -> Path | None:
        """Where the last checkpoint is written, if anywhere."""
        for callback in self.callbacks:
            if isinstance(callback, Checkpoint):
                return callback.last_file
        return None

    def _conclude(self, validation: Any) -> None:
        if self.is_interrupted:
            where = f"stopped in epoch {self.epoch + 1} after batch {self.batch}"
            saved = self._saved_file()
            self.progress.note(
                f"{where}; Trainer.save(path) can write a checkpoint"
                if saved is None
                else f"{where}; saved {saved}; fit(…, resume=True) goes on from there"
            )
        elif self._stop_reason:
            self.progress.note(f"stopped after epoch {self.epoch}: {self._stop_reason}")
        if self.run is not None:
            self.run.write_history(self.history)
            if not self.is_interrupted:
                write_report(self, validation)

    def _run_epoch(self, train: Any, validation: Any, epochs: int) -> None:
        started = time.perf_counter() - self.running.seconds
        if self.batch == 0:
            for callback in self.callbacks:
                callback.on_epoch_begin(self)
        self.progress.begin_epoch(self.epoch + 1, epochs, number_of_batches(train), self.batch)
        self.model.train()
        if not self.running.is_trained:
            self._run_batches(train)
        self.running.seconds = time.perf_counter() - started
        if self.is_interrupted:
            return
        self.running.is_trained = True
        if not self.running.samples:
            raise TrainingError("train: the loader gave no batch")
        figures: dict[str, Any] = {
            "epoch": self.epoch + 1,
            "loss": self.running.loss_sum / self.running.samples,
        }
        figures |= figures_of(self.metrics)
        if validation is not None:
            measured = self._measure(validation, lambda: self.is_interrupted)
            if measured is None:
                return
            figures |= {f"val_{name}": figure for name, figure in measured.items()}
        figures |= self._learning_rates()
        figures["seconds"] = time.perf_counter() - started
        self._finish_epoch(figures)
        self.progress.end_epoch(self.epoch, epochs, figures)

    def _run_batches(self, train: Any) -> None:
        """Train on the rest of the epoch's batches, or until the training is interrupted."""
        step, metrics, progress = self.step, self.metrics, self.progress
        listeners = [
            callback.on_batch_end
            for callback in self.callbacks
            if type(callback).on_batch_end is not Callback.on_batch_end
        ]
        steps_schedule = self.schedule if self.schedule_every == "step" else None
        count = number_of_batches(train)
        usual_share = 1 / self.accumulate
        for batch in self._remaining(train):
            inputs, target = split_batch(batch)
            begins, ends, share = self._part_of_step(count)
            samples = len(target)
            self.usual_size = self.usual_size or samples
            is_usual = samples == self.usual_size and share == usual_share
            try:
                loss, output = step(is_usual, inputs, target, begins, ends, share)
            except FathomError as error:
                error.add_note(f"in epoch {self.epoch + 1}, batch {self.batch + 1}")
                raise
            value = loss.item()
            if not math.isfinite(value):
                raise NonFiniteLossError.at(value, self.epoch + 1, self.batch + 1)
            self.running.loss_sum += value * samples
            self.running.samples += samples
            self.batch += 1
            for metric in metrics:
                metric.update(output, target)
            if ends:
                self.steps += 1
                if steps_schedule is not None:
                    steps_schedule.step()
            for listener in listeners:
                _call(listener, self, value)
            progress.end_batch(self.batch, self.running.loss_sum / self.running.samples)
            if self.is_interrupted and ends:
                break

    def _remaining(self, train: Any) -> Iterable[Any]:
        # A DataLoader continues at its position; other iterables are read over again.
        if hasattr(train, "load_state_dict"):
            return train
        return itertools.islice(train, self.batch, None)

    def _part_of_step(self, count: int | None) -> tuple[bool, bool, float]:
        """Whether the next batch is the first and the last of a step, and its share."""
        group = self.accumulate
        if group == 1:
            return True, True, 1.0
        place = self.batch % group
        first = self.batch - place
        size = min(group, count - first) if count is not None else group
        return place == 0, place == size - 1, 1 / size

    def _finish_epoch(self, figures: dict[str, Any]) -> None:
        self._step_epoch_schedule(figures)
        for name, figure in figures.items():
            self.history.setdefault(name, []).append(
                figure.tolist() if isinstance(figure, Tensor) else figure
            )
        self.epoch += 1
        self.batch = 0
        self.running = Running()
        for metric in self.metrics:
            metric.reset()
        if self.run is not None:
            self.run.write_history(self.history)
        for callback in self.callbacks:
            callback.on_epoch_end(self, figures)

    def _step_epoch_schedule(self, figures: Mapping[str, Any]) -> None:
        if self.schedule is None or self.schedule_every != "epoch":
            return
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(figures.get("val_loss", figures["loss"]))
        else:
            self.schedule.step()

    def _learning_rates(self) -> dict[str, float]:
        groups = self.optimizer.param_groups
        if len(groups) == 1:
            return {"lr": float(groups[0]["lr"])}
        return {f"lr_{number}": float(group["lr"]) for number, group in enumerate(groups)}

    def evaluate(self, data: Any) -> dict[str, Any]:
        """The loss and the metrics on data that the model is not trained on.

        Args:
            data: a `DataLoader`, a data set, or a tuple of tensors ``(inputs, target)``.

        Returns:
            ``"loss"`` and each metric by its name.
        """
        loader = as_loader(data, self.batch_size, shuffle=False, argument="data")
        return self._measure(loader, lambda: False)  # type: ignore[return-value]

    def _measure(self, loader: Any, is_over: Callable[[], bool]) -> dict[str, Any] | None:
        metrics = [copy.deepcopy(metric) for metric in self.metrics]
        return measure(self.evaluation, metrics, loader, is_over)

    def predict(self, data: Any) -> Tensor:
        """What the model returns for each sample, in the order of the data.

        Args:
            data: inputs as one tensor, or a `DataLoader`, a data set, or a tuple of tensors,
                in which the last of several parts is a target and not looked at.

        Returns:
            The outputs of all samples, one after the other.
        """
        loader = as_loader(data, self.batch_size, shuffle=False, argument="data")
        return predict(self.prediction, loader)

    def model_state(self) -> dict[str, Tensor]:
        """The parameters and buffers of the model as they are now."""
        return {name: constant(tensor.detach()) for name, tensor in self.model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """All that a resumed training needs: what a checkpoint holds."""
        return state_of(self)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned, or `load_checkpoint` read.

        Raises:
            FathomError: it is not of this model, optimizer or schedule.
        """
        restore(self, state_dict)

    def save(self, path: PathLike) -> None:
        """Write a checkpoint, from which ``fit(…, resume=path)`` goes on."""
        save_checkpoint(path, self.state_dict())


def _call(listener: Callable[["Trainer", float], None], trainer: Trainer, loss: float) -> None:
    """Tell a callback of the end of a batch."""
    try:
        listener(trainer, loss)
    except RecordingError as error:
        error.add_note("a callback finds the gradients of a Trainer(…, compile=False)")
        raise
