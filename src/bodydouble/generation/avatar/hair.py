"""Hair: a shell over the scalp that ends at the hairline, and what hangs from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.mesh import Layer, Material, Pattern, Weave, grid_faces, outwards, rigid
from bodydouble.generation.avatar.skeleton import BONE_INDEX, Floats
from bodydouble.generation.avatar.skull import COLUMNS, Skull, hanging_weights, turns

_ROWS: Final = 20
_HAIRLINE_DEG: Final = (0, 30, 48, 58, 68, 78, 84, 100, 110, 125, 150, 180)
_HAIRLINE_M: Final = (0.066, 0.063, 0.050, 0.022, 0.000, -0.010, 0.030, 0.030, -0.010, -0.045, -0.062, -0.068)
"""Height of the hairline over the eyes, around the head: forehead, temples, over the ears, nape."""


@dataclass(frozen=True, kw_only=True)
class HairCut:
    """How hair is cut; lengths in metres on a usual head."""

    top_m: float
    """Thickness on the crown."""
    side_m: float
    """Thickness at the sides and the back."""
    hang_m: tuple[float, float] | None = None
    """Where it ends beside the face and at the back, over the root of the neck; None ends at the hairline."""
    bumps_m: float = 0.0
    """Depth of curls."""


CUTS: Final = {
    "short": HairCut(top_m=0.019, side_m=0.010),
    "medium": HairCut(top_m=0.017, side_m=0.015, hang_m=(0.045, 0.02)),
    "long": HairCut(top_m=0.014, side_m=0.014, hang_m=(0.0, -0.17)),
    "tied": HairCut(top_m=0.009, side_m=0.008),
    "curly": HairCut(top_m=0.040, side_m=0.034, hang_m=(0.085, 0.075), bumps_m=0.008),
}


def hair_layers(
    figure: Figure, skull: Skull, hair_type: str, albedo: Floats, seed: int, *, under_z_m: float | None
) -> list[Layer]:
    """Hair of a type; ``albedo`` (3,) linear; above ``under_z_m`` headwear presses it flat."""
    if hair_type == "bald":
        return []
    rng = np.random.default_rng(seed)
    layers = [_shell(figure, skull, CUTS[hair_type], albedo, rng, under_z_m)]
    if hair_type == "tied":
        layers.append(_tail(skull, albedo, bun=bool(rng.random() < 0.4)))
    return layers


def _shell(
    figure: Figure, skull: Skull, cut: HairCut, albedo: Floats, rng: np.random.Generator, under_z_m: float | None
) -> Layer:
    size, full = skull.size, float(rng.uniform(0.85, 1.2))
    fringe = 0.03 if cut.hang_m and not cut.bumps_m and rng.random() < 0.4 else float(rng.uniform(-0.006, 0.006))
    parting = float(rng.choice([-0.5, 0.5, 0.0])) * (0.0 if cut.bumps_m else 1.0)
    around = turns()
    grid = np.empty((_ROWS + 1, COLUMNS, 3))
    flow = np.empty((_ROWS + 1, COLUMNS))
    for column, turn in enumerate(around):
        away, z, length, hangs = _strand(figure, skull, cut, float(turn), fringe)
        share = np.linspace(0, 1, _ROWS)
        front = np.clip(np.cos(turn), 0, 1)
        side = np.clip((z.max() - z) / (0.12 * size), 0, 1)
        thick = (cut.top_m + (cut.side_m - cut.top_m) * side) * full
        # A parting, and hair that falls to both sides of it.
        thick = thick * (1 - 0.45 * np.exp(-(((turn - parting) / 0.2) ** 2)) * (1 - side) * front)
        edge = np.clip((1 - share) / 0.16, 0, 1)
        thick = thick * (0.75 + 0.25 * edge if hangs else np.sqrt(edge) * 0.9 + 0.1)
        if cut.bumps_m:
            thick += (
                cut.bumps_m
                * np.sin(9 * turn + 4 * np.sin(14 * share + turn))
                * np.sin(26 * share + 3 * np.sin(3 * turn))
            )
        else:
            thick *= 1 + 0.16 * np.sin(7 * turn + 2 * np.sin(2 * turn + 1) + 3 * share) * (0.4 + share)
        if under_z_m is not None:
            thick = np.where(z > under_z_m - 0.01, np.minimum(thick, 0.004), thick)
        dz, da = np.gradient(z), np.gradient(away)
        norm = np.hypot(dz, da) + 1e-9
        grid[:_ROWS, column] = skull.place(
            np.full(_ROWS, turn), away + thick * size * -dz / norm, z + thick * size * da / norm
        )
        # The edge turns in, so that it has no gap to the skin and no paper-thin hem.
        grid[_ROWS, column] = skull.place(
            np.array(turn), np.array(away[-1] - (0.012 if hangs else 0.006) * size), np.array(z[-1])
        )
        flow[:, column] = np.append(share, 1.0) * length
    points = grid.reshape(-1, 3)
    faces = grid_faces(_ROWS + 1, COLUMNS, closed=True)
    strands = np.stack([np.broadcast_to(0.09 * around, flow.shape).ravel(), flow.ravel()], 1)
    tone = 1 + 0.10 * np.sin(3 * around + rng.uniform(0, 6))[None] + 0.12 * (0.5 - flow / max(float(flow.max()), 0.1))
    return Layer(
        vertices_m=points, weights=hanging_weights(skull, points), faces=faces,
        albedo=tone.ravel()[:, None] * albedo, material=Material.HAIR, rank=1, cloth_m=strands, pattern=_streaks(albedo),
    )  # fmt: skip


def _strand(
    figure: Figure, skull: Skull, cut: HairCut, turn: float, fringe_m: float
) -> tuple[Floats, Floats, float, bool]:
    """A strand from the crown to where it ends.

    Returns:
        Distances from the vertical through the head, heights (20,), its length, and whether it hangs at its end.
    """
    away, z = skull.meridian(turn)
    degrees = abs(np.rad2deg(turn))
    line = float(np.interp(degrees, _HAIRLINE_DEG, _HAIRLINE_M))
    end = skull.eye_z_m + (line - fringe_m * np.clip(1.6 - degrees / 30, 0, 1)) * skull.size
    hangs = False
    if cut.hang_m is not None:
        beside, behind = cut.hang_m
        low = skull.nape_z_m + float(np.interp(degrees, (100, 140, 180), (beside, behind, behind - 0.01))) * skull.size
        share = float(np.interp(degrees, (36, 52, 64), (0, 0.35, 1)))
        goal = end + (min(low, end) - end) * share
        hangs, end = goal < end - 0.004, min(goal, end)
    if hangs:
        widest = int(away.argmax())
        reach = np.maximum(away[: widest + 1], 0)
        drop = np.linspace(z[widest], min(end, z[widest] - 0.005), 24)[1:]
        fall = np.full(len(drop), reach[-1]) + np.maximum(_back_m(figure, skull, drop) - reach[-1], 0) * max(
            0.0, -np.cos(turn)
        )
        tuck = np.clip((skull.chin_z_m - drop) / 0.08, 0, 1) * (0.25 if degrees < 110 else 0.05)
        away, z = np.append(reach, fall * (1 - tuck)), np.append(z[: widest + 1], drop)
    keep = z >= end
    keep[:3] = True
    away, z = away[keep], z[keep]
    along = np.append(0, np.cumsum(np.hypot(np.diff(away), np.diff(z))))
    steps = np.linspace(0, along[-1], _ROWS)
    return np.interp(steps, along, away), np.interp(steps, along, z), float(along[-1]), bool(hangs)


def _back_m(figure: Figure, skull: Skull, z: Floats) -> Floats:
    """How far behind the skull's middle the back and what covers it are, at heights."""
    trunk = figure.points[figure.within(Part.TORSO, Part.NECK) & (np.abs(figure.points[:, 0]) < 0.09)]
    far = [trunk[np.abs(trunk[:, 2] - level) < 0.02, 1] for level in z]
    return np.array([float(ys.max()) - skull.centre[1] + 0.035 if len(ys) else 0.0 for ys in far])


def _tail(skull: Skull, albedo: Floats, *, bun: bool) -> Layer:
    """A bun, or a pony tail that hangs to the nape."""
    rows, columns, size = 12, 14, skull.size
    back = float(skull.reach(np.array([[0.0, 1.0, 0.0]]))[0])
    t = np.linspace(0, 1, rows)
    if bun:
        y = skull.centre[1] + back - 0.002 + 0.055 * size * t
        axis = np.stack([0 * t, y, skull.centre[2] + 0.03 * size + 0.012 * t], 1)
        radius = 0.034 * size * np.sin(np.linspace(0.25, np.pi - 0.02, rows)) ** 0.6
    else:
        y = skull.centre[1] + back - 0.004 + 0.034 * size * np.sin(np.minimum(t * 2.4, np.pi * 0.62))
        axis = np.stack([0 * t, y, skull.centre[2] + 0.035 * size - 0.17 * size * t**1.3], 1)
        radius = 0.024 * size * np.sin(np.clip(0.35 + 2.7 * t, 0, np.pi - 0.06)) ** 0.6
    turn = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    along = np.gradient(axis, axis=0)
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    side = np.array([1.0, 0.0, 0.0])
    third = np.cross(along, side)
    ring = radius[:, None, None] * (np.cos(turn)[None, :, None] * side + np.sin(turn)[None, :, None] * third[:, None])
    points = (axis[:, None] + ring).reshape(-1, 3)
    return Layer(
        vertices_m=points, weights=rigid(len(points), BONE_INDEX["head"]),
        faces=outwards(points, grid_faces(rows, columns, closed=True)), albedo=np.tile(albedo, (len(points), 1)),
        material=Material.HAIR, pattern=_streaks(albedo),
        cloth_m=np.stack([np.tile(0.03 * turn, rows), np.repeat(0.2 * t, columns)], 1),
    )  # fmt: skip


def _streaks(albedo: Floats) -> Pattern:
    return Pattern(weave=Weave.STRANDS, period_m=0.011, share=0.4, colour=albedo * 0.45)


def beard_layer(figure: Figure, skin: Floats, hair: Floats, kind: str, seed: int) -> Layer:
    """A ``beard`` or ``moustache``: the skin of jaw or lip, thicker and in the colour of hair."""
    rng = np.random.default_rng(seed)
    points, joints = figure.points, figure.physique.skeleton.joints_m
    eye = joints[[14, 15]].mean(0)
    unit = float(np.linalg.norm(joints[0] - eye)) or 0.03
    gap = float(abs(joints[14, 0] - joints[15, 0])) / 2
    x, z = np.abs(points[:, 0]) / gap, (points[:, 2] - eye[2]) / unit
    front = points[:, 1] < float(joints[[16, 17], 1].mean()) - 0.1 * unit
    face = figure.within(Part.FACE) & front
    lip = np.clip(1.25 - np.abs(x) / 1.05, 0, 1) * np.exp(-(((z + 1.66) / 0.24) ** 4))
    mask = lip * 1.6
    if kind == "beard":
        line = -2.25 + 1.5 * np.clip((x - 0.9) / 1.3, 0, 1) ** 1.2
        mask = np.maximum(mask, np.clip((line - z) / 0.45, 0, 1))
    mouth = np.exp(-((x / 0.75) ** 4) - ((z + 2.07) / 0.2) ** 2)
    mask = np.where(face, np.clip(mask - 1.6 * mouth, 0, 1), 0)
    long = float(rng.uniform(0.004, 0.013)) * (0.6 if kind == "moustache" else 1.0) * figure.size
    down = np.clip((-2.3 - z) / 1.2, 0, 1)[:, None] * np.array([0.0, -0.35, -0.9])
    moved = points + (mask * long)[:, None] * (figure.normals + down) + 0.0008 * figure.normals
    faces = figure.faces[(mask[figure.faces] > 0.12).all(1)]
    share = np.clip(mask * 1.6, 0, 1)[:, None] * 0.92
    return Layer(
        vertices_m=moved, weights=figure.physique.weights, faces=faces, albedo=skin * (1 - share) + hair * share,
        material=Material.HAIR, rank=0,
    )  # fmt: skip
