"""The face: colours of skin, brows, eyes and lips."""

from __future__ import annotations

from typing import Final

import numpy as np

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.skeleton import Floats

_LIP_TINT: Final = np.array([0.80, 0.52, 0.50])
_CHEEK_TINT: Final = np.array([1.06, 0.92, 0.90])
_STUBBLE_TINT: Final = np.array([0.72, 0.72, 0.76])
_SCLERA: Final = np.array([0.40, 0.38, 0.36])
"""In the shade of lids and brows, darker than the white of an eye is."""
_IRIS_M: Final = 0.008
"""Radius of what is dark: iris and the shade of lashes around it."""
_IRIS: Final = np.array([0.035, 0.025, 0.02])

_NOSE, _EYES, _EARS = 0, (14, 15), (16, 17)


def paint_skin(figure: Figure, skin: Floats, hair: Floats, *, stubble: float, brows: float = 0.92) -> Floats:
    """(V, 3) colour of bare skin: brows, eyes, lips, cheeks, and shade where light hardly comes.

    Args:
        figure: the body.
        skin: (3,) linear colour.
        hair: (3,) linear colour of the brows.
        stubble: 0 to 1.
        brows: how dark the brows are, 0 to 1.
    """
    points = figure.points
    colour = np.tile(skin, (len(points), 1))
    joints = figure.physique.skeleton.joints_m
    eye = joints[list(_EYES)].mean(0)
    # The unit of a face: eyes to nose, about 3 cm on an adult.
    unit = float(np.linalg.norm(joints[_NOSE] - eye)) or 0.03
    gap = float(abs(joints[_EYES[0], 0] - joints[_EYES[1], 0])) / 2
    head = figure.within(Part.FACE)
    x, z = np.abs(points[:, 0]) / gap, (points[:, 2] - eye[2]) / unit
    front = head & (points[:, 1] < joints[list(_EARS), 1].mean() - 0.9 * unit)

    def blend(amount: Floats, goal: Floats) -> None:
        share = np.where(front, np.clip(amount, 0, 1), 0)[:, None]
        colour[:] = colour * (1 - share) + goal * share

    bump = np.exp(-(((x - 1.25) / 0.7) ** 2) - ((z + 1.0) / 0.8) ** 2)
    blend(0.5 * bump, skin * _CHEEK_TINT)
    jaw = np.clip((-1.35 - z) / 0.5, 0, 1)
    blend(stubble * jaw, skin * _STUBBLE_TINT)
    socket = np.exp(-(((x - 1.0) / 0.62) ** 2) - ((z - 0.0) / 0.36) ** 2)
    blend(0.6 * socket, skin * 0.5)
    lashes = np.exp(-(((x - 1.0) / 0.5) ** 4) - ((z - 0.2 + 0.15 * (x - 1) ** 2) / 0.13) ** 2)
    blend(0.75 * lashes, skin * 0.16)
    brow = np.exp(-(((x - 1.05) / 0.62) ** 4) - ((z - 0.72 + 0.12 * (x - 1) ** 2) / 0.18) ** 2)
    blend(brows * brow, hair * 0.9 + skin * 0.05)
    mouth = np.exp(-((x / 0.80) ** 4) - ((z + 2.05) / 0.26) ** 2)
    blend(0.8 * mouth, skin * _LIP_TINT)
    _paint_eyes(figure, colour)
    # Little light reaches throat and nape under the chin, and the inside of the ears.
    throat = figure.within(Part.NECK) & (points[:, 2] > figure.head_of("neck01")[2] - 0.02)
    colour[throat] *= 0.82
    return colour


def _paint_eyes(figure: Figure, colour: Floats) -> None:
    joints = figure.physique.skeleton.joints_m
    for index in _EYES:
        near = np.linalg.norm(figure.points - joints[index], axis=1) < 0.02
        ball = near & figure.eyeballs
        if not ball.any():
            continue
        colour[ball] = _SCLERA
        tip = figure.points[ball][figure.points[ball, 1].argmin()]
        iris = ball & (np.linalg.norm(figure.points - tip, axis=1) < _IRIS_M)
        colour[iris] = _IRIS
