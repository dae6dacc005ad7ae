"""Face and hair."""

from __future__ import annotations

from typing import Final

import numpy as np

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.cloth import relax
from bodydouble.generation.avatar.garments import Figure
from bodydouble.generation.avatar.mesh import Layer, Material
from bodydouble.generation.avatar.skeleton import BONE_INDEX, BONES, Floats

_LIP_TINT: Final = np.array([0.80, 0.52, 0.50])
_CHEEK_TINT: Final = np.array([1.06, 0.92, 0.90])
_STUBBLE_TINT: Final = np.array([0.72, 0.72, 0.76])
_SCLERA: Final = np.array([0.56, 0.54, 0.52])
_IRIS: Final = np.array([0.035, 0.025, 0.02])

_NOSE, _EYES, _EARS = 0, (14, 15), (16, 17)


def paint_skin(figure: Figure, skin: Floats, hair: Floats, *, stubble: float, brows: float = 0.75) -> Floats:
    """(V, 3) colour of bare skin: brows, eyes, lips, cheeks, and shade where light hardly comes.

    Args:
        figure: the body.
        skin: (3,) linear colour.
        hair: (3,) linear colour of the brows.
        stubble: 0 to 1.
        brows: how dark the brows are, 0 to 1.
    """
    points = figure.points
    colour = np.tile(skin, (len(points), 1))
    joints = figure.physique.skeleton.joints_m
    eye = joints[list(_EYES)].mean(0)
    # The unit of a face: eyes to nose, about 3 cm on an adult.
    unit = float(np.linalg.norm(joints[_NOSE] - eye)) or 0.03
    gap = float(abs(joints[_EYES[0], 0] - joints[_EYES[1], 0])) / 2
    head = figure.within(Part.FACE)
    x, z = np.abs(points[:, 0]) / gap, (points[:, 2] - eye[2]) / unit
    front = head & (points[:, 1] < joints[list(_EARS), 1].mean() - 0.9 * unit)

    def blend(amount: Floats, goal: Floats) -> None:
        share = np.where(front, np.clip(amount, 0, 1), 0)[:, None]
        colour[:] = colour * (1 - share) + goal * share

    bump = np.exp(-(((x - 1.25) / 0.7) ** 2) - ((z + 1.0) / 0.8) ** 2)
    blend(0.5 * bump, skin * _CHEEK_TINT)
    jaw = np.clip((-1.35 - z) / 0.5, 0, 1)
    blend(stubble * jaw, skin * _STUBBLE_TINT)
    socket = np.exp(-(((x - 1.0) / 0.62) ** 2) - ((z - 0.0) / 0.36) ** 2)
    blend(0.45 * socket, skin * 0.55)
    brow = np.exp(-(((x - 1.05) / 0.62) ** 4) - ((z - 0.72 + 0.12 * (x - 1) ** 2) / 0.22) ** 2)
    blend(brows * brow, hair * 0.9 + skin * 0.05)
    mouth = np.exp(-((x / 0.80) ** 4) - ((z + 2.05) / 0.26) ** 2)
    blend(0.8 * mouth, skin * _LIP_TINT)
    _paint_eyes(figure, colour)
    # Little light reaches throat and nape under the chin, and the inside of the ears.
    throat = figure.within(Part.NECK) & (points[:, 2] > figure.head_of("neck01")[2] - 0.02)
    colour[throat] *= 0.82
    return colour


def _paint_eyes(figure: Figure, colour: Floats) -> None:
    joints = figure.physique.skeleton.joints_m
    for index in _EYES:
        near = np.linalg.norm(figure.points - joints[index], axis=1) < 0.02
        ball = near & figure.eyeballs
        if not ball.any():
            continue
        colour[ball] = _SCLERA
        tip = figure.points[ball][figure.points[ball, 1].argmin()]
        iris = ball & (np.linalg.norm(figure.points - tip, axis=1) < 0.0065)
        colour[iris] = _IRIS


def hair_layers(figure: Figure, hair_type: str, albedo: Floats, seed: int) -> list[Layer]:
    """Hair as a shell over the scalp and what hangs from it; ``albedo`` (3,) linear."""
    if hair_type == "bald":
        return []
    rng = np.random.default_rng(seed)
    thickness = {"short": 0.011, "medium": 0.021, "long": 0.019, "tied": 0.009}[hair_type] * rng.uniform(0.85, 1.25)
    layers = [_cap(figure, albedo, float(thickness), rng)]
    if hair_type in ("medium", "long"):
        layers.append(_curtain(figure, albedo, float(thickness), long=hair_type == "long", rng=rng))
    if hair_type == "tied":
        layers.append(_tail(figure, albedo, bun=bool(rng.random() < 0.4)))
    return layers


def _cap(figure: Figure, albedo: Floats, thickness_m: float, rng: np.random.Generator) -> Layer:
    faces = figure.faces_of(Part.HAIR)
    used = np.zeros(len(figure.points), bool)
    used[faces] = True
    edge = used & ~_inner(figure, used)
    depth = np.where(edge, 0.25, 1.0)
    for _ in range(3):  # The edge lies close, the crown stands off.
        depth = np.where(used, np.minimum(depth, _neighbour_mean(faces, depth) + 0.12), depth)
    swirl = 1 + 0.12 * np.sin(figure.points @ rng.normal(0, 55, (3, 2))).sum(1)
    top = figure.points[used, 2]
    lift = 0.75 + 0.5 * np.clip((figure.points[:, 2] - top.min()) / max(float(np.ptp(top)), 1e-6), 0, 1)
    points = figure.points + (thickness_m * depth * swirl * lift)[:, None] * figure.normals
    points = relax(points, faces, 3, edges=True)
    shade = _strands(points, albedo, rng)
    return Layer(
        vertices_m=points, weights=figure.physique.weights, faces=faces, albedo=shade, material=Material.HAIR, rank=1
    )


def _inner(
    figure: Figure, used: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Vertices all of whose faces belong to the scalp."""
    mixed = ~used[figure.faces].all(1)
    inner = used.copy()
    inner[figure.faces[mixed]] = False
    return inner


def _neighbour_mean(faces: np.ndarray[tuple[int, int], np.dtype[np.int32]], values: Floats) -> Floats:
    total, count = np.zeros(len(values)), np.zeros(len(values))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        np.add.at(total, faces[:, a], values[faces[:, b]])
        np.add.at(count, faces[:, a], 1)
    return np.where(count > 0, total / np.maximum(count, 1), values)


def _strands(points: Floats, albedo: Floats, rng: np.random.Generator) -> Floats:
    waves = np.sin(points @ rng.normal(0, 90, (3, 3))).sum(1) / 3
    return np.asarray(albedo * (1 + 0.22 * waves)[:, None])


def _skull(figure: Figure) -> tuple[Floats, Floats]:
    """Centre and half extents of the head, from ear to ear and from brow to the back."""
    head = figure.points[figure.within(Part.HAIR)]
    low, high = head.min(0), head.max(0)
    ears = figure.physique.skeleton.joints_m[list(_EARS)]
    half_x = float(np.abs(ears[:, 0]).mean()) + 0.004
    front, back = float(ears[:, 1].mean()) - 0.075, float(high[1])
    centre = np.array([0.0, (front + back) / 2, (low[2] + high[2]) / 2])
    return centre, np.array([half_x, (back - front) / 2, (high[2] - low[2]) / 2])


def _curtain(figure: Figure, albedo: Floats, thickness_m: float, *, long: bool, rng: np.random.Generator) -> Layer:
    """Hair that falls over ears and nape, to the jaw or to the shoulder blades, open at the face."""
    centre, half = _skull(figure)
    neck = figure.head_of("neck01")
    joints = figure.physique.skeleton.joints_m
    start = float(joints[list(_EYES), 2].mean() + 0.045)
    end = float(neck[2] - rng.uniform(0.08, 0.16)) if long else float(joints[_NOSE, 2] - rng.uniform(0.055, 0.085))
    rows, columns = (14 if long else 8), 33
    down = np.linspace(0, 1, rows)[:, None]
    # From ear over the back to the other ear; the face stays free, less so at the top.
    opening = np.deg2rad(62)
    angle = -np.pi / 2 + opening + np.linspace(0, 2 * np.pi - 2 * opening, columns)[None]
    z = start + (end - start) * down
    below = np.clip((neck[2] + 0.06 - z) / 0.10, 0, 1)
    grow = thickness_m * (0.55 + 0.75 * np.sqrt(np.clip(down * 2.0, 0, 1)))
    wobble = 1 + 0.05 * down * np.sin(5 * angle + rng.uniform(0, 6)) + 0.04 * down * np.sin(11 * angle)
    x = (half[0] + grow) * np.cos(angle) * wobble * (1 - 0.12 * below)
    behind = np.where(np.sin(angle) > 0, 0.015 * below, 0.0)
    y = centre[1] + ((half[1] + grow) * wobble + behind) * np.sin(angle)
    points = np.stack(np.broadcast_arrays(x, y, z), -1).reshape(-1, 3)
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)[None]).ravel()
    quads = np.stack([first, first + 1, first + columns + 1, first + columns], 1)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    weights = np.zeros((len(points), len(BONES)), np.float32)
    low = np.broadcast_to(below, (rows, columns)).ravel()
    weights[:, BONE_INDEX["head"]] = 1 - 0.75 * low
    weights[:, BONE_INDEX["spine01"]] = 0.75 * low
    return Layer(
        vertices_m=points,
        weights=weights,
        faces=faces,
        albedo=_strands(points, albedo, rng),
        material=Material.HAIR,
        rank=2,
    )


def _tail(figure: Figure, albedo: Floats, *, bun: bool) -> Layer:
    """A bun, or a pony tail that hangs to the nape."""
    centre, half = _skull(figure)
    neck = figure.head_of("neck01")
    rows, columns = 9, 12
    if bun:
        axis = np.array(
            [[0, centre[1] + half[1] + 0.018 + 0.05 * (t - 0.5), centre[2] + 0.02] for t in np.linspace(0, 1, rows)]
        )
        radius = 0.036 * np.sin(np.linspace(0.15, np.pi - 0.15, rows)) ** 0.7
    else:
        t = np.linspace(0, 1, rows)
        y = centre[1] + half[1] + 0.005 + 0.028 * np.sin(t * np.pi * 0.8)
        axis = np.stack([0 * t, y, centre[2] + 0.035 - t * (centre[2] + 0.02 - neck[2])], 1)
        radius = 0.027 * np.sin(np.clip(0.25 + 2.6 * t, 0, np.pi - 0.2)) ** 0.6 + 0.004
    turn = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    along = np.gradient(axis, axis=0)
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    side = np.array([1.0, 0.0, 0.0])
    third = np.cross(along, side)
    ring = radius[:, None, None] * (np.cos(turn)[None, :, None] * side + np.sin(turn)[None, :, None] * third[:, None])
    points = (axis[:, None] + ring).reshape(-1, 3)
    first = np.arange(rows - 1)[:, None] * columns
    here, there = first + np.arange(columns)[None], first + (np.arange(columns)[None] + 1) % columns
    quads = np.stack([here, there, there + columns, here + columns], -1).reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    weights = np.zeros((len(points), len(BONES)), np.float32)
    weights[:, BONE_INDEX["head"]] = 1
    return Layer(
        vertices_m=points,
        weights=weights,
        faces=faces,
        albedo=np.tile(albedo, (len(points), 1)),
        material=Material.HAIR,
    )
