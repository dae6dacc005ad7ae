"""Cutting by the distance to the colour of the plain background; needs no weights."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_BORDER_SHARE = 0.04
"""Width of the border, in shares of the shorter side, whose median colour is taken for the background's."""
_SOFTNESS = 0.5
"""Alpha rises from 0 to 1 between (1 - x) and (1 + x) times the threshold."""
_LEAST_BLOB_SHARE = 0.02
"""Pieces smaller than this share of the largest are dropped: grain of the background."""
_LARGEST_HOLE_SHARE = 0.005
"""Holes up to this share of the person are filled."""


class PlainCutter:
    """Thresholded distance in CIELAB, small holes filled, crumbs dropped."""

    def __init__(self, threshold: float) -> None:
        """Take the distance at which a pixel is half the person's."""
        self._threshold = threshold

    def cut(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `bodydouble.generation.cutting.Cutter`."""
        return np.stack([self._cut_one(picture) for picture in rgb]).astype(np.float32)

    def _cut_one(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        lab = np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
        background = np.median(_border(lab), axis=0)
        distance = np.linalg.norm(lab - background.astype(np.float32), axis=2)
        low, high = self._threshold * (1 - _SOFTNESS), self._threshold * (1 + _SOFTNESS)
        alpha = np.clip((distance - low) / (high - low), 0.0, 1.0)
        solid = _kept(alpha >= 0.5)
        # The soft edge of what is kept stays; everything farther off is background.
        near = cv2.dilate(solid.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        filled = _filled(solid)
        return np.asarray(np.where(filled & ~(alpha >= 0.5), 1.0, np.where(near, alpha, 0.0)), np.float32)


def _border(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 3) pixels of the upper, left and right border; the lower one may show ground and shadow."""
    height, width = lab.shape[:2]
    thick = max(1, round(_BORDER_SHARE * min(height, width)))
    parts = (lab[:thick], lab[:, :thick], lab[:, width - thick :])
    return np.concatenate([part.reshape(-1, 3) for part in parts])


def _kept(solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8), connectivity=8)
    if count <= 2:
        return solid
    areas = stats[1:, cv2.CC_STAT_AREA]
    keep = np.concatenate([[False], areas >= _LEAST_BLOB_SHARE * areas.max()])
    return np.asarray(keep[labels], np.bool_)


def _filled(solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With small holes filled: folds and prints in the colour of the background. Larger ones are views through an arm."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~solid).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] <= _LARGEST_HOLE_SHARE * max(int(solid.sum()), 1)
    small[0] = False
    return np.asarray(solid | small[labels], np.bool_) if count > 1 else solid
