"""Dressing: which garments an appearance wears, one over the other."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.model import BodyModel
from bodydouble.body.parts import Part
from bodydouble.generation.avatar.character import with_character
from bodydouble.generation.avatar.chart import chart_of, places
from bodydouble.generation.avatar.cloth import limb_of
from bodydouble.generation.avatar.collars import COLLARS, collar_layer, hood_layer
from bodydouble.generation.avatar.complexion import paint_chart
from bodydouble.generation.avatar.extras import bag_layers, glasses_layers
from bodydouble.generation.avatar.features import Features, features_of
from bodydouble.generation.avatar.figure import Figure, figure_of
from bodydouble.generation.avatar.garments import (
    LegCut,
    TopCut,
    hem_height_m,
    leg_layers,
    neckline_m,
    top_layers,
)
from bodydouble.generation.avatar.hair import hair_layers, with_whiskers
from bodydouble.generation.avatar.hanging import trunk_drape, tube_layer
from bodydouble.generation.avatar.head import Complexion, complexion_of, paint_skin
from bodydouble.generation.avatar.headwear import edge_z_m, headwear_layers
from bodydouble.generation.avatar.mesh import Layer, Material, Outfit, Pattern, Weave, linear
from bodydouble.generation.avatar.physique import Physique
from bodydouble.generation.avatar.shoes import shoe_layers
from bodydouble.generation.avatar.skeleton import Floats
from bodydouble.generation.avatar.skull import skull_of
from bodydouble.scene import Appearance
from bodydouble.seeds import derive_seed

Faces = np.ndarray[tuple[int, int], np.dtype[np.int32]]

TOPS: Final[dict[str, TopCut]] = {
    "T-shirt": TopCut(
        ease_m=0.011, sleeve_m=(0.066, 0.064, 0.06), sleeve_hem=0.66, hem=0.10, slack=0.25, neckline_m=-0.028
    ),
    "shirt": TopCut(
        ease_m=0.012, sleeve_m=(0.060, 0.050, 0.036), sleeve_hem=1.96, hem=0.15, slack=0.20, neckline_m=-0.004,
        material=Material.WOVEN,
    ),
    "jumper": TopCut(
        ease_m=0.016, sleeve_m=(0.060, 0.051, 0.040), sleeve_hem=1.97, hem=0.05, slack=0.24, neckline_m=-0.016,
        band_m=0.05, crease_m=0.004,
    ),
    "hoodie": TopCut(
        ease_m=0.021, sleeve_m=(0.067, 0.058, 0.044), sleeve_hem=1.98, hem=0.10, slack=0.18, neckline_m=-0.010,
        band_m=0.05, crease_m=0.005,
    ),
    "jacket": TopCut(
        ease_m=0.024, sleeve_m=(0.068, 0.060, 0.048), sleeve_hem=1.99, hem=0.14, slack=0.12, neckline_m=0.0,
        material=Material.WOVEN, crease_m=0.004,
    ),
    "coat": TopCut(
        ease_m=0.030, sleeve_m=(0.074, 0.064, 0.054), sleeve_hem=2.0, hem=0.88, slack=0.06, neckline_m=0.0,
        material=Material.WOVEN, crease_m=0.004,
    ),
}  # fmt: skip

BOTTOMS: Final[dict[str, LegCut]] = {
    "trousers": LegCut(ease_m=0.012, leg_m=(0.098, 0.078, 0.074), hem=2.01),
    "jeans": LegCut(ease_m=0.008, leg_m=(0.088, 0.066, 0.058), hem=2.02, material=Material.DENIM),
    "chinos": LegCut(ease_m=0.010, leg_m=(0.092, 0.071, 0.062), hem=2.0),
    "shorts": LegCut(ease_m=0.014, leg_m=(0.100, 0.094, 0.09), hem=0.86),
}  # fmt: skip

OPEN_TOPS: Final = ("jacket", "coat")
_BUTTONS_M: Final = {"shirt": 0.085, "coat": 0.12}
"""Distances of buttons."""
_POCKET_UNDER_WAIST_M: Final = 0.03
"""How far under the waist the pockets of a jacket reach."""
_DRESS_WAIST: Final = -0.08
"""Where the upper part of a dress ends, in thigh lengths below the hips."""
_SKIRT_EASE_M: Final = 0.012
_UNDER_SKIRT: Final = 0.25
"""How far legs go on under a skirt, in thigh lengths: little, as what goes on could be seen through it in a stride."""
_UNDER_COAT: Final = 0.2
"""How much of their width skirts have under a coat."""
_INTO_SHOE_M: Final = 0.025
"""How far below the ankle skin goes on."""
_BEHIND, _LEGS_BEHIND = -4, -8
"""Ranks of what is worn under a coat, and of legs under that or a skirt, out of which knees would show."""
_BEARD_YEARS: Final = 18
"""Nobody younger is given stubble."""
_UNDER_TINT: Final = (np.array([0.55, 0.55, 0.54]), np.array([0.05, 0.05, 0.055]), np.array([0.25, 0.30, 0.38]))


def dress(model: BodyModel, physique: Physique, appearance: Appearance, seed: int) -> Outfit:
    """The dressed double of an appearance; ``seed`` varies what the appearance leaves open."""
    rng = np.random.default_rng(derive_seed(seed, "wardrobe"))
    figure = figure_of(model, physique)
    skull = skull_of(figure)
    skin, hair = linear(appearance.skin_rgb), linear(appearance.hair_rgb)
    drawn = float(rng.uniform(0, 0.7)) if appearance.gender != "woman" else 0.0
    stubble = drawn if appearance.age_years >= _BEARD_YEARS else 0.0
    face = features_of(figure, skull)
    # Painted is the usual face, whose landmarks are known; character moves skin and paint together.
    usual = figure
    own = with_character(figure, face, appearance.age_years, seed)
    figure = replace(figure, physique=replace(physique, vertices_m=own))
    paint = complexion_of(appearance, skin, hair, stubble=stubble, seed=seed)
    complexion = paint_skin(usual, face, paint)
    bottom = _bottom(figure, appearance, rng, seed)
    if appearance.top == "coat":
        bottom = [replace(layer, rank=_BEHIND) for layer in bottom]
    cut, top = _top(figure, appearance, rng, seed)
    legs = replace(figure.skin(_bare_legs(figure, appearance, seed), complexion), rank=_LEGS_BEHIND)
    bare = replace(_head_skin(figure, usual, face, paint, complexion, seed), faces=_bare_faces(figure, cut))
    layers = [bare, replace(bare, faces=figure.faces_of(Part.HAIR)), legs, *bottom, *top]
    layers += _head(figure, appearance, paint, seed)
    if appearance.bag != "none":
        bag_seed = derive_seed(seed, "bag")
        layers += bag_layers(figure, appearance.bag, linear(appearance.bag_rgb), cut.rank + 1, bag_seed)
    light_sole = bool(rng.random() < 0.6)
    layers += shoe_layers(figure, appearance.shoes, linear(appearance.shoes_rgb), complexion, light_sole=light_sole)
    if appearance.eyewear != "none":
        layers += glasses_layers(figure, skull, appearance.eyewear)
    return Outfit(layers, partial(_chart, usual, face, paint))


def _chart(usual: Figure, face: Features, paint: Complexion) -> NDArray[np.float32]:
    """The painted chart of a head; made late, as only those seen close by need it."""
    return paint_chart(chart_of(usual, face), face, paint)


def _head_skin(
    figure: Figure, usual: Figure, face: Features, paint: Complexion, complexion: Floats, seed: int
) -> Layer:
    """The skin of the whole body, with whiskers, and its place on the chart of the ``usual`` head."""
    skin, points = figure.skin(figure.faces, complexion), figure.points
    if paint.facial_hair != "none":
        out = with_whiskers(usual.points, face, paint.facial_hair, figure.normals, derive_seed(seed, "beard"))
        points = points + (out - usual.points)
    return replace(skin, vertices_m=points, cloth_m=places(usual, face), pattern=Pattern(weave=Weave.CHART))


def _head(figure: Figure, appearance: Appearance, paint: Complexion, seed: int) -> list[Layer]:
    """Hair and headwear."""
    skull = skull_of(figure)
    layers: list[Layer] = []
    worn = appearance.headwear
    if worn != "hijab":
        layers += hair_layers(
            figure, skull, appearance.hair_type, paint.hair, derive_seed(seed, "hair"), under_z_m=edge_z_m(skull, worn),
            recess_m=paint.recess_m,
        )  # fmt: skip
    if worn != "none":
        layers += headwear_layers(figure, skull, worn, linear(appearance.headwear_rgb), derive_seed(seed, "headwear"))
    return layers


def _skirt_length(seed: int) -> float:
    """In thigh lengths below the hips: from above the knee to the calf."""
    return float(np.random.default_rng(derive_seed(seed, "skirt")).uniform(0.8, 1.45))


def _top(figure: Figure, appearance: Appearance, rng: np.random.Generator, seed: int) -> tuple[TopCut, list[Layer]]:
    cut = TOPS[appearance.top]
    wide = float(rng.uniform(0.9, 1.12))
    cut = replace(cut, ease_m=cut.ease_m * wide, hem=cut.hem * float(rng.uniform(0.8, 1.1)))
    colour = linear(appearance.top_rgb)
    if appearance.bottom == "dress" and appearance.top in ("T-shirt", "shirt", "jumper"):
        colour = linear(appearance.bottom_rgb)  # The dress is all of one cloth, with a seam at the waist.
        cut = replace(cut, hem=_DRESS_WAIST)
    pattern = _pattern(figure, appearance, colour, seed)
    layers = []
    if appearance.top in OPEN_TOPS and rng.random() < 0.55:
        cut = replace(cut, gap_m=float(rng.uniform(0.025, 0.055)), rank=4)
        under = _UNDER_TINT[int(rng.integers(len(_UNDER_TINT)))] * float(rng.uniform(0.7, 1.2))
        inner = replace(TOPS["T-shirt"], hem=0.05, has_sleeves=False, rank=2)
        layers += top_layers(figure, inner, _cloth(figure, under), Pattern(), seed)
    layers += top_layers(figure, cut, _cloth(figure, colour), pattern, seed)
    ease = cut.ease_m * figure.size
    if appearance.top in COLLARS:
        collar = COLLARS[appearance.top]
        if cut.gap_m:
            collar = replace(collar, gap_deg=collar.gap_deg + 16)
        layers.append(collar_layer(figure, collar, cut.neckline_m, ease, colour * 0.95, cut.rank + 1))
    if appearance.top == "hoodie":
        layers.append(hood_layer(figure, cut.neckline_m, ease, colour * 0.95, cut.rank + 1))
    return cut, layers


def _pattern(figure: Figure, appearance: Appearance, colour: Floats, seed: int) -> Pattern:
    """The weave of the top; plain shirts, jackets and coats open in front."""
    rng = np.random.default_rng(derive_seed(seed, "pattern"))
    level = float(colour @ [0.2126, 0.7152, 0.0722])
    second = np.clip(colour * 0.3 + (0.32 if level < 0.18 else 0.0), 0.01, 0.7)
    if rng.random() < 0.5:  # A neighbour of the colour instead of light or dark.
        second = np.clip(colour[[1, 2, 0]] * 0.5 + second * 0.5, 0.01, 0.7)
    if appearance.top_pattern == "striped":
        return Pattern(weave=Weave.STRIPES, period_m=float(rng.uniform(0.02, 0.07)), share=float(rng.uniform(0.3, 0.5)),
                       colour=second)  # fmt: skip
    if appearance.top_pattern == "checked":
        return Pattern(weave=Weave.CHECKS, period_m=float(rng.uniform(0.03, 0.07)), share=0.4, colour=second)
    if appearance.top_pattern == "colour-block":
        chest = float(figure.head_of("spine01")[2])
        height = float(rng.uniform(0.10, 0.16)) * figure.size
        return Pattern(weave=Weave.BLOCK, period_m=chest - 0.8 * height, share=height, colour=second)
    if appearance.top in ("shirt", "coat"):
        apart_m = _BUTTONS_M[appearance.top] * figure.size
        return Pattern(weave=Weave.BUTTONS, period_m=apart_m, share=0.0025, colour=colour * 0.5)
    if appearance.top == "jacket":
        pocket_m = float(figure.head_of("spine05")[2]) - _POCKET_UNDER_WAIST_M * figure.size
        return Pattern(weave=Weave.SEAM, period_m=pocket_m, share=0.0035, colour=colour * 0.5)
    return Pattern()


def _bottom(figure: Figure, appearance: Appearance, rng: np.random.Generator, seed: int) -> list[Layer]:
    colour = linear(appearance.bottom_rgb)
    if appearance.bottom in BOTTOMS:
        cut = BOTTOMS[appearance.bottom]
        wide = float(rng.uniform(0.92, 1.12))
        hip, knee, ankle = (float(r * wide) for r in cut.leg_m)
        return leg_layers(figure, replace(cut, leg_m=(hip, knee, ankle)), _cloth(figure, colour), seed)
    hem = hem_height_m(figure, _skirt_length(seed))
    top = float(figure.head_of("spine05")[2] + 0.045 * figure.size)
    # Under a coat it hangs straight, or it would show at the coat's sides.
    wide = _UNDER_COAT if appearance.top == "coat" else 1.0
    flare = wide * float(rng.uniform(0.05, 0.22))
    hang = trunk_drape(figure, ease_m=_SKIRT_EASE_M, slack=0.3, flare=flare, bottom_m=hem)
    tube = tube_layer(
        figure, hang, top_m=top, bottom_m=hem, leg_share=0.6, gap_m=0.0, albedo=colour, material=Material.WOVEN,
        rank=1, waves=wide * float(rng.uniform(0.03, 0.07)), pattern=Pattern(), seed=seed,
        is_skirt=True,
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


def _bare_faces(figure: Figure, cut: TopCut) -> Faces:
    """Skin of head, hands, arms and neck that clothes may leave visible.

    What is surely covered is left out: it could poke through.
    """
    pieces = [figure.faces_of(Part.FACE, Part.NECK, Part.HAND)]
    chest = figure.faces_of(Part.TORSO)
    line = neckline_m(figure, figure.points, cut.neckline_m)
    pieces.append(chest[(figure.points[chest, 2] > line[chest] - 0.05 * figure.size).all(1)])
    arms = figure.faces_of(Part.UPPER_ARM, Part.FOREARM)
    place = _places(figure, "arm")
    pieces.append(arms[(place[arms] > min(cut.sleeve_hem, 1.97) - 0.16).all(1)])
    return np.concatenate(pieces)


def _bare_legs(figure: Figure, appearance: Appearance, seed: int) -> Faces:
    """Skin of legs down into the shoe, whose opening would else show the inside of the leg."""
    legs = figure.faces_of(Part.THIGH, Part.SHIN, Part.FOOT)
    into_shoe_m = figure.head_of("foot.L")[2] - _INTO_SHOE_M * figure.size
    seen = (figure.points[legs, 2] > into_shoe_m).all(1)
    if appearance.bottom == "shorts":
        bare_from = BOTTOMS["shorts"].hem - 0.2
    elif appearance.bottom in ("skirt", "dress"):
        bare_from = _skirt_length(seed) - _UNDER_SKIRT
    else:
        return legs[:0]
    bare = (_places(figure, "leg")[legs] > bare_from).all(1)
    return np.asarray(legs[seen & bare])


def _places(figure: Figure, kind: str) -> Floats:
    """(V,): place of every vertex along the limb of its side."""
    left, right = (limb_of(figure.physique.skeleton, kind, side).locate(figure.points)[0] for side in ("L", "R"))
    return np.where(figure.points[:, 0] > 0, left, right)
