"""A z-buffer for triangle meshes: which triangle each pixel sees, how deep, and where in the triangle.

Pixel (x, y) is sampled at its centre (x + 0.5, y + 0.5). Triangles are drawn in order and a pixel changes hands only to
a strictly nearer triangle, so the picture depends on nothing but the input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

_EDGE_SLACK = 1e-4
"""Barycentric slack that closes the cracks which float32 rounding leaves between neighbouring triangles."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Raster:
    """What a z-buffer saw."""

    depth: NDArray[np.float32]
    """``(H, W)`` in the unit of the input depth; ``inf`` where nothing was drawn."""
    triangle: NDArray[np.int32]
    """``(H, W)`` row of ``faces``; -1 where nothing was drawn."""
    barycentric: NDArray[np.float32]
    """``(H, W, 3)`` weights of the triangle's corners; perspective-correct if the input was; 0 where nothing was drawn."""

    @property
    def covered(self) -> NDArray[np.bool_]:
        """``(H, W)``, True where something was drawn."""
        return self.triangle >= 0


def rasterise(
    points_xyz: NDArray[np.float32],
    faces: NDArray[np.int32],
    *,
    height: int,
    width: int,
    cull_back_faces: bool = False,
    perspective: bool = False,
) -> Raster:
    """Draw a mesh.

    Args:
        points_xyz: ``(V, 3)``: x and y in pixels, z the depth away from the camera (positive where ``perspective``).
        faces: ``(F, 3)``.
        height: rows of the picture.
        width: columns of the picture.
        cull_back_faces: leave out triangles that run clockwise when seen in the body frame from outside. (The body
            frame's faces have *negative* area on a screen whose y points down.)
        perspective: interpolate perspective-correctly: x and y come from a division by z. Otherwise affinely, right
            for orthographic projection. Triangles with a corner at z <= 0 are left out when set.

    Raises:
        ValueError: if the shapes are not as above.
    """
    if points_xyz.ndim != 2 or points_xyz.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(f"expected points (V, 3) and faces (F, 3), got {points_xyz.shape} and {faces.shape}")
    if height < 1 or width < 1:
        raise ValueError(f"the picture is {width}x{height} px; both must be at least 1")
    depth = np.full((height, width), np.inf, np.float32)
    triangle = np.full((height, width), -1, np.int32)
    barycentric = np.zeros((height, width, 3), np.float32)
    _fill(
        np.ascontiguousarray(points_xyz, np.float32), np.ascontiguousarray(faces, np.int32),
        cull_back_faces, perspective, depth, triangle, barycentric,
    )  # fmt: skip
    return Raster(depth=depth, triangle=triangle, barycentric=barycentric)


def interpolate(
    raster: Raster, faces: NDArray[np.int32], attributes: NDArray[np.float32], background: float = 0.0
) -> NDArray[np.float32]:
    """Attributes of the vertices, ``(V, C)``, carried to the pixels, ``(H, W, C)``."""
    out = np.full((*raster.triangle.shape, attributes.shape[1]), background, np.float32)
    _interpolate(raster.triangle, raster.barycentric, faces, np.ascontiguousarray(attributes, np.float32), out)
    return out


@nb.njit(cache=True, nogil=True)
def _fill(
    points: NDArray[np.float32],
    faces: NDArray[np.int32],
    cull: bool,
    perspective: bool,
    depth: NDArray[np.float32],
    triangle: NDArray[np.int32],
    barycentric: NDArray[np.float32],
) -> None:
    """The z-buffer loop; fills the last three arguments."""
    height, width = depth.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0, z0 = points[a, 0], points[a, 1], points[a, 2]
        x1, y1, z1 = points[b, 0], points[b, 1], points[b, 2]
        x2, y2, z2 = points[c, 0], points[c, 1], points[c, 2]
        if perspective and (z0 <= 0 or z1 <= 0 or z2 <= 0):
            continue
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9 or (cull and area > 0):
            continue
        first_x = max(0, int(np.floor(min(x0, x1, x2) - 0.5)))
        last_x = min(width - 1, int(np.ceil(max(x0, x1, x2) - 0.5)))
        first_y = max(0, int(np.floor(min(y0, y1, y2) - 0.5)))
        last_y = min(height - 1, int(np.ceil(max(y0, y1, y2) - 0.5)))
        for row in range(first_y, last_y + 1):
            py = row + 0.5
            for column in range(first_x, last_x + 1):
                px = column + 0.5
                w1 = ((px - x0) * (y2 - y0) - (x2 - x0) * (py - y0)) / area
                w2 = ((x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)) / area
                w0 = 1.0 - w1 - w2
                if w0 < -_EDGE_SLACK or w1 < -_EDGE_SLACK or w2 < -_EDGE_SLACK:
                    continue
                if perspective:
                    q0, q1, q2 = w0 / z0, w1 / z1, w2 / z2
                    z = 1.0 / (q0 + q1 + q2)
                    w0, w1, w2 = q0 * z, q1 * z, q2 * z
                else:
                    z = w0 * z0 + w1 * z1 + w2 * z2
                if z < depth[row, column]:
                    depth[row, column] = z
                    triangle[row, column] = f
                    barycentric[row, column, 0] = w0
                    barycentric[row, column, 1] = w1
                    barycentric[row, column, 2] = w2


@nb.njit(cache=True, nogil=True)
def _interpolate(
    triangle: NDArray[np.int32],
    barycentric: NDArray[np.float32],
    faces: NDArray[np.int32],
    attributes: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Fills ``out`` where a triangle is seen."""
    for row in range(triangle.shape[0]):
        for column in range(triangle.shape[1]):
            f = triangle[row, column]
            if f < 0:
                continue
            for k in range(attributes.shape[1]):
                value = 0.0
                for corner in range(3):
                    value += barycentric[row, column, corner] * attributes[faces[f, corner], k]
                out[row, column, k] = value
