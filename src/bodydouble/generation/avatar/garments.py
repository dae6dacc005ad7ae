"""Clothes: copies of the skin, wider and smoother, and tubes that hang below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bodydouble.body.model import BodyModel, vertex_normals
from bodydouble.body.parts import Part
from bodydouble.generation.avatar.cloth import DIRECTIONS, Drape, drape, limb_of, relax, sleeve
from bodydouble.generation.avatar.mesh import Layer, Material
from bodydouble.generation.avatar.physique import Physique
from bodydouble.generation.avatar.skeleton import BONE_INDEX, BONES, Floats

_SIDES: Final = ("L", "R")


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """The naked rest body with what tailoring asks of it."""

    physique: Physique
    faces: NDArray[np.int32]
    face_parts: NDArray[np.uint8]
    vertex_parts: NDArray[np.uint8]
    normals: Floats
    """(V, 3), of a smoothed body: no muscles, no nipples."""
    eyeballs: NDArray[np.bool_]
    """(V,): vertices of the eyes."""

    @property
    def points(self) -> Floats:
        """(V, 3) skin."""
        return self.physique.vertices_m

    def head_of(self, bone: str) -> Floats:
        """(3,): where a bone begins."""
        return np.asarray(self.physique.skeleton.heads_m[BONE_INDEX[bone]])

    def within(self, *parts: Part) -> NDArray[np.bool_]:
        """(V,): vertices of some parts."""
        return np.isin(self.vertex_parts, [int(part) for part in parts])

    def faces_of(self, *parts: Part) -> NDArray[np.int32]:
        """Faces of some parts."""
        return self.faces[np.isin(self.face_parts, [int(part) for part in parts])]

    def skin(self, faces: NDArray[np.int32], albedo: Floats) -> Layer:
        """Some faces, bare."""
        return Layer(
            vertices_m=self.points, weights=self.physique.weights, faces=faces, albedo=albedo, material=Material.SKIN
        )


def figure_of(model: BodyModel, physique: Physique) -> Figure:
    """Prepare a body for dressing."""
    smoothed = relax(physique.vertices_m, model.faces, 6)
    normals = vertex_normals(smoothed[None].astype(np.float32), model.faces)[0]
    return Figure(
        physique=physique, faces=model.faces, face_parts=model.face_parts, vertex_parts=model.vertex_parts,
        normals=normals.astype(float), eyeballs=np.array([bone.startswith("eye") for bone in model.dominant_bones]),
    )  # fmt: skip


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


@dataclass(frozen=True, kw_only=True)
class LegCut:
    """How trousers or shorts are cut."""

    ease_m: float
    leg_m: tuple[float, float, float]
    """Radius of the leg at hip, knee and ankle."""
    hem: float
    """Where they end: 1 knee, 2 ankle."""
    material: Material = Material.WOVEN


def trunk_drape(figure: Figure, *, ease_m: float, slack: float, flare: float, bottom_m: float) -> Drape:
    """Cloth hanging from the armpits downwards."""
    shoulder = figure.head_of("upperarm01.L")
    top = float(shoulder[2] - 0.07)
    skin = figure.points[figure.within(Part.TORSO, Part.HIPS, Part.THIGH)]
    return drape(skin, top_m=top, bottom_m=bottom_m, ease_m=ease_m, slack=slack, flare=flare)


def hem_height_m(figure: Figure, thighs_below_hips: float) -> float:
    """Height of a hem given in thigh lengths below the hips."""
    hip, knee = figure.head_of("upperleg01.L")[2], figure.head_of("lowerleg01.L")[2]
    return float(hip - thighs_below_hips * (hip - knee))


def top_layers(figure: Figure, cut: TopCut, albedo: Floats) -> list[Layer]:
    """The upper garment: shoulders, sleeves and chest from the skin, and a tube from the waist to the hem."""
    hem = hem_height_m(figure, cut.hem)
    waist = float(figure.head_of("spine05")[2] + 0.02)
    hang = trunk_drape(figure, ease_m=cut.ease_m, slack=cut.slack, flare=0.0, bottom_m=min(hem, waist) - 0.05)
    points = figure.points + cut.ease_m * figure.normals
    trunk = figure.within(Part.TORSO, Part.HIPS, Part.THIGH)
    points[trunk] = _hung(points[trunk], hang)
    for side in _SIDES:
        arm = figure.within(Part.UPPER_ARM, Part.FOREARM, Part.HAND) & (figure.points[:, 0] * _sign(side) > 0)
        limb = limb_of(figure.physique.skeleton, "arm", side)
        points[arm] = sleeve(
            figure.points[arm], limb, ease_m=cut.ease_m * 0.7, radius_m=cut.sleeve_m, hem=cut.sleeve_hem, free_from=0.25
        )
    faces = figure.faces_of(Part.TORSO, Part.UPPER_ARM, Part.FOREARM, Part.HAND, Part.NECK, Part.HIPS, Part.THIGH)
    if not cut.has_sleeves:
        faces = faces[~_on_arm(figure, faces)]
    faces = _up_to_hems(figure, faces, cut)
    points = relax(points, faces, 3)
    # The neckline: what lies above is drawn down to it.
    line = _neckline_m(figure, points, cut.neckline_m)
    points[:, 2] = np.minimum(points[:, 2], line)
    bottom = max(hem, waist - 0.06)
    faces = faces[(points[faces, 2] > bottom).any(1) | _on_arm(figure, faces)]
    on_trunk = ~figure.within(Part.UPPER_ARM, Part.FOREARM, Part.HAND)
    points[on_trunk, 2] = np.maximum(points[on_trunk, 2], bottom)
    if cut.gap_m > 0:
        points, faces = _open_front(figure, points, faces, cut.gap_m)
    layers = [
        Layer(
            vertices_m=points,
            weights=figure.physique.weights,
            faces=faces,
            albedo=albedo,
            material=cut.material,
            rank=cut.rank,
        )
    ]
    if hem < waist - 0.03:
        share = float(np.clip(0.25 + 0.45 * cut.hem, 0.15, 0.7))
        tube = tube_layer(
            figure, hang, top_m=waist + 0.02, bottom_m=hem, leg_share=share, gap_m=cut.gap_m, albedo=albedo[0],
            material=cut.material, rank=cut.rank,
        )  # fmt: skip
        layers.append(tube)
    return layers


def leg_layers(figure: Figure, cut: LegCut, albedo: Floats) -> list[Layer]:
    """Trousers or shorts."""
    points = figure.points + cut.ease_m * figure.normals
    for side in _SIDES:
        leg = figure.within(Part.THIGH, Part.SHIN, Part.FOOT) & (figure.points[:, 0] * _sign(side) > 0)
        limb = limb_of(figure.physique.skeleton, "leg", side)
        points[leg] = sleeve(
            figure.points[leg], limb, ease_m=cut.ease_m, radius_m=cut.leg_m, hem=cut.hem, free_from=0.30
        )
        place, _ = limb.locate(figure.points)
        if side == "L":
            places = place
        else:
            places = np.where(figure.points[:, 0] > 0, places, place)
    parts = [Part.HIPS, Part.THIGH] + ([Part.SHIN, Part.FOOT] if cut.hem > 1 else [])
    faces = figure.faces_of(*parts)
    # Beyond the hem only the first row of faces is kept; its vertices have been drawn up to the hem.
    near = (places[faces] < cut.hem).any(1) | np.isin(figure.vertex_parts[faces], [int(Part.HIPS)]).any(1)
    faces = faces[near]
    points = relax(points, faces, 2)
    return [
        Layer(
            vertices_m=points,
            weights=figure.physique.weights,
            faces=faces,
            albedo=albedo,
            material=cut.material,
            rank=1,
        )
    ]


def tube_layer(
    figure: Figure, hang: Drape, *, top_m: float, bottom_m: float, leg_share: float, gap_m: float, albedo: Floats,
    material: Material, rank: int, waves: float = 0.0,
) -> Layer:  # fmt: skip
    """A tube of cloth around hips and legs: the skirt of a coat, a dress or a jumper.

    Args:
        figure: the body.
        hang: how the cloth falls.
        top_m: height of its upper edge.
        bottom_m: height of its hem.
        leg_share: how far the hem goes along with the legs, 0 to 1.
        gap_m: half the width of an open front.
        albedo: (3,) linear colour.
        material: of the cloth.
        rank: see `bodydouble.generation.avatar.mesh.Layer.rank`.
        waves: depth of folds at the hem as a share of the radius.
    """
    rows = max(3, round((top_m - bottom_m) / 0.03) + 1)
    z = np.linspace(top_m, bottom_m, rows)
    front = 1.5 * np.pi
    half = np.arcsin(np.clip(gap_m / 0.13, 0, 0.9)) if gap_m > 0 else 0.0
    angle = front + half + np.linspace(0, 2 * np.pi - 2 * half, DIRECTIONS + 1)
    zz, aa = np.meshgrid(z, angle, indexing="ij")
    down = (top_m - zz) / max(top_m - bottom_m, 1e-6)
    radius = hang.at(zz, aa) * (1 + waves * down * np.sin(9 * aa + 2 * np.sin(3 * aa)))
    points = hang.place(zz.ravel(), aa.ravel(), radius.ravel())
    columns = DIRECTIONS + 1
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)[None]).ravel()
    quads = np.stack([first, first + 1, first + columns + 1, first + columns], 1)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    return Layer(
        vertices_m=points, weights=_tube_weights(figure, points, leg_share, bottom_m), faces=faces,
        albedo=np.broadcast_to(albedo, points.shape), material=material, is_loose=True, rank=rank,
    )  # fmt: skip


def _tube_weights(figure: Figure, points: Floats, leg_share: float, bottom_m: float) -> NDArray[np.float32]:
    """Like the skin behind it at the waist; below the hips more and more with the thighs."""
    trunk = figure.within(Part.TORSO, Part.HIPS)
    distance, index = cKDTree(figure.points[trunk]).query(points, k=6)
    near = 1 / (distance + 0.01)
    base = (figure.physique.weights[trunk][index] * near[..., None]).sum(1) / near.sum(1, keepdims=True)
    hip = float(figure.head_of("upperleg01.L")[2])
    # Thighs are in the trunk's skin already; they count as the root here, and again in the share below.
    legs = [BONE_INDEX[f"{bone}.{side}"] for bone in ("upperleg01", "lowerleg01") for side in _SIDES]
    base[:, BONE_INDEX["root"]] += base[:, legs].sum(1)
    base[:, legs] = 0
    share = leg_share * np.clip((hip + 0.05 - points[:, 2]) / max(hip + 0.05 - bottom_m, 0.1), 0, 1) ** 0.8
    left = np.clip(0.5 + points[:, 0] / 0.22, 0, 1)
    left = left * left * (3 - 2 * left)
    out = base * (1 - share)[:, None]
    out[:, BONE_INDEX["upperleg01.L"]] += share * left
    out[:, BONE_INDEX["upperleg01.R"]] += share * (1 - left)
    return np.asarray(out.astype(np.float32).reshape(-1, len(BONES)))


def _hung(points: Floats, hang: Drape) -> Floats:
    angle, radius = hang.polar(points)
    own = np.clip((hang.levels_m[0] + 0.03 - points[:, 2]) / 0.09, 0, 1)
    wide = np.maximum(radius, own * hang.at(points[:, 2], angle))
    return hang.place(points[:, 2], angle, wide)


def _neckline_m(figure: Figure, points: Floats, over_m: float) -> Floats:
    """Height of the neckline at each vertex: higher at the nape than in front, and free of the shoulders."""
    neck = figure.head_of("neck01")
    beside = np.maximum(np.abs(points[:, 0]) - 0.055, 0)
    return np.asarray(neck[2] + over_m + 0.45 * np.clip(points[:, 1] - neck[1], -0.12, 0.08) + 1.2 * beside)


def _up_to_hems(figure: Figure, faces: NDArray[np.int32], cut: TopCut) -> NDArray[np.int32]:
    """Leave out what lies wholly beyond the sleeves' hems or above the neckline."""
    keep = np.ones(len(figure.points), bool)
    for side in _SIDES:
        place, _ = limb_of(figure.physique.skeleton, "arm", side).locate(figure.points)
        own = figure.within(Part.UPPER_ARM, Part.FOREARM, Part.HAND) & (figure.points[:, 0] * _sign(side) > 0)
        keep[own & (place > cut.sleeve_hem)] = False
    keep &= figure.points[:, 2] < _neckline_m(figure, figure.points, cut.neckline_m)
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
