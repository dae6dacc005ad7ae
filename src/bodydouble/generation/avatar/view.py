"""From the body frame to the picture; how the camera looks is told by `bodydouble.scene.view`."""

from __future__ import annotations

import numpy as np

from bodydouble.generation.avatar.skeleton import Floats


def projection(elevation_rad: Floats) -> Floats:
    """(T, 2, 3): from the body frame to picture axes (x right, y down), seen from ``elevation_rad`` above."""
    zero, one = np.zeros_like(elevation_rad), np.ones_like(elevation_rad)
    rows = [[one, zero, zero], [zero, -np.sin(elevation_rad), -np.cos(elevation_rad)]]
    return np.moveaxis(np.array(rows), 2, 0)


def in_picture(flat: Floats, points_m: Floats) -> Floats:
    """(T, K, 2): points (T, K, 3) of the body frame along the axes of a `projection`."""
    return np.asarray(points_m @ flat.transpose(0, 2, 1))
