"""The report of a training: a page that shows how good the model became, and where it errs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MissingExtra, ShapeError
from ..formats import atomic_write
from ..nn import Module
from . import plots
from .batches import as_loader, split_batch, with_usual_ones_marked
from .callbacks import make_folder
from .compilation import BatchFunction
from .errors import TrainingError
from .evaluation import evaluating
from .metrics import F1, ConfusionMatrix, Precision, Recall
from .metrics.classification import classes_of
from .metrics.metric import array_of
from .run import RunFolder

if TYPE_CHECKING:
    from .trainer import Trainer

Array = np.ndarray[Any, Any]


def write_report(
    trainer: "Trainer",
    data: Any = None,
    class_names: Sequence[str] | None = None,
    title: str = "validation",
) -> Path:
    """Evaluate a trainer's model, and write ``report.md`` and its plots into the run folder.

    Args:
        trainer: a trainer with a run folder.
        data: what to evaluate on; None for a report of the training alone.
        class_names: the names of the classes; by default those under ``"classes"`` in the
            configuration, or their numbers.
        title: what the data are called: "validation", "test".

    Returns:
        The report's path.

    Raises:
        TrainingError: there is no run folder.
    """
    run = trainer.run
    if run is None:
        raise TrainingError("a report needs a run folder; give the trainer out=")
    names = class_names if class_names is not None else trainer.config.get("classes")
    figures, findings = None, None
    if data is not None:
        figures = trainer.evaluate(data)
        loader = as_loader(data, trainer.batch_size, shuffle=False, argument="data")
        findings = _look_for_mistakes(trainer.evaluation, loader)
    if findings is not None and names is not None and len(names) != findings.classes:
        names = None
    parts = [
        f"# {run.path.resolve().name}",
        _summary(trainer),
        _figures_table(figures, title),
        _pictures(run, trainer, findings, names),
        "" if findings is None else _classes_table(findings, names),
        _configuration(trainer.config),
    ]
    with atomic_write(run.report) as file:
        file.write("\n\n".join(part for part in parts if part).encode() + b"\n")
    return run.report


@dataclass
class _Findings:
    """What a classifier got wrong."""

    matrix: ConfusionMatrix
    inputs: list[Array] = field(default_factory=list)
    scores: list[Array] = field(default_factory=list)
    targets: list[Array] = field(default_factory=list)

    @property
    def counts(self) -> Array:
        return self.matrix.state["counts"]

    @property
    def classes(self) -> int:
        return len(self.counts)


def _look_for_mistakes(evaluation: BatchFunction, loader: Any) -> _Findings | None:
    """Keeps the samples that are predicted wrong; None where the model is no classifier."""
    findings = _Findings(ConfusionMatrix())
    with evaluating(evaluation.model):
        for is_usual, batch in with_usual_ones_marked(loader):
            inputs, target = split_batch(batch)
            scores = array_of(evaluation(is_usual, inputs, target)[1])
            if not _is_classification(scores, array_of(target)):
                return None
            predicted, actual, _ = classes_of("report", scores, target)
            wrong = np.flatnonzero(predicted != actual)
            findings.matrix.update(scores, target)
            findings.inputs.append(array_of(inputs[0])[wrong])
            findings.scores.append(scores[wrong])
            findings.targets.append(actual[wrong])
    return findings


def _is_classification(scores: Array, target: Array) -> bool:
    if scores.ndim != 2 or scores.shape[1] < 2:
        return False
    one_hot = target.shape == scores.shape and np.all((target == 0) | (target == 1))
    return target.dtype.kind in "iu" or bool(one_hot and np.all(target.sum(1) == 1))


def _summary(trainer: "Trainer") -> str:
    parameters = sum(int(np.prod(one.shape)) for one in trainer.model.parameters())
    epochs = trainer.history.get("epoch", [])
    seconds = sum(trainer.history.get("seconds", []))
    return (
        f"{type(trainer.model).__name__} with {parameters:,} parameters, trained for "
        f"{len(epochs)} epoch{'s' if len(epochs) != 1 else ''} in {seconds:.1f} s."
    )


def _figures_table(figures: Mapping[str, Any] | None, title: str) -> str:
    if figures is None:
        return ""
    rows = [
        [name.replace("_", " "), f"{figure:.4f}"]
        for name, figure in figures.items()
        if isinstance(figure, float)
    ]
    return f"## Result\n\n{_table(['', title], rows)}"


def _pictures(
    run: RunFolder, trainer: "Trainer", findings: _Findings | None, names: Sequence[str] | None
) -> str:
    try:
        return _draw(run, trainer, findings, names)
    except MissingExtra as error:
        return f"*There are no plots: {error}.*"


def _draw(
    run: RunFolder, trainer: "Trainer", findings: _Findings | None, names: Sequence[str] | None
) -> str:
    make_folder(run.plots)
    parts = []
    if trainer.history.get("epoch"):
        plots.training_curves(trainer.history, path=run.plots / "curves.png")
        parts.append("## Curves\n\n![Training curves](plots/curves.png)")
    if findings is not None:
        plots.confusion_matrix(findings.counts, names, path=run.plots / "confusion.png")
        parts.append(
            "## Confusion matrix\n\n![Confusion matrix](plots/confusion.png)\n\n"
            "Rows are the true classes, columns the predicted ones."
        )
        if _draw_mistakes(run, findings, names):
            parts.append(
                "## Surest mistakes\n\n![The surest mistakes](plots/mistakes.png)\n\n"
                "Above each picture stands the predicted class, below it the true one."
            )
    if _draw_weights(run, trainer.model):
        parts.append("## Weights of the first layer\n\n![Weights](plots/weights.png)")
    return "\n\n".join(parts)


def _draw_mistakes(run: RunFolder, findings: _Findings, names: Sequence[str] | None) -> bool:
    images = np.concatenate(findings.inputs)
    scores, targets = np.concatenate(findings.scores), np.concatenate(findings.targets)
    try:
        plots.as_pictures(images)
    except ShapeError:
        return False
    plots.confident_mistakes(images, scores, targets, names, path=run.plots / "mistakes.png")
    return True


def _draw_weights(run: RunFolder, model: Module) -> bool:
    """Draw the weights of the first layer, where they are pictures."""
    for parameter in model.parameters():
        shape = parameter.shape
        side = round(shape[1] ** 0.5) if len(shape) == 2 else 0
        if (len(shape) == 2 and side * side == shape[1] > 4) or (len(shape) == 4 and shape[2] > 1):
            plots.weights(parameter, path=run.plots / "weights.png")
            return True
        if len(shape) > 1:
            return False
    return False


def _classes_table(findings: _Findings, names: Sequence[str] | None) -> str:
    columns: list[list[float]] = []
    for measure in (Precision, Recall, F1):
        metric = measure(average=None)
        metric.load_state_dict(findings.matrix.state_dict())
        columns.append(array_of(metric.compute()).tolist())
    support = findings.counts.sum(1)
    rows = [
        [
            str(names[number] if names is not None else number),
            *(f"{one[number]:.4f}" for one in columns),
            str(support[number]),
        ]
        for number in range(findings.classes)
    ]
    return "## Classes\n\n" + _table(["class", "precision", "recall", "F1", "samples"], rows)


def _configuration(config: Mapping[str, Any]) -> str:
    # What the settings of the command line leave open is what the trainer came to.
    settings = {key: value for key, value in config.items() if key not in ("classes", "settings")}
    settings = {**config.get("settings", {}), **settings}
    rows = [
        [str(key), f"`{value:.6g}`" if isinstance(value, float) else f"`{value}`"]
        for key, value in settings.items()
        if value is not None
    ]
    return "## Configuration\n\n" + _table(["setting", "value"], rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    alignment = "|" + "|".join(["---", *["---:"] * (len(header) - 1)]) + "|"
    return "\n".join([line(header), alignment, *map(line, rows)])
