"""A pinhole camera over a street.

World frame: metres, x to the right, y away from the camera along the ground, z up; the ground is z = 0 and the camera
stands over the origin. Depth is the distance along the optical axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Where the camera hangs and how it looks."""

    width_px: int
    height_px: int
    focal_px: float
    height_m: float
    pitch_rad: float
    """Downwards."""

    def scaled(self, factor: int) -> Camera:
        """The same view with ``factor`` times as many pixels along each side."""
        return Camera(
            width_px=self.width_px * factor,
            height_px=self.height_px * factor,
            focal_px=self.focal_px * factor,
            height_m=self.height_m,
            pitch_rad=self.pitch_rad,
        )

    @property
    def axes(self) -> NDArray[np.float32]:
        """``(3, 3)``: rows are the camera's right, down and forward in the world."""
        c, s = np.cos(self.pitch_rad), np.sin(self.pitch_rad)
        return np.array([[1, 0, 0], [0, -s, -c], [0, c, -s]], np.float32)

    def project(self, points_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """World points ``(..., 3)`` to ``(..., 3)``: x and y in pixels, depth in metres (x and y mean nothing behind it)."""
        seen = (points_m - np.array([0, 0, self.height_m], np.float32)) @ self.axes.T
        depth = seen[..., 2:]
        scale = self.focal_px / np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        centre = np.array([self.width_px / 2, self.height_px / 2], np.float32)
        return np.asarray(np.concatenate([seen[..., :2] * scale + centre, depth], -1), np.float32)

    def rays(self, rows: slice) -> NDArray[np.float32]:
        """Directions ``(rows, W, 3)`` in the world through the centres of pixels, scaled to depth 1."""
        x = (np.arange(self.width_px, dtype=np.float32) + 0.5 - self.width_px / 2) / self.focal_px
        y = (np.arange(self.height_px, dtype=np.float32)[rows] + 0.5 - self.height_px / 2) / self.focal_px
        local = np.stack([*np.broadcast_arrays(x[None, :], y[:, None]), np.ones((len(y), len(x)), np.float32)], -1)
        return np.asarray(local @ self.axes, np.float32)

    def ground_width_m(self, y_m: float) -> float:
        """Half of the width of the ground that is in view at a distance."""
        depth = y_m * np.cos(self.pitch_rad) + self.height_m * np.sin(self.pitch_rad)
        return float(0.5 * self.width_px / self.focal_px * depth)

    def nearest_ground_m(self) -> float:
        """Distance at which the lower edge of the picture meets the ground."""
        lowest = self.pitch_rad + np.arctan(0.5 * self.height_px / self.focal_px)
        return float(self.height_m / np.tan(lowest))
