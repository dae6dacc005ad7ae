"""What is worn on the head: cap, hat, beanie and hijab."""

from __future__ import annotations

from typing import Final

import numpy as np

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.cloth import drape
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.mesh import Layer, Material, Pattern, Weave, grid_faces, outwards, rigid
from bodydouble.generation.avatar.skeleton import BONE_INDEX, Floats
from bodydouble.generation.avatar.skull import COLUMNS, Skull, hanging_weights, turns

_ROWS: Final = 14
_LINE_M: Final = {"cap": (0.046, 0.010), "hat": (0.046, 0.012), "beanie": (0.052, -0.022)}
"""Height of the lower edge over the eyes, in front and behind."""
_CROWN_M: Final = {"cap": 0.014, "hat": 0.015, "beanie": 0.013}


def edge_z_m(skull: Skull, kind: str) -> float | None:
    """Height above which hair is pressed flat; None without headwear."""
    if kind == "none":
        return None
    return skull.eye_z_m + (-0.3 if kind == "hijab" else min(_LINE_M[kind])) * skull.size


def headwear_layers(figure: Figure, skull: Skull, kind: str, albedo: Floats, seed: int) -> list[Layer]:
    """Headwear of a kind other than ``none``; ``albedo`` (3,) linear."""
    rng = np.random.default_rng(seed)
    if kind == "hijab":
        return [_wrap(figure, skull, albedo, rng), _shawl(figure, skull, albedo, rng)]
    layers = [_crown(skull, kind, albedo)]
    if kind == "cap":
        layers.append(_peak(skull, albedo * float(rng.uniform(0.75, 1.0))))
    if kind == "hat":
        layers.append(_brim(skull, albedo, float(rng.uniform(0.045, 0.07))))
    return layers


def _line_m(skull: Skull, kind: str, turn: Floats) -> Floats:
    front, back = _LINE_M[kind]
    return np.asarray(skull.eye_z_m + (back + (front - back) * (0.5 + 0.5 * np.cos(turn))) * skull.size)


def _crown(skull: Skull, kind: str, albedo: Floats) -> Layer:
    around, size = turns(), skull.size
    grid = np.empty((_ROWS + 1, COLUMNS, 3))
    share = np.linspace(0, 1, _ROWS)
    for column, turn in enumerate(around):
        away, z = skull.meridian(float(turn))
        line = float(_line_m(skull, kind, np.array(turn)))
        along = np.append(0, np.cumsum(np.hypot(np.diff(away), np.diff(z))))
        # Exactly to the line, between the steps of the meridian: else the edge goes up and down from column to column.
        steps = float(np.interp(-line, -z, along)) * share
        a, h = np.interp(steps, along, away), np.interp(steps, along, z)
        thick = np.full(_ROWS, _CROWN_M[kind] * size)
        if kind == "beanie":  # The hem is turned up, and the top has slack.
            thick = thick + 0.006 * size * (share > 0.66) + 0.012 * size * (1 - share) ** 2
        dz, da = np.gradient(h), np.gradient(a)
        norm = np.hypot(dz, da) + 1e-9
        # Foreheads slope: square to the skin the edge would be raised over the line, and bare skin seen under it.
        a, h = a - thick * dz / norm, h + thick * da / norm * np.clip(4 * (1 - share), 0, 1)
        a[0] = 0.0  # All meridians meet in the crown.
        if kind == "hat":  # Steeper walls, and a pinch along the top.
            top = float(h.max())
            h = h + 0.022 * size * np.clip((h - line) / max(top - line, 1e-6), 0, 1) ** 0.7
            a = a * (1 + 0.10 * np.exp(-(((share - 0.5) / 0.25) ** 2)))
            h -= 0.022 * size * np.exp(-((a * np.sin(turn) / (0.022 * size)) ** 2)) * np.clip(1.6 - 2.4 * share, 0, 1)
        grid[:_ROWS, column] = skull.place(np.full(_ROWS, turn), a, h)
        grid[_ROWS, column] = skull.place(np.array(turn), np.array(a[-1] - thick[-1]), np.array(h[-1] + 0.002))
    points = grid.reshape(-1, 3)
    ribs = Pattern(weave=Weave.RIBS, period_m=0.011, colour=albedo * 0.35)
    tint = np.ones((_ROWS + 1, COLUMNS))
    if kind == "hat":
        tint[-4:] = 0.35  # The ribbon.
    return Layer(
        vertices_m=points, weights=rigid(len(points), BONE_INDEX["head"]), faces=grid_faces(_ROWS + 1, COLUMNS, closed=True),
        albedo=tint.ravel()[:, None] * albedo, material=Material.KNIT if kind == "beanie" else Material.WOVEN, rank=2,
        pattern=ribs if kind == "beanie" else Pattern(),
        cloth_m=np.stack([np.tile(np.abs(0.09 * around), _ROWS + 1), points[:, 2]], 1),
    )  # fmt: skip


def _peak(skull: Skull, albedo: Floats) -> Layer:
    """The peak of a cap: bent over the forehead, thick enough to be seen from the side."""
    size = skull.size
    across, rows = np.linspace(-1.05, 1.05, 15), 5
    grid = np.empty((2 * rows, len(across), 3))
    for column, turn in enumerate(across):
        away, z = skull.meridian(float(turn))
        line = float(_line_m(skull, "cap", np.array(turn)))
        rim = float(np.interp(-line, -z, away)) + 0.012 * size
        long = 0.072 * size * np.clip(np.cos(turn * 1.45), 0, 1) ** 0.6
        for row in range(2 * rows):
            below = row >= rows
            t = (2 * rows - 1 - row) / (rows - 1) if below else row / (rows - 1)
            drop = 0.012 * t + 0.016 * (turn / 1.05) ** 2 * t + (0.004 if below else 0.0) - 0.004
            point = skull.place(np.array(turn), np.array(rim - 0.01 * size), np.array(line - drop * size))
            grid[row, column] = point + np.array([0, -1.0, 0]) * (t * (long + 0.01 * size))
    points = grid.reshape(-1, 3)
    return Layer(
        vertices_m=points, weights=rigid(len(points), BONE_INDEX["head"]),
        faces=outwards(points, grid_faces(2 * rows, len(across))), albedo=np.tile(albedo, (len(points), 1)),
        material=Material.WOVEN, rank=2,
    )  # fmt: skip


def _brim(skull: Skull, albedo: Floats, width_m: float) -> Layer:
    around, size = turns(), skull.size
    rows = 8
    grid = np.empty((rows, COLUMNS, 3))
    for column, turn in enumerate(around):
        away, z = skull.meridian(float(turn))
        line = float(_line_m(skull, "hat", np.array(turn)))
        rim = float(np.interp(-line, -z, away)) + 0.010 * size
        for row in range(rows):
            below = row >= rows // 2
            t = (rows - 1 - row) / (rows // 2 - 1) if below else row / (rows // 2 - 1)
            sag = (0.008 - 0.014 * np.sin(turn) ** 2) * t - 0.004 * (not below)
            grid[row, column] = skull.place(
                np.array(turn), np.array(rim + width_m * size * t), np.array(line - (sag - 0.002) * size)
            )
    points = grid.reshape(-1, 3)
    return Layer(
        vertices_m=points, weights=rigid(len(points), BONE_INDEX["head"]), faces=grid_faces(rows, COLUMNS, closed=True),
        albedo=np.tile(albedo, (len(points), 1)), material=Material.WOVEN, rank=2,
    )  # fmt: skip


def _wrap(figure: Figure, skull: Skull, albedo: Floats, rng: np.random.Generator) -> Layer:
    """Cloth around the head that leaves the face free: from an oval around it to the back of the head."""
    size, rows, columns = skull.size, 16, 40
    head = figure.points[figure.within(Part.FACE, Part.HAIR)]
    turn = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    up, down = skull.eye_z_m + 0.052 * size, skull.chin_z_m + 0.006 * size
    middle = (up + down) / 2
    x, z = 0.060 * size * np.sin(turn), middle + (up - middle) * np.cos(turn)
    front = float(head[:, 1].min()) + 0.018 * size
    # Cheeks and temples lie further back than the brow.
    y = front + 0.030 * size * np.sin(turn) ** 2 + 0.012 * size * np.clip(-np.cos(turn), 0, 1)
    edge = np.stack([x, y, z], 1)
    start = edge - skull.centre
    start = start / np.linalg.norm(start, axis=1, keepdims=True)
    back = np.array([0.0, 0.94, 0.34])
    grid = np.empty((rows, columns, 3))
    phase = rng.uniform(0, 6, 2)
    for row, t in enumerate(np.linspace(0, 1, rows) ** 0.85):
        way = start * (1 - t) + back * t
        way = way / np.linalg.norm(way, axis=1, keepdims=True)
        reach = _full_reach(skull, head, way)
        ease = np.interp(t, (0, 0.08, 0.3, 1), (0.003, 0.013, 0.015, 0.013)) * size
        folds = (
            0.0035
            * size
            * np.sin(40 * t + 2.2 * np.cos(turn) + phase[0])
            * np.clip(3 * t, 0, 1)
            * np.clip(2 - 2 * t, 0, 1)
        )
        folds = folds + 0.003 * size * np.sin(3 * turn + 8 * t + phase[1]) * t
        grid[row] = skull.centre + way * (reach + ease + folds)[:, None]
    points = grid.reshape(-1, 3)
    tint = np.repeat(np.interp(np.linspace(0, 1, rows), (0, 0.06, 0.15), (0.72, 0.9, 1.0)), columns)
    return Layer(
        vertices_m=points, weights=hanging_weights(skull, points),
        faces=outwards(points, grid_faces(rows, columns, closed=True)), albedo=tint[:, None] * albedo,
        material=Material.WOVEN, rank=5,
    )  # fmt: skip


def _full_reach(skull: Skull, head: Floats, ways: Floats) -> Floats:
    """Reach of the whole head, chin and jaw too, without what sticks out in the middle of the face."""
    whole = head.copy()
    whole[:, 0] = np.clip(whole[:, 0], -skull.half_m - 0.004, skull.half_m + 0.004)
    whole[:, 1] = np.maximum(whole[:, 1], skull.face_y_m - 0.004)
    supports = ((whole - skull.centre) @ ways.T).max(0)
    facing = ways @ ways.T
    return np.asarray(np.where(facing > 0.2, supports[None] / np.maximum(facing, 0.2), np.inf).min(1))


def _shawl(figure: Figure, skull: Skull, albedo: Floats, rng: np.random.Generator) -> Layer:
    """The cloth below: around the neck, over the shoulders, longer in front."""
    size, rows, columns = skull.size, 14, 48
    top = skull.chin_z_m + 0.016 * size
    long = float(rng.uniform(0.10, 0.17)) * figure.size
    body = figure.points[figure.within(Part.FACE, Part.HAIR, Part.NECK, Part.TORSO, Part.UPPER_ARM)]
    body = body[body[:, 1] > skull.face_y_m - 0.01]
    hang = drape(body, top_m=top, bottom_m=skull.nape_z_m - long - 0.02, ease_m=0.022 * size, slack=0.15)
    angle = 1.5 * np.pi + np.linspace(0, 2 * np.pi, columns, endpoint=False)
    ahead = np.clip(-np.sin(angle), 0, 1)
    beside = np.abs(np.cos(angle))
    hem = skull.nape_z_m - long * (0.6 + 0.4 * ahead**2) + 0.35 * long * beside**3
    phase = rng.uniform(0, 6, 2)
    t = np.linspace(0, 1, rows)[:, None]
    z = top + (hem[None] - top) * t
    folds = 1 + 0.045 * np.sin(np.pi * np.clip(t * 1.1, 0, 1)) * np.sin(26 * t + 3 * np.sin(angle + phase[0])[None])
    folds = folds + 0.02 * t * np.sin(7 * angle + phase[1])[None]
    width = np.broadcast_to(angle, z.shape)
    radius = hang.at(z, width) * np.where(t < 0.12, 0.93, 1.0) * folds
    points = hang.place(z.ravel(), width.ravel(), radius.ravel())
    return Layer(
        vertices_m=points, weights=hanging_weights(skull, points), faces=grid_faces(rows, columns, closed=True),
        albedo=np.tile(albedo, (len(points), 1)), material=Material.WOVEN, rank=6,
    )  # fmt: skip
