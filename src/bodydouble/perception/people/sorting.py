"""From what a network says to `Detections`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import suppress
from bodydouble.perception.people.base import Detections


def detections_of(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    *,
    frame_size_px: tuple[int, int],
    lowest_score: float,
    overlap: float = 1.0,
) -> Detections:
    """Boxes that are sure enough and in the picture, strongest first.

    Args:
        boxes: (N, 4) in frame pixels.
        scores: (N,).
        frame_size_px: width and height.
        lowest_score: weaker ones go.
        overlap: intersection over union above which the weaker of two goes; 1 keeps all.
    """
    width, height = frame_size_px
    inside = (np.minimum(boxes[:, 2], width) - np.maximum(boxes[:, 0], 0) >= 1) & (
        np.minimum(boxes[:, 3], height) - np.maximum(boxes[:, 1], 0) >= 1
    )
    # A comparison with not-a-number is false, so such boxes and scores go as well.
    good = (scores >= lowest_score) & inside & np.isfinite(boxes).all(axis=1)
    boxes, scores = boxes[good].astype(np.float32), scores[good].astype(np.float32)
    rows = suppress(boxes, scores, overlap)
    return Detections(boxes_xyxy_px=boxes[rows], scores=scores[rows])


def corners(centres: NDArray[np.float32], sizes: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 4) boxes from centres (N, 2) and widths and heights (N, 2)."""
    boxes: NDArray[np.float32] = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1).astype(np.float32)
    return boxes
