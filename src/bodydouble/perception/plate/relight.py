"""Bringing samples of the background to the light of a key: one gain and one offset per channel.

Clouds, lamps and automatic exposure change a whole picture at once. A median over samples in different light would be
noisy and would jump; samples are therefore fitted to the key's light first, robustly, since people and their shadows
are in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SPARSE: Final = 4
"""Light is compared on every fourth pixel each way."""
_FEWEST_PIXELS: Final = 48
_DARKEST, _BRIGHTEST = 4, 250
"""Clipped pixels say nothing about light."""
_ROUNDS: Final = 8
_PRIOR_LEVELS: Final = 12.0
"""The offset counts as 0 unless pixels spread over more grey levels than this say otherwise."""
_GAIN_RANGE: Final = (0.25, 4.0)
_NOTHING_LEVELS: Final = 0.75
"""A change smaller than this everywhere is rounding."""
_STEP_SHARE: Final = 0.06
_STEP_LEVELS: Final = 4.0
"""A change of the median brightness above both is a step, such as a lamp switched on."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LightFit:
    """How to bring one picture to the light of another."""

    table: NDArray[np.uint8] | None
    """(256, 3) new values; None where nothing needs to change."""
    residual_levels: float
    """Median difference that remains, grey levels: noise, or light that changed in a part of the picture only."""
    is_step: bool
    """The light differs by more than slow changes explain."""


def thumbnail(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every fourth pixel, a copy."""
    return rgb[::SPARSE, ::SPARSE].copy()


def fit_light(
    picture: NDArray[np.uint8], reference: NDArray[np.uint8], common: NDArray[np.bool_], *, is_same: bool = False
) -> LightFit:
    """Fit a picture to the light of a reference.

    Args:
        picture: (h, w, 3), thumbnails suffice.
        reference: the same size.
        common: (h, w), pixels that are free of people in both; with too few of them all are used.
        is_same: the two are one picture.
    """
    if is_same:
        return LightFit(table=None, residual_levels=0.0, is_step=False)
    chosen = common if common.sum() >= _FEWEST_PIXELS else np.ones_like(common)
    before, after = picture[chosen].astype(np.float64), reference[chosen].astype(np.float64)
    levels = np.arange(256, dtype=np.float64)
    table = np.zeros((256, 3), np.uint8)
    changed, step, rest = False, False, []
    for channel in range(3):
        x, y = before[:, channel], after[:, channel]
        gain, offset = _fit_line(x, y)
        mapped = gain * levels + offset
        low, middle, high = np.percentile(x, [5, 50, 95])
        change = np.abs((gain - 1.0) * np.array([low, middle, high]) + offset)
        changed |= bool(change.max() > _NOTHING_LEVELS)
        step |= bool(change[1] > max(_STEP_LEVELS, _STEP_SHARE * middle))
        table[:, channel] = np.clip(np.round(mapped), 0, 255)
        rest.append(float(np.median(np.abs(gain * x + offset - y))))
    return LightFit(table=table if changed else None, residual_levels=max(rest), is_step=step)


def _fit_line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Gain and offset by iteratively reweighted least squares with Tukey's weights, drawn towards a pure gain."""
    open_ = (x >= _DARKEST) & (x <= _BRIGHTEST) & (y >= _DARKEST) & (y <= _BRIGHTEST)
    if open_.sum() < _FEWEST_PIXELS:
        return 1.0, 0.0
    x, y = x[open_], y[open_]
    first = float(np.clip(np.median(y / x), *_GAIN_RANGE))
    gain, offset = first, 0.0
    for _ in range(_ROUNDS):
        rest = y - gain * x - offset
        scale = max(1.4826 * float(np.median(np.abs(rest))), 0.5)
        weight = np.clip(1.0 - (rest / (4.685 * scale)) ** 2, 0.0, None) ** 2
        total = float(weight.sum())
        if total <= 0:
            break
        mean_x, mean_y = float((weight * x).sum()) / total, float((weight * y).sum()) / total
        spread = float((weight * (x - mean_x) ** 2).sum()) / total
        joint = float((weight * (x - mean_x) * (y - mean_y)).sum()) / total
        prior = _PRIOR_LEVELS**2 / 16.0
        gain = float(np.clip((joint + prior * first) / (spread + prior), *_GAIN_RANGE))
        offset = mean_y - gain * mean_x
    return gain, offset


def apply_table(rgb: NDArray[np.uint8], table: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Colours (..., 3) in the other light; the same array where nothing changes."""
    if table is None:
        return rgb
    changed = np.empty_like(rgb)
    for channel in range(3):
        changed[..., channel] = table[:, channel][rgb[..., channel]]
    return changed
