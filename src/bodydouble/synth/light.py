"""One sun and one sky for everything in the picture. Colours are linear light until `to_srgb`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Daylight:
    """Light of the scene."""

    sun_xyz: NDArray[np.float32]
    """Unit vector towards the sun in the world."""
    sun_rgb: NDArray[np.float32]
    """Irradiance of a surface that faces the sun."""
    sky_rgb: NDArray[np.float32]
    """Irradiance of a surface that faces up, from the sky alone."""
    ground_rgb: NDArray[np.float32]
    """Irradiance of a surface that faces down."""

    def shade(
        self, albedo: NDArray[np.float32], normals: NDArray[np.float32], sunlit: NDArray[np.float32] | float = 1.0
    ) -> NDArray[np.float32]:
        """Linear colour of matt surfaces.

        Args:
            albedo: ``(..., 3)`` linear, 0..1.
            normals: ``(..., 3)`` unit vectors in the world.
            sunlit: share of the sun that arrives, ``(...)`` or one value.
        """
        facing = np.maximum(normals @ self.sun_xyz, 0) * sunlit
        up = (0.5 + 0.5 * normals[..., 2])[..., None]
        return np.asarray(albedo * (facing[..., None] * self.sun_rgb + up * self.sky_rgb + (1 - up) * self.ground_rgb))


def make_daylight(rng: np.random.Generator) -> Daylight:
    """A sun behind the camera, to the left or right, more or less veiled; its white balance and height vary."""
    side = rng.uniform(0.35, 0.9) * rng.choice([-1, 1])
    sun = np.array([side, -0.55, rng.uniform(0.75, 1.15)], np.float32)
    veil = rng.uniform(0.0, 0.75)
    warm = rng.uniform(-0.04, 0.06)
    tint = np.array([1 + warm, 1.0, 1 - warm], np.float32)
    sun_rgb = np.array([1.02, 0.96, 0.86], np.float32) * tint * np.float32(1.15 * (1 - veil))
    sky_rgb = np.array([0.40, 0.45, 0.52], np.float32) * tint * np.float32(1.0 + 0.8 * veil)
    return Daylight(
        sun_xyz=np.asarray(sun / np.linalg.norm(sun), np.float32),
        sun_rgb=np.asarray(sun_rgb, np.float32),
        sky_rgb=np.asarray(sky_rgb, np.float32),
        ground_rgb=np.asarray(0.35 * sky_rgb + 0.16 * sun_rgb, np.float32),
    )


def to_linear(srgb: tuple[int, int, int] | NDArray[np.uint8]) -> NDArray[np.float32]:
    """SRGB 0..255 to linear 0..1 (IEC 61966-2-1)."""
    value = np.asarray(srgb, np.float32) / 255
    return np.asarray(np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4), np.float32)


def to_srgb(linear: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Linear light to sRGB bytes; highlights above 0.8 are rolled off so that nothing burns out."""
    value = np.maximum(linear, 0)
    value = np.where(value > 0.8, 0.8 + 0.2 * (1 - np.exp(-(value - 0.8) / 0.2)), value)
    coded = np.where(value <= 0.0031308, value * 12.92, 1.055 * np.power(np.maximum(value, 1e-8), 1 / 2.4) - 0.055)
    return np.asarray(np.clip(coded * 255 + 0.5, 0, 255), np.uint8)
