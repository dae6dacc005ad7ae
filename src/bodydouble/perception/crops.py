"""Crops of people at the size a network reads, and the way back into the frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

CROP_WIDTH_PX = 96
CROP_HEIGHT_PX = 128
CROP_MARGIN = 1.25
"""A crop is the box grown by this factor, then widened or heightened to the crop's aspect about its centre."""
_MIN_SIDE_PX = 2.0
"""Boxes thinner than this are widened, so that a crop always has an extent."""


@dataclass(frozen=True, kw_only=True)
class Crop:
    """Which upright rectangle of the frame a crop shows."""

    left_px: float
    top_px: float
    scale: float
    """Crop pixels per frame pixel."""

    def to_frame(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (..., 2) in crop pixels to frame pixels; pixel centres lie at .5 in both."""
        moved: NDArray[np.float32] = (points / self.scale + np.array([self.left_px, self.top_px])).astype(np.float32)
        return moved

    def affine(self, offset_x: float = 0.0, offset_y: float = 0.0) -> NDArray[np.float64]:
        """(2, 3) matrix for ``cv2.warpAffine`` from a picture whose corner lies at the offset in the frame.

        OpenCV puts pixel centres at whole numbers, hence the halves.
        """
        s = self.scale
        shift_x = s * (0.5 + offset_x - self.left_px) - 0.5
        shift_y = s * (0.5 + offset_y - self.top_px) - 0.5
        return np.array([[s, 0.0, shift_x], [0.0, s, shift_y]])


def crop_of(
    box_xyxy_px: NDArray[np.float32], *, width_px: int = CROP_WIDTH_PX, height_px: int = CROP_HEIGHT_PX
) -> Crop:
    """The crop of the given size that belongs to a box (4,)."""
    left, top, right, bottom = (float(v) for v in box_xyxy_px)
    width, height = max(right - left, _MIN_SIDE_PX), max(bottom - top, _MIN_SIDE_PX)
    tall = CROP_MARGIN * max(height, width * height_px / width_px)
    scale = height_px / tall
    return Crop(
        left_px=0.5 * (left + right) - 0.5 * width_px / scale,
        top_px=0.5 * (top + bottom) - 0.5 * tall,
        scale=scale,
    )


def cut(
    rgb: NDArray[np.uint8],
    crop: Crop,
    *,
    width_px: int = CROP_WIDTH_PX,
    height_px: int = CROP_HEIGHT_PX,
    black_outside: bool = False,
) -> NDArray[np.uint8]:
    """The crop's pixels, (height, width, 3).

    Args:
        rgb: (H, W, 3).
        crop: which part of it.
        width_px: of the result.
        height_px: of the result.
        black_outside: what lies beyond the frame is black; else the frame's border is repeated.
    """
    size = (width_px, height_px)
    border = cv2.BORDER_CONSTANT if black_outside else cv2.BORDER_REPLICATE
    if crop.scale < 0.6:
        # Linear interpolation skips pixels when a large person is made small; average them first.
        return _cut_averaged(rgb, crop, size, border)
    return _warp(rgb, crop.affine(), size, border)


def _warp(rgb: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int], border: int) -> NDArray[np.uint8]:
    return cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border).astype(np.uint8)


def _cut_averaged(rgb: NDArray[np.uint8], crop: Crop, size: tuple[int, int], border: int) -> NDArray[np.uint8]:
    frame_h, frame_w = rgb.shape[:2]
    left = int(np.clip(np.floor(crop.left_px) - 2, 0, frame_w - 1))
    top = int(np.clip(np.floor(crop.top_px) - 2, 0, frame_h - 1))
    right = int(np.clip(np.ceil(crop.left_px + size[0] / crop.scale) + 2, left + 1, frame_w))
    bottom = int(np.clip(np.ceil(crop.top_px + size[1] / crop.scale) + 2, top + 1, frame_h))
    region = rgb[top:bottom, left:right]
    small_w = max(1, round((right - left) * crop.scale))
    small_h = max(1, round((bottom - top) * crop.scale))
    small = cv2.resize(region, (small_w, small_h), interpolation=cv2.INTER_AREA).astype(np.uint8)
    ratio_x, ratio_y = small_w / (right - left), small_h / (bottom - top)
    s_x, s_y = crop.scale / ratio_x, crop.scale / ratio_y
    matrix = np.array(
        [
            [s_x, 0.0, 0.5 * s_x + crop.scale * (left - crop.left_px) - 0.5],
            [0.0, s_y, 0.5 * s_y + crop.scale * (top - crop.top_px) - 0.5],
        ]
    )
    return _warp(small, matrix, size, border)


def paste(values: NDArray[np.float32], crop: Crop, window_xyxy_px: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """A map over the crop (rows, columns) at the pixels of a window of the frame; 0 outside the crop. May be empty."""
    left, top, right, bottom = window_xyxy_px
    if right <= left or bottom <= top or values.size == 0:
        return np.zeros((max(bottom - top, 0), max(right - left, 0)), np.float32)
    return cv2.warpAffine(
        values,
        crop.affine(left, top),
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0.0,
    ).astype(np.float32)
