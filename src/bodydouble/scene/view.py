"""How the camera looks at people: from how far above, told by how their height grows down the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.scene.bundle import SceneBundle

Floats = npt.NDArray[np.float64]

_FOCAL_PER_WIDTH: Final = 1.1
"""Assumed focal length in picture widths (48 degrees across), usual for fixed cameras."""
_USUAL_ELEVATION_RAD: Final = np.deg2rad(10)
"""Taken where a clip does not tell."""
_LIMITS_RAD: Final = (np.deg2rad(0), np.deg2rad(50))
_BORDER_PX: Final = 3
_MOST_SAMPLES: Final = 600


@dataclass(frozen=True, kw_only=True)
class View:
    """Line of the horizon and focal length, pixels."""

    horizon_y_px: float
    focal_px: float
    width_px: int
    height_px: int
    is_measured: bool = False
    """Whether the horizon was found from people, and not taken as usual."""

    def elevation_rad(self, y_px: Floats) -> Floats:
        """How steeply the camera looks down at what is seen in row ``y_px``."""
        return np.asarray(np.clip(np.arctan((y_px - self.horizon_y_px) / self.focal_px), *_LIMITS_RAD))

    def cut(self, boxes_xyxy_px: Floats) -> Floats:
        """(T, 4) of 0 and 1: whether the left, top, right, bottom of a box is the frame's border and not the person's."""
        left, top, right, bottom = boxes_xyxy_px.T
        border = [left <= _BORDER_PX, top <= _BORDER_PX, right >= self.width_px - _BORDER_PX]
        return np.stack([*border, bottom >= self.height_px - _BORDER_PX], 1).astype(float)


def estimate_view(bundle: SceneBundle) -> View:
    """The view of a clip, from the boxes of all tracks.

    On level ground the height of a standing person in the picture grows linearly from zero at the horizon. The line is
    fitted by medians of slopes between pairs (Theil-Sen), so people who sit or are half hidden do not turn it.
    """
    width, height = bundle.video.width_px, bundle.video.height_px
    focal = _FOCAL_PER_WIDTH * max(width, height)
    usual = View(
        horizon_y_px=0.6 * height - focal * float(np.tan(_USUAL_ELEVATION_RAD)),
        focal_px=focal, width_px=width, height_px=height,
    )  # fmt: skip
    boxes = [track.boxes_xyxy_px[(track.visible_fraction > 0.9) & (track.box_scores > 0.3)] for track in bundle.tracks]
    samples = np.concatenate(boxes).astype(float) if boxes else np.zeros((0, 4))
    samples = samples[np.isfinite(samples).all(1)]
    samples = samples[usual.cut(samples).sum(1) == 0] if len(samples) else samples
    if len(samples) < 20:
        return usual
    samples = samples[np.linspace(0, len(samples) - 1, min(len(samples), _MOST_SAMPLES)).astype(int)]
    samples = samples[np.argsort(samples[:, 3], kind="stable")]
    foot, tall = samples[:, 3], samples[:, 3] - samples[:, 1]
    half = len(samples) // 2
    apart = foot[half : 2 * half] - foot[:half]
    usable = apart > 0.08 * height
    if usable.sum() < 10:
        return usual
    slope = float(np.median((tall[half : 2 * half] - tall[:half])[usable] / apart[usable]))
    if slope < 0.02:
        return usual
    horizon = float(np.median(foot - tall / slope))
    # Rows above the picture by much, or below its middle, are no horizon that people were filmed against.
    horizon = float(np.clip(horizon, 0.5 * height - focal * np.tan(_LIMITS_RAD[1]), 0.65 * height))
    return View(horizon_y_px=horizon, focal_px=focal, width_px=width, height_px=height, is_measured=True)
