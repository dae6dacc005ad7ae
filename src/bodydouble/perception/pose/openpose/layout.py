"""What the channels of the CMU body network mean.

Facts of the published COCO-18 model (Cao et al. 2017; CMU-Perceptual-Computing-Lab/openpose,
``src/openpose/pose/poseParameters.cpp``: part names, part pairs and map index of ``COCO``).
"""

from __future__ import annotations

from typing import Final

from bodydouble.scene import LIMBS, NUM_JOINTS

NUM_HEATMAPS: Final[int] = NUM_JOINTS + 1
"""One per joint, in the order of ``JOINT_NAMES``, and the background last."""

REDUNDANT_LIMBS: Final[tuple[tuple[int, int], ...]] = ((2, 16), (5, 17))
"""Shoulder to ear of the same side. They bridge a face that is turned away; they never start a body."""

FIELD_LIMBS: Final[tuple[tuple[int, int], ...]] = (*LIMBS, *REDUNDANT_LIMBS)
"""Pairs of joints that have a part affinity field, which points from the first joint to the second."""

FIELD_X_CHANNELS: Final[tuple[int, ...]] = (12, 20, 14, 16, 22, 24, 0, 2, 4, 6, 8, 10, 28, 30, 34, 32, 36, 18, 26)
"""Channel of the x component of each pair's field; y is the channel after it."""

NUM_FIELD_CHANNELS: Final[int] = 2 * len(FIELD_LIMBS)

STRIDE_PX: Final[int] = 8
"""Network input pixels per cell of its maps: three poolings of two."""
