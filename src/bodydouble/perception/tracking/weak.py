"""People of whom the finder is never sure: followed apart, and painted out.

A detection below ``new_track_score`` starts no track, so somebody who sits half hidden, and is detected weakly in frame
after frame, would stay in the picture. What is left over when everybody else is followed is followed once more with a lower
score. It takes nothing from those who are detected well; what lasts is covered and never played. It is no claim that
somebody is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import TrackingConfig
from bodydouble.perception.geometry import areas, overlap_areas, transform
from bodydouble.perception.people.base import Detections
from bodydouble.perception.tracking.base import Fragment
from bodydouble.perception.tracking.botsort import make_tracker
from bodydouble.perception.tracking.linking import drop_doubles, fill
from bodydouble.perception.tracking.places import Places

NEVER_SURE: Final = "never detected for sure"
_LEAST_SECONDS: Final = 0.4
"""Who is detected weakly for less is chance."""
_LEAST_OBSERVED: Final = 0.3
"""Share of a track in which there must be detections."""
_STILL_DETECTIONS: Final = 6
"""So many in one place, whatever lies between them, are somebody who keeps still, or a thing."""
_STILL_SECONDS: Final = 1.0
"""Over at least so long."""
_STILL_HEIGHTS: Final = 0.15
"""Largest standard deviation of places that are one, in heights of the box."""
_LOST_SECONDS: Final = 3.0
"""Longest pause between such detections."""
_EXPLAINED_SHARE: Final = 0.65
"""Of a box: with more in common with somebody who is followed, it shows a part of them."""


def weak_fragments(
    detections: Sequence[Detections],
    strong: Sequence[Fragment],
    to_reference: NDArray[np.float64],
    config: TrackingConfig,
    frames_per_second: float,
) -> list[Fragment]:
    """Tracks without gaps of what nobody else explains, in reference pixels.

    Args:
        detections: of every frame.
        strong: those who are followed; without gaps, in reference pixels.
        to_reference: (frames, 3, 3).
        config: ``weak_score`` above 1 finds nobody, nor does the paper's preset.
        frames_per_second: rate of the clip.
    """
    if config.weak_score > 1 or config.preset == "paper":
        return []
    weak = replace(config, strong_score=config.weak_score, new_track_score=config.weak_score)
    tracker, places = make_tracker(weak, frames_per_second), Places(_LOST_SECONDS * frames_per_second)
    for index, found in enumerate(detections):
        boxes = transform(found.boxes_xyxy_px, to_reference[index])
        free = (found.scores >= config.weak_score) & ~_explained(boxes, _boxes_at(strong, index))
        tracker.add(index, boxes[free], found.scores[free])
        places.add(index, boxes[free], found.scores[free])
    least = min(len(detections), max(3, round(_LEAST_SECONDS * frames_per_second)))
    lasting = [part for part in tracker.finish() if len(part) >= least and len(part) >= _LEAST_OBSERVED * _span(part)]
    still = [part for part in places.finish() if _keeps_still(part, frames_per_second)]
    return [replace(fill(part), weak=True) for part in drop_doubles(lasting + still)]


def _span(part: Fragment) -> int:
    """Frames from its first detection to its last."""
    return int(part.frames[-1] - part.frames[0]) + 1


def _keeps_still(part: Fragment, frames_per_second: float) -> bool:
    if len(part) < _STILL_DETECTIONS or _span(part) < _STILL_SECONDS * frames_per_second:
        return False
    middle = 0.5 * (part.boxes[:, :2] + part.boxes[:, 2:])
    height = float(np.median(part.boxes[:, 3] - part.boxes[:, 1]))
    return bool(middle.std(axis=0).max() <= _STILL_HEIGHTS * height)


def _boxes_at(tracks: Sequence[Fragment], frame: int) -> NDArray[np.float64]:
    rows = [
        track.boxes[frame - int(track.frames[0])]
        for track in tracks
        if int(track.frames[0]) <= frame <= int(track.frames[-1])
    ]
    return np.array(rows, np.float64).reshape(-1, 4)


def _explained(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    if len(boxes) == 0 or len(others) == 0:
        return np.zeros(len(boxes), bool)
    return np.asarray(overlap_areas(boxes, others).max(axis=1) > _EXPLAINED_SHARE * areas(boxes))
