"""The face of small heads: colours of skin, brows, eyes, lips and whiskers, one for each vertex.

`bodydouble.generation.avatar.complexion` paints the same face finer, for large heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.features import (
    Brows,
    Features,
    brow_density,
    is_inside_mouth,
    lip_density,
    root_density,
    whisker_density,
)
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.skeleton import Floats
from bodydouble.scene import Appearance
from bodydouble.seeds import derive_seed

LIP_TINT: Final = np.array([0.80, 0.52, 0.50])
BLUSH_TINT: Final = np.array([1.06, 0.90, 0.88])
STUBBLE_TINT: Final = np.array([0.72, 0.72, 0.76])
_SCLERA: Final = np.array([0.40, 0.38, 0.36])
"""In the shade of lids and brows, darker than the white of an eye is."""
_IRIS_M: Final = 0.008
"""Radius of what is dark: iris and the shade of lashes around it."""
_PALM_M: Final = 0.05
"""From the wrist to where knuckles begin."""
_VERTEX_SOFT_M: Final = 0.0035
"""Softness of edges on vertices that are 2 to 6 mm apart."""
WHISKER_SOFT_M: Final = 0.0065
"""Half the width over which a beard thins out towards the cheek."""
ROOT_SOFT_M: Final = 0.011
"""Half the width over which roots of hair thin out towards the forehead."""
ROOT_SHARE: Final = 0.78
"""How much hair colours the skin between its roots."""
_IRISES: Final = (
    (0.030, 0.015, 0.008), (0.045, 0.022, 0.010), (0.075, 0.045, 0.020), (0.080, 0.075, 0.040), (0.075, 0.110, 0.140),
    (0.110, 0.130, 0.135),
)  # fmt: skip
"""Linear colours of irises: dark brown to brown, hazel, green, blue, grey."""
_GROWN_YEARS: Final = 18
_WRINKLED_YEARS: Final = (38, 78)
"""Ages from which on skin has lines, and at which it has them all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Complexion:
    """What one face is painted with."""

    skin: Floats
    """(3,) linear."""
    hair: Floats
    """(3,) linear colour of whiskers and roots."""
    brow: Floats
    """(3,) linear."""
    iris: Floats
    """(3,) linear."""
    brows: Brows
    brow_share: float
    """How dense brows are, 0 to 1."""
    facial_hair: str
    stubble: float
    """0 to 1."""
    has_roots: bool
    """Whether hair grows on the head and is not covered up."""
    recess_m: float
    """How far the hairline goes back at the temples."""
    blush: float
    lip: float
    """How red cheeks and lips are, about 1."""
    freckles: float
    """0 to 1."""
    lines: float
    """How much age has written into the skin, 0 to 1."""
    lashes: float
    """Width of lashes and lid line, about 1."""
    seed: int


def complexion_of(appearance: Appearance, skin: Floats, hair: Floats, *, stubble: float, seed: int) -> Complexion:
    """Draw what an appearance leaves open about a face; ``skin`` and ``hair`` (3,) linear, ``stubble`` 0 to 1."""
    rng = np.random.default_rng(derive_seed(seed, "face"))
    woman, child = appearance.gender == "woman", appearance.age_years < _GROWN_YEARS
    fair = float(np.clip((skin @ [0.2126, 0.7152, 0.0722] - 0.25) / 0.25, 0, 1))
    level = float(hair @ [0.2126, 0.7152, 0.0722])
    # Dark skin mostly goes with dark eyes, fair skin with any.
    iris = np.array(_IRISES[min(int(rng.uniform(0, 1) * (1.6 + 4.4 * fair)), len(_IRISES) - 1)])
    brows = Brows(
        thick_m=float(rng.uniform(0.0062, 0.0082) if woman or child else rng.uniform(0.0078, 0.0102)),
        arch_m=float(rng.uniform(0.0025, 0.0050) if woman else rng.uniform(0.0008, 0.0034)),
        lift_m=float(rng.uniform(0.0165, 0.0190) if woman or child else rng.uniform(0.0155, 0.0178)),
    )
    recess = float(rng.uniform(0.0, 0.004) if woman or child else rng.uniform(0.0, 0.014))
    return Complexion(
        skin=skin, hair=hair, brow=hair * (1.0 if level < 0.06 else 0.55), iris=iris * float(rng.uniform(0.8, 1.2)),
        brows=brows, brow_share=float(rng.uniform(0.80, 1.0)), facial_hair=appearance.facial_hair, stubble=stubble,
        has_roots=appearance.hair_type != "bald" and appearance.headwear != "hijab", recess_m=recess,
        blush=float(rng.uniform(0.6, 1.4)), lip=float(rng.uniform(0.7, 1.25)) * (1.1 if woman else 0.9),
        freckles=float(rng.uniform(0, 1)) ** 4 * (0.3 + 0.7 * fair),
        lines=float(np.clip(np.interp(appearance.age_years, _WRINKLED_YEARS, (0, 1)) * rng.uniform(0.7, 1.2), 0, 1)),
        lashes=float(rng.uniform(1.0, 1.35) if woman else rng.uniform(0.75, 1.05)), seed=derive_seed(seed, "pores") % 2**31,
    )  # fmt: skip


def paint_skin(figure: Figure, face: Features, paint: Complexion) -> Floats:
    """(V, 3) colour of bare skin: brows, eyes, lips, cheeks, whiskers, and shade where light hardly comes."""
    points, size, skin = figure.points, face.size, paint.skin
    colour = np.tile(skin, (len(points), 1))
    head = figure.within(Part.FACE, Part.NECK, Part.HAIR)
    x, z = np.abs(points[:, 0]), points[:, 2]
    front = head & (points[:, 1] < face.ear[1] - 0.03 * size)

    def blend(amount: Floats, goal: Floats, where: NDArray[np.bool_] = front) -> None:
        share = np.where(where, np.clip(amount, 0, 1), 0)[:, None]
        colour[:] = colour * (1 - share) + goal * share

    def spot(middle: Floats, wide_m: float, high_m: float) -> Floats:
        across, up = (x - middle[0]) / (wide_m * size), (z - middle[2]) / (high_m * size)
        return np.asarray(np.exp(-(across**2) - up**2))

    cheek = np.array([face.outer_lid[0] - 0.004 * size, 0, face.nose[2] - 0.006 * size])
    blend(0.5 * paint.blush * spot(cheek, 0.020, 0.024), skin * BLUSH_TINT)
    blend(paint.stubble * whisker_density(face, points, "beard", 0.012), skin * STUBBLE_TINT)
    eye = (face.inner_lid + face.outer_lid) / 2
    blend(0.65 * spot(eye + np.array([0, 0, 0.003 * size]), 0.018, 0.0125), skin * 0.42)
    lashes = np.exp(-(((x - eye[0]) / (0.0145 * size)) ** 4) - ((z - eye[2] - 0.003 * size) / (0.0060 * size)) ** 2)
    blend(0.9 * lashes, skin * 0.13)
    blend(paint.brow_share * brow_density(face, points, paint.brows, _VERTEX_SOFT_M), paint.brow * 0.9 + skin * 0.05)
    blend(0.8 * paint.lip * lip_density(face, points, _VERTEX_SOFT_M), skin * LIP_TINT)
    blend(np.where(is_inside_mouth(face, points, figure.normals), 0.9, 0.0), skin * [0.16, 0.07, 0.06], head)
    if paint.facial_hair != "none":
        whiskers = whisker_density(face, points, paint.facial_hair, WHISKER_SOFT_M)
        blend(0.92 * whiskers, paint.hair, head)
    _paint_eyes(figure, face, colour)
    if paint.has_roots:
        blend(ROOT_SHARE * root_density(face, points, paint.recess_m, ROOT_SOFT_M), 0.8 * paint.hair, head)
    # Blood shows in knuckles and fingertips, as in ears.
    for side, sign in (("L", 1.0), ("R", -1.0)):
        hand = figure.within(Part.HAND) & (points[:, 0] * sign > 0)
        beyond = np.linalg.norm(points - figure.head_of(f"wrist.{side}"), axis=1) / figure.size
        blend(0.6 * paint.blush * np.clip((beyond - _PALM_M) / 0.06, 0, 1), skin * BLUSH_TINT, hand)
    ears = head & (np.abs(points[:, 0]) > abs(face.ear[0]) - 0.004 * size)
    blend(0.5 * paint.blush * spot(face.ear, 0.03, 0.035), skin * BLUSH_TINT, ears)
    # Little light reaches throat and nape under the chin.
    throat = figure.within(Part.NECK) & (z > figure.head_of("neck01")[2] - 0.02)
    colour[throat] *= 0.82
    return colour


def _paint_eyes(figure: Figure, face: Features, colour: Floats) -> None:
    balls = figure.eyeballs
    colour[balls] = _SCLERA
    for side in (-1.0, 1.0):
        ball = balls & (figure.points[:, 0] * side > 0)
        tip = figure.points[ball][figure.points[ball, 1].argmin()]
        colour[ball & (np.linalg.norm(figure.points - tip, axis=1) < _IRIS_M * face.size)] = [0.035, 0.025, 0.02]
