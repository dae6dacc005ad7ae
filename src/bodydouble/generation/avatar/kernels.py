"""The inner loops of drawing, compiled. Each result depends on one frame only, never on how frames are batched."""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_FOLD = np.array([0.0, 0.10, 0.15, 0.20, 0.16, 0.05], np.float32)
"""Strength of folds by `bodydouble.generation.avatar.mesh.Material`."""
_FOLD_SCALE = np.array([1.0, 60.0, 15.0, 17.0, 15.0, 20.0], np.float32)
"""Folds per metre."""
_WEAVE = np.array([0.03, 0.22, 0.10, 0.05, 0.13, 0.05], np.float32)
"""How much fine noise changes the brightness."""
_WEAVE_SCALE = np.array([90.0, 220.0, 160.0, 260.0, 210.0, 90.0], np.float32)
_AROUND = np.array([[-2, 0], [2, 0], [0, -2], [0, 2], [-1, -2], [-1, 2], [2, 1], [2, -1]], np.int64)
"""Where around a sample is looked for what shades it, in half reaches (row, column)."""
_WRAP = np.array([0.35, 0.25, 0.25, 0.2, 0.15, 0.1], np.float32)
"""How far light reaches around a surface."""
_GLOSS = np.array([0.05, 0.06, 0.0, 0.0, 0.0, 0.10], np.float32)


@nb.njit(cache=True, nogil=True)
def skin(vertices: Array, bone_index: Array, bone_weight: Array, rotations: Array, offsets: Array, out: Array) -> None:
    """Vertices (N, 3) carried by bones: rotation @ vertex + offset, blended; ``out`` (N, 3)."""
    for v in range(vertices.shape[0]):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        a = b = c = 0.0
        for k in range(bone_index.shape[1]):
            w = bone_weight[v, k]
            if w == 0.0:
                continue
            r, o = rotations[bone_index[v, k]], offsets[bone_index[v, k]]
            a += w * (r[0, 0] * x + r[0, 1] * y + r[0, 2] * z + o[0])
            b += w * (r[1, 0] * x + r[1, 1] * y + r[1, 2] * z + o[1])
            c += w * (r[2, 0] * x + r[2, 1] * y + r[2, 2] * z + o[2])
        out[v, 0], out[v, 1], out[v, 2] = a, b, c


@nb.njit(cache=True, nogil=True)
def vertex_normals(points: Array, faces: Array, out: Array) -> None:
    """Unit normals (N, 3) weighted by area."""
    out[:] = 0.0
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1], points[j, 2] - points[i, 2]
        bx, by, bz = points[k, 0] - points[i, 0], points[k, 1] - points[i, 1], points[k, 2] - points[i, 2]
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for v in (i, j, k):
            out[v, 0] += nx
            out[v, 1] += ny
            out[v, 2] += nz
    for v in range(out.shape[0]):
        length = np.sqrt(out[v, 0] ** 2 + out[v, 1] ** 2 + out[v, 2] ** 2)
        if length > 0:
            out[v, 0] /= length
            out[v, 1] /= length
            out[v, 2] /= length


@nb.njit(cache=True, nogil=True)
def push_out(points: Array, loose: Array, starts: Array, ends: Array, start_radii: Array, end_radii: Array) -> None:
    """Move loose vertices (by index) out of capsules that narrow from start to end; capsules in rows."""
    for index in range(loose.shape[0]):
        v = loose[index]
        for c in range(starts.shape[0]):
            ax, ay, az = ends[c, 0] - starts[c, 0], ends[c, 1] - starts[c, 1], ends[c, 2] - starts[c, 2]
            px, py, pz = points[v, 0] - starts[c, 0], points[v, 1] - starts[c, 1], points[v, 2] - starts[c, 2]
            along = (px * ax + py * ay + pz * az) / (ax * ax + ay * ay + az * az + 1e-12)
            along = min(1.0, max(0.0, along))
            px, py, pz = px - along * ax, py - along * ay, pz - along * az
            distance = np.sqrt(px * px + py * py + pz * pz)
            radius = start_radii[c] + along * (end_radii[c] - start_radii[c])
            if 1e-6 < distance < radius:
                grow = (radius - distance) / distance
                points[v, 0] += px * grow
                points[v, 1] += py * grow
                points[v, 2] += pz * grow


@nb.njit(cache=True, nogil=True, inline="always")
def _hash(x: Any, y: Any, z: Any, seed: Any) -> Any:
    h = np.uint32(x) * np.uint32(374761393) + np.uint32(y) * np.uint32(668265263)
    h += np.uint32(z) * np.uint32(2147483647) + np.uint32(seed) * np.uint32(1274126177)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(1274126177)
    h = h ^ (h >> np.uint32(16))
    return np.float32(h & np.uint32(65535)) / np.float32(32767.5) - np.float32(1.0)


@nb.njit(cache=True, nogil=True)
def noise(x: Any, y: Any, z: Any, seed: Any) -> Any:
    """Smooth noise in -1..1 with features of about unit size."""
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    ix, iy, iz = np.int64(fx), np.int64(fy), np.int64(fz)
    tx, ty, tz = x - fx, y - fy, z - fz
    tx, ty, tz = tx * tx * (3 - 2 * tx), ty * ty * (3 - 2 * ty), tz * tz * (3 - 2 * tz)
    value = 0.0
    for dx in range(2):
        wx = tx if dx else 1 - tx
        for dy in range(2):
            wy = ty if dy else 1 - ty
            for dz in range(2):
                wz = tz if dz else 1 - tz
                value += wx * wy * wz * _hash(ix + dx, iy + dy, iz + dz, seed)
    return value


@nb.njit(cache=True, nogil=True)
def _hidden(triangle: Array, depth: Array, row: Any, column: Any, reach: Any, per_metre: Any) -> Any:
    """How many of eight samples around stand a little in front of one, and so keep light from it."""
    total = 0.0
    for k in range(8):
        other_row, other_column = row + reach * _AROUND[k, 0] // 2, column + reach * _AROUND[k, 1] // 2
        if 0 <= other_row < triangle.shape[0] and 0 <= other_column < triangle.shape[1]:
            ahead = (depth[row, column] - depth[other_row, other_column]) / per_metre
            if 0.02 < ahead < 0.3:
                total += min(1.0, (ahead - 0.02) / 0.05) * (1 - ahead / 0.3)
    return total


@nb.njit(cache=True, nogil=True)
def shade(
    triangle: Array, barycentric: Array, depth: Array, per_metre: float,
    faces: Array, face_material: Array, normals: Array, rest: Array,
    albedo: Array, up: Array, key: Array, key_strength: float, ambient: Array, seed: int, fine: float, out: Array,
) -> None:  # fmt: skip
    """Light every covered sample; ``depth`` in samples, of which there are ``per_metre``.

    ``normals`` (N, 3) in camera axes, ``rest`` (N, 3) metres for noise, ``up`` and ``key`` unit vectors in camera axes,
    ``ambient`` (3,) linear; ``fine``: 0 leaves out what is smaller than a sample; ``out`` (H, W, 4): linear colour and
    coverage.
    """
    reach = max(1, int(0.06 * per_metre))
    for row in range(triangle.shape[0]):
        for column in range(triangle.shape[1]):
            f = triangle[row, column]
            if f < 0:
                continue
            material = face_material[f]
            nx = ny = nz = x = y = z = red = green = blue = 0.0
            for corner in range(3):
                w = barycentric[row, column, corner]
                v = faces[f, corner]
                nx += w * normals[v, 0]
                ny += w * normals[v, 1]
                nz += w * normals[v, 2]
                x += w * rest[v, 0]
                y += w * rest[v, 1]
                z += w * rest[v, 2]
                red += w * albedo[v, 0]
                green += w * albedo[v, 1]
                blue += w * albedo[v, 2]
            fold = _FOLD[material]
            if fold > 0:
                s = _FOLD_SCALE[material]
                # Ridges rather than bumps: cloth creases along lines.
                ridge = abs(noise(x * s, y * s, z * s * 0.6, seed)) - 0.3
                nx += fold * 1.6 * ridge
                ny += fold * 1.2 * noise(x * s * 0.7 + 31.7, y * s * 0.7, z * s * 1.3, seed)
                nz += fold * 0.8 * ridge
            length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
            nx, ny, nz = nx / length, ny / length, nz / length
            if nz > 0:  # Seen from inside, such as the back of a hem.
                nx, ny, nz = -nx, -ny, -nz
            sky = 0.5 + 0.5 * (nx * up[0] + ny * up[1] + nz * up[2])
            wrap = _WRAP[material]
            direct = max(0.0, (nx * key[0] + ny * key[1] + nz * key[2] + wrap) / (1 + wrap))
            grain = 1.0
            if fine > 0:
                s = _WEAVE_SCALE[material]
                grain += fine * _WEAVE[material] * noise(x * s, y * s, z * s, seed + 7)
            hidden = _hidden(triangle, depth, row, column, reach, per_metre)
            light = (1 - key_strength) * (0.28 + 0.80 * sky) + key_strength * (0.16 + 0.22 * sky + 1.15 * direct)
            light *= 1 - 0.07 * hidden
            gloss = _GLOSS[material] * direct * direct * direct * direct
            out[row, column, 0] = ambient[0] * (red * light * grain + gloss)
            out[row, column, 1] = ambient[1] * (green * light * grain + gloss)
            out[row, column, 2] = ambient[2] * (blue * light * grain + gloss)
            out[row, column, 3] = 1.0
