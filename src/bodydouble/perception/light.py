"""Light of the scene, measured on the plate around where people stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bodydouble.scene import Light, SceneBundle, Sun
from bodydouble.scene.view import estimate_view

_MOST_CONTACTS = 2000
_PATCH_PX = 6
_STRENGTH = (0.1, 0.8)
"""Limits of the key light's share."""


def measure_light(plate: NDArray[np.uint8], valid: NDArray[np.bool_], contacts_xy_px: NDArray[np.float64]) -> Light:
    """Ambient colour of the ground people stand on, and how hard the light is.

    The direction of the key light cannot be told from a plate alone; it is the default, from above and behind the
    camera, until shadows tell (`sunlit`). Its strength is the contrast between the lit and the shaded ground, a rough guess.

    Args:
        plate: (H, W, 3) sRGB.
        valid: (H, W) really seen.
        contacts_xy_px: (N, 2) foot points in plate pixels; with none the whole plate counts.
    """
    height, width = valid.shape
    chosen = np.zeros((height, width), bool)
    step = max(1, len(contacts_xy_px) // _MOST_CONTACTS)
    for x, y in contacts_xy_px[::step]:
        left, top = int(np.clip(x - _PATCH_PX, 0, width)), int(np.clip(y - _PATCH_PX, 0, height))
        right, bottom = int(np.clip(x + _PATCH_PX, 0, width)), int(np.clip(y + _PATCH_PX, 0, height))
        chosen[top:bottom, left:right] = True
    if (chosen & valid).sum() >= 64:
        chosen &= valid
    elif not chosen.any():
        chosen[:] = True
    linear = srgb_to_linear(plate[chosen])
    ambient = linear.mean(axis=0)
    brightness = linear.mean(axis=1)
    low, high = (float(v) for v in np.percentile(brightness, [10, 90]))
    contrast = (high - low) / max(high + low, 1e-6)
    return Light(
        ambient_rgb=(float(ambient[0]), float(ambient[1]), float(ambient[2])),
        key_strength=float(np.clip(contrast, *_STRENGTH)),
    )


def sunlit(bundle: SceneBundle, sun: Sun) -> Light:
    """The light of a scene whose sun is known: its key light comes from there, as strong as shadows are dark."""
    boxes = np.concatenate([track.boxes_xyxy_px for track in bundle.tracks]).astype(float)
    # Where people are seen; the direction in camera axes is one for the whole clip.
    elevation = float(np.median(estimate_view(bundle).elevation_rad(0.5 * (boxes[:, 1] + boxes[:, 3]))))
    return replace(
        bundle.light,
        key_direction_xyz=sun.towards_xyz(elevation),
        key_strength=float(np.clip(sun.darkness, *_STRENGTH)),
        sun=sun,
    )


def srgb_to_linear(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Colours from sRGB 0 to 255 to linear 0 to 1 (IEC 61966-2-1)."""
    share = rgb.astype(np.float64) / 255.0
    linear: NDArray[np.float64] = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear
