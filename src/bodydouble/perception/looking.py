"""Reading people at their boxes, and once more where a silhouette runs out of its box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.crops import CROP_HEIGHT_PX, CROP_MARGIN, Crop, crop_of, cut
from bodydouble.perception.person import PersonReader, PersonReadings

_SURE: Final = 0.5
_SPILL_ROWS: Final = 6
"""Crop rows beyond the box that a silhouette must reach into before the box is grown."""
_SPILL_PIXELS: Final = 4
"""Crop pixels it must have there."""
_GROWTH: Final = 0.2
"""Share of the height by which a box is grown at that end."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """People of one frame as the network sees them."""

    boxes_xyxy_px: NDArray[np.float32]
    """(N, 4): grown where they were too short."""
    crops: list[Crop]
    readings: PersonReadings


def look_at(rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32], reader: PersonReader) -> Look:
    """Read everybody; whoever's feet or head lie outside of the box is read again with a longer one.

    Args:
        rgb: (H, W, 3).
        boxes_xyxy_px: (N, 4), N may be 0.
        reader: the per-person network.
    """
    boxes = boxes_xyxy_px.copy()
    crops = [crop_of(box) for box in boxes]
    first = reader.read(_pictures(rgb, crops))
    longer = _lengthened(boxes, first.masks, rgb.shape[0])
    again = np.flatnonzero((longer != boxes).any(axis=1))
    if len(again) == 0:
        return Look(boxes_xyxy_px=boxes, crops=crops, readings=first)
    for row in again:
        crops[row] = crop_of(longer[row])
    second = reader.read(_pictures(rgb, [crops[row] for row in again]))
    heatmaps, masks = first.joint_heatmaps.copy(), first.masks.copy()
    heatmaps[again], masks[again] = second.joint_heatmaps, second.masks
    return Look(boxes_xyxy_px=longer, crops=crops, readings=PersonReadings(joint_heatmaps=heatmaps, masks=masks))


def _pictures(rgb: NDArray[np.uint8], crops: list[Crop]) -> NDArray[np.uint8]:
    return np.stack([cut(rgb, crop) for crop in crops]) if crops else np.zeros((0, 128, 96, 3), np.uint8)


def _lengthened(boxes: NDArray[np.float32], masks: NDArray[np.float32], frame_height_px: int) -> NDArray[np.float32]:
    """Boxes grown at the ends that their silhouettes run out of, inside the frame."""
    longer = boxes.copy()
    for row, (box, mask) in enumerate(zip(boxes, masks, strict=True)):
        left, top, right, bottom = (float(v) for v in box)
        tall = bottom - top
        if tall * CROP_MARGIN * 0.75 < (right - left) * CROP_MARGIN or tall < 1:
            # The crop is as wide as the box, so it already shows plenty above and below.
            continue
        end = round(0.5 * CROP_HEIGHT_PX * (1 + 1 / CROP_MARGIN))
        sure = mask >= _SURE
        if bottom < frame_height_px and sure[end + _SPILL_ROWS :].sum() >= _SPILL_PIXELS:
            longer[row, 3] = bottom + _GROWTH * tall
        if top > 0 and sure[: CROP_HEIGHT_PX - end - _SPILL_ROWS].sum() >= _SPILL_PIXELS:
            longer[row, 1] = top - _GROWTH * tall
    return longer
