"""Heat maps and part affinity fields as the network is trained towards them, for people whose joints are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bodydouble.perception.pose.openpose.layout import (
    FIELD_LIMBS,
    FIELD_X_CHANNELS,
    NUM_FIELD_CHANNELS,
    NUM_HEATMAPS,
)
from bodydouble.scene import JOINT_INDEX, NUM_JOINTS

Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

# A standing person, one high, seen from the front: x from the middle, y from the crown.
_STANDING = {
    "nose": (0.0, 0.09),
    "neck": (0.0, 0.19),
    "right_shoulder": (-0.11, 0.20),
    "right_elbow": (-0.15, 0.36),
    "right_wrist": (-0.17, 0.51),
    "left_shoulder": (0.11, 0.20),
    "left_elbow": (0.16, 0.37),
    "left_wrist": (0.19, 0.52),
    "right_hip": (-0.07, 0.53),
    "right_knee": (-0.08, 0.74),
    "right_ankle": (-0.09, 0.95),
    "left_hip": (0.07, 0.53),
    "left_knee": (0.09, 0.74),
    "left_ankle": (0.10, 0.95),
    "right_eye": (-0.025, 0.065),
    "left_eye": (0.025, 0.065),
    "right_ear": (-0.055, 0.075),
    "left_ear": (0.055, 0.075),
}


def standing(x: float, top: float, height: float) -> Points:
    """(18, 2) joints of a person whose middle is at ``x``."""
    shape = np.zeros((NUM_JOINTS, 2))
    for name, place in _STANDING.items():
        shape[JOINT_INDEX[name]] = place
    return shape * height + (x, top)


def without(person: Points, *names: str) -> Points:
    """The person with joints that cannot be seen."""
    person = person.copy()
    for name in names:
        person[JOINT_INDEX[name]] = np.nan
    return person


def only(person: Points, *names: str) -> Points:
    return without(person, *(name for name in JOINT_INDEX if name not in names))


def render(
    people: list[Points],
    rows: int,
    columns: int,
    *,
    sigma: float = 3.0,
    limb_width: float = 2.5,
    heights: list[float] | None = None,
) -> tuple[Floats, Floats]:
    """Maps (19, rows, columns) and fields (38, rows, columns): Cao et al. 2017, equations 6 to 9.

    The confidence of a joint is the largest over people of a Gaussian; a field is the mean over people of unit
    vectors along the limb, on points within ``limb_width`` of it. ``heights`` scales each person's confidences.
    """
    y, x = np.arange(rows, dtype=np.float64)[:, None], np.arange(columns, dtype=np.float64)[None, :]
    heatmaps = np.zeros((NUM_HEATMAPS, rows, columns))
    for person, height in zip(people, heights or [1.0] * len(people), strict=True):
        for joint, (px, py) in enumerate(person):
            if np.isfinite(px):
                bump = height * np.exp(-((x - px) ** 2) / (2 * sigma**2)) * np.exp(-((y - py) ** 2) / (2 * sigma**2))
                heatmaps[joint] = np.maximum(heatmaps[joint], bump)
    heatmaps[-1] = 1 - heatmaps[:-1].max(axis=0)
    fields = np.zeros((NUM_FIELD_CHANNELS, rows, columns))
    for (start, end), channel in zip(FIELD_LIMBS, FIELD_X_CHANNELS, strict=True):
        count = np.zeros((rows, columns))
        for person in people:
            step = person[end] - person[start]
            length = np.linalg.norm(step)
            if not length > 0:
                continue
            unit = step / length
            along = (x - person[start, 0]) * unit[0] + (y - person[start, 1]) * unit[1]
            across = np.abs((x - person[start, 0]) * unit[1] - (y - person[start, 1]) * unit[0])
            on_limb = (along >= -1) & (along <= length + 1) & (across <= limb_width)
            fields[channel : channel + 2] += on_limb * unit[:, None, None]
            count += on_limb
        fields[channel : channel + 2] /= np.maximum(count, 1)
    return heatmaps.astype(np.float32), fields.astype(np.float32)
