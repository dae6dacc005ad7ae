"""The reference picture of a moving camera: large enough for all that the clip shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodydouble.scene.video import MAX_SIDE_PX

_MOST_FRAME_AREAS = 6.0
"""A canvas larger than this many frames is made smaller, at the price of sharpness."""


def fit_canvas(
    to_first: NDArray[np.float64], width_px: int, height_px: int
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Move and scale the reference so that every frame lies inside it.

    Args:
        to_first: (frames, 3, 3) homographies to the first frame.
        width_px: of a frame.
        height_px: of a frame.

    Returns:
        homographies (frames, 3, 3) to the canvas, exactly the identity for a camera that stands still, and the
        canvas's width and height.
    """
    if np.all(to_first == np.eye(3)):
        return to_first, (width_px, height_px)
    corners = np.array([[0, 0, 1], [width_px, 0, 1], [0, height_px, 1], [width_px, height_px, 1]], np.float64)
    mapped = to_first @ corners.T
    points = mapped[:, :2] / mapped[:, 2:]
    low, high = points.min(axis=(0, 2)), points.max(axis=(0, 2))
    extent = np.maximum(high - low, 1.0)
    scale = min(1.0, float(np.sqrt(_MOST_FRAME_AREAS * width_px * height_px / (extent[0] * extent[1]))))
    scale = min(scale, (MAX_SIDE_PX // 2) / float(extent.max()))
    size = (max(1, int(np.ceil(extent[0] * scale))), max(1, int(np.ceil(extent[1] * scale))))
    move = np.array([[scale, 0, -scale * low[0]], [0, scale, -scale * low[1]], [0, 0, 1.0]])
    return move @ to_first, size
