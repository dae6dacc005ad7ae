"""The 18-joint OpenPose body: names, limbs, mirror order."""

from __future__ import annotations

from typing import Final

JOINT_NAMES: Final[tuple[str, ...]] = (
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
)
"""Order of the COCO-18 layout of OpenPose (Cao et al. 2017). Left and right are the person's own."""

NUM_JOINTS: Final[int] = len(JOINT_NAMES)

JOINT_INDEX: Final[dict[str, int]] = {name: index for index, name in enumerate(JOINT_NAMES)}

LIMBS: Final[tuple[tuple[int, int], ...]] = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10),
    (1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""Pairs of joints joined by a limb, in OpenPose's drawing order."""

MIRRORED: Final[tuple[int, ...]] = (0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16)
"""Index of the joint that takes each joint's place when the picture is mirrored."""

BODY_JOINTS: Final[tuple[int, ...]] = tuple(range(14))
"""Joints without eyes and ears; the ones that scores and the sequence filter are taken over."""
