"""What a person carries, told apart from the body; used where it is to be kept as filmed.

No network here knows bags, so this goes by what is certain to be no body: it moves with the person and touches them, yet
it lies clear of every pixel that the person's network gives the least chance, and of the limbs. A person whose limbs are
not known keeps nothing. What is held before the body goes with it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.silhouette.outline import Outline
from bodydouble.scene import LIMBS
from bodydouble.scene.skeleton import BODY_JOINTS

_LEAST_CHANCE: Final = 0.04
"""Probability from which a pixel may be the person's."""
_SURE: Final = 0.5
_LEAST_FILL: Final = 0.2
"""Share of the box that must surely be the person's; otherwise the network has not seen the body."""
_MARGIN_HEIGHTS: Final = 0.05
"""Nothing is kept nearer to such pixels than this."""
_LIMB_HEIGHTS: Final = 0.14
"""Thickness around limbs in which nothing is kept; a sleeve is half as thick."""
_KNOWN_SCORE: Final = 0.15
_FEWEST_JOINTS: Final = 10
"""Body joints that must be known, of 14."""
_LEAST_AREA: Final = 0.01
"""Over the square of the height: anything smaller may be a hand or a foot."""


def body_zone(
    own: NDArray[np.float32],
    place: tuple[int, int, int, int],
    box: NDArray[np.float32],
    joints_xy_px: NDArray[np.float32],
    joint_scores: NDArray[np.float32],
) -> NDArray[np.bool_] | None:
    """Where a body may be, generously, (height, width) of a window; None where the limbs are not known.

    Args:
        own: (height, width) probability that a pixel is the person's.
        place: the window in the frame.
        box: (4,) the person's, in the frame.
        joints_xy_px: (18, 2) in the frame.
        joint_scores: (18,).
    """
    known = (joint_scores >= _KNOWN_SCORE) & np.isfinite(joints_xy_px).all(axis=1)
    if int(known[list(BODY_JOINTS)].sum()) < _FEWEST_JOINTS:
        return None
    tall = float(box[3] - box[1])
    if float((own >= _SURE).sum()) < _LEAST_FILL * tall * float(box[2] - box[0]):
        return None
    radius = max(2, round(_MARGIN_HEIGHTS * tall))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    zone = cv2.dilate((own >= _LEAST_CHANCE).astype(np.uint8), kernel)
    points = np.where(known[:, None], np.nan_to_num(joints_xy_px) - np.array(place[:2], np.float32), 0.0)
    points = np.clip(points, -16000, 16000).astype(np.int32)
    thickness = max(3, round(_LIMB_HEIGHTS * tall))
    for start, end in LIMBS:
        if known[start] and known[end]:
            cv2.line(zone, points[start].tolist(), points[end].tolist(), 1, thickness)
    return np.asarray(zone > 0)


def without_belongings(outline: Outline, body: NDArray[np.bool_] | None, moving: NDArray[np.bool_]) -> Outline:
    """The outline with what is clear of the body taken out of it and marked as kept.

    Args:
        outline: of the person with all they carry.
        body: (height, width) of its window: where the body may be; None keeps nothing.
        moving: (height, width): differs from the plate, and is nobody else's.
    """
    if body is None:
        return outline
    # Opened, so that a thin rim of the body that sticks out of the zone is not taken for a thing.
    loose = cv2.morphologyEx(
        (outline.mask & moving & ~body).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)
    )
    count, labels, stats, _ = cv2.connectedComponentsWithStats(loose, connectivity=4)
    rows = np.flatnonzero(body.any(axis=1))
    tall = float(rows[-1] - rows[0] + 1) if len(rows) else 0.0
    large = stats[:, cv2.CC_STAT_AREA] >= max(9.0, _LEAST_AREA * tall**2)
    large[0] = False
    kept = np.asarray(large[labels]) if count > 1 else np.zeros_like(body)
    return replace(outline, mask=outline.mask & ~kept, kept=kept) if kept.any() else outline
