"""Shoes: a last built around each foot, soles, heels and the shafts of boots."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.cloth import limb_of, sleeve
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.mesh import Layer, Material, grid_faces, outwards, rigid
from bodydouble.generation.avatar.skeleton import BONE_INDEX, Floats

_SECTIONS: Final = 18
_CORNERS: Final = 20


@dataclass(frozen=True, kw_only=True)
class _Last:
    """Measures of a shoe, metres on a usual foot."""

    wall_m: float
    sole_m: float
    toe_m: float
    """How far it reaches beyond the toes."""
    toe_high_m: float
    point: float
    """How pointed it is, 0 to 1."""
    rim: float
    """Height of the opening at the ankle over that of the ankle itself, metres."""
    sole_rgb: tuple[float, float, float] | None
    """Linear; None: the shoe's own colour, darker."""
    heel_m: float = 0.0


_LASTS: Final = {
    "trainers": _Last(wall_m=0.007, sole_m=0.026, toe_m=0.012, toe_high_m=0.042, point=0.1, rim=0.012, sole_rgb=None),
    "leather shoes": _Last(
        wall_m=0.005, sole_m=0.012, toe_m=0.018, toe_high_m=0.032, point=0.45, rim=0.002, sole_rgb=(0.012, 0.01, 0.01),
        heel_m=0.016,
    ),
    "boots": _Last(
        wall_m=0.007, sole_m=0.022, toe_m=0.014, toe_high_m=0.042, point=0.25, rim=0.02, sole_rgb=(0.014, 0.013, 0.012),
        heel_m=0.012,
    ),
    "heels": _Last(
        wall_m=0.003, sole_m=0.008, toe_m=0.022, toe_high_m=0.020, point=0.9, rim=-0.03, sole_rgb=(0.012, 0.01, 0.01),
        heel_m=0.06,
    ),
}  # fmt: skip
_HEEL_TILT_RAD: Final = 0.30
"""How far a foot in heels points down."""
_LIGHT_SOLE: Final = np.array([0.55, 0.54, 0.51])


def shoe_layers(figure: Figure, kind: str, albedo: Floats, complexion: Floats, *, light_sole: bool) -> list[Layer]:
    """A pair of shoes; ``albedo`` (3,) linear, ``complexion`` (V, 3) that of the skin that some of them leave bare."""
    layers = []
    for side in ("L", "R"):
        layers += _shoe(figure, side, kind, albedo, light_sole=light_sole)
        if kind == "heels":
            own = figure.faces_of(Part.FOOT)
            own = own[(figure.points[own, 0] * (1.0 if side == "L" else -1.0) > 0).all(1)]
            bare = figure.skin(own, complexion)
            layers.append(replace(bare, vertices_m=_tilted(figure, side, figure.points)))
        if kind == "boots":
            layers.append(_shaft(figure, side, albedo))
    return layers


def _shoe(figure: Figure, side: str, kind: str, albedo: Floats, *, light_sole: bool) -> list[Layer]:
    """Cross-sections from heel to toe: flat below, round above, as wide and high as the foot and a wall more."""
    last, size = _LASTS[kind], figure.size
    sign = 1.0 if side == "L" else -1.0
    foot = figure.points[figure.within(Part.FOOT) & (figure.points[:, 0] * sign > 0)]
    ankle = figure.head_of(f"foot.{side}")
    floor = float(foot[:, 2].min())
    heel, toe = float(foot[:, 1].max()) + last.wall_m, float(foot[:, 1].min()) - last.toe_m * size
    length = heel - toe
    share = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0, 1, _SECTIONS))
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    cosine, sine = np.cos(turn), np.sin(turn)
    sole = (
        _LIGHT_SOLE
        if kind == "trainers" and light_sole
        else albedo * 0.45
        if last.sole_rgb is None
        else np.array(last.sole_rgb)
    )
    rings, tint = [], []
    for t in share:
        level = heel - length * t
        near = foot[np.abs(foot[:, 1] - np.clip(level, toe + (last.toe_m + 0.012) * size, heel - 0.012)) < 0.016]
        left, right = float(near[:, 0].min()) - last.wall_m, float(near[:, 0].max()) + last.wall_m
        # Round in plan at the heel, round to pointed at the toe; low over the toes.
        back = np.sqrt(np.clip(1 - ((0.16 - min(t, 0.16)) / 0.16) ** 2, 0, 1)) * 0.78 + 0.22
        ahead = np.clip((1 - t) / (0.22 + 0.25 * last.point), 0, 1)
        tip = (
            np.sqrt(np.clip(1 - (1 - ahead) ** 2, 0, 1)) * (1 - last.point)
            + ahead ** (1 - 0.3 * last.point) * last.point
        )
        half = (right - left) / 2 * min(back, max(float(tip), 0.10))
        top = min(float(near[:, 2].max()) + last.wall_m, float(ankle[2]) + last.rim * size)
        lid = floor + last.toe_high_m * size + (top - floor) * np.clip((0.86 - t) / 0.22, 0, 1)
        high = min(top, lid) - floor
        if kind == "heels":  # Open over the instep.
            high = float(np.interp(t, (0, 0.12, 0.3, 0.62, 0.72, 1), (0.052, 0.05, 0.022, 0.018, 0.036, 0.030))) * size
        if t > 0.9:
            high *= np.sqrt(np.clip(1 - ((t - 0.9) / 0.115) ** 2, 0.08, 1))
        x = (left + right) / 2 + half * np.sign(cosine) * np.abs(cosine) ** 0.65
        # The toe springs up a little from the ground.
        spring = 0.010 * size * np.clip((t - 0.72) / 0.28, 0, 1) ** 2
        below = last.sole_m * size
        up = np.where(sine > 0, np.abs(sine) ** 0.85 * high, -(np.abs(sine) ** 0.3) * below) + floor + spring
        rings.append(np.stack([x, np.full_like(x, level), up], 1))
        welt = (sine < 0.12) & (sine > -0.12) if kind == "leather shoes" else sine < -0.05
        shade = np.where((sine < 0.06)[:, None], sole, albedo * (0.82 + 0.18 * np.clip(sine, 0, 1))[:, None])
        lacing = (0.38 < t < 0.66) & (sine > 0.86)
        if kind == "trainers":
            shade = np.where(np.full((_CORNERS, 1), True) & lacing[:, None], albedo * 0.5 + 0.22, shade)
        rings[-1][welt, 0] += 0.003 * np.sign(cosine[welt])
        tint.append(shade)
    points = np.concatenate(rings)
    caps = [[s, s + k, s + k + 1] for s in (0, (_SECTIONS - 1) * _CORNERS) for k in range(1, _CORNERS - 1)]
    ends = np.array(caps, np.int32)
    ends[: _CORNERS - 2] = ends[: _CORNERS - 2, ::-1]
    bone = BONE_INDEX[f"foot.{side}"]
    sides = outwards(points, grid_faces(_SECTIONS, _CORNERS, closed=True))
    ends = _away(points, ends)
    points = _tilted(figure, side, points) if kind == "heels" else points
    shoe = Layer(
        vertices_m=points, weights=rigid(len(points), bone), faces=np.concatenate([sides, ends]),
        albedo=np.concatenate(tint), material=Material.LEATHER,
    )  # fmt: skip
    if not last.heel_m:
        return [shoe]
    back = np.array([float(foot[:, 0].mean()), heel - (0.030 if kind == "heels" else 0.036) * size, floor])
    if kind == "heels":
        back = _tilted(figure, side, back[None])[0]
    ground = float(points[:, 2].min()) if kind == "heels" else floor - last.heel_m * size
    return [shoe, _heel(back, ground, sole, bone, size, slender=kind == "heels")]


def _tilted(figure: Figure, side: str, points: Floats) -> Floats:
    """Points (N, 3) of a foot turned about the ankle, toes down; less so above it, so that the leg has no edge."""
    ankle = figure.head_of(f"foot.{side}")
    off = points - ankle
    angle = _HEEL_TILT_RAD * np.clip(1 - off[:, 2] / 0.03, 0, 1)
    y = off[:, 1] * np.cos(angle) - off[:, 2] * np.sin(angle)
    z = off[:, 1] * np.sin(angle) + off[:, 2] * np.cos(angle)
    return ankle + np.stack([off[:, 0], y, z], 1)


def _heel(top: Floats, ground_m: float, colour: Floats, bone: int, size: float, *, slender: bool) -> Layer:
    """A block between the sole and the ground."""
    wide, long = (0.018, 0.020) if slender else (0.031, 0.032)
    turn = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    rows = []
    for t in np.linspace(0, 1, 5):
        narrow = (1 - (0.5 * t if slender else 0.08 * t)) * size
        z = top[2] + 0.008 + (ground_m - top[2] - 0.008) * t
        x, y = top[0] + wide * narrow * np.cos(turn), top[1] + long * narrow * np.sin(turn)
        rows.append(np.stack([x, y, np.full(10, z)], 1))
    points = np.concatenate(rows)
    return Layer(
        vertices_m=points, weights=rigid(len(points), bone), faces=outwards(points, grid_faces(5, 10, closed=True)),
        albedo=np.tile(colour, (len(points), 1)), material=Material.LEATHER,
    )  # fmt: skip


def _away(points: Floats, faces: NDArray[np.int32]) -> NDArray[np.int32]:
    """Each face turned away from the middle of all points."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    facing = ((a + b + c) / 3 - points.mean(0)) * np.cross(b - a, c - a)
    return np.asarray(np.where((facing.sum(1) < 0)[:, None], faces[:, ::-1], faces).astype(np.int32))


def _shaft(figure: Figure, side: str, albedo: Floats) -> Layer:
    size = figure.size
    sign = 1.0 if side == "L" else -1.0
    limb = limb_of(figure.physique.skeleton, "leg", side)
    place, _ = limb.locate(figure.points)
    own = figure.within(Part.SHIN, Part.FOOT) & (figure.points[:, 0] * sign > 0)
    points = figure.points.copy()
    radii = (0.06 * size, 0.058 * size, 0.048 * size)
    points[own] = sleeve(figure.points[own], limb, ease_m=0.008, radius_m=radii, hem=2.05, free_from=0.0)
    faces = figure.faces_of(Part.SHIN, Part.FOOT)
    faces = faces[(own & (place > 1.66) & (place < 2.12))[faces].all(1)]
    return Layer(
        vertices_m=points, weights=figure.physique.weights, faces=faces,
        albedo=np.tile(albedo, (len(points), 1)), material=Material.LEATHER,
    )  # fmt: skip
