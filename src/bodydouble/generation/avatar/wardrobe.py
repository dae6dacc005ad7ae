"""Dressing: which garments an appearance wears, one over the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from bodydouble.body.model import BodyModel
from bodydouble.body.parts import Part
from bodydouble.generation.avatar.cloth import limb_of
from bodydouble.generation.avatar.garments import (
    Figure,
    LegCut,
    TopCut,
    figure_of,
    hem_height_m,
    leg_layers,
    top_layers,
    trunk_drape,
    tube_layer,
)
from bodydouble.generation.avatar.head import hair_layers, paint_skin
from bodydouble.generation.avatar.mesh import Dressed, Layer, Material, join, linear
from bodydouble.generation.avatar.physique import Physique
from bodydouble.generation.avatar.shoes import shoe_layers
from bodydouble.generation.avatar.skeleton import Floats
from bodydouble.scene import Appearance
from bodydouble.seeds import derive_seed

TOPS: Final[dict[str, TopCut]] = {
    "T-shirt": TopCut(
        ease_m=0.013, sleeve_m=(0.075, 0.066, 0.06), sleeve_hem=0.62, hem=0.10, slack=0.25, neckline_m=-0.045
    ),
    "shirt": TopCut(
        ease_m=0.014, sleeve_m=(0.066, 0.056, 0.042), sleeve_hem=1.96, hem=0.14, slack=0.22, neckline_m=-0.012,
        material=Material.WOVEN,
    ),
    "jumper": TopCut(
        ease_m=0.020, sleeve_m=(0.072, 0.060, 0.046), sleeve_hem=1.97, hem=0.06, slack=0.22, neckline_m=-0.03
    ),
    "hoodie": TopCut(
        ease_m=0.026, sleeve_m=(0.080, 0.068, 0.052), sleeve_hem=1.98, hem=0.13, slack=0.16, neckline_m=-0.015
    ),
    "jacket": TopCut(
        ease_m=0.030, sleeve_m=(0.080, 0.068, 0.056), sleeve_hem=1.99, hem=0.16, slack=0.10, neckline_m=0.0,
        material=Material.WOVEN,
    ),
    "coat": TopCut(
        ease_m=0.036, sleeve_m=(0.086, 0.074, 0.062), sleeve_hem=2.0, hem=0.85, slack=0.05, neckline_m=0.005,
        material=Material.WOVEN,
    ),
}  # fmt: skip

BOTTOMS: Final[dict[str, LegCut]] = {
    "trousers": LegCut(ease_m=0.012, leg_m=(0.100, 0.080, 0.078), hem=2.01),
    "jeans": LegCut(ease_m=0.009, leg_m=(0.092, 0.070, 0.062), hem=2.02, material=Material.DENIM),
    "chinos": LegCut(ease_m=0.011, leg_m=(0.095, 0.074, 0.066), hem=2.01),
    "shorts": LegCut(ease_m=0.015, leg_m=(0.105, 0.098, 0.09), hem=0.88),
}  # fmt: skip

_SKIRT_EASE_M: Final = 0.014
_BEARD_YEARS: Final = 18
"""Nobody younger is given stubble."""
_UNDER_TINT: Final = (np.array([0.55, 0.55, 0.54]), np.array([0.05, 0.05, 0.055]), np.array([0.25, 0.30, 0.38]))


def dress(model: BodyModel, physique: Physique, appearance: Appearance, seed: int) -> Dressed:
    """The dressed double of an appearance; ``seed`` varies what the appearance leaves open."""
    rng = np.random.default_rng(derive_seed(seed, "wardrobe"))
    figure = figure_of(model, physique)
    skin, hair = linear(appearance.skin_rgb), linear(appearance.hair_rgb)
    drawn = float(rng.uniform(0, 0.7)) if appearance.gender != "woman" else 0.0
    stubble = drawn if appearance.age_years >= _BEARD_YEARS else 0.0
    complexion = paint_skin(figure, skin, hair, stubble=stubble)
    bottom = _bottom(figure, appearance, rng, seed)
    cut, top = _top(figure, appearance, rng)
    bare = [figure.skin(_bare_faces(figure, appearance, cut, seed), complexion)]
    scalp = complexion * (1.0 if appearance.hair_type == "bald" else 0.5)
    bare.append(figure.skin(figure.faces_of(Part.HAIR), scalp))
    layers = [
        *bare,
        *hair_layers(figure, appearance.hair_type, hair, derive_seed(seed, "hair")),
        *bottom,
        *top,
        *shoe_layers(figure, appearance.shoes, linear(appearance.shoes_rgb), light_sole=bool(rng.random() < 0.6)),
    ]
    return join(layers)


def _skirt_length(seed: int) -> float:
    """In thigh lengths below the hips: from above the knee to the calf."""
    return float(np.random.default_rng(derive_seed(seed, "skirt")).uniform(0.8, 1.45))


def _top(figure: Figure, appearance: Appearance, rng: np.random.Generator) -> tuple[TopCut, list[Layer]]:
    cut = TOPS[appearance.top]
    wide = float(rng.uniform(0.9, 1.12))
    cut = replace(cut, ease_m=cut.ease_m * wide, hem=cut.hem * float(rng.uniform(0.8, 1.1)))
    colour = linear(appearance.top_rgb)
    if appearance.bottom == "dress" and appearance.top in ("T-shirt", "shirt", "jumper"):
        colour = linear(appearance.bottom_rgb)  # The dress is all of one cloth.
    layers = []
    if appearance.top in ("jacket", "coat") and rng.random() < 0.55:
        cut = replace(cut, gap_m=float(rng.uniform(0.025, 0.055)))
        under = _UNDER_TINT[int(rng.integers(len(_UNDER_TINT)))] * float(rng.uniform(0.7, 1.2))
        inner = replace(TOPS["T-shirt"], hem=0.05, has_sleeves=False, rank=2)
        cut = replace(cut, rank=4)
        layers += top_layers(figure, inner, _cloth(figure, under))
    layers += top_layers(figure, cut, _cloth(figure, colour))
    return cut, layers


def _bottom(figure: Figure, appearance: Appearance, rng: np.random.Generator, seed: int) -> list[Layer]:
    colour = linear(appearance.bottom_rgb)
    if appearance.bottom in BOTTOMS:
        cut = BOTTOMS[appearance.bottom]
        wide = float(rng.uniform(0.92, 1.12))
        hip, knee, ankle = (float(r * wide) for r in cut.leg_m)
        return leg_layers(figure, replace(cut, leg_m=(hip, knee, ankle)), _cloth(figure, colour))
    hem = hem_height_m(figure, _skirt_length(seed))
    top = float(figure.head_of("spine05")[2] + 0.045)
    flare = float(rng.uniform(0.05, 0.22))
    hang = trunk_drape(figure, ease_m=_SKIRT_EASE_M, slack=0.3, flare=flare, bottom_m=hem)
    tube = tube_layer(
        figure, hang, top_m=top, bottom_m=hem, leg_share=0.72, gap_m=0.0, albedo=colour, material=Material.WOVEN,
        rank=1, waves=0.03,
    )  # fmt: skip
    return [tube]


def _cloth(figure: Figure, colour: Floats) -> Floats:
    """(V, 3): cloth, darker where the body keeps light away: armpits, between the legs, inside of the arms."""
    points = figure.points
    shade = np.ones(len(points))
    thigh = figure.within(Part.THIGH, Part.SHIN)
    shade[thigh] *= 0.78 + 0.22 * np.clip(np.abs(points[thigh, 0]) / 0.10, 0, 1)
    shoulder = figure.head_of("upperarm01.L")
    for side in (1.0, -1.0):
        pit = np.array([side * (shoulder[0] + 0.005), shoulder[1], shoulder[2] - 0.075])
        shade *= 1 - 0.35 * np.exp(-((np.linalg.norm(points - pit, axis=1) / 0.06) ** 2))
    return np.asarray(colour * shade[:, None])


def _bare_faces(
    figure: Figure, appearance: Appearance, cut: TopCut, seed: int
) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    """Skin that clothes may leave visible. What is surely covered is left out: it could poke through."""
    always = figure.faces_of(Part.FACE, Part.NECK, Part.HAND)
    pieces = [always]
    neck = figure.head_of("neck01")
    chest = figure.faces_of(Part.TORSO)
    pieces.append(
        chest[(figure.points[chest, 2] > neck[2] - 0.085).all(1) & (np.abs(figure.points[chest, 0]) < 0.10).all(1)]
    )
    arms = figure.faces_of(Part.UPPER_ARM, Part.FOREARM)
    place = _places(figure, "arm")
    pieces.append(arms[(place[arms] > min(cut.sleeve_hem, 1.97) - 0.16).all(1)])
    legs = figure.faces_of(Part.THIGH, Part.SHIN)
    if appearance.bottom == "shorts":
        pieces.append(legs[(_places(figure, "leg")[legs] > BOTTOMS["shorts"].hem - 0.2).all(1)])
    elif appearance.bottom in ("skirt", "dress"):
        pieces.append(legs[(_places(figure, "leg")[legs] > _skirt_length(seed) - 0.22).all(1)])
    return np.concatenate(pieces)


def _places(figure: Figure, kind: str) -> Floats:
    """(V,): place of every vertex along the limb of its side."""
    left, right = (limb_of(figure.physique.skeleton, kind, side).locate(figure.points)[0] for side in ("L", "R"))
    return np.where(figure.points[:, 0] > 0, left, right)
