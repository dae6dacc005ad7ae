"""Boxes that are too tall for one person: they hold two people, or a thing above somebody. No double is as tall."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.blobs import HeightModel
from bodydouble.perception.reading import TrackReading
from bodydouble.perception.tracking.base import Fragment
from bodydouble.scene import NUM_JOINTS

_OWN_RANGE: Final = (0.85, 1.15)
"""A person's own height over that of others at the same place."""
_MOSTLY: Final = 0.5
"""With a larger share of such boxes nobody knows how tall this person is."""


def without_giants(part: Fragment, reading: TrackReading, heights: HeightModel) -> tuple[TrackReading, str]:
    """Boxes and joints of a track with those of giants replaced; what is painted out stays as it is.

    A box that is too tall for its place is replaced by one between those before and after, and its joints, which are of
    nobody, count as not found.

    Args:
        part: the track as tracked.
        reading: what was read in its boxes.
        heights: how tall people are where.

    Returns:
        The reading, and why the whole track is not to be played; empty when it may be.
    """
    boxes = np.stack(reading.boxes)
    own = _own_height(boxes[part.observed], heights)
    tall = heights.too_tall(boxes, own)
    if not tall.any():
        return reading, ""
    if tall.mean() > _MOSTLY:
        return reading, "too tall for one person"
    right, steps = np.flatnonzero(~tall), np.arange(len(boxes))
    between = np.stack([np.interp(steps, right, boxes[right, edge]) for edge in range(4)], axis=1)
    return replace(
        reading,
        boxes=[between[i] if tall[i] else boxes[i] for i in steps],
        joints=[np.full((NUM_JOINTS, 2), np.nan, np.float32) if tall[i] else reading.joints[i] for i in steps],
        joint_scores=[np.zeros(NUM_JOINTS, np.float32) if tall[i] else reading.joint_scores[i] for i in steps],
    ), ""


def _own_height(boxes_xyxy_px: NDArray[np.float64], heights: HeightModel) -> float:
    if len(boxes_xyxy_px) == 0:
        return 1.0
    tall = boxes_xyxy_px[:, 3] - boxes_xyxy_px[:, 1]
    likely = np.array([heights.expected(float(foot)) for foot in boxes_xyxy_px[:, 3]])
    return float(np.clip(np.median(tall / likely), *_OWN_RANGE))
