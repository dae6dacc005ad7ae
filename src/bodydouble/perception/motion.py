"""Motion against the plate: which pixels differ from the clean background, whatever the light does meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import MotionConfig
from bodydouble.perception.geometry import window

_SPARSE: Final = 4
"""Light and noise are measured on every fourth pixel each way."""
_NOISE_FACTOR: Final = 5.0
_HIGHEST_THRESHOLD: Final = 60.0
_GAIN_RANGE: Final = (0.6, 1.6)
_DARKEST: Final = 12
"""Plate pixels darker than this say nothing about gain."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Foreground:
    """What moves in one frame."""

    mask: NDArray[np.bool_]
    """(H, W): differs from the plate. Where the plate is guessed this may be wrong."""
    shadow: NDArray[np.bool_]
    """(H, W): differs like a shadow does, darker by one factor in all channels; part of ``mask``."""
    share: float
    """Share of the frame that differs, 0 to 1."""


def measure(
    rgb: NDArray[np.uint8],
    plate: NDArray[np.uint8],
    people_xyxy_px: NDArray[np.float32],
    config: MotionConfig,
    *,
    is_gray: bool,
) -> Foreground | None:
    """Compare a frame with its plate.

    Args:
        rgb: (H, W, 3).
        plate: (H, W, 3).
        people_xyxy_px: boxes (N, 4) not used to measure light and noise.
        config: thresholds.
        is_gray: the three channels are equal, so shadows cannot be told by colour.

    Returns:
        None where nothing can be said: more than ``max_frame_share`` of the frame differs (light switch, jolt).
    """
    height, width = rgb.shape[:2]
    background = np.ones((height, width), bool)
    for box in people_xyxy_px:
        left, top, right, bottom = window(box, width, height)
        background[top:bottom, left:right] = False
    sparse = background[::_SPARSE, ::_SPARSE]
    if sparse.sum() < 16:
        sparse = np.ones_like(sparse)
    lit = _relit(plate, rgb, sparse)
    difference = cv2.absdiff(rgb, lit)
    largest = cv2.max(cv2.max(difference[..., 0], difference[..., 1]), difference[..., 2])
    noise = 1.4826 * float(np.median(largest[::_SPARSE, ::_SPARSE][sparse]))
    threshold = min(max(float(config.threshold), _NOISE_FACTOR * noise), _HIGHEST_THRESHOLD)
    mask = np.asarray(largest > threshold)
    share = float(mask.mean())
    if share > config.max_frame_share:
        return None
    shadow = np.zeros_like(mask) if is_gray else _shadow(rgb, lit, mask)
    return Foreground(mask=mask, shadow=shadow, share=share)


def _relit(plate: NDArray[np.uint8], rgb: NDArray[np.uint8], sparse: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The plate in the frame's light: one gain per channel, the median ratio over the background."""
    table = np.zeros((1, 256, 3), np.uint8)
    for channel in range(3):
        before = plate[::_SPARSE, ::_SPARSE, channel][sparse].astype(np.float64)
        after = rgb[::_SPARSE, ::_SPARSE, channel][sparse].astype(np.float64)
        usable = before >= _DARKEST
        gain = float(np.median(after[usable] / before[usable])) if usable.sum() >= 16 else 1.0
        # A gain this close to 1 is rounding, and would only add rounding of its own.
        gain = 1.0 if abs(gain - 1) < 0.004 else float(np.clip(gain, *_GAIN_RANGE))
        table[0, :, channel] = np.clip(np.round(np.arange(256) * gain), 0, 255)
    return cv2.LUT(plate, table).astype(np.uint8)


def _shadow(rgb: NDArray[np.uint8], plate: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels darkened by one factor in all channels (Horprasert et al. 1999: brightness and chromaticity distortion)."""
    shadow = np.zeros_like(mask)
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return shadow
    now = rgb[rows, columns].astype(np.float32)
    before = np.maximum(plate[rows, columns].astype(np.float32), 1.0)
    factor = (now * before).sum(axis=1) / (before * before).sum(axis=1)
    off_colour = np.abs(now - factor[:, None] * before).max(axis=1)
    shadow[rows, columns] = (factor > 0.4) & (factor < 0.97) & (off_colour < 8.0)
    return shadow
