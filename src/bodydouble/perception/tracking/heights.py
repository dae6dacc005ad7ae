"""Boxes that show a part of a person (behind a sign, a car, a rail) made as tall as the person is."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.tracking.base import Fragment

_SHORT: Final = 0.68
"""A box below this share of the height to be expected shows only a part of the person."""
_OWN_PERCENTILE: Final = 60
"""A person's own height, relative to others in the same place, is this percentile over the track."""
_OWN_RANGE: Final = (0.85, 1.1)
_BORDER_PX: Final = 3.0


class Heights(Protocol):
    """How tall people are where."""

    @property
    def reliable(self) -> bool:
        """Heights follow from the row people stand on closely enough to correct boxes."""

    def expected(self, foot_px: float) -> float:
        """Height in pixels of a person whose feet are at a row."""


def complete_heights(part: Fragment, heights: Heights, frame_height_px: int) -> Fragment:
    """Lengthen boxes that are too short for where they are.

    The edge that agrees better with the frames around is kept, the other is moved. Boxes cut by the border of the
    frame are left alone: there the finder already guesses what is outside.

    Args:
        part: without gaps, in frame pixels of a camera that stands still.
        heights: how tall people are where.
        frame_height_px: of the frame.
    """
    if not heights.reliable:
        return part
    boxes = part.boxes.copy()
    tall = boxes[:, 3] - boxes[:, 1]
    expected = np.array([heights.expected(float(bottom)) for bottom in boxes[:, 3]])
    own = float(np.clip(np.percentile(tall / expected, _OWN_PERCENTILE), *_OWN_RANGE))
    inside = (boxes[:, 1] > _BORDER_PX) & (boxes[:, 3] < frame_height_px - _BORDER_PX)
    from_top = np.array([_foot_below(float(top), own, heights) for top in boxes[:, 1]])
    # A box that ends above the feet must be judged by where the feet would be.
    short = inside & (tall < _SHORT * own * expected) | inside & (tall < _SHORT * (from_top - boxes[:, 1]))
    if not short.any():
        return part
    good = np.flatnonzero(~short)
    steps = np.arange(len(part))
    keep_bottom = np.zeros(len(part), bool)
    if len(good):
        likely_top = np.interp(steps, good, boxes[good, 1])
        likely_bottom = np.interp(steps, good, boxes[good, 3])
        keep_bottom = np.abs(boxes[:, 3] - likely_bottom) < np.abs(boxes[:, 1] - likely_top)
    rise = short & keep_bottom
    sink = short & ~keep_bottom
    boxes[rise, 1] = np.minimum(boxes[rise, 1], boxes[rise, 3] - own * expected[rise])
    boxes[sink, 3] = np.maximum(boxes[sink, 3], from_top[sink])
    return Fragment(frames=part.frames, boxes=_widened(boxes, short), scores=part.scores)


def _foot_below(top_px: float, own: float, heights: Heights) -> float:
    """Row of the feet of somebody whose head is at a row; found by iteration, which converges for slopes below 1."""
    foot = top_px
    for _ in range(12):
        foot = top_px + own * heights.expected(foot)
    return foot


def _widened(boxes: NDArray[np.float64], short: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Lengthened boxes get at least the width that the rest of the track has for its height."""
    if short.all():
        share = 0.3
    else:
        rest = boxes[~short]
        share = float(np.clip(np.median((rest[:, 2] - rest[:, 0]) / (rest[:, 3] - rest[:, 1])), 0.2, 0.6))
    centre = 0.5 * (boxes[:, 0] + boxes[:, 2])
    half = 0.5 * np.maximum(boxes[:, 2] - boxes[:, 0], share * (boxes[:, 3] - boxes[:, 1]))
    wide = boxes.copy()
    wide[short, 0] = (centre - half)[short]
    wide[short, 2] = (centre + half)[short]
    return wide
