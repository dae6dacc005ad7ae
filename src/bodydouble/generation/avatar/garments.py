"""Clothes: copies of the skin, wider and smoother, and tubes that hang below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.cloth import Drape, limb_of, relax, sleeve
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.folds import bunched, crease_depth, crease_shade, fold_places, shifted
from bodydouble.generation.avatar.hanging import (
    AROUND_M,
    HOLLOW_M,
    LAP_FROM_M,
    onto_hang,
    trunk_drape,
    tube_layer,
)
from bodydouble.generation.avatar.mesh import Layer, Material, Pattern, Weave
from bodydouble.generation.avatar.skeleton import Floats

_SIDES: Final = ("L", "R")
_CROTCH: Final = 0.35
"""How much trousers are bunched at the top of the legs, 0 to 1."""
_EDGE_SHADE: Final = 0.78
"""Share of the light that reaches necklines and the ends of sleeves, which are seamed."""
_LEG_SEAM: Final = 0.6
"""Colour of the seams of trousers over that of their cloth."""


@dataclass(frozen=True, kw_only=True)
class TopCut:
    """How a garment for the upper body is cut; lengths in metres on a body of usual height."""

    ease_m: float
    sleeve_m: tuple[float, float, float]
    """Radius of the sleeve at shoulder, elbow and wrist."""
    sleeve_hem: float
    """Where sleeves end: 1 elbow, 2 wrist."""
    hem: float
    """Where it ends, in thigh lengths below the hips; negative is above."""
    slack: float
    neckline_m: float
    """Height of the neckline over the root of the neck."""
    gap_m: float = 0.0
    """Half the width of an open front; 0 is closed."""
    material: Material = Material.KNIT
    rank: int = 2
    """See `bodydouble.generation.avatar.mesh.Layer.rank`."""
    has_sleeves: bool = True
    """False for what is worn under another garment."""
    crease_m: float = 0.003
    """Depth of its folds."""
    band_m: float = 0.0
    """Height of a darker band at hem and cuffs."""


@dataclass(frozen=True, kw_only=True)
class LegCut:
    """How trousers or shorts are cut."""

    ease_m: float
    leg_m: tuple[float, float, float]
    """Radius of the leg at hip, knee and ankle."""
    hem: float
    """Where they end: 1 knee, 2 ankle."""
    material: Material = Material.WOVEN
    crease_m: float = 0.003
    """Depth of its folds."""


def hem_height_m(figure: Figure, thighs_below_hips: float) -> float:
    """Height of a hem given in thigh lengths below the hips."""
    hip, knee = figure.head_of("upperleg01.L")[2], figure.head_of("lowerleg01.L")[2]
    return float(hip - thighs_below_hips * (hip - knee))


def top_layers(figure: Figure, cut: TopCut, albedo: Floats, pattern: Pattern, seed: int) -> list[Layer]:
    """The upper garment: shoulders, sleeves and chest from the skin, and a tube from the waist to the hem."""
    size = figure.size
    hem = hem_height_m(figure, cut.hem)
    waist = float(figure.head_of("spine05")[2] + 0.02 * size)
    ease = cut.ease_m * size
    hang = trunk_drape(figure, ease_m=ease, slack=cut.slack, flare=0.0, bottom_m=min(hem, waist) - 0.05)
    points = figure.points + ease * figure.normals
    trunk = figure.within(Part.TORSO, Part.HIPS, Part.THIGH)
    points[trunk] = _hung(points[trunk], hang)
    radii = (cut.sleeve_m[0] * size, cut.sleeve_m[1] * size, cut.sleeve_m[2] * size)
    for side in _SIDES:
        arm = figure.within(Part.UPPER_ARM, Part.FOREARM, Part.HAND) & (figure.points[:, 0] * _sign(side) > 0)
        limb = limb_of(figure.physique.skeleton, "arm", side)
        points[arm] = sleeve(
            figure.points[arm], limb, ease_m=ease * 0.7, radius_m=radii, hem=cut.sleeve_hem, free_from=0.25
        )
    faces = figure.faces_of(Part.TORSO, Part.UPPER_ARM, Part.FOREARM, Part.HAND, Part.NECK, Part.HIPS, Part.THIGH)
    if not cut.has_sleeves:
        faces = faces[~_on_arm(figure, faces)]
    faces = _up_to_hems(figure, faces, cut)
    points = relax(points, faces, 3)
    cloth, place = cloth_places(figure, "arm")
    places = fold_places(figure.points, cloth[:, 1])
    relief = crease_depth(places, place, cut.sleeve_hem, seed)
    shade, depth = crease_shade(relief), relief * cut.crease_m * size
    points = points + np.where(place < cut.sleeve_hem - 0.05, depth, 0)[:, None] * figure.normals
    # The neckline: what lies above is drawn down to it.
    line = neckline_m(figure, points, cut.neckline_m)
    edge = (points[:, 2] >= line) | (place >= cut.sleeve_hem)
    points[:, 2] = np.minimum(points[:, 2], line)
    points = relax(points, faces, 3, edges=True)
    bottom = max(hem, waist - 0.03 * size)
    faces = faces[(points[faces, 2] > bottom).any(1) | _on_arm(figure, faces)]
    on_trunk = ~figure.within(Part.UPPER_ARM, Part.FOREARM, Part.HAND)
    points[on_trunk & (points[:, 2] < bottom), 2] = bottom
    share = float(np.clip(0.45 + 0.3 * cut.hem, 0.4, 0.7))
    weights = figure.cloth_weights.copy()
    points[on_trunk], weights[on_trunk] = onto_hang(
        figure, hang, points[on_trunk], weights[on_trunk], waist_m=waist, hem_m=hem, leg_share=share
    )
    if cut.gap_m > 0:
        points, faces = _open_front(figure, points, faces, cut.gap_m)
    cuff = 0.8 + 0.2 * np.clip((cut.sleeve_hem - place) / 0.2 - 0.2, 0, 1) if cut.band_m else np.ones(len(points))
    shade = shade * np.where(edge, _EDGE_SHADE, 1)
    layers = [
        Layer(
            vertices_m=points, weights=weights, faces=faces, albedo=albedo * (cuff * shade)[:, None],
            material=cut.material, rank=cut.rank, pattern=pattern, cloth_m=cloth, fold_m=shifted(places, seed),
            bunched=bunched(place, cut.sleeve_hem, over_waist_m=figure.points[:, 2] - waist - HOLLOW_M),
        )
    ]  # fmt: skip
    if hem < waist - 0.03:
        layers.append(
            tube_layer(
                figure, hang, top_m=waist + LAP_FROM_M[0] * size, bottom_m=hem, leg_share=share, gap_m=cut.gap_m,
                albedo=albedo[0], material=cut.material, rank=cut.rank, pattern=pattern, waves=0.02,
                band_m=cut.band_m * size, seed=seed,
            )
        )  # fmt: skip
    return layers


def cloth_places(figure: Figure, kind: str) -> tuple[Floats, Floats]:
    """Places (V, 2) on the cloth (see `Layer.cloth_m`), and places (V,) along the ``arm`` or ``leg``, -1 off them."""
    points = figure.points
    middle_y = float(figure.head_of("spine03")[1])
    around = AROUND_M * np.abs(np.arctan2(points[:, 0], -(points[:, 1] - middle_y)))
    cloth = np.stack([around, points[:, 2]], 1)
    along = np.full(len(points), -1.0)
    parts = (Part.UPPER_ARM, Part.FOREARM, Part.HAND) if kind == "arm" else (Part.THIGH, Part.SHIN, Part.FOOT)
    for side in _SIDES:
        own = figure.within(*parts) & (points[:, 0] * _sign(side) > 0)
        limb = limb_of(figure.physique.skeleton, kind, side)
        place, axis = limb.locate(points[own])
        off = points[own] - axis
        cloth[own, 0] = 0.06 * np.abs(np.arctan2(off[:, 2] if kind == "arm" else off[:, 0], -off[:, 1])) + 0.1
        cloth[own, 1] = limb.upper[2] - place * np.linalg.norm(limb.middle - limb.upper)
        along[own] = place
    return cloth, along


def leg_layers(figure: Figure, cut: LegCut, albedo: Floats, seed: int) -> list[Layer]:
    """Trousers or shorts."""
    size = figure.size
    points = figure.points + cut.ease_m * size * figure.normals
    radii = (cut.leg_m[0] * size, cut.leg_m[1] * size, cut.leg_m[2] * size)
    for side in _SIDES:
        leg = figure.within(Part.THIGH, Part.SHIN, Part.FOOT) & (figure.points[:, 0] * _sign(side) > 0)
        limb = limb_of(figure.physique.skeleton, "leg", side)
        points[leg] = sleeve(
            figure.points[leg], limb, ease_m=cut.ease_m * size, radius_m=radii, hem=cut.hem, free_from=0.30
        )
    cloth, place = cloth_places(figure, "leg")
    parts = [Part.HIPS, Part.THIGH] + ([Part.SHIN, Part.FOOT] if cut.hem > 1 else [])
    faces = figure.faces_of(*parts)
    # Beyond the hem only the first row of faces is kept; its vertices have been drawn up to the hem.
    faces = faces[(place[faces] < cut.hem).any(1)]
    points = relax(points, faces, 2)
    shin = limb_of(figure.physique.skeleton, "leg", "L")
    hem_m = float(shin.upper[2] - cut.hem * np.linalg.norm(shin.middle - shin.upper))
    pattern = Pattern(weave=Weave.LEGS, period_m=hem_m, share=0.0016, colour=_LEG_SEAM * albedo.max(0))
    places = fold_places(figure.points, cloth[:, 1])
    relief = crease_depth(places, place, cut.hem, seed)
    shade, depth = crease_shade(relief), relief * cut.crease_m * size
    points = points + np.where(place < cut.hem - 0.03, depth, 0)[:, None] * figure.normals
    return [
        Layer(
            vertices_m=points, weights=figure.cloth_weights, faces=faces, albedo=albedo * shade[:, None],
            material=cut.material, rank=1, cloth_m=cloth, pattern=pattern, fold_m=shifted(places, seed + 1),
            bunched=bunched(place, cut.hem, crotch=_CROTCH),
        )
    ]  # fmt: skip


def _hung(points: Floats, hang: Drape) -> Floats:
    angle, radius = hang.polar(points)
    own = np.clip((hang.levels_m[0] + 0.03 - points[:, 2]) / 0.09, 0, 1)
    wide = np.maximum(radius, own * hang.at(points[:, 2], angle))
    return hang.place(points[:, 2], angle, wide)


def neckline_m(figure: Figure, points: Floats, over_m: float) -> Floats:
    """Height of the neckline at each vertex: higher at the nape than in front, and free of the shoulders."""
    neck, size = figure.head_of("neck01"), figure.size
    beside = np.maximum(np.abs(points[:, 0]) - 0.055 * size, 0)
    slope = 0.45 * np.clip(points[:, 1] - neck[1], -0.12 * size, 0.08 * size)
    return np.asarray(neck[2] + over_m * size + slope + 1.2 * beside)


def _up_to_hems(figure: Figure, faces: NDArray[np.int32], cut: TopCut) -> NDArray[np.int32]:
    """Leave out what lies wholly beyond the sleeves' hems or above the neckline."""
    keep = np.ones(len(figure.points), bool)
    for side in _SIDES:
        place, _ = limb_of(figure.physique.skeleton, "arm", side).locate(figure.points)
        own = figure.within(Part.UPPER_ARM, Part.FOREARM, Part.HAND) & (figure.points[:, 0] * _sign(side) > 0)
        keep[own & (place > cut.sleeve_hem)] = False
    keep &= figure.points[:, 2] < neckline_m(figure, figure.points, cut.neckline_m)
    return faces[keep[faces].any(1)]


def _on_arm(figure: Figure, faces: NDArray[np.int32]) -> NDArray[np.bool_]:
    arm = figure.within(Part.UPPER_ARM, Part.FOREARM)
    return np.asarray(arm[faces].any(1))


def _open_front(
    figure: Figure, points: Floats, faces: NDArray[np.int32], gap_m: float
) -> tuple[Floats, NDArray[np.int32]]:
    neck = figure.head_of("neck01")
    front = (points[:, 1] < neck[1] - 0.01) & figure.within(Part.TORSO, Part.HIPS, Part.NECK)
    inside = front & (np.abs(points[:, 0]) < gap_m)
    faces = faces[~inside[faces].all(1)]
    moved = points.copy()
    moved[inside, 0] = np.where(points[inside, 0] >= 0, gap_m, -gap_m)
    # Faces from one edge to the other would close the front again.
    crossing = (moved[faces, 0].min(1) < 0) & (moved[faces, 0].max(1) > 0) & front[faces].all(1)
    return moved, faces[~crossing]


def _sign(side: str) -> float:
    return 1.0 if side == "L" else -1.0
