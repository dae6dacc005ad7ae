"""A frame made to fit the input of a network that wants a certain size: resized in proportion, the rest filled grey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

GREY: Final = 114
"""Value of the filling in the training of the YOLO family (YOLOX and ultralytics alike)."""


@dataclass(frozen=True, kw_only=True)
class Letterbox:
    """Where a frame lies in a network's input."""

    width_px: int
    """Of the whole input."""
    height_px: int
    left_px: int
    """Of the frame in it."""
    top_px: int
    shown_width_px: int
    """Of the frame in it."""
    shown_height_px: int
    frame_width_px: int
    frame_height_px: int

    @classmethod
    def fit(
        cls, frame_width_px: int, frame_height_px: int, width_px: int, height_px: int, *, centred: bool
    ) -> Letterbox:
        """The largest place for a frame in an input, in its middle or at its top left corner."""
        scale = min(width_px / frame_width_px, height_px / frame_height_px)
        shown_w = min(width_px, max(1, round(frame_width_px * scale)))
        shown_h = min(height_px, max(1, round(frame_height_px * scale)))
        return cls(
            width_px=width_px,
            height_px=height_px,
            left_px=(width_px - shown_w) // 2 if centred else 0,
            top_px=(height_px - shown_h) // 2 if centred else 0,
            shown_width_px=shown_w,
            shown_height_px=shown_h,
            frame_width_px=frame_width_px,
            frame_height_px=frame_height_px,
        )

    def draw(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The input, (height, width, 3), of a frame (H, W, 3); channels keep their order."""
        picture = np.full((self.height_px, self.width_px, 3), GREY, np.uint8)
        size = (self.shown_width_px, self.shown_height_px)
        bottom, right = self.top_px + self.shown_height_px, self.left_px + self.shown_width_px
        # Without smoothing before it gets smaller, as in the training of these networks.
        picture[self.top_px : bottom, self.left_px : right] = cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR)
        return picture

    def to_frame(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 4) boxes in pixels of the input, in pixels of the frame."""
        factors = (self.frame_width_px / self.shown_width_px, self.frame_height_px / self.shown_height_px)
        moved: NDArray[np.float32] = (boxes - np.array([self.left_px, self.top_px] * 2, np.float32)) * np.array(
            factors * 2, np.float32
        )
        return moved
