"""Reading people at their boxes, and once more where a silhouette runs out of its box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.crops import CROP_MARGIN, crop_of
from bodydouble.perception.person import Joints, PersonReader, PersonReadings, SilhouetteReader, SoftMask

_SURE: Final = 0.5
_SPILL_ROWS: Final = 6.0
"""Rows beyond the box that a silhouette must reach into before the box is grown, in pixels of the usual crop."""
_SPILL_PIXELS: Final = 4.0
"""Pixels of the usual crop it must have there."""
_GROWTH: Final = 0.2
"""Share of the height by which a box is grown at that end."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """People of one frame as they were read."""

    boxes_xyxy_px: NDArray[np.float32]
    """(N, 4): grown where they were too short."""
    readings: PersonReadings


def look_at(rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32], reader: PersonReader) -> Look:
    """Read everybody; whoever's feet or head lie outside of the box is read again with a longer one.

    Args:
        rgb: (H, W, 3).
        boxes_xyxy_px: (N, 4), N may be 0.
        reader: of silhouettes and joints.
    """
    first = reader.read(rgb, boxes_xyxy_px)
    longer, again = _lengthened(boxes_xyxy_px, first.masks, rgb.shape[0])
    if len(again) == 0:
        return Look(boxes_xyxy_px=longer, readings=first)
    second = reader.read(rgb, longer[again])
    xy, scores = first.joints.xy_px.copy(), first.joints.scores.copy()
    xy[again], scores[again] = second.joints.xy_px, second.joints.scores
    readings = PersonReadings(masks=_replaced(first.masks, again, second.masks), joints=Joints(xy_px=xy, scores=scores))
    return Look(boxes_xyxy_px=longer, readings=readings)


def outline_at(
    rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32], reader: SilhouetteReader
) -> tuple[NDArray[np.float32], list[SoftMask]]:
    """The same without joints: boxes (N, 4), grown where they were too short, and the silhouettes in them."""
    first = reader.masks(rgb, boxes_xyxy_px)
    longer, again = _lengthened(boxes_xyxy_px, first, rgb.shape[0])
    if len(again) == 0:
        return longer, first
    return longer, _replaced(first, again, reader.masks(rgb, longer[again]))


def _replaced(masks: Sequence[SoftMask], rows: NDArray[np.int64], new: Sequence[SoftMask]) -> list[SoftMask]:
    merged = list(masks)
    for row, mask in zip(rows, new, strict=True):
        merged[row] = mask
    return merged


def _lengthened(
    boxes: NDArray[np.float32], masks: Sequence[SoftMask], frame_height_px: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Boxes grown at the ends that their silhouettes run out of, inside the frame, and which of them were grown."""
    longer = boxes.copy()
    for row, (box, mask) in enumerate(zip(boxes, masks, strict=True)):
        left, top, right, bottom = (float(v) for v in box)
        tall = bottom - top
        if tall * CROP_MARGIN * 0.75 < (right - left) * CROP_MARGIN or tall < 1:
            # The crop is as wide as the box, so it already shows plenty above and below.
            continue
        # Masks have any resolution; lengths and areas are those of the usual crop.
        finer = mask.crop.scale / crop_of(box).scale
        above = (top - mask.crop.top_px) * mask.crop.scale - _SPILL_ROWS * finer
        below = (bottom - mask.crop.top_px) * mask.crop.scale + _SPILL_ROWS * finer
        least = max(1, round(_SPILL_PIXELS * finer * finer))
        sure = mask.probabilities >= _SURE
        if bottom < frame_height_px and sure[max(round(below), 0) :].sum() >= least:
            longer[row, 3] = bottom + _GROWTH * tall
        if top > 0 and sure[: max(round(above), 0)].sum() >= least:
            longer[row, 1] = top - _GROWTH * tall
    return longer, np.flatnonzero((longer != boxes).any(axis=1))
