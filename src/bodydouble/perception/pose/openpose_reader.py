"""The ``openpose`` backend: our implementation of OpenPose on the box of each person."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import window
from bodydouble.perception.person import Joints
from bodydouble.scene import NUM_JOINTS


class BodyEstimator(Protocol):
    """What ``OpenPoseEstimator`` does."""

    def estimate(self, rgb_crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The best-scored body of a picture: (18, 3) x, y, score in its pixels, zeros for what was not found."""


class OpenPoseReader:
    """Joints as in the paper, section 3.2: each box alone, enlarged by cubic interpolation, the best body kept."""

    def __init__(self, estimator: BodyEstimator) -> None:
        self._estimator = estimator

    def joints(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> Joints:
        """See ``PoseReader``; what of a box lies beyond the frame is not looked at."""
        xy = np.zeros((len(boxes_xyxy_px), NUM_JOINTS, 2), np.float32)
        scores = np.zeros((len(boxes_xyxy_px), NUM_JOINTS), np.float32)
        for row, box in enumerate(boxes_xyxy_px):
            left, top, right, bottom = window(box, rgb.shape[1], rgb.shape[0])
            if right <= left or bottom <= top:
                continue
            body = self._estimator.estimate(np.ascontiguousarray(rgb[top:bottom, left:right]))
            xy[row] = body[:, :2] + np.array([left, top], np.float32)
            scores[row] = np.clip(body[:, 2], 0.0, 1.0)
        return Joints(xy_px=xy, scores=scores)
