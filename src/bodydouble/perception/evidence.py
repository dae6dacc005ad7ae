"""Second pass over the clip, for cameras that stand still: what moves confirms weak detections, and makes new ones."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.blobs import HeightModel, find_blobs
from bodydouble.perception.config import PerceptionConfig
from bodydouble.perception.following import with_looks
from bodydouble.perception.geometry import areas, grow, overlap_areas, window
from bodydouble.perception.motion import Foreground, measure
from bodydouble.perception.people.base import Detections
from bodydouble.scene import FrameSource, Progress
from bodydouble.scene.plate_files import PlateReader

_SURE_SCORE: Final = 0.5
"""Detections from this score on need no motion, and claim what moves inside them."""
_FRESH_SHARE: Final = 0.22
"""Share of the inner box that must move, unclaimed by stronger detections, to confirm a weak one."""
_CONFIRMED_GAIN: Final = 0.5
"""Confirming takes away this share of the doubt: 0.2 becomes 0.6."""
_BLOB_SCORE: Final = 0.42
"""Score of a person who is known from motion alone."""
_BLOB_HEIGHTS: Final = (0.7, 1.35)
_BLOB_ASPECT: Final = (0.2, 0.85)
"""Width over height of what may be one upright person."""
_INNER_SIDE: Final = 0.2
_INNER_END: Final = 0.05
"""Shares of a box's width and height that are left out on each side when motion in it is counted."""
_HEIGHT_RANGE: Final = (0.55, 1.7)
"""Weak detections are confirmed only if their height is this likely at the place, as a share of the expected."""
_CLAIM_SHARE: Final = 0.08
_TALL: Final = 1.2
"""A box this much taller than people are at its place shows more than one of them."""
_INSIDE_SHARE: Final = 0.7
"""Share of a smaller box that must lie in such a one to count as one of them."""
_LEFT_SHARE: Final = 0.2
"""Largest share of what moves in a tall box that the boxes inside may leave unexplained for it to go."""


def confirm(
    source: FrameSource,
    detections: tuple[Detections, ...],
    heights: HeightModel,
    config: PerceptionConfig,
    *,
    evidence_dir: Path,
    progress: Progress,
) -> tuple[Detections, ...]:
    """Detections of every frame, those that motion confirms with a higher score, and people known from motion alone.

    Args:
        source: the clip; its camera stands still.
        detections: of every frame.
        heights: how tall people are where.
        config: thresholds.
        evidence_dir: plate to compare with; people who never move may be in it.
        progress: told about every frame.
    """
    geometry = source.geometry
    plate = PlateReader(evidence_dir)
    confirmed: list[Detections] = []
    progress.start("motion", geometry.num_frames)
    for frame in source.frames():
        found = detections[frame.index]
        sure = found.boxes_xyxy_px[found.scores >= config.tracking.strong_score]
        rgb, _ = plate.at(frame.index)
        foreground = measure(frame.rgb, rgb, grow(sure, 0.1), config.motion, is_gray=geometry.is_gray)
        if foreground is not None:
            judged = judge(frame.index, found, foreground, heights)
            found = with_looks(judged, frame.rgb, foreground.mask & ~foreground.shadow)
        confirmed.append(found)
        progress.advance()
    progress.finish()
    return tuple(confirmed)


def judge(frame_index: int, found: Detections, foreground: Foreground, heights: HeightModel) -> Detections:
    """Raise the scores of weak detections that hold motion of their own, and add those that motion alone shows."""
    height, width = foreground.mask.shape
    solid = foreground.mask & ~foreground.shadow
    found = _without_tall(found, solid, heights)
    claimed = np.zeros_like(solid)
    scores = found.scores.copy()
    for row in np.argsort(-found.scores, kind="stable"):
        box = found.boxes_xyxy_px[row]
        score = float(found.scores[row])
        if score < _SURE_SCORE:
            if not _likely_height(box, heights, height) or _fresh_share(box, solid & ~claimed) < _FRESH_SHARE:
                continue
            scores[row] = 1.0 - (1.0 - score) * (1.0 - _CONFIRMED_GAIN)
        left, top, right, bottom = window(grow(box[None], _CLAIM_SHARE)[0], width, height)
        claimed[top:bottom, left:right] = True
    extra = [
        blob.window_xyxy_px
        for blob in find_blobs(frame_index, foreground, claimed | foreground.shadow, heights)
        if _person_shaped(blob.window_xyxy_px, heights)
    ]
    boxes = np.concatenate([found.boxes_xyxy_px, np.array(extra, np.float32).reshape(-1, 4)])
    scores = np.concatenate([scores, np.full(len(extra), _BLOB_SCORE, np.float32)])
    order = np.argsort(-scores, kind="stable")
    return Detections(boxes_xyxy_px=boxes[order], scores=scores[order])


def _without_tall(found: Detections, solid: NDArray[np.bool_], heights: HeightModel) -> Detections:
    """Drop boxes around several people, one above the other in the picture, if all that moves is in their own boxes."""
    if not heights.reliable or len(found) < 2:
        return found
    boxes = found.boxes_xyxy_px
    tall = boxes[:, 3] - boxes[:, 1]
    likely = np.array([heights.expected(float(foot)) for foot in boxes[:, 3]])
    single = (found.scores >= _SURE_SCORE) & (tall <= _TALL * likely)
    stay = np.ones(len(found), bool)
    for row in np.flatnonzero((tall > _TALL * likely) & (boxes[:, 3] <= solid.shape[0])):
        shared = overlap_areas(boxes[row : row + 1], boxes)[0] / np.maximum(areas(boxes), 1e-6)
        inner = boxes[single & (shared >= _INSIDE_SHARE)]
        left, top, right, bottom = window(boxes[row], solid.shape[1], solid.shape[0])
        rest = solid[top:bottom, left:right].copy()
        moving = int(rest.sum())
        for box in inner:
            x0, y0, x1, y1 = window(box, solid.shape[1], solid.shape[0])
            rest[max(y0 - top, 0) : max(y1 - top, 0), max(x0 - left, 0) : max(x1 - left, 0)] = False
        stay[row] = len(inner) == 0 or int(rest.sum()) > _LEFT_SHARE * moving
    return Detections(boxes_xyxy_px=boxes[stay], scores=found.scores[stay])


def _fresh_share(box: NDArray[np.float32], fresh: NDArray[np.bool_]) -> float:
    wide, tall = float(box[2] - box[0]), float(box[3] - box[1])
    inner = np.array(
        [
            box[0] + _INNER_SIDE * wide,
            box[1] + _INNER_END * tall,
            box[2] - _INNER_SIDE * wide,
            box[3] - _INNER_END * tall,
        ]
    )
    left, top, right, bottom = window(inner, fresh.shape[1], fresh.shape[0])
    part = fresh[top:bottom, left:right]
    return float(part.mean()) if part.size else 0.0


def _likely_height(box: NDArray[np.float32], heights: HeightModel, frame_height_px: int) -> bool:
    if box[3] > frame_height_px:
        # Feet below the picture: the row they stand on is itself a guess.
        return True
    if not heights.may_stand(float(box[3])):
        return False
    expected = heights.expected(float(box[3]))
    low, high = _HEIGHT_RANGE[0] / heights.slack, _HEIGHT_RANGE[1] * heights.slack
    return bool(low * expected <= float(box[3] - box[1]) <= high * expected)


def _person_shaped(place: tuple[int, int, int, int], heights: HeightModel) -> bool:
    left, top, right, bottom = place
    wide, tall = right - left, bottom - top
    expected = heights.expected(float(bottom))
    tall_enough = _BLOB_HEIGHTS[0] / heights.slack * expected <= tall <= _BLOB_HEIGHTS[1] * heights.slack * expected
    # What flies above the horizon would be of the right size for somebody far away.
    return (
        heights.may_stand(float(bottom)) and tall_enough and _BLOB_ASPECT[0] <= wide / max(tall, 1) <= _BLOB_ASPECT[1]
    )
