"""Who has the height of a child: one bit per track, and the only thing that casting takes from what was filmed.

Seen from a camera that stands upright over level ground, the picture height of people of one stature grows linearly with
the row of their feet (Hoiem et al. 2008, "Putting objects in perspective", section 3). The line is fitted to everybody in
the clip by least absolute errors, so that a few children do not move it; who stays far below it throughout is a child.
Where this cannot be told (too few people, a line that explains little) nobody is: a child played by a small adult is the
harmless error.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.scene import JOINT_INDEX, CameraMotion, PersonTrack, SceneBundle, VideoGeometry

CHILD_SHARE: Final = 0.74
"""Below this share of the clip's usual height somebody counts as a child. Children of eight are 1.27 m tall in the median
(WHO growth reference 2007), three quarters of an adult of 1.68 m; a small adult (1.50 m) has 0.89."""

_CHILD_STEPS: Final = 0.8
"""Share of the measurable frames in which a child has to be that small."""

_FEWEST_PEOPLE: Final = 5
"""With fewer people there is no usual height."""
_FEWEST_STEPS: Final = 8
_LEAST_SHARE: Final = 0.25
"""Frames in which somebody must be measurable: so many, and this share of their life. Whoever seldom is stands behind
something."""
_MOST_STEPS: Final = 60
"""At most so many frames of a track enter, spread over its life."""
_SEEN_SHARE: Final = 0.97
_SURE_SCORE: Final = 0.3
_SMALLEST_BOX_PX: Final = 40.0
_UPRIGHT_ASPECT: Final = 1.7
"""Boxes of people who stand or walk are at least this much higher than wide."""
_LEG_SHARE: Final = 0.33
"""From hip to ankle, of the height of the box: less where somebody sits, squats or falls."""
_WIDEST_SPREAD: Final = 0.1
"""Spread of the logarithm of adults' relative heights (robust standard deviation) above which the line says nothing:
0.1 is about twice what statures and boxes account for."""
_ADULT_SHARE: Final = 0.7
"""With fewer adults the usual height is nobody's."""

Floats = npt.NDArray[np.float64]


def children(bundle: SceneBundle) -> frozenset[int]:
    """Ids of the tracks of a child's height; empty where heights cannot be compared.

    Args:
        bundle: boxes, joints and camera are read.
    """
    measured = {
        track.track_id: steps for track in bundle.tracks if len(steps := _heights(track, bundle.camera, bundle.video))
    }
    if len(measured) < _FEWEST_PEOPLE:
        return frozenset()
    usual = _usual_heights(list(measured.values()))
    if usual is None:
        return frozenset()
    shares = zip(measured, usual, strict=True)
    return frozenset(track_id for track_id, share in shares if np.mean(share < CHILD_SHARE) >= _CHILD_STEPS)


def _heights(track: PersonTrack, camera: CameraMotion, video: VideoGeometry) -> Floats:
    """(steps, 2): row of the feet and height in reference pixels where somebody is upright and whole; none if seldom."""
    left, top, right, bottom = track.boxes_xyxy_px.astype(np.float64).T
    height = bottom - top
    leg = np.stack([_leg(track, side) for side in ("left", "right")]).max(0)
    usable = (
        track.play
        & (track.visible_fraction >= _SEEN_SHARE)
        & (track.box_scores > 0)
        & (np.minimum(left, top) > 1)
        & (right < video.width_px - 1)
        & (bottom < video.height_px - 1)
        & (height >= _SMALLEST_BOX_PX)
        & (height >= _UPRIGHT_ASPECT * (right - left))
        & (leg >= _LEG_SHARE * height)
    )
    rows = np.flatnonzero(usable)
    if len(rows) < max(_FEWEST_STEPS, _LEAST_SHARE * len(usable)):
        rows = rows[:0]
    if len(rows) > _MOST_STEPS:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST_STEPS).round().astype(int)]
    centre = (left + right) / 2
    to_reference = camera.to_reference[track.frame_indices[rows]]
    feet = _warp(to_reference, np.stack([centre, bottom], 1)[rows])
    head = _warp(to_reference, np.stack([centre, top], 1)[rows])
    return np.stack([feet[:, 1], feet[:, 1] - head[:, 1]], 1)


def _leg(track: PersonTrack, side: str) -> Floats:
    """(time,) rows from hip to ankle; minus infinity where the leg was not found or the knee is not between."""
    joints = [JOINT_INDEX[f"{side}_{name}"] for name in ("hip", "knee", "ankle")]
    hip, knee, ankle = track.joints_xy_px[:, joints, 1].astype(np.float64).T
    found = (track.joint_scores[:, joints] >= _SURE_SCORE).all(1)
    # Comparisons with NaN, where a joint is missing, are false.
    straight = found & (hip < knee) & (knee < ankle)
    return np.where(straight, ankle - hip, -np.inf)


def _warp(homographies: Floats, points: Floats) -> Floats:
    moved = np.einsum("tij,tj->ti", homographies, np.concatenate([points, np.ones((len(points), 1))], 1))
    return np.asarray(moved[:, :2] / moved[:, 2:])


def _usual_heights(measured: list[Floats]) -> list[Floats] | None:
    """For every track its heights as shares of what is usual at that row, or None where nothing is usual."""
    steps = np.concatenate(measured)
    # Everybody counts the same, however long they are seen.
    weights = np.concatenate([np.full(len(rows), 1 / len(rows)) for rows in measured])
    offset, slope = _line(steps, weights)
    if slope < 0:  # Nearer means larger; anything else is noise on people at one distance.
        offset, slope = float(np.median([np.median(rows[:, 1]) for rows in measured])), 0.0
    shares = []
    for rows in measured:
        expected = offset + slope * rows[:, 0]
        if np.any(expected < 1):
            return None
        shares.append(rows[:, 1] / expected)
    logs = np.log([np.median(share) for share in shares])
    middle = float(np.median(logs))
    adults = logs[logs - middle >= np.log(CHILD_SHARE)]
    spread = 1.4826 * float(np.median(np.abs(adults - np.median(adults))))
    if spread > _WIDEST_SPREAD or len(adults) < _ADULT_SHARE * len(logs):
        return None
    return [share / np.exp(middle) for share in shares]


def _line(steps: Floats, weights: Floats) -> tuple[float, float]:
    """Least absolute errors of height over row, by reweighted least squares; relative, so that nobody near dominates."""
    row, height = steps.T
    design = np.stack([np.ones(len(row)), row], 1)
    trust = weights / height**2
    coefficients = np.zeros(2)
    for _ in range(30):
        root = np.sqrt(trust)
        coefficients = np.linalg.lstsq(design * root[:, None], height * root, rcond=None)[0]
        error = np.abs(height - design @ coefficients) / height
        trust = weights / height**2 / np.maximum(error, 1e-3)
    return float(coefficients[0]), float(coefficients[1])
