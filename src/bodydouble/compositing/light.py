"""Light of a double's place, measured on the plate, as one curve per channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.compositing.config import LightConfig

_MID_GREY: Final[float] = 0.18
"""Linear reflectance that an exposure is made for."""
LUMA: Final[npt.NDArray[np.float32]] = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""ITU-R BT.709, linear light."""
LEAST_LIGHT: Final[float] = 1e-3
"""Darker places are taken to have this linear luminance."""
_MEASURE_STEP_PX: Final[int] = 4
_DARKEST_BLACK: Final[float] = 64.0
"""A plate without any black (fog, snow) still has people with dark clothes: black is not lifted above this."""
_DIMMEST_WHITE: Final[float] = 170.0
_CLOTH_BLACK_SHARE: Final[float] = 0.6
"""Dark clothes, upright and turned from the sky, are darker than the darkest of a plate: on recorded clips the darkest
hundredth of people lies at this share of the plate's darkest value (benchmarks/README.md, "Tones")."""
_DARKEST_FOR_GAIN: Final[int] = 24
"""Darker pixels of the plate say little about how much brighter the frame is."""
_FEWEST_FOR_GAIN: Final[int] = 32
_GAIN_RANGE: Final[tuple[float, float]] = (0.5, 2.0)
_TOE_END: Final[float] = 110.0
"""sRGB value below which cameras steepen their curve; about mid grey (118)."""


def _srgb_to_linear() -> npt.NDArray[np.float32]:
    # IEC 61966-2-1.
    code = np.arange(256, dtype=np.float64) / 255.0
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)


SRGB_TO_LINEAR: Final[npt.NDArray[np.float32]] = _srgb_to_linear()
"""(256,): linear light, 0 to 1, of sRGB values."""


def _linear_to_code(linear: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    light = np.clip(linear, 0.0, 1.0)
    code = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1.0 / 2.4) - 0.055)
    return (code * 255.0).astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class PlateLight:
    """Light of a clip as its first plate shows it."""

    mean_linear_rgb: npt.NDArray[np.float32]
    """(3,): mean linear light."""
    black_code: float
    """Darkest sRGB value of the footage, 0 to 64."""
    white_code: float
    """Brightest sRGB value of the footage, 170 to 255."""


def measure_plate_light(plate_rgb: npt.NDArray[np.uint8]) -> PlateLight:
    """Measure a whole plate, (height, width, 3)."""
    thin = plate_rgb[::_MEASURE_STEP_PX, ::_MEASURE_STEP_PX].reshape(-1, 3)
    darkest, brightest = thin.min(axis=1), thin.max(axis=1)
    return PlateLight(
        mean_linear_rgb=SRGB_TO_LINEAR[thin].mean(axis=0),
        black_code=float(min(np.quantile(darkest, 0.002), _DARKEST_BLACK)),
        white_code=float(max(np.quantile(brightest, 0.998), _DIMMEST_WHITE)),
    )


def _bounded(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def light_curve(clip: PlateLight, local: float | None, config: LightConfig) -> npt.NDArray[np.uint8]:
    """Curve that puts a neutrally lit double into the footage's light: gains on linear light for exposure, place and tint.

    Args:
        clip: light of the whole plate.
        local: linear luminance of the double's place, None where it is not in the frame.
        config: strengths and limits.

    Returns:
        (256, 3) table from the double's sRGB values to those of its place, before a camera's tones.
    """
    luminance = max(float(clip.mean_linear_rgb @ LUMA), LEAST_LIGHT)
    gain = (luminance / _MID_GREY) ** config.exposure_strength
    if local is not None:
        gain *= (max(local, LEAST_LIGHT) / luminance) ** config.local_strength
    gain = _bounded(gain, config.min_gain, config.max_gain)
    tint = (np.maximum(clip.mean_linear_rgb, LEAST_LIGHT) / luminance) ** config.white_balance_strength
    code = _linear_to_code(SRGB_TO_LINEAR[:, None] * (gain * tint).astype(np.float32)[None, :])
    return np.asarray(np.rint(code), dtype=np.uint8)


def develop(
    rgb: npt.NDArray[np.uint8],
    curve: npt.NDArray[np.uint8],
    clip: PlateLight,
    config: LightConfig,
    gain: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.uint8]:
    """A double as the footage's camera would show it.

    First the light of its place. Then the toe of a camera's curve, which keeps light values and deepens dark ones; it goes
    by brightness, for taken channel by channel it would make dark skin orange and dark cloth gaudy. Then colours as strong
    as those of filmed people, and the range from black to white of the footage.

    Args:
        rgb: (height, width, 3) the double, neutrally lit.
        curve: of `light_curve`.
        clip: light of the whole plate.
        config: strengths.
        gain: (3,) of `frame_gain`; None where the frame is as bright as the plate.
    """
    placed = np.asarray(cv2.LUT(np.ascontiguousarray(rgb), curve[None]), dtype=np.uint8)
    luma = cv2.cvtColor(placed, cv2.COLOR_RGB2GRAY)
    deepened = _toe(config.toe_strength)[luma][:, :, None]
    grey = luma[:, :, None] * deepened
    coloured = grey + config.saturation * (placed * deepened - grey)
    black = clip.black_code * _CLOTH_BLACK_SHARE * config.tone_strength
    white = 255.0 - (255.0 - clip.white_code) * config.tone_strength
    shown = np.float32(black) + coloured * np.float32((white - black) / 255.0)
    if gain is not None:
        shown = shown * gain
    return np.asarray(np.clip(np.rint(shown), 0.0, 255.0), dtype=np.uint8)


def _toe(strength: float) -> npt.NDArray[np.float32]:
    """(256,): by how much a camera's toe multiplies values of a brightness."""
    code = np.maximum(np.arange(256, dtype=np.float64), 1.0)
    return np.asarray((np.minimum(code, _TOE_END) / _TOE_END) ** strength, dtype=np.float32)


def to_grey(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Three equal channels of luma (ITU-R BT.601, as in ``cv2.cvtColor``)."""
    return np.repeat(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)


def frame_gain(
    frame_rgb: npt.NDArray[np.uint8], plate_rgb: npt.NDArray[np.uint8], usable: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """How much brighter a frame is than its plate, (3,) factors on sRGB values: clouds, and cameras that adjust themselves.

    The median over the usable pixels, each a little off by noise; 1 where too few are usable.

    Args:
        frame_rgb: (height, width, 3).
        plate_rgb: (height, width, 3).
        usable: (height, width): outside all people, plate seen.
    """
    step = slice(_MEASURE_STEP_PX, None, 2 * _MEASURE_STEP_PX)
    chosen = usable[step, step] & (plate_rgb[step, step].min(axis=2) >= _DARKEST_FOR_GAIN)
    if int(np.count_nonzero(chosen)) < _FEWEST_FOR_GAIN:
        return np.ones(3, dtype=np.float32)
    ratio = frame_rgb[step, step][chosen].astype(np.float32) / plate_rgb[step, step][chosen]
    return np.asarray(np.clip(np.median(ratio, axis=0), *_GAIN_RANGE), dtype=np.float32)
