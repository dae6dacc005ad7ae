"""Hair: a shell over the scalp that ends at the hairline, and what hangs from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.features import Features, hairline_m, whisker_density
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.head import WHISKER_SOFT_M
from bodydouble.generation.avatar.mesh import Layer, Material, Pattern, Weave, grid_faces, outwards, rigid
from bodydouble.generation.avatar.skeleton import BONE_INDEX, Floats
from bodydouble.generation.avatar.skull import Skull, hanging_weights, turns
from bodydouble.generation.avatar.surfaces import AROUND_M

_ROWS: Final = 24
_COLUMNS: Final = 64
_ROUND_M: Final = float(AROUND_M) / (2 * np.pi)
"""Radius of a head as strands on it are counted."""
_HANGING_FRAY_M: Final = 0.018
"""Half the width over which hair thins out where it hangs, on a usual head."""
_OVER_EARS_M: Final = 0.010
"""How far ears push out hair that hangs over them."""
_STRAIGHT_LOCK: Final = (0.0075, 9.0)
_CURL: Final = (0.0085, 1.3)
"""Width of a lock in metres, and its length over its width."""
_OTHER_STRANDS: Final = np.array([0.31, 0.17])
"""Shift on the cloth, so that loose strands are not those below."""
_PRESSED_M: Final = 0.004
"""Thickness of hair under headwear."""
_LOOSE_M: Final = 0.0016
"""How far single strands stand off straight hair; curls stand off as far as they are deep."""
_LOOSE_DENSITY: Final = 0.46
"""Of these strands; below one half, so that nothing of them is seen from afar."""


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
    fray_m: float = 0.011
    """Half the width over which it thins out at the hairline; less where it is combed back."""


CUTS: Final = {
    "short": HairCut(top_m=0.019, side_m=0.010),
    "medium": HairCut(top_m=0.017, side_m=0.015, hang_m=(0.045, 0.02)),
    "long": HairCut(top_m=0.014, side_m=0.014, hang_m=(0.0, -0.17)),
    "tied": HairCut(top_m=0.009, side_m=0.008, fray_m=0.005),
    "curly": HairCut(top_m=0.040, side_m=0.034, hang_m=(0.085, 0.075), bumps_m=0.008),
}


def hair_layers(
    figure: Figure, skull: Skull, hair_type: str, albedo: Floats, seed: int, *, under_z_m: float | None, recess_m: float
) -> list[Layer]:
    """Hair of a type; ``albedo`` (3,) linear; above ``under_z_m`` headwear presses it flat.

    ``recess_m``: how far the hairline goes back at the temples.
    """
    if hair_type == "bald":
        return []
    rng = np.random.default_rng(seed)
    layers = _shell(figure, skull, CUTS[hair_type], albedo, rng, under_z_m, recess_m)
    if hair_type == "tied":
        layers.append(_tail(skull, albedo, bun=bool(rng.random() < 0.4)))
    return layers


def _shell(
    figure: Figure, skull: Skull, cut: HairCut, albedo: Floats, rng: np.random.Generator, under_z_m: float | None,
    recess_m: float,
) -> list[Layer]:  # fmt: skip
    """The hair itself, and loose strands over it that are seen close by."""
    size, full = skull.size, float(rng.uniform(0.85, 1.2))
    fringe = 0.03 if cut.hang_m and not cut.bumps_m and rng.random() < 0.4 else float(rng.uniform(-0.006, 0.006))
    parting = float(rng.choice([-0.5, 0.5, 0.0])) * (0.0 if cut.bumps_m else 1.0)
    sweep, phases = float(rng.uniform(-0.35, 0.35)), rng.uniform(0, 6, 4)
    around = turns(_COLUMNS)
    grid, loose = np.empty((_ROWS + 1, _COLUMNS, 3)), np.empty((_ROWS, _COLUMNS, 3))
    flow, density, tone = (
        np.empty((_ROWS + 1, _COLUMNS)),
        np.zeros((_ROWS + 1, _COLUMNS)),
        np.empty((_ROWS + 1, _COLUMNS)),
    )
    pressed = np.zeros((_ROWS, _COLUMNS), bool)
    for column, turn in enumerate(around):
        # Nobody's hair ends in one line: it is longer here and there, and on one side of a parting.
        uneven = 0.0035 * np.sin(7 * turn + phases[3]) + 0.0025 * np.sin(19 * turn + phases[2])
        lower = fringe + uneven - 0.012 * np.sign(parting) * np.sin(1.8 * np.clip(turn, -0.9, 0.9))
        away, z, length, there, hangs = _strand(figure, skull, cut, float(turn), lower, recess_m)
        share = np.linspace(0, 1, _ROWS)
        front = np.clip(np.cos(turn), 0, 1)
        side = np.clip((z.max() - z) / (0.12 * size), 0, 1)
        thick = (cut.top_m + (cut.side_m - cut.top_m) * side) * full
        # A parting, and hair that falls to both sides of it.
        parted = np.exp(-(((turn - parting) / 0.2) ** 2)) * (1 - side) * front
        thick = thick * (1 - 0.45 * parted)
        edge = np.clip((1 - share) / (0.16 if hangs else 0.30), 0, 1)
        thick = thick * (0.75 + 0.25 * edge if hangs else edge**0.65 * 0.93 + 0.07)
        if cut.bumps_m:
            thick += edge**0.3 * (
                cut.bumps_m
                * np.sin(9 * turn + 4 * np.sin(14 * share + turn) + phases[0])
                * np.sin(26 * share + 3 * np.sin(3 * turn + phases[1]))
            )
        else:
            waves = np.sin(7 * turn + 2 * np.sin(2 * turn + phases[0]) + 3 * share)
            waves = waves + 0.5 * np.sin(17 * turn + 5 * share + phases[1])
            thick *= 1 + 0.13 * waves * (0.4 + share)
        if under_z_m is not None:
            pressed[:, column] = z > under_z_m - 0.01
            # Below the edge it needs some way to spring out again.
            thick = np.minimum(thick, _PRESSED_M + 0.4 * np.maximum(under_z_m - 0.01 - z, 0))
        if not hangs:  # Into the hollows that the hull of the skull spans: temples, over the ears.
            away = away - 0.005 * size * share**3
        dz, da = np.gradient(z), np.gradient(away)
        norm = np.hypot(dz, da) + 1e-9
        over = (_LOOSE_M + 0.4 * cut.bumps_m) * (1 + 0.5 * np.sin(11 * turn + 9 * share))
        for layer, off in ((grid, thick), (loose, thick + over)):
            layer[:_ROWS, column] = skull.place(
                np.full(_ROWS, turn), away - off * size * dz / norm, z + off * size * da / norm
            )
        # The edge turns in, so that it has no gap to the skin and no paper-thin hem.
        grid[_ROWS, column] = skull.place(
            np.array(turn), np.array(away[-1] - (0.012 if hangs else 0.006) * size), np.array(z[-1])
        )
        flow[:, column], density[:_ROWS, column] = np.append(share, 1.0) * length, there
        tone[:, column] = 1 - 0.3 * np.append(parted, 0) ** 4
    faces = grid_faces(_ROWS + 1, _COLUMNS, closed=True)
    u = _ROUND_M * around + sweep * np.minimum(flow, 0.2) * (0.0 if cut.bumps_m else 1.0)
    strands = np.stack([u.ravel(), flow.ravel()], 1)
    tone *= 1 + 0.08 * np.sin(3 * around + phases[2])[None] + 0.16 * (0.5 - flow / max(float(flow.max()), 0.1))
    points, colours = grid.reshape(-1, 3), tone.ravel()[:, None] * albedo
    hair = Layer(
        vertices_m=points, weights=hanging_weights(skull, points), faces=faces, albedo=colours, material=Material.HAIR,
        rank=1, cloth_m=strands, pattern=_streaks(albedo, _CURL if cut.bumps_m else _STRAIGHT_LOCK), density=density.ravel(),
    )  # fmt: skip
    count, points = _ROWS * _COLUMNS, loose.reshape(-1, 3)
    sparse = np.where(pressed, 0, _LOOSE_DENSITY * np.clip(2 * density[:_ROWS], 0, 1))
    return [hair, Layer(
        vertices_m=points, weights=hanging_weights(skull, points), faces=grid_faces(_ROWS, _COLUMNS, closed=True),
        albedo=1.12 * colours[:count], material=Material.HAIR, rank=1, cloth_m=strands[:count] + _OTHER_STRANDS,
        pattern=hair.pattern, density=sparse.ravel(), is_fine=True,
    )]  # fmt: skip


def _strand(
    figure: Figure, skull: Skull, cut: HairCut, turn: float, fringe_m: float, recess_m: float
) -> tuple[Floats, Floats, float, Floats, bool]:
    """A strand from the crown to where the last hair ends.

    Returns:
        Distances from the vertical through the head, heights (24,), its length, how dense hair is along it (24,), one half
        at the hairline or hem, and whether it hangs at its end.
    """
    away, z = skull.meridian(turn)
    degrees = abs(np.rad2deg(turn))
    line = float(hairline_m(np.array(turn), recess_m))
    end = skull.eye_z_m + (line - fringe_m * np.clip(1.6 - degrees / 30, 0, 1)) * skull.size
    hangs = False
    if cut.hang_m is not None:
        beside, behind = cut.hang_m
        low = skull.nape_z_m + float(np.interp(degrees, (100, 140, 180), (beside, behind, behind - 0.01))) * skull.size
        share = float(np.interp(degrees, (36, 52, 64), (0, 0.35, 1)))
        goal = end + (min(low, end) - end) * share
        hangs, end = goal < end - 0.004, min(goal, end)
    fray = (_HANGING_FRAY_M if hangs else cut.fray_m) * skull.size
    last = end - fray
    if hangs:
        widest = int(away.argmax())
        reach = np.maximum(away[: widest + 1], 0)
        drop = np.linspace(z[widest], min(last, z[widest] - 0.005), 24)[1:]
        back = max(0.0, -np.cos(turn)) ** 3  # Straight back, and hardly to the sides.
        fall = np.full(len(drop), reach[-1]) + np.maximum(_back_m(figure, skull, drop) - reach[-1], 0) * back
        tuck = np.clip((skull.chin_z_m - drop) / 0.08, 0, 1) * (0.25 if degrees < 110 else 0.05)
        away, z = np.append(reach, fall * (1 - tuck)), np.append(z[: widest + 1], drop)
    # Heights fall along a strand, so that its end is found between the steps.
    fallen = np.minimum.accumulate(z) - 1e-6 * np.arange(len(z))
    along = np.append(0, np.cumsum(np.hypot(np.diff(away), np.diff(z))))
    length = float(np.interp(-last, -fallen, along))
    steps = np.linspace(0, max(length, float(along[3])), _ROWS)
    heights = np.interp(steps, along, z)
    there = np.clip(0.5 + 0.5 * (heights - end) / fray, 0, 1)
    away = np.interp(steps, along, away)
    if hangs:
        beside_ear = np.exp(-(((degrees - 105) / 20) ** 2)) * np.clip(
            (skull.ear_z_m + 0.05 * skull.size - heights) / 0.04, 0, 1
        )
        away = away + _OVER_EARS_M * skull.size * beside_ear
        for _ in range(4):  # Hair does not bend where the skull ends.
            away[1:-1] = 0.25 * away[:-2] + 0.5 * away[1:-1] + 0.25 * away[2:]
    return away, heights, float(steps[-1]), there, bool(hangs)


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
        material=Material.HAIR, pattern=_streaks(albedo, (3 * _STRAIGHT_LOCK[0], 0.5 * _STRAIGHT_LOCK[1])),
        cloth_m=np.stack([np.tile(_ROUND_M * turn, rows), np.repeat(0.2 * t, columns)], 1),
    )  # fmt: skip


def _streaks(albedo: Floats, lock: tuple[float, float]) -> Pattern:
    """Locks and strands of a width and stretch; those of light hair differ less."""
    light = float(np.clip(albedo.mean() / 0.3, 0, 1))
    return Pattern(weave=Weave.STRANDS, period_m=lock[0], share=lock[1], colour=albedo * (0.40 + 0.25 * light))


def with_whiskers(points: Floats, face: Features, kind: str, normals: Floats, seed: int) -> Floats:
    """(V, 3): skin ``points`` where a ``beard`` or ``moustache`` covers them, as far out as it is thick."""
    rng = np.random.default_rng(seed)
    density = whisker_density(face, points, kind, WHISKER_SOFT_M)
    long = float(rng.uniform(0.003, 0.011) if kind == "beard" else rng.uniform(0.0025, 0.0045)) * face.size
    low = np.clip((face.lower_lip[2] - points[:, 2]) / (face.lower_lip[2] - face.chin[2]), 0, 1)
    # Short beside the ears and on the lip, and longest under the chin, where it hangs down.
    thick = density * (0.35 + 0.65 * low) * long
    return np.asarray(points + thick[:, None] * (normals + low[:, None] * np.array([0.0, -0.3, -0.8])))
