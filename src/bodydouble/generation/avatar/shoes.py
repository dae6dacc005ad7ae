"""Shoes: a last built around each foot, and shafts for boots."""

from __future__ import annotations

from typing import Final

import numpy as np

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.cloth import limb_of, sleeve
from bodydouble.generation.avatar.garments import Figure
from bodydouble.generation.avatar.mesh import Layer, Material, rigid
from bodydouble.generation.avatar.skeleton import BONE_INDEX, Floats

_SECTIONS: Final = 12
_CORNERS: Final = 16
_WALL_M: Final = 0.006
_SOLE_M: Final = {"trainers": 0.026, "leather shoes": 0.016, "boots": 0.022}
_SOLE_RGB: Final = {"trainers": np.array([0.52, 0.51, 0.48]), "leather shoes": np.array([0.01, 0.01, 0.01])}


def shoe_layers(figure: Figure, kind: str, albedo: Floats, *, light_sole: bool) -> list[Layer]:
    """A pair of shoes; ``albedo`` (3,) linear."""
    layers = []
    for side in ("L", "R"):
        layers.append(_last(figure, side, kind, albedo, light_sole=light_sole))
        if kind == "boots":
            layers.append(_shaft(figure, side, albedo))
    return layers


def _last(figure: Figure, side: str, kind: str, albedo: Floats, *, light_sole: bool) -> Layer:
    """Cross-sections from heel to toe: flat below, round above, as wide and high as the foot and a wall more."""
    sign = 1.0 if side == "L" else -1.0
    foot = figure.points[figure.within(Part.FOOT) & (figure.points[:, 0] * sign > 0)]
    ankle = figure.head_of(f"foot.{side}")
    floor = float(foot[:, 2].min())
    heel, toe = float(foot[:, 1].max()) + _WALL_M, float(foot[:, 1].min()) - 0.012
    along = np.linspace(0, 1, _SECTIONS)
    y = heel + (toe - heel) * (0.5 - 0.5 * np.cos(np.pi * along))
    sole = _SOLE_M[kind]
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    rings, tint = [], []
    for level in y:
        near = foot[np.abs(foot[:, 1] - np.clip(level, toe + 0.02, heel - 0.012)) < 0.016]
        left, right = float(near[:, 0].min()) - _WALL_M, float(near[:, 0].max()) + _WALL_M
        top = min(float(near[:, 2].max()) + _WALL_M, float(ankle[2]) + 0.015)
        # Heel and toe are round in plan, and the toe is low.
        end = min(
            1.0, float(np.sqrt(max(0.0, 1 - ((0.035 - min(abs(level - heel), 0.035)) / 0.035) ** 2))) * 0.75 + 0.25
        )
        end *= min(1.0, float(np.sqrt(max(0.0, 1 - ((0.05 - min(abs(level - toe), 0.05)) / 0.05) ** 2))) * 0.8 + 0.2)
        middle, half = (left + right) / 2, (right - left) / 2 * end
        cosine, sine = np.cos(turn), np.sin(turn)
        x = middle + half * np.sign(cosine) * np.abs(cosine) ** 0.7
        up = np.where(sine > 0, np.abs(sine) ** 0.8 * (top - floor), -(np.abs(sine) ** 0.25) * sole) + floor
        rings.append(np.stack([x, np.full_like(x, level), up], 1))
        tint.append(np.where((sine < 0.05)[:, None], _sole_colour(kind, albedo, light_sole=light_sole), albedo))
    points = np.concatenate(rings)
    first = np.arange(_SECTIONS - 1)[:, None] * _CORNERS
    here, there = first + np.arange(_CORNERS)[None], first + (np.arange(_CORNERS)[None] + 1) % _CORNERS
    quads = np.stack([here, there, there + _CORNERS, here + _CORNERS], -1).reshape(-1, 4)
    caps = [
        [start, start + k, start + k + 1] for start in (0, (_SECTIONS - 1) * _CORNERS) for k in range(1, _CORNERS - 1)
    ]
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]], np.array(caps)]).astype(np.int32)
    return Layer(
        vertices_m=points, weights=rigid(len(points), BONE_INDEX[f"foot.{side}"]), faces=faces,
        albedo=np.concatenate(tint), material=Material.LEATHER,
    )  # fmt: skip


def _sole_colour(kind: str, albedo: Floats, *, light_sole: bool) -> Floats:
    if kind == "trainers" and light_sole:
        return np.asarray(_SOLE_RGB["trainers"])
    return np.asarray(albedo * 0.45 if kind == "trainers" else _SOLE_RGB["leather shoes"])


def _shaft(figure: Figure, side: str, albedo: Floats) -> Layer:
    sign = 1.0 if side == "L" else -1.0
    limb = limb_of(figure.physique.skeleton, "leg", side)
    place, _ = limb.locate(figure.points)
    own = figure.within(Part.SHIN, Part.FOOT) & (figure.points[:, 0] * sign > 0)
    points = figure.points.copy()
    points[own] = sleeve(figure.points[own], limb, ease_m=0.008, radius_m=(0.06, 0.058, 0.048), hem=2.05, free_from=0.0)
    faces = figure.faces_of(Part.SHIN, Part.FOOT)
    faces = faces[(own & (place > 1.66) & (place < 2.12))[faces].all(1)]
    return Layer(
        vertices_m=points, weights=figure.physique.weights, faces=faces,
        albedo=np.tile(albedo, (len(points), 1)), material=Material.LEATHER,
    )  # fmt: skip
