"""COCO's 17 keypoints to OpenPose's 18 joints."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.scene import NUM_JOINTS

NUM_KEYPOINTS: Final = 17
_LEFT_SHOULDER, _RIGHT_SHOULDER = 5, 6
_NECK: Final = 1
_FROM_COCO: Final = {
    0: 0, 2: 6, 3: 8, 4: 10, 5: 5, 6: 7, 7: 9, 8: 12, 9: 14, 10: 16, 11: 11, 12: 13, 13: 15, 14: 2, 15: 1, 16: 4, 17: 3,
}  # fmt: skip
"""OpenPose's joint: COCO's keypoint (nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles; left first)."""


def openpose_from_coco(
    xy_px: NDArray[np.float32], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """COCO-17 to OpenPose-18.

    Every joint but one is a keypoint of COCO. The neck is not: it is the midpoint of the shoulders, with the lower of
    their two scores. Scores are clipped to 0 to 1 (SimCC's can pass 1), those that are no number become 0.

    Args:
        xy_px: (N, 17, 2).
        scores: (N, 17).

    Returns:
        (N, 18, 2) and (N, 18).
    """
    joints = np.zeros((len(xy_px), NUM_JOINTS, 2), np.float32)
    levels = np.zeros((len(xy_px), NUM_JOINTS), np.float32)
    own, theirs = list(_FROM_COCO), list(_FROM_COCO.values())
    joints[:, own], levels[:, own] = xy_px[:, theirs], scores[:, theirs]
    joints[:, _NECK] = 0.5 * (xy_px[:, _LEFT_SHOULDER] + xy_px[:, _RIGHT_SHOULDER])
    levels[:, _NECK] = np.minimum(scores[:, _LEFT_SHOULDER], scores[:, _RIGHT_SHOULDER])
    return joints, np.clip(np.nan_to_num(levels, nan=0.0), 0.0, 1.0)
