"""No limb taken from the neighbour: joints that lie on somebody nearer are not believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import overlap_areas
from bodydouble.perception.reading import TrackReading
from bodydouble.perception.tracking.base import Fragment

_SAME_PLACE: Final = 0.06
"""Two people's joints of one kind closer than this share of the smaller height are one joint seen twice."""
_HIDDEN_FACTOR: Final = 0.3
"""A joint guessed behind somebody nearer keeps this share of its score: enough to be filled in over time, no more."""


def told_apart(parts: Sequence[Fragment], readings: Sequence[TrackReading]) -> list[TrackReading]:
    """Readings in which nobody has a joint of somebody who stands in front.

    Nearer is who stands lower in the picture. A joint of the farther person that lies on the nearer one's silhouette,
    and not on the own, is hidden at best: its score is lowered. If the nearer person has the same joint in the same
    place with at least that score, it was taken from there, and its score becomes 0.

    Args:
        parts: tracks without gaps.
        readings: of each track, rows as in its fragment.
    """
    scores = [[row.copy() for row in reading.joint_scores] for reading in readings]
    for members in _together(parts):
        boxes = np.stack([readings[track].boxes[row] for track, row in members])
        touching = overlap_areas(boxes, boxes) > 0
        for far, (track, row) in enumerate(members):
            for near, (other, other_row) in enumerate(members):
                if near == far or not touching[far, near] or boxes[near, 3] <= boxes[far, 3]:
                    continue
                factor = _factors(readings[track], row, readings[other], other_row)
                scores[track][row] = (scores[track][row] * factor).astype(np.float32)
    return [replace(reading, joint_scores=rows) for reading, rows in zip(readings, scores, strict=True)]


def _together(parts: Sequence[Fragment]) -> list[list[tuple[int, int]]]:
    """The tracks of each frame in which there are two or more, as (track, row)."""
    present: dict[int, list[tuple[int, int]]] = {}
    for track, part in enumerate(parts):
        for row, frame in enumerate(part.frames):
            present.setdefault(int(frame), []).append((track, row))
    return [members for _, members in sorted(present.items()) if len(members) > 1]


def _factors(far: TrackReading, far_row: int, near: TrackReading, near_row: int) -> NDArray[np.float32]:
    """(18,) by which the scores of the farther person's joints are multiplied."""
    points, rival = far.joints[far_row], near.joints[near_row]
    covered = on_silhouette(points, near, near_row) & ~on_silhouette(points, far, far_row)
    heights = [
        float(reading.boxes[row][3] - reading.boxes[row][1]) for reading, row in ((far, far_row), (near, near_row))
    ]
    close = np.linalg.norm(points - rival, axis=1) < _SAME_PLACE * max(min(heights), 1.0)
    taken = close & (near.joint_scores[near_row] >= far.joint_scores[far_row])
    factor = np.where(covered, _HIDDEN_FACTOR, 1.0)
    # Both see one joint: it is the nearer one's, unless the farther person's own silhouette claims it.
    factor[taken & covered] = 0.0
    return factor.astype(np.float32)


def on_silhouette(points: NDArray[np.float32], reading: TrackReading, row: int) -> NDArray[np.bool_]:
    """(K,) True for points (K, 2) in frame pixels that lie on a person's silhouette."""
    left, top, right, bottom = reading.windows[row]
    width, height = right - left, bottom - top
    inside = np.zeros(len(points), bool)
    if width <= 0 or height <= 0:
        return inside
    mask = np.unpackbits(reading.bits[row], count=width * height).reshape(height, width).astype(bool)
    finite = np.isfinite(points).all(axis=1)
    column = np.floor(np.where(finite, points[:, 0], -1.0)).astype(np.int64) - left
    line = np.floor(np.where(finite, points[:, 1], -1.0)).astype(np.int64) - top
    valid = finite & (column >= 0) & (column < width) & (line >= 0) & (line < height)
    inside[valid] = mask[line[valid], column[valid]]
    return inside
