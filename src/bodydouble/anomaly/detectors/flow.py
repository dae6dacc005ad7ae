"""The fastest motion of a frame: Farnebäck's optical flow from the frame before, no training.

Cyclists and carts are faster than walkers: on UCSD Ped2 this alone is a strong score, and a detector that does no better has
learnt little.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bodydouble.anomaly.config import FlowConfig
from bodydouble.anomaly.detectors.base import Detector, Terms


class FlowSpeed(Detector):
    """Two frames to the largest speed."""

    clip_frames = 2
    scored_frame = 1

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.patch_px = config.patch_px

    def losses(self, clip: Tensor, target: Tensor) -> dict[str, Tensor]:
        """There is nothing to learn."""
        raise TypeError("the detector flow has nothing to learn")

    def terms(self, clip: Tensor) -> Terms:
        """Mean and largest speed, in shares of the side per frame; ``frame`` and ``patch`` both hold the largest."""
        grey = ((clip.mean(2).cpu().numpy() + 1) * 127.5).round().astype(np.uint8)  # (B, 2, S, S)
        speeds = torch.tensor([self._fastest(before, after) for before, after in grey], dtype=torch.float32)
        return Terms(frame=speeds, patch=speeds, feature=None, weighted=speeds)

    def _fastest(self, before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> float:
        # Pyramid of 3 levels, windows of 15 px, 3 rounds, polynomials over 5 px: the values of OpenCV's tutorial.
        flow = cv2.calcOpticalFlowFarneback(
            before, after, np.zeros((*before.shape, 2), np.float32), 0.5, 3, 15, 3, 5, 1.2, 0
        )
        speed = cv2.blur(np.hypot(flow[..., 0], flow[..., 1]), (self.patch_px, self.patch_px))
        return float(speed.max()) / len(before)
