"""Motion of the camera: a similarity per frame, found from sparse optical flow against an anchor frame.

Frames are compared with an anchor rather than with their predecessor, so that errors do not add up and a camera that
stands still gives exactly the identity.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_LONG_SIDE_PX: Final = 320
"""Frames are made this small before flow is measured."""
_STILL_PX: Final = 0.4
"""Motion of every corner below this, at the small size, is noise of the measurement."""
_ANCHOR_PX: Final = 40.0
"""The anchor is renewed when a corner has moved this far."""
_ANCHOR_FRAMES: Final = 60
"""... or when it is this old: light and people change."""
_MIN_POINTS: Final = 12
_MIN_INLIER_SHARE: Final = 0.4
_SHORT_EXCURSION_FRAMES: Final = 12
"""Runs of motion no longer than this that end where they began are taken for people or vehicles close to the camera."""


class CameraEstimator:
    """Fed frame by frame; holds two small grey pictures."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self._scale = min(1.0, _LONG_SIDE_PX / max(width_px, height_px))
        self._size = (max(1, round(width_px * self._scale)), max(1, round(height_px * self._scale)))
        self._corners = np.array([[0, 0], [self._size[0], 0], [0, self._size[1]], list(self._size)], np.float64)
        self._anchor: NDArray[np.uint8] | None = None
        self._points = np.zeros((0, 1, 2), np.float32)
        self._anchor_age = 0
        self._anchor_to_reference = np.eye(3)
        self._to_anchor = np.eye(3)
        self._rows: list[NDArray[np.float64]] = []

    def add(self, rgb: NDArray[np.uint8], people_xyxy_px: NDArray[np.float32]) -> None:
        """Take the next frame, (H, W, 3); points on people (N, 4) are not used."""
        full = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        grey = np.asarray(cv2.resize(full, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        if self._anchor is None:
            self._renew(grey, people_xyxy_px)
        else:
            estimate = self._estimate(grey)
            self._anchor_age += 1
            if estimate is not None:
                self._to_anchor = estimate
            moved = self._displacement(self._to_anchor)
            if estimate is None or moved > _ANCHOR_PX or self._anchor_age >= _ANCHOR_FRAMES:
                self._renew(grey, people_xyxy_px)
        self._rows.append(self._anchor_to_reference @ self._to_anchor)

    def finish(self) -> NDArray[np.float64]:
        """(frames, 3, 3): homography from each frame's pixels to those of the first frame."""
        if not self._rows:
            return np.zeros((0, 3, 3))
        small = _without_excursions(np.stack(self._rows))
        if np.all(small == np.eye(3)) or self._scale == 1:
            return small
        up = np.diag([1 / self._scale, 1 / self._scale, 1.0])
        down = np.diag([self._scale, self._scale, 1.0])
        full = up @ small @ down
        full[np.all(small == np.eye(3), axis=(1, 2))] = np.eye(3)
        return full

    def _renew(self, grey: NDArray[np.uint8], people: NDArray[np.float32]) -> None:
        self._anchor_to_reference = self._anchor_to_reference @ self._to_anchor
        self._to_anchor = np.eye(3)
        self._anchor, self._anchor_age = grey, 0
        free = np.full(grey.shape, 255, np.uint8)
        for left, top, right, bottom in np.clip(np.nan_to_num(people) * self._scale, 0, 1e5).astype(int):
            free[top : bottom + 1, left : right + 1] = 0
        found = cv2.goodFeaturesToTrack(grey, 300, 0.01, 6, mask=free) if min(grey.shape) >= 8 else None
        self._points = np.zeros((0, 1, 2), np.float32) if found is None else found.astype(np.float32)

    def _estimate(self, grey: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """Homography from this frame to the anchor at the small size; None when it cannot be told."""
        if self._anchor is None or len(self._points) < _MIN_POINTS:
            return self._to_anchor
        guess = cv2.perspectiveTransform(self._points, np.linalg.inv(self._to_anchor)).astype(np.float32)
        moved, status, _ = cv2.calcOpticalFlowPyrLK(
            self._anchor, grey, self._points, guess, winSize=(15, 15), maxLevel=3, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
        )
        good = status.ravel() == 1
        if good.sum() < _MIN_POINTS:
            return None
        matrix, inliers = cv2.estimateAffinePartial2D(
            moved[good], self._points[good], method=cv2.RANSAC, ransacReprojThreshold=1.0
        )
        if matrix is None or inliers.sum() < max(_MIN_POINTS, _MIN_INLIER_SHARE * good.sum()):
            return None
        full = np.vstack([matrix, [0.0, 0.0, 1.0]])
        return np.eye(3) if self._displacement(full) < _STILL_PX else full

    def _displacement(self, matrix: NDArray[np.float64]) -> float:
        """How far the corner that moves most is moved, in small pixels."""
        mapped = np.c_[self._corners, np.ones(4)] @ matrix.T
        return float(np.abs(mapped[:, :2] / mapped[:, 2:] - self._corners).max())


def _without_excursions(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace short runs that leave a resting position and come back to exactly the same one."""
    cleaned = rows.copy()
    position = 1
    while position < len(rows):
        if np.array_equal(rows[position], cleaned[position - 1]):
            position += 1
            continue
        resting = cleaned[position - 1]
        stop = min(position + _SHORT_EXCURSION_FRAMES, len(rows))
        back = [i for i in range(position + 1, stop + 1) if i < len(rows) and np.array_equal(rows[i], resting)]
        if back:
            cleaned[position : back[0]] = resting
            position = back[0]
        else:
            position += 1
    return cleaned
