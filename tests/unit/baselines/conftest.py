"""People made to measure: a box, a silhouette that fills it, joints where they are wanted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from bodydouble.baselines.window import Person
from bodydouble.scene import JOINT_INDEX, MaskStack, PersonTrack

FRAME_SIZE = (160, 120)
STANDING = {
    "nose": 0.08,
    "right_eye": 0.07,
    "left_eye": 0.07,
    "right_ear": 0.075,
    "left_ear": 0.075,
    "neck": 0.18,
    "right_shoulder": 0.18,
    "left_shoulder": 0.18,
    "right_hip": 0.47,
    "left_hip": 0.47,
    "right_ankle": 0.96,
    "left_ankle": 0.96,
}
"""Height below the crown of each joint of somebody who stands, as a share of their height."""


def upright(left: float, top: float, height: float) -> dict[str, tuple[float, float]]:
    """Joints of somebody 0.4 times as wide as high, who stands upright and faces the camera."""
    middle = left + 0.2 * height
    sides = {"right": -1.0, "left": 1.0}
    spread = {"eye": 0.015, "ear": 0.035, "shoulder": 0.12, "hip": 0.07, "ankle": 0.05}
    return {
        name: (
            middle + sides.get(name.split("_")[0], 0.0) * spread.get(name.split("_")[-1], 0.0) * height,
            top + share * height,
        )
        for name, share in STANDING.items()
    }


def make_person(
    box: tuple[float, float, float, float],
    joints: Mapping[str, tuple[float, float]] | None = None,
    *,
    track_id: int = 1,
    size: tuple[int, int] = FRAME_SIZE,
    filled: bool = True,
    score: float = 0.9,
) -> Person:
    """A person with one frame whose silhouette is the ellipse in the box, or nothing."""
    xy = np.full((1, 18, 2), np.nan, np.float32)
    scores = np.zeros((1, 18), np.float32)
    for name, point in (joints or {}).items():
        xy[0, JOINT_INDEX[name]], scores[0, JOINT_INDEX[name]] = point, score
    left, top = (int(np.clip(round(v), 0, limit)) for v, limit in zip(box[:2], size, strict=True))
    right, bottom = (int(np.clip(round(v), 0, limit)) for v, limit in zip(box[2:], size, strict=True))
    window = np.array([[left, top, max(left, right), max(top, bottom)]], np.int32)
    return Person(
        track=PersonTrack(
            track_id=track_id,
            frame_indices=np.zeros(1, np.int64),
            boxes_xyxy_px=np.array([box], np.float32),
            box_scores=np.ones(1, np.float32),
            joints_xy_px=xy,
            joint_scores=scores,
            joint_visibility=scores,
            silhouettes=MaskStack.pack(window, [_ellipse(box, window[0]) & filled]),
            visible_fraction=np.ones(1, np.float32),
            play=np.ones(1, bool),
        ),
        step=0,
    )


def _ellipse(box: tuple[float, float, float, float], window: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    rows, columns = np.mgrid[window[1] : window[3], window[0] : window[2]]
    half_width, half_height = (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
    across = (columns + 0.5 - (box[0] + half_width)) / half_width
    along = (rows + 0.5 - (box[1] + half_height)) / half_height
    inside: npt.NDArray[np.bool_] = across**2 + along**2 <= 1.0
    return inside


def noise(size: tuple[int, int] = FRAME_SIZE, seed: int = 0) -> npt.NDArray[np.uint8]:
    """A picture without two neighbouring pixels alike, and without black."""
    return np.random.default_rng(seed).integers(40, 256, (size[1], size[0], 3), np.uint8)
