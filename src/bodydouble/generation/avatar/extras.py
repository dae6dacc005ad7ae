"""What is worn besides: glasses and bags."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.hanging import trunk_weights
from bodydouble.generation.avatar.mesh import Layer, Material, grid_faces, outwards, rigid
from bodydouble.generation.avatar.skeleton import BONE_INDEX, Floats
from bodydouble.generation.avatar.skull import Skull

_FRAME: Final = np.array([0.02, 0.018, 0.018])
_DARK: Final = np.array([0.012, 0.012, 0.014])
_STRAP_M: Final = 0.019
"""Half the width of a strap."""


def glasses_layers(figure: Figure, skull: Skull, kind: str) -> list[Layer]:
    """``glasses`` or ``sunglasses``."""
    joints, size = figure.physique.skeleton.joints_m, skull.size
    layers = []
    head = BONE_INDEX["head"]
    for eye, ear, sign in ((15, 17, 1.0), (14, 16, -1.0)):
        sign = float(np.sign(joints[eye, 0])) or sign
        turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        round_x = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.75
        round_z = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.75
        middle = np.array([sign * 0.033 * size, 0.0, joints[eye, 2] - 0.003 * size])
        near = figure.points[figure.within(Part.FACE)]
        socket = near[(np.abs(near[:, 0] - middle[0]) < 0.02) & (np.abs(near[:, 2] - middle[2]) < 0.022)]
        front = float(socket[:, 1].min()) - 0.004 * size
        half_x, half_z = 0.027 * size, (0.024 if kind == "sunglasses" else 0.021) * size
        loop = np.stack([middle[0] + half_x * round_x, 0 * turn, middle[2] + half_z * round_z], 1)
        # Lenses follow the face to the sides.
        loop[:, 1] = front + 0.22 * np.maximum(np.abs(loop[:, 0]) - 0.02, 0)
        layers.append(_tube(np.concatenate([loop, loop[:2]]), 0.0022 * size, _FRAME, head))
        if kind == "sunglasses":
            layers.append(_lens(loop, 0.004 * size, head))
        hinge = loop[np.argmax(loop[:, 0] * sign)]
        behind = np.array([sign * (skull.half_m + 0.005), joints[ear, 1] + 0.008, joints[ear, 2] + 0.022 * size])
        layers.append(_tube(np.stack([hinge, hinge * 0.4 + behind * 0.6, behind]), 0.0025 * size, _FRAME, head))
        bridge = np.array([0.0, front - 0.003, middle[2] + 0.006 * size])
        layers.append(_tube(np.stack([loop[np.argmin(loop[:, 0] * sign)], bridge]), 0.002 * size, _FRAME, head))
    return layers


def _lens(loop: Floats, bulge_m: float, bone: int) -> Layer:
    """A dark lens in a frame (20, 3)."""
    middle = loop.mean(0) - np.array([0, bulge_m, 0])
    points = np.concatenate([loop * (1 - t) + middle * t for t in (0.0, 0.5, 0.98)])
    return Layer(
        vertices_m=points, weights=rigid(len(points), bone),
        faces=_facing_front(points, grid_faces(3, len(loop), closed=True)),
        albedo=np.tile(_DARK, (len(points), 1)), material=Material.LEATHER, rank=1,
    )  # fmt: skip


def bag_layers(figure: Figure, kind: str, albedo: Floats, rank: int, seed: int) -> list[Layer]:
    """``backpack`` or ``shoulder bag``; ``rank`` is that of the clothes below."""
    rng = np.random.default_rng(seed)
    if kind == "backpack":
        return _backpack(figure, albedo, rank, rng)
    return _shoulder_bag(figure, albedo, rank, 1.0 if rng.random() < 0.5 else -1.0)


def _backpack(figure: Figure, albedo: Floats, rank: int, rng: np.random.Generator) -> list[Layer]:
    size = figure.size
    neck, low = figure.head_of("neck01"), figure.head_of("spine05")
    trunk = figure.points[figure.within(Part.TORSO)]
    half = np.array([0.145, 0.075, 0.5 * float(rng.uniform(0.38, 0.46)) / size * 1.0]) * size
    top = float(neck[2] - 0.035 * size)
    back = float(trunk[np.abs(trunk[:, 2] - (top - half[2] * 0.7)) < 0.1, 1].max())
    body = _cushion(np.array([0.0, back + 0.018 + half[1], top - half[2]]), half, albedo, power=0.45)
    pocket = _cushion(
        np.array([0.0, back + 0.018 + 1.85 * half[1], top - 1.4 * half[2]]), half * np.array([0.72, 0.45, 0.42]),
        albedo * 0.85, power=0.5,
    )  # fmt: skip
    layers = [
        Layer(
            vertices_m=p, weights=trunk_weights(figure, _on_back(p, back)), faces=f, albedo=c, material=Material.WOVEN,
            rank=rank,
        )
        for p, f, c in (body, pocket)
    ]  # fmt: skip
    shoulder = figure.head_of("upperarm01.L")
    for side in (1.0, -1.0):
        across = side * float(abs(shoulder[0])) * 0.52
        layers.append(_strap(figure, across, float(low[2] + 0.10 * size), albedo * 0.7, rank + 1, lean=0.25))
    return layers


def _on_back(points: Floats, back_m: float) -> Floats:
    """Where things on the back are fastened."""
    out = points.copy()
    out[:, 0] *= 0.4
    out[:, 1] = back_m
    return out


def _shoulder_bag(figure: Figure, albedo: Floats, rank: int, side: float) -> list[Layer]:
    size = figure.size
    hip = figure.head_of("upperleg01.L")
    skin = figure.points[figure.within(Part.HIPS, Part.TORSO, Part.THIGH)]
    near = skin[np.abs(skin[:, 2] - hip[2] - 0.04 * size) < 0.08 * size]
    reach = float(near[:, 0].max()) + 0.045
    half = np.array([0.042, 0.14, 0.11]) * size
    middle = np.array([side * (reach + half[0] * 0.3), 0.045 * size, hip[2] + 0.03 * size])
    points, faces, colours = _cushion(middle, half, albedo, power=0.5)
    weights = rigid(len(points), BONE_INDEX["root"])
    bag = Layer(
        vertices_m=points, weights=weights, faces=faces, albedo=colours, material=Material.LEATHER, rank=rank + 1
    )
    return [bag, _band(figure, side, middle + np.array([0, 0, half[2] * 0.8]), albedo * 0.75, rank + 1)]


def _strap(figure: Figure, across_m: float, low_z_m: float, albedo: Floats, rank: int, *, lean: float) -> Layer:
    """A strap from behind over a shoulder and down the chest, turning aside under the arm."""
    skin = figure.points[figure.within(Part.TORSO, Part.NECK)]
    high = float(figure.head_of("neck01")[2])
    rows = []
    for t in np.linspace(0, 1, 22):
        front = np.clip((t - 0.25) / 0.75, 0, 1)
        x = across_m * (1 + lean * front**2 * 1.6)
        near = skin[np.abs(skin[:, 0] - x) < 0.022]
        if t < 0.25:
            z = high - 0.13 + 0.10 * t / 0.25
            y = float(near[np.abs(near[:, 2] - z) < 0.04, 1].max(initial=0.0)) + 0.03
        else:
            z = high + 0.01 - (high + 0.01 - low_z_m) * front
            level = near[np.abs(near[:, 2] - z) < 0.045, 1]
            y = (float(level.min()) if len(level) else float(near[:, 1].mean())) - 0.030
        top = float(near[:, 2].max()) + 0.030
        rows.append([x, y, min(z, top)])
    path = _eased(np.array(rows))
    return _ribbon(figure, path, albedo, rank)


def _band(figure: Figure, side: float, bag: Floats, albedo: Floats, rank: int) -> Layer:
    """A strap from the other shoulder across chest and back to a bag at the hip."""
    skin = figure.points[figure.within(Part.TORSO, Part.NECK, Part.HIPS)]
    neck = figure.head_of("neck01")
    shoulder = np.array([-side * 0.085 * figure.size, neck[1], neck[2] - 0.005])
    pieces = []
    for face in (-1.0, 1.0):  # Down the chest, down the back.
        rows = []
        for t in np.linspace(0, 1, 16):
            x, z = (float(shoulder[k] + (bag[k] - shoulder[k]) * t) for k in (0, 2))
            near = skin[(np.abs(skin[:, 0] - np.clip(x, -0.12, 0.12)) < 0.03) & (np.abs(skin[:, 2] - z) < 0.04)]
            y = bag[1] if not len(near) else float(near[:, 1].min() - 0.03 if face < 0 else near[:, 1].max() + 0.03)
            share = np.clip((abs(x) - 0.11) / 0.06, 0, 1) if np.sign(x) == side else 0.0
            rows.append([x, y * (1 - share) + bag[1] * share, z])
        rows[0][1] = float(shoulder[1])
        rows[0][2] = shoulder[2] + 0.035
        pieces.append(_eased(np.array(rows)))
    return _ribbon(figure, np.concatenate([pieces[0][::-1], pieces[1]]), albedo, rank)


def _eased(path: Floats) -> Floats:
    for _ in range(3):
        path[1:-1] = 0.5 * path[1:-1] + 0.25 * (path[:-2] + path[2:])
    return path


def _ribbon(figure: Figure, path: Floats, albedo: Floats, rank: int) -> Layer:
    along = np.gradient(path, axis=0)
    middle = figure.head_of("spine03")
    out = path - np.array([0.0, middle[1], 0.0])
    out[:, 2] = np.clip(path[:, 2] - figure.head_of("neck01")[2] + 0.03, 0, None) * 3
    wide = np.cross(along, out)
    wide = wide / (np.linalg.norm(wide, axis=1, keepdims=True) + 1e-9) * _STRAP_M * figure.size
    lift = out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-9) * 0.004
    grid = np.stack([path - wide, path - 0.8 * wide + lift, path + 0.8 * wide + lift, path + wide], 1)
    points = grid.reshape(-1, 3)
    weights = trunk_weights(figure, np.repeat(path, 4, axis=0))
    faces = grid_faces(len(path), 4)
    both = np.concatenate([faces, faces[:, ::-1]])
    return Layer(
        vertices_m=points, weights=weights, faces=both, albedo=np.tile(albedo, (len(points), 1)),
        material=Material.WOVEN, rank=rank,
    )  # fmt: skip


def _cushion(middle: Floats, half: Floats, albedo: Floats, *, power: float) -> tuple[Floats, NDArray[np.int32], Floats]:
    """A box with round edges."""
    rise, turn = np.linspace(np.pi / 2, -np.pi / 2, 13), np.linspace(0, 2 * np.pi, 20, endpoint=False)

    def soft(value: Floats) -> Floats:
        return np.asarray(np.sign(value) * np.abs(value) ** power)

    x = soft(np.cos(rise))[:, None] * soft(np.cos(turn))[None]
    y = soft(np.cos(rise))[:, None] * soft(np.sin(turn))[None]
    z = np.broadcast_to(soft(np.sin(rise))[:, None], x.shape)
    points = middle + np.stack([x, y, z], -1).reshape(-1, 3) * half
    faces = outwards(points, grid_faces(13, 20, closed=True))
    tint = 0.85 + 0.15 * np.clip((points[:, 2] - middle[2]) / half[2], -1, 1)
    return points, faces, tint[:, None] * albedo


def _tube(path: Floats, radius_m: float, albedo: Floats, bone: int) -> Layer:
    turn = np.linspace(0, 2 * np.pi, 5, endpoint=False)
    along = np.gradient(path, axis=0)
    along = along / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-12)
    side = np.cross(along, np.array([0.31, 0.52, 0.79]))
    side = side / (np.linalg.norm(side, axis=1, keepdims=True) + 1e-12)
    third = np.cross(along, side)
    ring = np.cos(turn)[None, :, None] * side[:, None] + np.sin(turn)[None, :, None] * third[:, None]
    points = (path[:, None] + radius_m * ring).reshape(-1, 3)
    faces = grid_faces(len(path), 5, closed=True)
    return Layer(
        vertices_m=points, weights=rigid(len(points), bone), faces=outwards(points, faces),
        albedo=np.tile(albedo, (len(points), 1)), material=Material.LEATHER, rank=1,
    )  # fmt: skip


def _facing_front(points: Floats, faces: NDArray[np.int32]) -> NDArray[np.int32]:
    """Faces turned as one towards where the face looks."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    return faces if float(np.cross(b - a, c - a)[:, 1].sum()) < 0 else faces[:, ::-1].copy()
