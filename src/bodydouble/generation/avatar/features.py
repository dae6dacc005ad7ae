"""Where the features of a face are, and how densely brows, lips, whiskers and the roots of hair cover a place on it.

The same shapes colour the vertices of small heads and the chart of large ones (`bodydouble.generation.avatar.chart`), so
that a head keeps its face as it grows; only the softness of their edges differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.skeleton import Floats
from bodydouble.generation.avatar.skull import Skull

_VERTICES: Final = {
    "nose": 5038, "under_nose": 343, "upper_lip": 455, "between_lips": 520, "lower_lip": 492, "chin": 5195,
    "mouth_corner": 7170, "nostril": 7098, "nose_wing": 7041, "inner_lid": 6841, "outer_lid": 7738,
}  # fmt: skip
"""Vertices of ``anny``'s mesh at landmarks of the left half of a face; all phenotypes share the mesh."""
_HAIRLINE_DEG: Final = (0, 25, 38, 48, 58, 68, 78, 84, 92, 97, 103, 116, 123, 128, 136, 150, 180)
_HAIRLINE_M: Final = (
    0.066, 0.064, 0.057, 0.043, 0.029, 0.021, 0.006, -0.008, -0.012, 0.002, 0.018, 0.018, 0.006, -0.020, -0.044, -0.062,
    -0.068,
)  # fmt: skip
"""Height of the hairline over the eyes, around the head: forehead, temples, sideburns, over the ears, nape."""
_SEAM_ARCH_M: Final = 0.0012
"""How much higher the line between the lips is half way to the corner, on a usual head."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """Landmarks of a face, (3,) each in metres in the rest body's frame, of the left half."""

    size: float
    """Of the head, over a usual adult's."""
    centre: Floats
    """Between the ears: what turns around the head are counted about."""
    eyeball: Floats
    ear: Floats
    nose: Floats
    under_nose: Floats
    upper_lip: Floats
    between_lips: Floats
    lower_lip: Floats
    chin: Floats
    mouth_corner: Floats
    nostril: Floats
    nose_wing: Floats
    inner_lid: Floats
    outer_lid: Floats

    def turn_rad(self, points: Floats) -> Floats:
        """(...): how far from the middle of the face points (..., 3) are around the head; 0 to pi."""
        return np.asarray(np.arctan2(np.abs(points[..., 0]), self.centre[1] - points[..., 1]))


def features_of(figure: Figure, skull: Skull) -> Features:
    """Find the landmarks of a body."""
    ball = figure.points[figure.eyeballs & (figure.points[:, 0] > 0)]
    places = {name: figure.points[vertex] for name, vertex in _VERTICES.items()}
    ear = np.abs(figure.physique.skeleton.joints_m[16]) * [1, 0, 0] + figure.physique.skeleton.joints_m[16] * [0, 1, 1]
    return Features(
        size=skull.size, centre=skull.centre, eyeball=(ball.min(0) + ball.max(0)) / 2, ear=ear, **places
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Brows:
    """Shape of the brows of one person."""

    thick_m: float
    """Height at the inner end, on a usual head."""
    arch_m: float
    """How much higher the bend is than the inner end."""
    lift_m: float
    """Height of the inner end over the middle of the eye."""


def step(value: Floats) -> Floats:
    """From 0 at -1 to 1 at 1, smoothly."""
    t = np.clip(0.5 + 0.5 * value, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def brow_density(face: Features, points: Floats, brows: Brows, soft_m: float) -> Floats:
    """(...) 0 to 1 at points (..., 3): tapering from the nose to the temple."""
    x, z = np.abs(points[..., 0]), points[..., 2]
    start, end = face.inner_lid[0] - 0.002 * face.size, face.outer_lid[0] + 0.007 * face.size
    t = (x - start) / (end - start)
    bend = np.interp(t, (0, 0.35, 0.68, 1.0), (0, 0.65, 1, 0.25))
    middle = face.eyeball[2] + (brows.lift_m + brows.arch_m * bend) * face.size
    half = 0.5 * brows.thick_m * face.size * np.interp(t, (0, 0.12, 0.5, 1.0), (0.8, 1.0, 0.92, 0.38))
    inside = (
        step((half - np.abs(z - middle)) / soft_m) * step((x - start) / (2 * soft_m)) * step((end - x) / (2 * soft_m))
    )
    return np.asarray(np.where(_is_front(face, points), inside, 0))


def lip_density(face: Features, points: Floats, soft_m: float) -> Floats:
    """(...) 0 to 1 at points (..., 3): the red of both lips."""
    x = np.abs(points[..., 0])
    upper, lower = lip_borders_m(face, x)
    z = points[..., 2]
    inside = step((upper - z) / soft_m) * step((z - lower) / soft_m) * step((face.mouth_corner[0] - x) / soft_m)
    return np.asarray(np.where(_is_front(face, points), inside, 0))


def lip_seam_m(face: Features, x_m: Floats) -> Floats:
    """(...): height of the line between the lips at distances from the middle."""
    across = np.clip(x_m / face.mouth_corner[0], 0, 1)
    # The upper lip hangs lowest in the middle.
    arch = _SEAM_ARCH_M * face.size * np.sin(np.pi * across)
    return np.asarray(face.between_lips[2] + (face.mouth_corner[2] - face.between_lips[2]) * across**2 + arch)


def lip_borders_m(face: Features, x_m: Floats) -> tuple[Floats, Floats]:
    """Heights (...) of the upper border of the upper lip and the lower one of the lower, at distances from the middle."""
    across = np.clip(x_m / face.mouth_corner[0], 0, 1)
    seam = lip_seam_m(face, x_m)
    bow = np.where(across < 0.25, 0.88 + 0.12 * (across / 0.25) ** 2, 1 - np.clip((across - 0.25) / 0.75, 0, 1) ** 1.7)
    full = np.clip(1 - across**2.2, 0, 1) ** 0.8
    above, below = face.upper_lip[2] - face.between_lips[2], face.between_lips[2] - face.lower_lip[2]
    return np.asarray(seam + above * bow), np.asarray(seam - below * full)


def is_inside_mouth(face: Features, points: Floats, normals: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """(N,): which of points (N, 3) are of the mouth, which the gap between the lips shows; ``normals`` (N, 3)."""
    x, y, z, size = np.abs(points[:, 0]), points[:, 1], points[:, 2], face.size
    across = np.clip(x / face.mouth_corner[0], 0, 1)
    seam_y = face.between_lips[1] + (face.mouth_corner[1] - face.between_lips[1]) * across**2
    upper, lower = lip_borders_m(face, x)
    rim = (y > seam_y + 0.001 * size) & (x < face.mouth_corner[0]) & (z > lower) & (z < upper)
    # Walls of the mouth look towards its middle, skin looks away from it.
    middle = np.array([0.0, 0.7 * face.centre[1] + 0.3 * face.between_lips[1], face.between_lips[2]])
    inwards = np.einsum("nd,nd->n", points - middle, normals) < 0
    near = (x < 0.048 * size) & (z > face.chin[2] - 0.012 * size) & (z < face.under_nose[2] + 0.004 * size)
    return np.asarray((rim | (inwards & near)) & (y < face.centre[1] + 0.03 * size))


def whisker_density(face: Features, points: Floats, kind: str, soft_m: float) -> Floats:
    """(...) 0 to 1 at points (..., 3) of a ``beard`` or ``moustache``; the lips stay free.

    ``soft_m`` is half the width over which it fades out at its borders on a usual head; at the lips it fades in a third
    of it.
    """
    soft, size = soft_m * face.size, face.size
    x, z, turn = np.abs(points[..., 0]), points[..., 2], face.turn_rad(points)
    upper, lower = lip_borders_m(face, x)
    across = x / face.mouth_corner[0]
    # A moustache follows the lip, parts under the nose and tapers past the corners of the mouth.
    root = face.under_nose[2] - face.upper_lip[2]
    top = face.upper_lip[2] + root * np.interp(across, (0, 0.15, 0.5, 1.0, 1.35), (0.78, 0.94, 0.86, 0.05, -0.9))
    bottom = np.where(across < 1, upper + 0.0012 * size, face.mouth_corner[2] - 0.016 * size * (across - 1) / 0.35)
    end = 1.36 if kind == "moustache" else 1.5
    lip = step((top - z) / (0.45 * soft)) * step((z - bottom) / (0.26 * soft)) * np.clip((end - across) / 0.25, 0, 1)
    lip = lip * (1 - 0.2 * np.exp(-((x / (0.003 * size)) ** 2)))
    density = lip
    if kind == "beard":
        # The cheek line goes from the corner of the mouth to the sideburn, the lower one under the jaw to the ear.
        corner, jaw = face.mouth_corner[2], face.ear[2]
        line = np.interp(
            turn, (0.0, 0.30, 0.42, 0.7, 1.0, 1.25, 1.45, 1.6),
            (face.lower_lip[2] - 0.004 * size, corner - 0.016 * size, corner + 0.006 * size, corner - 0.003 * size,
             corner + 0.008 * size, jaw - 0.022 * size, jaw + 0.014 * size, jaw + 0.035 * size),
        )  # fmt: skip
        neck = face.chin[2] - 0.030 * size + np.interp(turn, (0.8, 1.7), (0, 0.030)) * size
        grown = (
            step((line - z) / soft) * step((z - neck) / (1.4 * soft)) * step((1.64 - turn) * 0.07 * size / (1.2 * soft))
        )
        # Under the lower lip it grows in a tuft with bare skin on both sides.
        tuft = np.exp(-((x / (0.0075 * size)) ** 2)) * step((lower - 0.001 * size - z) / (0.5 * soft))
        density = np.maximum(np.maximum(grown, 0.9 * tuft * (z > neck)), lip)
    red = step((upper + 0.0004 * size - z) / (0.2 * soft)) * step((z - lower) / (0.3 * soft))
    density = density * (1 - red * step((face.mouth_corner[0] + 0.001 * size - x) / (0.3 * soft)))
    return np.asarray(np.where(turn < 2.0, density, 0))


def hairline_m(turn_rad: Floats, recess_m: float = 0.0) -> Floats:
    """(...): height of the hairline over the eyes on a usual head, at turns from the face; ``recess_m`` at the temples."""
    degrees = np.abs(np.rad2deg(turn_rad))
    bare = recess_m * np.exp(-(((degrees - 42) / 15) ** 2))
    return np.asarray(np.interp(degrees, _HAIRLINE_DEG, _HAIRLINE_M) + bare)


def root_density(face: Features, points: Floats, recess_m: float, soft_m: float) -> Floats:
    """(...) 0 to 1 at points (..., 3): where hair grows on the head, half at the hairline."""
    line = face.eyeball[2] + hairline_m(face.turn_rad(points), recess_m) * face.size
    return step((points[..., 2] - line) / (soft_m * face.size))


def _is_front(face: Features, points: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Of the face and not of the inside of the mouth or the back of the head."""
    ahead = points[..., 1] < face.outer_lid[1] + 0.012 * face.size
    return np.asarray(ahead & (face.turn_rad(points) < 1.3))
