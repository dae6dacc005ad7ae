"""Simple meshes (lathes, ellipsoids, boxes, tubes) from which clothes, hair and luggage are made.

All are in the body frame of `bodydouble.body.model` (metres; x left, y backwards, z up). Surfaces may be open: draw them
without back-face culling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bodydouble.body.parts import Part


@dataclass(frozen=True, kw_only=True, eq=False)
class Mesh:
    """A triangle mesh of one material."""

    vertices_m: NDArray[np.float32]
    """``(N, 3)`` in the body frame."""
    faces: NDArray[np.int32]
    """``(F, 3)``."""
    uv: NDArray[np.float32]
    """``(N, 2)`` in 0..1: around, and along or down."""
    part: Part
    """What it is."""


def merge(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh out of several of the same part.

    Raises:
        ValueError: if there are none, or their parts differ.
    """
    if len({mesh.part for mesh in meshes}) != 1:
        raise ValueError(f"cannot merge {len(meshes)} meshes of the parts {[mesh.part.name for mesh in meshes]}")
    starts = np.cumsum([0] + [len(mesh.vertices_m) for mesh in meshes[:-1]])
    return Mesh(
        vertices_m=np.concatenate([mesh.vertices_m for mesh in meshes]),
        faces=np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]).astype(np.int32),
        uv=np.concatenate([mesh.uv for mesh in meshes]),
        part=meshes[0].part,
    )


def lathe(
    centres_m: ArrayLike,
    semi_axes_m: ArrayLike,
    frame: ArrayLike,
    part: Part,
    *,
    segments: int = 24,
    from_angle_rad: float = 0.0,
    to_angle_rad: float = 2 * np.pi,
    ruffle: float = 0.0,
    ruffles: int = 7,
) -> Mesh:
    """Elliptic rings, joined.

    Args:
        centres_m: ``(K, 3)`` centres of the rings.
        semi_axes_m: ``(K, 2)`` half axes along the first and second axis of ``frame``.
        frame: ``(3, 3)``, columns are the rings' two axes and the normal.
        part: label of the mesh.
        segments: corners of a ring.
        from_angle_rad: where a ring begins; angle 0 is the first axis, pi/2 the second.
        to_angle_rad: where it ends; rings are open if that is not a full turn later.
        ruffle: waviness of the last ring as a share of its radius, growing from none at the first.
        ruffles: waves of the ruffle.
    """
    centres, axes, turn = (np.asarray(v, np.float32) for v in (centres_m, semi_axes_m, frame))
    rings = len(centres)
    angle = np.linspace(from_angle_rad, to_angle_rad, segments + 1, dtype=np.float32)
    down = np.linspace(0, 1, rings, dtype=np.float32)[:, None]
    wave = 1 + ruffle * down * np.sin(ruffles * angle)[None]
    local = np.stack([axes[:, :1] * np.cos(angle) * wave, axes[:, 1:] * np.sin(angle) * wave], -1)
    vertices = centres[:, None] + local @ turn[:, :2].T
    around = np.broadcast_to(np.linspace(0, 1, segments + 1, dtype=np.float32), (rings, segments + 1))
    uv = np.stack([around, np.broadcast_to(down, around.shape)], -1)
    return Mesh(
        vertices_m=vertices.reshape(-1, 3).astype(np.float32), faces=_grid_faces(rings, segments + 1),
        uv=uv.reshape(-1, 2).astype(np.float32), part=part,
    )  # fmt: skip


def ellipsoid(
    centre_m: ArrayLike,
    semi_axes_m: ArrayLike,
    frame: ArrayLike,
    part: Part,
    *,
    segments: int = 16,
    squareness: float = 0.0,
    from_height: float = -1.0,
    to_height: float = 1.0,
    from_angle_rad: float = 0.0,
    to_angle_rad: float = 2 * np.pi,
) -> Mesh:
    """An ellipsoid, or part of one, or (with ``squareness``) a box with rounded edges.

    Args:
        centre_m: ``(3,)``.
        semi_axes_m: ``(3,)`` along the columns of ``frame``.
        frame: ``(3, 3)`` rotation.
        part: label of the mesh.
        segments: corners around; half as many rings.
        squareness: 0 an ellipsoid, towards 1 a box (a superellipsoid, Barr 1981, of exponent ``1 - squareness``).
        from_height: lowest sine of latitude that is drawn, -1..1.
        to_height: highest one.
        from_angle_rad: first longitude.
        to_angle_rad: last longitude.
    """
    axes, turn = np.asarray(semi_axes_m, np.float32), np.asarray(frame, np.float32)
    power = max(0.08, 1.0 - squareness)
    rings = max(4, segments // 2 + 1)
    latitude = np.arcsin(np.clip(np.linspace(to_height, from_height, rings), -1, 1))
    if from_height <= -1 and to_height >= 1:
        latitude = np.linspace(np.pi / 2, -np.pi / 2, rings)
    longitude = np.linspace(from_angle_rad, to_angle_rad, segments + 1)

    def bent(value: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.sign(value) * np.abs(value) ** power)

    ring, height = bent(np.cos(latitude))[:, None], bent(np.sin(latitude))[:, None]
    local = np.stack(
        [
            ring * bent(np.cos(longitude)),
            ring * bent(np.sin(longitude)),
            np.broadcast_to(height, (rings, segments + 1)),
        ],
        -1,
    )
    vertices = np.asarray(centre_m, np.float32) + (local * axes) @ turn.T
    uv = np.stack(np.meshgrid(np.linspace(0, 1, segments + 1), np.linspace(0, 1, rings)), -1)
    return Mesh(
        vertices_m=vertices.reshape(-1, 3).astype(np.float32), faces=_grid_faces(rings, segments + 1),
        uv=uv.reshape(-1, 2).astype(np.float32), part=part,
    )  # fmt: skip


def box(centre_m: ArrayLike, half_sizes_m: ArrayLike, frame: ArrayLike, part: Part) -> Mesh:
    """A box with slightly rounded edges, ``half_sizes_m`` along the columns of ``frame``."""
    return ellipsoid(centre_m, half_sizes_m, frame, part, segments=16, squareness=0.85)


def tube(points_m: ArrayLike, radius_m: float, part: Part, *, segments: int = 8) -> Mesh:
    """A round bar along a line of K >= 2 points ``(K, 3)``."""
    points = np.asarray(points_m, np.float32)
    rings = []
    for k, point in enumerate(points):
        along = points[min(k + 1, len(points) - 1)] - points[max(k - 1, 0)]
        frame = frame_along(along)
        rings.append(lathe([point], [[radius_m, radius_m]], frame, part, segments=segments))
    return Mesh(
        vertices_m=np.concatenate([ring.vertices_m for ring in rings]), faces=_grid_faces(len(points), segments + 1),
        uv=np.concatenate([ring.uv for ring in rings]), part=part,
    )  # fmt: skip


def frame_along(direction: ArrayLike, side: ArrayLike = (1.0, 0.0, 0.0)) -> NDArray[np.float32]:
    """A right-handed rotation whose third column is ``direction`` and whose first is as near ``side`` as can be."""
    normal = np.asarray(direction, np.float64)
    normal = normal / max(float(np.linalg.norm(normal)), 1e-9)
    first = np.asarray(side, np.float64)
    first = first - normal * float(first @ normal)
    if np.linalg.norm(first) < 1e-3:
        first = np.cross(normal, [0.0, 1.0, 0.0] if abs(normal[1]) < 0.9 else [0.0, 0.0, 1.0])
    first = first / np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first), normal], 1).astype(np.float32)


def _grid_faces(rows: int, columns: int) -> NDArray[np.int32]:
    """Two triangles per cell of a grid of vertices stored row by row."""
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    return np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
