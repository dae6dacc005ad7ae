"""Brightness of the places that doubles walk through, steady over time.

A double's box trembles by a pixel or two from frame to frame, and the plate around it with the box; taken frame by frame
its light would flicker. So the light of a frame is the mean over a stretch of time around it, of the places where the
person is then. Boxes and one plate are all it needs, so every frame can still be made alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.compositing.config import LightConfig
from bodydouble.compositing.light import LEAST_LIGHT, LUMA, SRGB_TO_LINEAR
from bodydouble.scene import PersonTrack

_CELL_PX: Final[int] = 4
_FEET_WIDTH_SHARE: Final[float] = 0.8
_FEET_HEIGHT_SHARE: Final[float] = 0.25
_MOST_STEPS: Final[int] = 40
"""Of a track, looked at for the light of one frame."""
_REACH_SIGMAS: Final[float] = 2.0


class LightMap:
    """Linear luminance of a plate, summed up so that the mean of any rectangle is four look-ups."""

    def __init__(self, plate_rgb: npt.NDArray[np.uint8]) -> None:
        height, width = plate_rgb.shape[:2]
        self._size = (max(1, -(-width // _CELL_PX)), max(1, -(-height // _CELL_PX)))
        self._scale = np.array([self._size[0] / width, self._size[1] / height] * 2)
        small = cv2.resize(plate_rgb, self._size, interpolation=cv2.INTER_AREA)
        self._sum = cv2.integral(SRGB_TO_LINEAR[small] @ LUMA, sdepth=cv2.CV_64F)

    def means(self, boxes_xyxy_px: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Mean linear luminance, (N,) 0 to 1, of rectangles (N, 4) as far as they are in the frame; NaN where not at all.

        Rectangles end anywhere between pixels, so that the mean moves as smoothly as they do.
        """
        boxes = np.clip(boxes_xyxy_px * self._scale, 0.0, [*self._size, *self._size])
        left, top, right, bottom = boxes.T
        area = (right - left) * (bottom - top)
        total = (
            self._up_to(right, bottom) - self._up_to(left, bottom) - self._up_to(right, top) + self._up_to(left, top)
        )
        return np.where(area > 1e-6, total / np.maximum(area, 1e-6), np.nan)

    def _up_to(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sum from the corner of the frame to places between cells: within a cell it grows linearly either way."""
        column, row = np.minimum(x.astype(int), self._size[0] - 1), np.minimum(y.astype(int), self._size[1] - 1)
        u, v = x - column, y - row
        upper = self._sum[row, column] * (1 - u) + self._sum[row, column + 1] * u
        lower = self._sum[row + 1, column] * (1 - u) + self._sum[row + 1, column + 1] * u
        return np.asarray(upper * (1 - v) + lower * v)


def place_brightness(
    light: LightMap, people: Sequence[tuple[PersonTrack, int]], config: LightConfig, frames_per_second: float
) -> list[float | None]:
    """Linear luminance of the plate around people, 0 to 1, over ``config.smoothing_seconds`` before and after.

    Args:
        light: of the plate.
        people: tracks and steps.
        config: settings.
        frames_per_second: of the clip.

    Returns:
        For each; None where somebody is beyond the frame all that time.
    """
    if not people:
        return []
    sigma = config.smoothing_seconds * frames_per_second
    stride = max(1, round(2 * _REACH_SIGMAS * sigma / _MOST_STEPS))
    count = math.ceil(_REACH_SIGMAS * sigma / stride)
    boxes, weights = [], []
    for track, step in people:
        # Always the same steps of the track, whichever the frame: others would bring back the flicker.
        steps = stride * (step // stride + np.arange(-count, count + 1 + (stride > 1)))
        boxes.append(track.boxes_xyxy_px[np.clip(steps, 0, len(track) - 1)].astype(np.float64))
        bell = np.exp(-0.5 * ((steps - step) / max(sigma, 1e-6)) ** 2)
        weights.append(np.where((steps >= 0) & (steps < len(track)), bell, 0.0))
    logs = _log_brightness(light, np.concatenate(boxes), config.body_share).reshape(len(people), -1)
    share = np.where(np.isnan(logs), 0.0, np.stack(weights))
    total = share.sum(axis=1)
    mean = (np.nan_to_num(logs) * share).sum(axis=1) / np.maximum(total, 1e-12)
    return [float(np.exp(m)) if t > 0.0 else None for m, t in zip(mean, total, strict=True)]


def _log_brightness(
    light: LightMap, boxes_xyxy_px: npt.NDArray[np.float64], body_share: float
) -> npt.NDArray[np.float64]:
    """Logarithm (N,) of the brightness around the feet and around the whole of people in boxes (N, 4); NaN outside."""
    left, top, right, bottom = boxes_xyxy_px.T
    tall, middle = bottom - top, 0.5 * (left + right)
    wide, reach = 0.5 * _FEET_WIDTH_SHARE * tall, 0.5 * _FEET_HEIGHT_SHARE * tall
    around_feet = np.stack([middle - wide, bottom - reach, middle + wide, bottom + reach], axis=1)
    around_body = np.stack([middle - wide, top, middle + wide, bottom], axis=1)
    means = np.log(np.maximum(light.means(np.concatenate([around_feet, around_body])), LEAST_LIGHT))
    feet, body = means.reshape(2, -1)
    both = (1.0 - body_share) * feet + body_share * body
    return np.where(np.isnan(feet), body, np.where(np.isnan(body), feet, both))
