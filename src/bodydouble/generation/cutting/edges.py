"""Softer edges of what a cutter found."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.cutting.base import Cutter


class SoftEdges:
    """A cutter whose edges are blurred inwards: what it called background stays background.

    The authors blur outwards as well, which brings the plain background of the generated picture into the frame as a
    halo; their paper shows it (section 6.3).
    """

    def __init__(self, cutter: Cutter, sigma_share: float) -> None:
        """Take a cutter and the blur's standard deviation, in shares of the canvas's height."""
        self._cutter = cutter
        self._sigma_share = sigma_share

    def cut(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `bodydouble.generation.cutting.Cutter`."""
        alphas = self._cutter.cut(rgb)
        sigma = self._sigma_share * rgb.shape[1]
        if sigma <= 0 or not np.isfinite(alphas).all():
            return alphas
        return np.stack([soften(alpha, sigma) for alpha in alphas]) if len(alphas) else alphas


def soften(alpha: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Blur the edge of an alpha (height, width) without letting anything grow.

    The blurred picture is 0.5 on the old edge; it is stretched so that it is 0 there and 1 where blur no longer reaches.
    """
    blurred = cv2.GaussianBlur(alpha, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.minimum(alpha, np.clip(2.0 * blurred - 1.0, 0.0, 1.0)), np.float32)
