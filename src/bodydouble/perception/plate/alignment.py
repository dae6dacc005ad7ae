"""Bringing one frame of a moving camera onto another, part by part."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.plate.relight import SPARSE, apply_table, fit_light

_FLOW_SIDE_PX: Final = 360
"""Flow is measured at this length of the longer side at most."""
_MOST_SHIFT: Final = 0.04
"""Longest rest that is believed, as a share of the longer side."""
_CONSISTENT_PX: Final = 1.0
"""Forward and backward flow may differ by this much, at the size at which flow is measured."""
_SMOOTH_PX: Final = 2.0
_LEAST_OVERLAP: Final = 0.15
"""Frames that share less of their view are not compared."""
_WRONG_LEVELS: Final = 30.0
"""A pixel that differs by more after everything, from a free pixel of the key, is aligned wrongly."""


class Aligner:
    """Aligns frames to one key frame."""

    def __init__(self, rgb: NDArray[np.uint8], free: NDArray[np.bool_]) -> None:
        """Take the key frame.

        Args:
            rgb: (H, W, 3).
            free: (H, W), where nobody is.
        """
        self._rgb, self._free = rgb, free
        height, width = free.shape
        self._scale = min(1.0, _FLOW_SIDE_PX / max(height, width))
        self._small = (max(1, round(width * self._scale)), max(1, round(height * self._scale)))
        self._grey = self._reduced(rgb)
        self._flow = None
        if min(self._small) >= 16:
            self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def align(
        self, rgb: NDArray[np.uint8], free: NDArray[np.bool_], to_key: NDArray[np.float64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
        """A frame as the key's camera would have seen it.

        Args:
            rgb: (H, W, 3).
            free: (H, W), where nobody is.
            to_key: (3, 3) homography from its pixels to the key's, as far as the camera's motion tells.

        Returns:
            colours in the key's light (H, W, 3) and where they are free and inside the frame (H, W); None where the two
            share too little.
        """
        first, inside = warped_by(rgb, free, to_key)
        common = inside & self._free
        if inside.mean() < _LEAST_OVERLAP:
            return None
        shift = self._rest(first, common)
        if shift is None:
            aligned, open_ = first, inside
        else:
            aligned, open_ = _resampled(rgb, free, to_key, shift)
        light = fit_light(
            aligned[::SPARSE, ::SPARSE], self._rgb[::SPARSE, ::SPARSE], (open_ & self._free)[::SPARSE, ::SPARSE]
        )
        aligned = apply_table(aligned, light.table)
        gap = np.abs(aligned.astype(np.int16) - self._rgb.astype(np.int16)).max(axis=2)
        # Where the key is free it tells itself what is right; behind people nobody can.
        return aligned, open_ & ~(self._free & (gap > _WRONG_LEVELS))

    def _reduced(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        small = cv2.resize(rgb, self._small, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)

    def _rest(self, warped: NDArray[np.uint8], common: NDArray[np.bool_]) -> NDArray[np.float32] | None:
        """(H, W, 2): where in the warped frame each pixel of the key lies, relative to itself; None for nowhere else."""
        if self._flow is None:
            return None
        grey = self._reduced(warped)
        blank = np.zeros((*grey.shape, 2), np.float32)
        forward = np.asarray(self._flow.calc(self._grey, grey, blank.copy()), np.float32)
        backward = np.asarray(self._flow.calc(grey, self._grey, blank), np.float32)
        rows, columns = np.indices(grey.shape, np.float32)
        back = cv2.remap(backward, columns + forward[..., 0], rows + forward[..., 1], cv2.INTER_LINEAR)
        agree = np.abs(forward + back).max(axis=2) < _CONSISTENT_PX
        limit = _MOST_SHIFT * max(grey.shape)
        open_ = cv2.resize(common.astype(np.float32), self._small, interpolation=cv2.INTER_AREA) > 0.99
        sure = agree & open_ & (np.abs(forward).max(axis=2) < limit)
        if sure.mean() < 0.05:
            return None
        smooth = _continued(forward, sure)
        height, width = self._free.shape
        large = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(large / np.float32(self._scale), np.float32)


def warped_by(
    rgb: NDArray[np.uint8], free: NDArray[np.bool_], matrix: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A picture (H, W, 3) and its mask (H, W) moved by a homography; what lies outside the picture is not free."""
    height, width = free.shape
    moved = cv2.warpPerspective(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8), warped_mask(free, matrix)


def warped_mask(free: NDArray[np.bool_], matrix: NDArray[np.float64]) -> NDArray[np.bool_]:
    """A mask (H, W) moved by a homography; only what mixes free pixels alone is free."""
    height, width = free.shape
    open_ = cv2.warpPerspective(free.astype(np.uint8) * np.uint8(255), matrix, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(open_ == 255)


def _resampled(
    rgb: NDArray[np.uint8], free: NDArray[np.bool_], to_key: NDArray[np.float64], shift: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Moved by homography and flow at once, so that pixels are interpolated a single time."""
    height, width = free.shape
    rows, columns = np.indices((height, width), np.float64)
    x, y = columns + shift[..., 0], rows + shift[..., 1]
    m = np.linalg.inv(to_key)
    depth = m[2, 0] * x + m[2, 1] * y + m[2, 2]
    map_x = ((m[0, 0] * x + m[0, 1] * y + m[0, 2]) / depth).astype(np.float32)
    map_y = ((m[1, 0] * x + m[1, 1] * y + m[1, 2]) / depth).astype(np.float32)
    moved = cv2.remap(rgb, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    open_ = cv2.remap(free.astype(np.uint8) * np.uint8(255), map_x, map_y, cv2.INTER_LINEAR)
    return np.asarray(moved, np.uint8), np.asarray(open_ == 255)


def _continued(flow: NDArray[np.float32], sure: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Flow (h, w, 2) smoothed, and continued from where it is sure: normalized convolution from fine to coarse."""
    weight = sure.astype(np.float32)
    result = np.zeros_like(flow)
    missing = np.ones(sure.shape, bool)
    sigma = _SMOOTH_PX
    while missing.any():
        total = cv2.GaussianBlur(weight, (0, 0), sigma)
        enough = missing & (total > 0.05)
        if enough.any():
            sums = np.dstack([cv2.GaussianBlur(flow[..., axis] * weight, (0, 0), sigma) for axis in range(2)])
            result[enough] = (sums / np.maximum(total, 1e-6)[..., None])[enough]
            missing &= ~enough
        if sigma > max(sure.shape):
            result[missing] = np.median(flow[sure], axis=0)
            break
        sigma *= 2
    return result
