"""The losses of classification into one of several classes."""

import math

import numpy as np

from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ..ops import Cast, Expand, LogSoftmax, NotEqual, Pick, Reshape, Shape, Sum, Where
from ..promotion import int64, is_floating
from ..recording import is_recording
from ..tape import Value
from ..tensor import Tensor, cast
from .elementwise import floating
from .loss import checked, require_reduction

__all__ = ["cross_entropy", "nll_loss"]


@checked
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log(softmax(input)[label]), or -sum(p * log(softmax(input))) for probabilities p.

    Args:
        input: logits of shape (N, C), (C,), or (N, C, d1, d2, …) for C classes.
        target: labels, integers in [0, C), of the input's shape without its class dimension;
            or probabilities, floats of the input's shape.
        weight: a factor for every class, of shape (C,). With ``reduction="mean"`` and labels,
            the mean is weighted by the factors of the labels.
        ignore_index: samples with this label count for nothing.
        reduction: "mean" over the samples, "sum", or "none".
        label_smoothing: a share in [0, 1] of the target that is spread evenly over all
            classes (Szegedy et al., "Rethinking the Inception architecture", 2016, section 7).

    Raises:
        ShapeError: the shapes of input, target and weight do not fit.
        DTypeError: labels are not integers, or probabilities not floats.
        IndexOutOfRange: a label is outside the classes.
    """
    if not 0.0 <= label_smoothing <= 1.0:
        raise ArgumentError(f"cross_entropy: label_smoothing is {label_smoothing}, expected 0 to 1")
    require_reduction("cross_entropy", reduction)
    axis = _class_axis("cross_entropy", input)
    log_probabilities = LogSoftmax(axis)(floating(input))
    if target.shape == input.shape and is_floating(target.dtype):
        return _with_probabilities(log_probabilities, target, weight, reduction, label_smoothing)
    require_labels("cross_entropy", input.shape, target, axis)
    return _with_labels(
        "cross_entropy", log_probabilities, target, weight, ignore_index, reduction, label_smoothing
    )


@checked
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """-input[label] for log-probabilities, such as `log_softmax` gives.

    Args:
        input: log-probabilities of shape (N, C), (C,), or (N, C, d1, d2, …).
        target: labels, integers in [0, C), of the input's shape without its class dimension.
        weight: a factor for every class, of shape (C,). With ``reduction="mean"``, the mean is
            weighted by the factors of the labels.
        ignore_index: samples with this label count for nothing.
        reduction: "mean" over the samples, "sum", or "none".

    Raises:
        ShapeError: the shapes of input, target and weight do not fit.
        DTypeError: labels are not integers.
        IndexOutOfRange: a label is outside the classes.
    """
    require_reduction("nll_loss", reduction)
    require_labels("nll_loss", input.shape, target, _class_axis("nll_loss", input))
    return _with_labels("nll_loss", input, target, weight, ignore_index, reduction, 0.0)


def _with_labels(
    name: str,
    log_probabilities: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
) -> Tensor:
    shape, dtype = log_probabilities.shape, log_probabilities.dtype
    axis = min(1, len(shape) - 1)
    classes = shape[axis]
    # No gradient flows through labels, so their bare values do.
    labels = cast(target, int64)._node.value
    is_kept = None
    if _may_ignore(name, labels, classes, ignore_index):
        is_kept = NotEqual()(labels, np.asarray(ignore_index, np.int64))
        labels = Where()(is_kept, labels, 0)
    picked = Pick(axis)(log_probabilities, labels)
    # How much each sample counts for the mean, where not all count alike.
    share = None
    if weight is not None:
        weights = _class_weights(name, weight, shape, axis, log_probabilities)
        share = Pick(axis)(Expand(shape)(weights), labels)
        picked = picked * share
    if label_smoothing:
        spread = log_probabilities if weight is None else log_probabilities * weights
        spread = Sum((axis,))(spread) * (label_smoothing / classes)
        picked = picked * (1.0 - label_smoothing) + spread
    if is_kept is not None:
        picked = Where()(is_kept, picked, 0.0)
        share = Cast(dtype)(is_kept) if share is None else Where()(is_kept, share, 0.0)
    if reduction == "none":
        return -picked
    axes = tuple(range(len(labels.shape)))
    total = Sum(axes)(picked)
    if reduction == "sum":
        return -total
    if share is None:
        samples = math.prod(labels.shape)
        return total * (-1.0 / samples if samples else math.nan)
    return -total / Sum(axes)(share)


def _with_probabilities(
    log_probabilities: Tensor,
    target: Tensor,
    weight: Tensor | None,
    reduction: str,
    label_smoothing: float,
) -> Tensor:
    shape = log_probabilities.shape
    axis = min(1, len(shape) - 1)
    if label_smoothing:
        target = target * (1.0 - label_smoothing) + label_smoothing / shape[axis]
    if weight is not None:
        weight = _class_weights("cross_entropy", weight, shape, axis, log_probabilities)
        target = target * weight
    axes = (axis,) if reduction == "none" else tuple(range(len(shape)))
    losses = -(log_probabilities * target).sum(axes)
    if reduction != "mean":
        return losses
    return losses * (shape[axis] / math.prod(shape) if 0 not in shape else math.nan)


def _class_axis(name: str, input: Tensor) -> int:
    rank = len(input.shape)
    if rank == 0:
        raise ShapeError(
            f"{name}: the input has no dimensions; expected shape (N, C), (C,) or (N, C, d1, …) "
            f"for N samples and C classes"
        )
    return min(1, rank - 1)


def require_labels(name: str, shape: Shape, target: Tensor, axis: int) -> None:
    """Raise unless the target holds one integer for every sample."""
    expected = shape[:axis] + shape[axis + 1 :]
    fits = target.shape == expected
    if fits and target.dtype.kind in "iu":
        return
    advice = ""
    if target.shape == shape and target.dtype.kind in "iu" and name == "cross_entropy":
        advice = "; probabilities must be floats: target.float()"
    elif target.shape == shape:
        advice = "; for one-hot targets use target.argmax(1)"
    elif target.shape == (*expected, 1) or target.shape == (shape[0], 1, *shape[2:]):
        advice = f"; drop the dimension of size 1: target.squeeze({target.shape.index(1)})"
    elif expected and target.shape and target.shape[0] != expected[0]:
        advice = f": {shape[0]} samples in the input, {target.shape[0]} in the target"
    if not fits:
        raise ShapeError(
            f"{name}: for an input of shape {shape} the labels need shape {expected}, "
            f"got shape {target.shape}{advice}"
        )
    raise DTypeError(
        f"{name}: labels are class numbers and must be integers, got {target.dtype}; "
        f"use target.long()"
    )


def _may_ignore(name: str, values: Value, classes: int, ignore_index: int) -> bool:
    """Check the labels, and say whether one of them may be `ignore_index`.

    This is the only place where a loss looks at the values of labels.
    """
    if is_recording():
        # There are no values yet; `Pick` checks what is not ignored.
        return True
    # Seen as unsigned numbers, negative labels are large ones.
    if values.size == 0 or (
        values.view(np.uint64).max() < classes and not 0 <= ignore_index < classes
    ):
        return False
    is_wrong = ((values < 0) | (values >= classes)) & (values != ignore_index)
    if is_wrong.any():
        position = tuple(int(axis[0]) for axis in np.nonzero(is_wrong))
        where = position[0] if len(position) == 1 else position
        raise IndexOutOfRange(
            f"{name}: label {int(values[position])} at position {where} is outside the "
            f"{classes} classes (allowed: 0 to {classes - 1}); number the labels from 0, "
            f"or give the model more outputs"
        )
    return True


def _class_weights(
    name: str, weight: Tensor, shape: Shape, axis: int, log_probabilities: Tensor
) -> Tensor:
    if weight.shape != (shape[axis],):
        raise ShapeError(
            f"{name}: weight needs one factor for each of the {shape[axis]} classes, "
            f"got shape {weight.shape}"
        )
    return cast(Reshape(_beside_classes(shape, axis))(weight), log_probabilities.dtype)


def _beside_classes(shape: Shape, axis: int) -> Shape:
    """The shape of one number per class that broadcasts against `shape`."""
    return (shape[axis],) + (1,) * (len(shape) - axis - 1)
