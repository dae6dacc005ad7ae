"""Where somebody is or may be, for the plate: generous in space and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.crops import paste
from bodydouble.perception.following import Followed
from bodydouble.perception.geometry import areas, grow, overlap_areas_of_pairs, window
from bodydouble.perception.looking import outline_at
from bodydouble.perception.person import SilhouetteReader
from bodydouble.perception.tracking.base import Fragment
from bodydouble.scene import Frame

_BOX_SHARE: Final = 0.15
_BOX_PX: Final = 3.0
"""Boxes are grown by this share and this many pixels."""
_MARGIN_SECONDS: Final = 1.0
"""A person may have been there this long before being found and after being lost."""
_DETECTION_SCORE: Final = 0.45
"""Detections of this score count even if no track took them up."""
_LIKELY: Final = 0.15
"""Probability from which a pixel may belong to the person; far below that of silhouettes."""
_DILATION_SHARE: Final = 0.05
"""Silhouettes are dilated by this share of the box's height."""
_SAME_PLACE: Final = 0.5
"""Share of a box that another must cover to keep its place occupied."""
_CLOSE_DILATION_SHARE: Final = 0.015
"""The same for outlines that are to leave free all they can; they are believed only where other evidence agrees."""
_LEAST_DILATION_PX: Final = 2
"""So far colours run where chroma is shared by 2x2 pixels."""
_LEAST_FILL: Final = 0.25
"""A mask that fills less of its box is not believed; the box counts instead."""


class Occupancy:
    """Tells for a frame which pixels are not free, by boxes, by silhouettes, and by close outlines."""

    def __init__(self, followed: Followed, reader: SilhouetteReader, frames_per_second: float) -> None:
        self._followed = followed
        self._reader = reader
        self._margin = max(1, round(_MARGIN_SECONDS * frames_per_second))

    def at(self, frame: Frame) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Pixels inside boxes, inside generous silhouettes, and inside close outlines, (H, W) each."""
        return around_people(frame.rgb, self._boxes(frame.index), self._reader)

    def _boxes(self, frame_index: int) -> NDArray[np.float32]:
        found = self._followed.detections[frame_index]
        boxes = [found.boxes_xyxy_px[found.scores >= _DETECTION_SCORE].astype(np.float32)]
        for track in self._followed.tracks:
            first, last = int(track.frames[0]), int(track.frames[-1])
            if first - self._margin <= frame_index <= last + self._margin:
                row = int(np.clip(frame_index, first, last)) - first
                boxes.append(track.boxes[None, row].astype(np.float32))
        return np.concatenate(boxes)


def somebody_is_gone(before: Sequence[Fragment], after: Sequence[Fragment], frames_per_second: float) -> bool:
    """Whether tracks that a plate was made with are no longer there, so that it was guessed where it need not be.

    A poster that was taken for a person, all along a clip, is nobody any more once motion has been asked; its place on the
    plate is a guess until the plate is made anew.

    Args:
        before: tracks without gaps that the plate was made with, boxes in frame pixels.
        after: those that are followed now.
        frames_per_second: rate of the clip.

    Returns:
        True if a box of one of the former is for a second or more not within those of the latter.
    """
    least = max(1.0, _MARGIN_SECONDS * frames_per_second)
    return any(np.count_nonzero(~_covered(track, after)) >= least for track in before)


def somebody_new_keeps_still(before: Sequence[Fragment], after: Sequence[Fragment], frames_per_second: float) -> bool:
    """Whether somebody was found, or found for longer, since a plate was made, who may be on it.

    Args:
        before: tracks without gaps that the plate was made with, boxes in frame pixels.
        after: those that are followed now.
        frames_per_second: rate of the clip.

    Returns:
        True if one of the latter is a second later still at a place that none of the former covered at either time.
    """
    later = max(1, round(_MARGIN_SECONDS * frames_per_second))
    for track in after:
        left = ~_covered(track, before)
        new = left[:-later] & left[later:]
        one, two = track.boxes[:-later][new], track.boxes[later:][new]
        if np.any(overlap_areas_of_pairs(one, two) >= _SAME_PLACE * np.maximum(areas(one), 1e-6)):
            return True
    return False


def _covered(track: Fragment, others: Sequence[Fragment]) -> NDArray[np.bool_]:
    """(time,): whether another track covers much of this one's box."""
    covered = np.zeros(len(track), bool)
    for other in others:
        first, last = max(track.frames[0], other.frames[0]), min(track.frames[-1], other.frames[-1])
        if first > last:
            continue
        mine = slice(int(first - track.frames[0]), int(last - track.frames[0]) + 1)
        theirs = slice(int(first - other.frames[0]), int(last - other.frames[0]) + 1)
        a, b = track.boxes[mine], other.boxes[theirs]
        covered[mine] |= overlap_areas_of_pairs(a, b) >= _SAME_PLACE * np.maximum(areas(a), 1e-6)
    return covered


def around_people(
    rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32], reader: SilhouetteReader
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Pixels that people may cover.

    Args:
        rgb: (H, W, 3).
        boxes_xyxy_px: (N, 4), N may be 0.
        reader: tells silhouettes.

    Returns:
        inside boxes, inside silhouettes, both generous, and inside close outlines, (H, W) each.
    """
    height, width = rgb.shape[:2]
    in_boxes = np.zeros((height, width), bool)
    in_silhouettes, in_outlines = np.zeros((height, width), bool), np.zeros((height, width), bool)
    if len(boxes_xyxy_px) == 0:
        return in_boxes, in_silhouettes, in_outlines
    boxes, masks = outline_at(rgb, boxes_xyxy_px, reader)
    for box, large, mask in zip(boxes, grow(boxes, _BOX_SHARE, _BOX_PX), masks, strict=True):
        place = window(large, width, height)
        left, top, right, bottom = place
        if right <= left or bottom <= top:
            continue
        in_boxes[top:bottom, left:right] = True
        likely = paste(mask.probabilities, mask.crop, place) >= _LIKELY
        inner = window(box, width, height)
        if likely.sum() < _LEAST_FILL * max(1, (inner[2] - inner[0]) * (inner[3] - inner[1])):
            in_silhouettes[inner[1] : inner[3], inner[0] : inner[2]] = True
            in_outlines[inner[1] : inner[3], inner[0] : inner[2]] = True
        tall = float(box[3] - box[1])
        in_silhouettes[top:bottom, left:right] |= _dilated(likely, _DILATION_SHARE * tall)
        in_outlines[top:bottom, left:right] |= _dilated(likely, _CLOSE_DILATION_SHARE * tall)
    return in_boxes, in_silhouettes, in_outlines


def _dilated(mask: NDArray[np.bool_], radius_px: float) -> NDArray[np.bool_]:
    radius = max(_LEAST_DILATION_PX, round(radius_px))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel) > 0)
