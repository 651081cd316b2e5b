"""Boxes around what a detector has found."""

import numpy as np

from ...ops import Array
from ..operator import operator


@operator("NonMaxSuppression")
def non_max_suppression(
    boxes: Array,
    scores: Array,
    max_output_boxes_per_class: Array | None = None,
    iou_threshold: Array | None = None,
    score_threshold: Array | None = None,
    *,
    center_point_box: int = 0,
) -> Array:
    """The best boxes of each class, without those that overlap with a better one.

    How many these are depends on the values, so this runs eagerly only.

    Args:
        boxes: shape (N, boxes, 4): two corners, or with `center_point_box` centre and size.
        scores: shape (N, classes, boxes).
        max_output_boxes_per_class: how many are kept of each class; none by default.
        iou_threshold: up to which share boxes may overlap.
        score_threshold: what a score has to exceed.

    Returns:
        A row of sample, class and box for each that is kept.
    """
    most = 0 if max_output_boxes_per_class is None else int(max_output_boxes_per_class.item())
    overlap = 0.0 if iou_threshold is None else float(iou_threshold.item())
    least = -np.inf if score_threshold is None else float(score_threshold.item())
    kept = [
        (sample, kind, box)
        for sample, corners in enumerate(_corners(boxes, bool(center_point_box)))
        for kind, values in enumerate(scores[sample])
        for box in _best(corners, values, most, overlap, least)
    ]
    return np.array(kept, np.int64).reshape(-1, 3)


def _corners(boxes: Array, is_centred: bool) -> Array:
    """The lower and the upper corner of each box."""
    if is_centred:
        centre, half = boxes[..., :2], boxes[..., 2:] / 2
        return np.concatenate([centre - half, centre + half], -1)
    first, second = boxes[..., :2], boxes[..., 2:]
    return np.concatenate([np.minimum(first, second), np.maximum(first, second)], -1)


def _best(corners: Array, scores: Array, most: int, overlap: float, least: float) -> list[int]:
    kept: list[int] = []
    for box in np.argsort(-scores, kind="stable"):
        if len(kept) == most or scores[box] <= least:
            break
        if all(_shared(corners[box], corners[other]) <= overlap for other in kept):
            kept.append(int(box))
    return kept


def _shared(first: Array, second: Array) -> float:
    """The area that two boxes share over that of both together."""
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    common = float(np.prod(np.maximum(sides, 0)))
    areas = [float(np.prod(box[2:] - box[:2])) for box in (first, second)]
    together = sum(areas) - common
    return common / together if together > 0 else 0.0
