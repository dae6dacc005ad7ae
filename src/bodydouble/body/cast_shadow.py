"""The shadow of a silhouette on level ground, as the camera sees it.

A body is taken as a card that faces the camera and stands on the row of its feet, a little thick. That is exact for a
sun before or behind the camera, and near enough for one at the side, where the thickness makes the width of the shadow.
A pinhole camera is assumed with its centre in that of the picture (`bodydouble.scene.view.View`). Lengths are in heights
of the camera above the ground, which need not be known.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import math
from typing import Any, Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from bodydouble.scene.view import View

Array = NDArray[Any]

_HALF_THICK_SHARE: Final = 0.06
"""Half the depth of a body over its height: 0.2 m of 1.7 m."""
_LEAST_BELOW_HORIZON: Final = 0.01
"""Tangent below the horizon; ground seen at a flatter angle is too far for its shadows to be told."""
_NEAREST: Final = 0.05
"""Ground nearer than this, in heights of the camera, is not drawn on."""
_MOST_SUB_ROWS: Final = 32
"""A row of a silhouette is cut so finely at most; a long shadow takes more pixels than a body."""


def cast_shadow(
    alpha: NDArray[np.uint8],
    left_top_px: tuple[int, int],
    ground_y_px: float,
    view: View,
    shadow_xz: tuple[float, float],
) -> tuple[tuple[int, int, int, int], NDArray[np.uint8]] | None:
    """Where a silhouette keeps the sun from the ground; hard edged.

    Args:
        alpha: (height, width), 0 to 255.
        left_top_px: column and row of its upper left pixel in the frame.
        ground_y_px: row in which it stands.
        view: how the camera looks.
        shadow_xz: see `bodydouble.scene.Sun`.

    Returns:
        left, top, right, bottom in the frame, and (height, width) alpha on it; None where nothing is in the frame.
    """
    rows = np.flatnonzero(alpha.any(axis=1))
    camera = _camera(view)
    foot = _down(camera, ground_y_px)
    if len(rows) == 0 or foot < _LEAST_BELOW_HORIZON:
        return None
    left, top = left_top_px
    distance = _forward(camera, ground_y_px) / foot
    crown = float(top + rows[0])
    tall = 1.0 - _down(camera, crown) * distance / max(_forward(camera, crown), 1e-3)
    thick = _HALF_THICK_SHARE * max(tall, 0.0)
    sun = np.array([shadow_xz[0], shadow_xz[1], distance, thick])
    x0, y0, x1, y1 = _bounds(camera, sun, left, left + alpha.shape[1], crown, float(top + rows[-1] + 1))
    box = (
        max(0, math.floor(x0) - 1),
        max(0, math.floor(y0) - 1),
        min(view.width_px, math.ceil(x1) + 1),
        min(view.height_px, math.ceil(y1) + 1),
    )
    if box[2] <= box[0] or box[3] <= box[1]:
        return None
    out = np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
    _fill(alpha, float(left), float(top), camera, sun, out, float(box[0]), float(box[1]))
    return (box, out) if out.any() else None


def _camera(view: View) -> Array:
    """(5,): focal length, centre x and y in px, cosine and sine of the pitch."""
    pitch = math.atan((0.5 * view.height_px - view.horizon_y_px) / view.focal_px)
    return np.array([view.focal_px, 0.5 * view.width_px, 0.5 * view.height_px, math.cos(pitch), math.sin(pitch)])


def _down(camera: Array, y: float) -> float:
    return float(camera[4] + (y - camera[2]) / camera[0] * camera[3])


def _forward(camera: Array, y: float) -> float:
    return float(camera[3] - (y - camera[2]) / camera[0] * camera[4])


def _bounds(camera: Array, sun: Array, left: float, right: float, crown: float, sole: float) -> Array:
    """(4,): left, top, right, bottom around the shadow; wide open where it comes too near to the camera."""
    found = np.array([_place(camera, sun, y) for y in np.linspace(crown, sole, 9)])
    if (found[:, 0] <= 0).any():
        return np.array([-1e6, -1e6, 1e6, 1e6])
    x = np.concatenate([camera[1] + (edge - camera[1]) * found[:, 0] + found[:, 1] for edge in (left, right)])
    return np.array([x.min(), found[:, 2].min(), x.max(), found[:, 3].max()])


@nb.njit(cache=True, nogil=True)
def _place(camera: Array, sun: Array, y: float) -> Any:
    """Of a row: factor and shift of columns, upper and lower row of its shadow; the factor is 0 where there is none."""
    focal, cy, cosine, sine = camera[0], camera[2], camera[3], camera[4]
    v = (y - cy) / focal
    forward, down = cosine - v * sine, sine + v * cosine
    if forward <= 1e-3:
        return 0.0, 0.0, 0.0, 0.0
    t = sun[2] / forward
    height = max(1.0 - down * t, 0.0)
    away = sun[2] + height * sun[1]
    if away - sun[3] <= _NEAREST:
        return 0.0, 0.0, 0.0, 0.0
    depth = away * cosine + sine
    far, near = away + sun[3], away - sun[3]
    upper = cy + focal * (cosine - far * sine) / (far * cosine + sine)
    lower = cy + focal * (cosine - near * sine) / (near * cosine + sine)
    return t / depth, focal * height * sun[0] / depth, upper, lower


@nb.njit(cache=True, nogil=True)
def _fill(
    alpha: Array, left: float, top: float, camera: Array, sun: Array, out: Array, out_left: float, out_top: float
) -> None:
    """Largest alpha of whatever casts its shadow on a pixel, into ``out``."""
    for r in range(alpha.shape[0]):
        first = _place(camera, sun, top + r)
        last = _place(camera, sun, top + r + 1.0)
        if first[0] <= 0.0 or last[0] <= 0.0:
            continue
        moved = max(abs(first[1] - last[1]), abs(first[2] - last[2]))
        parts = min(max(math.ceil(moved), 1), _MOST_SUB_ROWS)
        for k in range(parts):
            scale, shift, upper, lower = _place(camera, sun, top + r + (k + 0.5) / parts)
            y0 = max(math.ceil(upper - out_top - 0.5), 0)
            y1 = min(max(math.ceil(lower - out_top - 0.5), y0 + 1), out.shape[0])
            for c in range(alpha.shape[1]):
                value = alpha[r, c]
                if value == 0:
                    continue
                x = camera[1] + (left + c - camera[1]) * scale + shift - out_left
                x0 = max(math.ceil(x - 0.5), 0)
                x1 = min(max(math.ceil(x + scale - 0.5), math.floor(x) + 1), out.shape[1])
                for column in range(x0, x1):
                    for row in range(y0, y1):
                        out[row, column] = max(out[row, column], value)
