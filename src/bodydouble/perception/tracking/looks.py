"""What people look like, told apart by the colours of their upper and lower halves.

The numbers serve to keep identities through crossings. They stay inside perception: no bundle and no file holds them.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import FloatArray, window

_LEVELS: Final = (10, 8, 8)
"""Bins of lightness and of the two colour axes."""
_COLOUR_REACH: Final = 40.0
"""Colour axes are divided within this distance from grey, in CIELAB units; few clothes are farther out."""
_BANDS: Final = ((0.08, 0.30), (0.25, 0.55), (0.55, 0.90))
"""Rows of head and shoulders, of the trunk and of the legs, as shares of the height."""
_HALF_WIDTH: Final = 0.36
"""Columns this far from the middle, as a share of the width, are looked at: the rest is mostly background."""
_PATCH_PX: Final = (24, 48)
"""Width and height to which a person is resized first; the cost is then the same for everybody."""
_LEAST_MOVING_SHARE: Final = 0.15
"""With less motion than this in a band, motion does not tell person from background there."""

NUM_LOOKS: Final = len(_BANDS) * sum(_LEVELS)
"""Length of one look."""


def looks_of(
    rgb: NDArray[np.uint8], boxes_xyxy_px: FloatArray, moving: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """One look per box: square roots of histograms, so that the dot product of two is their Bhattacharyya coefficient.

    Args:
        rgb: (H, W, 3).
        boxes_xyxy_px: (N, 4), N may be 0.
        moving: (H, W) differs from the plate, None where unknown; what does not move is left out where enough does.

    Returns:
        (N, NUM_LOOKS), of length 1; NaN for boxes of which nothing is in the frame.
    """
    height, width = rgb.shape[:2]
    looks = np.full((len(boxes_xyxy_px), NUM_LOOKS), np.nan, np.float32)
    rows: list[int] = []
    patches, weights, heights = [], [], []
    for row, box in enumerate(boxes_xyxy_px):
        left, top, right, bottom = window(box, width, height)
        if right - left < 2 or bottom - top < 4:
            continue
        rows.append(row)
        patches.append(cv2.resize(rgb[top:bottom, left:right], _PATCH_PX, interpolation=cv2.INTER_AREA))
        # A box cut by the border shows a part of the person only; bands are parts of the whole.
        y = (top + (np.arange(_PATCH_PX[1]) + 0.5) / _PATCH_PX[1] * (bottom - top) - box[1]) / (box[3] - box[1])
        x = (left + (np.arange(_PATCH_PX[0]) + 0.5) / _PATCH_PX[0] * (right - left) - box[0]) / (box[2] - box[0])
        central = np.clip(1 - np.abs(x - 0.5) / _HALF_WIDTH, 0, 1)[None].repeat(_PATCH_PX[1], axis=0)
        heights.append(y)
        weights.append(central)
        if moving is not None:
            local = cv2.resize(
                moving[top:bottom, left:right].astype(np.float32), _PATCH_PX, interpolation=cv2.INTER_AREA
            )
            weights[-1] = _on_the_move(central, np.asarray(local, np.float64), y)
    if rows:
        looks[rows] = _histograms(np.stack(patches).astype(np.uint8), np.stack(weights), np.stack(heights))
    return looks


def _on_the_move(
    central: NDArray[np.float64], moving: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights of pixels that move, in each band where enough does."""
    weight = central.copy()
    for low, high in _BANDS:
        band = (y >= low) & (y < high)
        kept = central[band] * moving[band]
        if kept.sum() >= _LEAST_MOVING_SHARE * central[band].sum():
            weight[band] = kept
    return weight


def _histograms(
    patches: NDArray[np.uint8], weights: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(N, NUM_LOOKS) from patches (N, h, w, 3), weights (N, h, w) and the rows' places in the whole person (N, h)."""
    count, tall, wide = weights.shape
    flat = np.ascontiguousarray(patches.reshape(count * tall, wide, 3))
    lab = cv2.cvtColor(flat.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB).reshape(count, tall, wide, 3)
    scaled = (lab[..., 0] / 100.0, *(0.5 + 0.5 * lab[..., k] / _COLOUR_REACH for k in (1, 2)))
    parts = []
    for low, high in _BANDS:
        share = weights * ((y >= low) & (y < high))[..., None]
        for values, bins in zip(scaled, _LEVELS, strict=True):
            parts.append(_shares(np.asarray(values, np.float32).reshape(count, -1), share.reshape(count, -1), bins))
    joined = np.sqrt(np.concatenate(parts, axis=1))
    length = np.linalg.norm(joined, axis=1, keepdims=True)
    return np.where(length > 0, joined / np.maximum(length, 1e-12), np.nan).astype(np.float32)


def _shares(values: NDArray[np.float32], weights: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """(N, bins): each value counts in its two nearest bins, so that small changes of light change little."""
    count = len(values)
    place = np.clip(values, 0, 1) * (bins - 1)
    low = np.minimum(place.astype(np.int64), bins - 2)
    upper = place - low
    index = (low + bins * np.arange(count)[:, None]).ravel()
    counts = np.bincount(index, weights=(weights * (1 - upper)).ravel(), minlength=count * bins)
    counts += np.bincount(index + 1, weights=(weights * upper).ravel(), minlength=count * bins)
    table = counts.reshape(count, bins)
    share: NDArray[np.float64] = table / np.maximum(table.sum(axis=1, keepdims=True), 1e-12)
    return share
