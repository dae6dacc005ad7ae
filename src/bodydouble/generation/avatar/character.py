"""What makes a face somebody's own: nose, jaw, cheeks, lips and ears of one person, drawn at random.

The phenotype of the body varies a head as a whole only; without this, people of one description would share a face.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.features import Features
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.skeleton import Floats
from bodydouble.seeds import derive_seed

_CHILD_SHARE: Final = 0.55
"""How far the faces of small children differ, over those of adults."""
_CHILD_YEARS: Final = (4, 20)

_NOSE_WIDTH, _NOSE_M, _NOSE_DROP_M, _BRIDGE_M = 0.21, 0.0042, 0.0030, 0.0025
_JAW, _CHIN_M, _CHIN_DROP_M, _CHEEK_M = 0.080, 0.0042, 0.0055, 0.0040
_MOUTH_WIDTH, _LIPS, _LIPS_M, _RIDGE_M, _EARS_M, _FACE_WIDTH = 0.10, 0.34, 0.0018, 0.0028, 0.0040, 0.040
"""Largest differences from the mean: shares of a width or height, and metres on a usual head."""


def with_character(figure: Figure, face: Features, age_years: int, seed: int) -> Floats:
    """(V, 3): skin of a figure, its face made that of one person; the same on both sides, eyes stay in place."""
    rng = np.random.default_rng(derive_seed(seed, "character"))
    amount = float(np.interp(age_years, _CHILD_YEARS, (_CHILD_SHARE, 1)))

    def draw(most: float) -> float:
        return amount * most * float(rng.uniform(-1, 1))

    points, size = figure.points, face.size
    side = np.sign(points[:, 0])
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    head = np.clip((z - face.chin[2] + 0.035 * size) / (0.025 * size), 0, 1)  # Nothing below the throat.
    head = np.where(figure.within(Part.FACE, Part.HAIR, Part.NECK) & ~figure.eyeballs, head, 0)
    front = head * np.clip((face.ear[1] - y) / (0.05 * size), 0, 1)

    def near(middle: Floats, wide_m: float, high_m: float) -> Floats:
        across, up = (x - middle[0]) / (wide_m * size), (z - middle[2]) / (high_m * size)
        return np.asarray(front * np.exp(-(across**2) - up**2))

    ways = np.zeros_like(points)
    low = (face.nose[2] + face.under_nose[2]) / 2
    wings = near(np.array([0, 0, low]), 0.030, 0.016)
    ways[:, 0] += side * x * (draw(_NOSE_WIDTH) * wings)
    tip = near(face.nose, 0.014, 0.016) * np.clip((face.nose_wing[1] - y) / (0.008 * size), 0, 1)
    ways[:, 1] -= draw(_NOSE_M) * size * tip
    ways[:, 2] += draw(_NOSE_DROP_M) * size * tip
    bridge = near(np.array([0, 0, face.eyeball[2] - 0.010 * size]), 0.0085, 0.014)
    ways[:, 1] -= draw(_BRIDGE_M) * size * bridge
    # The jaw widens from the cheeks down, the whole face with it.
    jaw = head * np.clip((face.nose[2] - z) / (0.055 * size), 0, 1)
    under_brow = np.clip((face.eyeball[2] + 0.02 * size - z) / (0.03 * size), 0, 1)
    face_share = head * under_brow * np.clip(x / (0.035 * size) - 1, 0, 1)
    ways[:, 0] += side * x * (draw(_JAW) * jaw + draw(_FACE_WIDTH) * face_share)
    chin = near(face.chin, 0.024, 0.020)
    ways[:, 1] -= draw(_CHIN_M) * size * chin
    ways[:, 2] -= draw(_CHIN_DROP_M) * size * front * np.clip((face.lower_lip[2] - z) / (0.025 * size), 0, 1)
    cheek = near(np.array([face.outer_lid[0] + 0.008 * size, 0, face.nose[2]]), 0.018, 0.018)
    bone = draw(_CHEEK_M) * size
    ways[:, 0] += side * bone * cheek
    ways[:, 1] -= 0.7 * bone * cheek
    lips = near(face.between_lips, 0.030, 0.013)
    ways[:, 0] += side * x * (draw(_MOUTH_WIDTH) * lips)
    full = near(face.between_lips, 0.026, 0.010) * np.clip((face.mouth_corner[1] - y) / (0.004 * size) + 0.5, 0, 1)
    ways[:, 2] += (z - face.between_lips[2]) * (draw(_LIPS) * full)
    ways[:, 1] -= draw(_LIPS_M) * size * full
    ridge = near(np.array([face.eyeball[0], 0, face.eyeball[2] + 0.020 * size]), 0.022, 0.007)
    ways[:, 1] -= draw(_RIDGE_M) * size * ridge
    ear = head * np.clip((x - abs(face.ear[0]) + 0.006 * size) / (0.01 * size), 0, 1)
    ways[:, 0] += side * draw(_EARS_M) * size * ear * np.exp(-(((y - face.ear[1]) / (0.03 * size)) ** 2))
    return np.asarray(points + ways)
