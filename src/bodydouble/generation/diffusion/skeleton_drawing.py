"""Skeletons as the OpenPose ControlNet was trained to read them.

Colours, the order of limbs, the 0.6 of their brightness and the radius of 4 px on pictures of 512x512 are those of the
training pictures of ``control_v11p_sd15_openpose`` (Zhang et al. 2023, annotator of ControlNet 1.1). Hands and faces, which
that ControlNet can read too, are not drawn: nothing about them is in a scene bundle.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.scene.skeleton import LIMBS, NUM_JOINTS

COLOURS: Final[tuple[tuple[int, int, int], ...]] = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255),
    (255, 0, 170), (255, 0, 85),
)  # fmt: skip
"""RGB of each joint, and of each limb by its place in `LIMBS`."""

_LIMB_BRIGHTNESS: Final = 0.6
_RADIUS_AT_512: Final = 4.0
_TRAINED_SIDE_PX: Final = 512.0


def stick_radius_px(width_px: int, height_px: int) -> int:
    """Half the width of a limb, and the radius of a joint, on a canvas; 4 px on 512x512, at least 1."""
    return max(1, round(_RADIUS_AT_512 * math.sqrt(width_px * height_px) / _TRAINED_SIDE_PX))


def draw_skeleton(
    joints_px: NDArray[np.float64],
    scores: NDArray[np.float32],
    *,
    width_px: int,
    height_px: int,
    lowest_score: float,
) -> NDArray[np.uint8]:
    """Draw one skeleton on black.

    Args:
        joints_px: (18, 2) in canvas pixels, NaN where not found; may lie outside.
        scores: (18,) 0 to 1.
        width_px: of the canvas.
        height_px: of the canvas.
        lowest_score: joints below are not drawn, nor the limbs that end there.

    Returns:
        (height, width, 3) RGB.
    """
    canvas = np.zeros((height_px, width_px, 3), np.uint8)
    seen = (scores >= lowest_score) & (scores > 0) & np.isfinite(joints_px).all(axis=1)
    radius = stick_radius_px(width_px, height_px)
    # Far outside, coordinates would overflow the drawing functions' integers.
    reach = 4.0 * max(width_px, height_px)
    points = np.clip(np.where(seen[:, None], joints_px, 0.0), -reach, reach)
    for (start, end), colour in zip(LIMBS, COLOURS, strict=False):
        if seen[start] and seen[end]:
            _limb(canvas, points[start], points[end], radius, tuple(int(v * _LIMB_BRIGHTNESS) for v in colour))
    for joint in range(NUM_JOINTS):
        if seen[joint]:
            centre = (int(points[joint, 0]), int(points[joint, 1]))
            cv2.circle(canvas, centre, radius, COLOURS[joint], thickness=-1)
    return canvas


def _limb(
    canvas: NDArray[np.uint8],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    radius: int,
    colour: tuple[int, ...],
) -> None:
    """A filled ellipse from joint to joint."""
    middle = (start + end) / 2
    along = end - start
    axes = (int(np.hypot(*along) / 2), radius)
    angle = int(math.degrees(math.atan2(along[1], along[0])))
    outline = np.array(cv2.ellipse2Poly((int(middle[0]), int(middle[1])), axes, angle, 0, 360, 1), np.int32)
    cv2.fillConvexPoly(canvas, outline, colour)
