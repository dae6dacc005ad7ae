"""The inner loops of drawing, compiled. Each result depends on one frame only, never on how frames are batched."""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar.folds import DENIM, KNIT, folded
from bodydouble.generation.avatar.surfaces import (
    CHART,
    GRAIN,
    GRAIN_SCALE,
    LEGS,
    STRANDS,
    beside,
    crease,
    hair_light,
    lit,
    noise,
    painted,
    second,
    strand,
)

Array = NDArray[Any]

_EDGE_SLACK = 1e-4
"""Barycentric slack that closes the cracks which float32 rounding leaves between neighbouring triangles."""
_AROUND = np.array([[-2, 0], [2, 0], [0, -2], [0, 2], [-1, -2], [-1, 2], [2, 1], [2, -1]], np.int64)
"""Where around a sample is looked for what shades it, in half reaches (row, column)."""
_RINGS_M = (0.05, 0.16)
"""Reach of the two rings in which that is done."""
_SHADES, _SHADE_M = (0.10, 0.11), 0.9
"""Share of the light that one of eight samples of each ring takes, and how far in front it still does. With less, legs that
cross are one dark shape, and a referee takes left for right (``benchmarks/README.md``); with more it does no better."""
_FRAY_M = np.float32(0.005)
"""Width of the locks in which hair thins out at its edges."""
_MOST_FRAY = 0.36
_FRAY_STRETCH = np.float32(7.0)
_APART_M = 0.03
"""Samples of a pixel further apart in depth show different parts of a surface."""
_CLOSED_M = np.float32(1e-4)
"""Edges of cloth that are nearer than this are sewn together."""
_FOLDED = 0.4
"""Share of fine detail from which on cloth has folds of its own, and none of the uneven light that stands for them."""
_INSIDE = np.float32(0.45)
"""Light that reaches the inside of a collar or a hem."""


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
def project(points: Array, nearer: Array, scale: Any, root: Array, out: Array) -> None:
    """Place in the picture, and depth in pixels, of points (N, 3) in metres; ``nearer`` (N,) metres, ``root`` (2,) px."""
    for v in range(points.shape[0]):
        out[v, 0] = points[v, 0] * scale + root[0]
        out[v, 1] = points[v, 1] * scale + root[1]
        out[v, 2] = (points[v, 2] - nearer[v]) * scale


@nb.njit(cache=True, nogil=True)
def displace(here: Array, there: Array, share: Any, most: Any, out: Array) -> Any:
    """``share`` of the way in the picture from ``here`` (N, 3) to ``there``, ``most`` at most, ``out`` (N, 2).

    Returns the farthest way, unbounded.
    """
    farthest = np.float32(0.0)
    for v in range(here.shape[0]):
        x, y = share * (there[v, 0] - here[v, 0]), share * (there[v, 1] - here[v, 1])
        length = np.sqrt(x * x + y * y)
        farthest = max(farthest, length)
        keep = most / length if length > most else np.float32(1.0)
        out[v, 0], out[v, 1] = keep * x, keep * y
    return farthest


@nb.njit(cache=True, nogil=True)
def expose(pixels: Array, moved: Array, times: Array, left: Any, top: Any, samples: int, out: Array) -> None:
    """Points (N, 3) at moments of an exposure, in samples from a corner of the picture; ``out`` (M, N, 3).

    ``moved`` (N, 2) is gone from time -0.5 to 0.5; (1, 2) holds for all. ``times`` (M,).
    """
    apart = moved.shape[0] > 1
    for m in range(times.shape[0]):
        for v in range(pixels.shape[0]):
            way = moved[v if apart else 0]
            out[m, v, 0] = (pixels[v, 0] + times[m] * way[0] - left) * samples
            out[m, v, 1] = (pixels[v, 1] + times[m] * way[1] - top) * samples
            out[m, v, 2] = pixels[v, 2] * samples


@nb.njit(cache=True, nogil=True)
def extent(points: Array, moved: Array) -> Any:
    """Least and greatest x and y, (2,) each, of points (N, 3) that go ``moved`` (N, 2) about their place; (1, 2) for all."""
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    apart = moved.shape[0] > 1
    for v in range(points.shape[0]):
        for k in range(2):
            reach = 0.5 * abs(moved[v if apart else 0, k])
            low[k] = min(low[k], points[v, k] - reach)
            high[k] = max(high[k], points[v, k] + reach)
    return low, high


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
def strand_ways(points: Array, faces: Array, cloth: Array, surface: Array, surfaces: Array, out: Array) -> None:
    """Ways of the strands ``out`` (N, 3), not of unit length: where ``cloth`` (N, 2) goes down on hair, 0 elsewhere."""
    out[:] = 0.0
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        if surfaces[surface[i], 1] != STRANDS:
            continue
        u1, u2 = beside(cloth[j, 0], cloth[i, 0]) - cloth[i, 0], beside(cloth[k, 0], cloth[i, 0]) - cloth[i, 0]
        v1, v2 = cloth[j, 1] - cloth[i, 1], cloth[k, 1] - cloth[i, 1]
        # Times the area on the cloth, so that small and degenerate faces count little.
        turn = np.float32(1.0) if u1 * v2 - u2 * v1 >= 0 else np.float32(-1.0)
        for axis in range(3):
            way = turn * (u1 * (points[k, axis] - points[i, axis]) - u2 * (points[j, axis] - points[i, axis]))
            for v in (i, j, k):
                out[v, axis] += way


@nb.njit(cache=True, nogil=True)
def push_out(points: Array, grids: Array, starts: Array, ends: Array, start_radii: Array, end_radii: Array) -> None:
    """Let legs push cloth away from its own middle, and the cloth around them come along as if it were taut.

    ``points`` (N, 3) are moved; ``grids`` (G, 3): first vertex, rows, columns; legs are capsules, in rows, that narrow from
    start to end: thigh and shin in turn. Where the first and last column are at one place the cloth is closed.
    """
    for g in range(grids.shape[0]):
        first, rows, columns = grids[g, 0], grids[g, 1], grids[g, 2]
        ends_apart = points[first] - points[first + columns - 1]
        closed = (ends_apart * ends_apart).sum() < _CLOSED_M * _CLOSED_M
        away = np.zeros((rows, columns), np.float64)
        ways = np.zeros((rows, columns, 3), np.float64)
        for row in range(rows):
            middle = np.zeros(3)
            for column in range(columns):
                for k in range(3):
                    middle[k] += points[first + row * columns + column, k] / columns
            for column in range(columns):
                p = points[first + row * columns + column]
                way = ways[row, column]
                x, y, z = p[0] - middle[0], p[1] - middle[1], p[2] - middle[2]
                length = np.sqrt(x * x + y * y + z * z) + 1e-9
                way[0], way[1], way[2] = x / length, y / length, z / length
                for c in range(starts.shape[0]):
                    exit_m = _exit(p, way, starts[c], ends[c], start_radii[c], end_radii[c], c % 2 == 0)
                    away[row, column] = max(away[row, column], exit_m)
        for _ in range(10):
            before = away.copy()
            for row in range(rows):
                for column in range(columns):
                    left, right = max(column - 1, 0), min(column + 1, columns - 1)
                    if closed and column == 0:
                        left = columns - 2
                    if closed and column == columns - 1:
                        right = 1
                    beside = before[row, left] + before[row, right]
                    over = before[max(row - 1, 0), column] + before[min(row + 1, rows - 1), column]
                    away[row, column] = max(before[row, column], 0.48 * beside, 0.46 * over)
        for row in range(rows):
            for column in range(columns):
                for k in range(3):
                    points[first + row * columns + column, k] += away[row, column] * ways[row, column, k]


@nb.njit(cache=True, nogil=True)
def _exit(p: Array, way: Array, start: Array, end: Array, start_radius: Any, end_radius: Any, is_thigh: bool) -> Any:
    """How far to go from ``p`` along ``way`` to be out of a capsule; 0 if it is not on the way.

    A thigh pushes from below the hip on: around the hips cloth lies on the body anyway.
    """
    ax, ay, az = end[0] - start[0], end[1] - start[1], end[2] - start[2]
    rx, ry, rz = p[0] - start[0], p[1] - start[1], p[2] - start[2]
    square = ax * ax + ay * ay + az * az + 1e-12
    along = (rx * ax + ry * ay + rz * az) / square
    if along <= 0.02 or along > 1.2:
        return 0.0
    radius = start_radius + min(1.0, max(0.0, along)) * (end_radius - start_radius)
    slant = (way[0] * ax + way[1] * ay + way[2] * az) / square
    sx, sy, sz = way[0] - ax * slant, way[1] - ay * slant, way[2] - az * slant
    ox, oy, oz = rx - ax * along, ry - ay * along, rz - az * along
    a, b = sx * sx + sy * sy + sz * sz, sx * ox + sy * oy + sz * oz
    c = ox * ox + oy * oy + oz * oz - radius * radius
    root = b * b - a * c
    if a < 1e-4 or root <= 0:
        return 0.0
    exit_m = (-b + np.sqrt(root)) / a
    entry_m = (-b - np.sqrt(root)) / a
    share = min(1.0, (along - 0.02) / 0.15) if is_thigh else 1.0
    return share * exit_m if exit_m > 0 and entry_m < 0.30 and exit_m < 0.45 else 0.0


@nb.njit(cache=True, nogil=True, inline="always")
def _place(cloth: Array, a: Any, b: Any, c: Any, w0: Any, w1: Any, w2: Any) -> Any:
    """Place on the ``cloth`` (N, 2) of a place in a face, by the weights of its corners."""
    u0, v0 = cloth[a, 0], cloth[a, 1]
    return (
        w0 * u0 + w1 * beside(cloth[b, 0], u0) + w2 * beside(cloth[c, 0], u0),
        w0 * v0 + w1 * cloth[b, 1] + w2 * cloth[c, 1],
    )


@nb.njit(cache=True, nogil=True)
def _is_missing(w1: Any, w2: Any, density: Array, cloth: Array, a: Any, b: Any, c: Any, fine: Any, seed: Any) -> Any:
    """Whether hair leaves a place free; ``w1`` and ``w2`` are weights of the corners b and c."""
    w0 = np.float32(1.0) - w1 - w2
    there = w0 * density[a] + w1 * density[b] + w2 * density[c]
    if fine == 0 or there <= 0 or there >= 1:
        return there < 0.5
    u, v = _place(cloth, a, b, c, w0, w1, w2)
    # Bounded, so that no strand hangs on alone where hair has ended.
    rough = min(_MOST_FRAY, max(-_MOST_FRAY, 0.7 * strand(u, v, _FRAY_M, _FRAY_STRETCH, np.float32(0.0), seed)))
    return there < 0.5 + fine * rough


@nb.njit(cache=True, nogil=True)
def fill(
    moments: Array, faces: Array, density: Array, cloth: Array, seed: int, fine: float, depth: Array, triangle: Array
) -> None:
    """A z-buffer.

    ``moments`` (M, N, 3): points in samples and depth away from the camera, at each moment of the exposure; rows of
    samples see them in turn. ``depth`` and ``triangle`` (H, W) are filled (infinity and -1 where nothing is). Of two
    triangles at one depth the first is seen.

    Where ``density`` (N,) is below 1 a surface is missing in places: below one half where ``fine`` is 0, and the more in
    strands along ``cloth`` (N, 2) the nearer it is to 1 (hashed alpha, Wyman and McGuire 2017, with strands for the hash).
    """
    height, width = np.int32(depth.shape[0]), np.int32(depth.shape[1])
    count = np.int32(moments.shape[0])
    slack, blur = np.float32(-_EDGE_SLACK), np.float32(1e-3)
    zero, half, one = np.float32(0.0), np.float32(0.5), np.float32(1.0)
    for f in range(np.int32(faces.shape[0])):
        # Unsigned, as numba asks of signed indices whether they count from the end.
        a, b, c = np.uint32(faces[f, 0]), np.uint32(faces[f, 1]), np.uint32(faces[f, 2])
        thin = min(density[a], density[b], density[c]) < one
        for moment in range(count):
            points = moments[moment]
            y0 = points[a, 1]
            y1, y2 = points[b, 1] - y0, points[c, 1] - y0
            # Rows first: most triangles are so small that few moments have a row in them.
            first_y = max(np.int32(0), np.int32(np.ceil(y0 + min(zero, y1, y2) - half - blur)))
            last_y = min(np.int32(height - 1), np.int32(np.floor(y0 + max(zero, y1, y2) - half + blur)))
            ahead = first_y % count
            first_y += moment - ahead + (count if moment < ahead else np.int32(0))
            if first_y > last_y:
                continue
            x0, z0 = points[a, 0], points[a, 2]
            x1, z1 = points[b, 0] - x0, points[b, 2] - z0
            x2, z2 = points[c, 0] - x0, points[c, 2] - z0
            area = x1 * y2 - x2 * y1
            first_x = max(np.int32(0), np.int32(np.ceil(x0 + min(zero, x1, x2) - half - blur)))
            last_x = min(np.int32(width - 1), np.int32(np.floor(x0 + max(zero, x1, x2) - half + blur)))
            if (abs(area) < np.float32(1e-9)) | (first_x > last_x):
                continue
            inverse = one / area
            for row in range(np.uint32(first_y), np.uint32(last_y + 1), np.uint32(count)):
                py = np.float32(row) + half - y0
                depths, triangles = depth[row], triangle[row]
                for column in range(np.uint32(first_x), np.uint32(last_x + 1)):
                    px = np.float32(column) + half - x0
                    w1 = (px * y2 - x2 * py) * inverse
                    w2 = (x1 * py - px * y1) * inverse
                    z = z0 + w1 * z1 + w2 * z2
                    nearest, seen = depths[column], triangles[column]
                    # Written whether seen or not: half of the samples are, which no processor foresees.
                    hits = (w1 >= slack) & (w2 >= slack) & (one - w1 - w2 >= slack) & (z < nearest)
                    if thin and hits:
                        hits = not _is_missing(w1, w2, density, cloth, a, b, c, fine, seed)
                    depths[column] = z if hits else nearest
                    triangles[column] = f if hits else seen


@nb.njit(cache=True, nogil=True)
def _hidden(triangle: Array, depth: Array, row: Any, column: Any, reach: Any, per_metre: Any) -> Any:
    """How many of eight samples around stand a little in front of one, and so keep light from it.

    (Crytek's ambient occlusion of the screen, Mittring 2007, with a fixed ring.)
    """
    total = 0.0
    for k in range(8):
        other_row, other_column = row + reach * _AROUND[k, 0] // 2, column + reach * _AROUND[k, 1] // 2
        if 0 <= other_row < triangle.shape[0] and 0 <= other_column < triangle.shape[1]:
            ahead = (depth[row, column] - depth[other_row, other_column]) / per_metre
            if 0.02 < ahead < _SHADE_M:
                total += min(1.0, (ahead - 0.02) / 0.05) * (1 - ahead / _SHADE_M)
    return total


@nb.njit(cache=True, nogil=True, inline="always")
def _is_same(triangle: Array, depth: Array, group: Array, y: Any, x: Any, other_y: Any, other_x: Any, near: Any) -> Any:
    """Whether two samples show the same surface, so that the colour of one does for both."""
    f = triangle[other_y, other_x]
    return f >= 0 and group[f] == group[triangle[y, x]] and abs(depth[other_y, other_x] - depth[y, x]) < near


@nb.njit(cache=True, nogil=True)
def _alike(triangle: Array, depth: Array, group: Array, part: int, row: int, column: int, samples: int, moments: int,
           near: Any) -> int:  # fmt: skip
    """How many samples of a pixel sample number ``part`` is coloured for: 0 if an earlier one of its moment does for it."""
    y, x = row * samples + part // samples, column * samples + part % samples
    # Rows of samples see moments in turn, so that with several of them only the own row sees the same.
    top, bottom = (row * samples, (row + 1) * samples) if moments == 1 else (y, y + 1)
    count = 1
    for other_y in range(top, bottom):
        for other_x in range(column * samples, (column + 1) * samples):
            if other_y == y and other_x == x:
                continue
            if _is_same(triangle, depth, group, y, x, other_y, other_x, near):
                if other_y < y or (other_y == y and other_x < x):
                    return 0
                count += 1
    return count


@nb.njit(cache=True, nogil=True)
def _count_alike(
    triangle: Array, depth: Array, group: Array, samples: int, moments: int, near: Any, out: Array
) -> None:
    """`_alike` of every sample that shows something, ``out`` (H, W); by itself, as it slows down in a longer loop."""
    for y in range(triangle.shape[0]):
        for x in range(triangle.shape[1]):
            if triangle[y, x] >= 0:
                part = (y % samples) * samples + x % samples
                out[y, x] = _alike(triangle, depth, group, part, y // samples, x // samples, samples, moments, near)


@nb.njit(cache=True, nogil=True, inline="always")
def _mix(values: Array, a: Any, b: Any, c: Any, w0: Any, w1: Any, w2: Any) -> Any:
    """Values (N, 3) of the corners of a face, by weight."""
    return (
        w0 * values[a, 0] + w1 * values[b, 0] + w2 * values[c, 0],
        w0 * values[a, 1] + w1 * values[b, 1] + w2 * values[c, 1],
        w0 * values[a, 2] + w1 * values[b, 2] + w2 * values[c, 2],
    )


@nb.njit(cache=True, nogil=True, inline="always")
def _weights(points: Array, a: Any, b: Any, c: Any, x: Any, y: Any) -> Any:
    """Weights of the corners of a face at the middle of a sample, and twice its area, positive seen from inside."""
    x1, y1 = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
    x2, y2 = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1]
    px, py = np.float32(x) + np.float32(0.5) - points[a, 0], np.float32(y) + np.float32(0.5) - points[a, 1]
    area = x1 * y2 - x2 * y1
    w1 = (px * y2 - x2 * py) / area
    w2 = (x1 * py - px * y1) / area
    return np.float32(1.0) - w1 - w2, w1, w2, area


@nb.njit(cache=True, nogil=True, inline="always")
def _put(pixel: Array, red: Any, green: Any, blue: Any, codes: Array) -> None:
    """Store linear light, 1 the brightest, as sRGB."""
    last = codes.shape[0] - 1
    pixel[0] = codes[int(min(1.0, max(0.0, red)) * last + 0.5)]
    pixel[1] = codes[int(min(1.0, max(0.0, green)) * last + 0.5)]
    pixel[2] = codes[int(min(1.0, max(0.0, blue)) * last + 0.5)]


@nb.njit(cache=True, nogil=True)
def shade(
    triangle: Array, depth: Array, samples: int, per_metre: float, moments: Array, faces: Array, light: Array,
    normals: Array, rest: Array, albedo: Array, cloth: Array, surface: Array, surfaces: Array, up: Array, key: Array,
    strength: float, ambient: Array, seed: int, fine: float, chart: Array, strands: Array, ways: Array, folds: Array,
    codes: Array, out: Array,
) -> None:  # fmt: skip
    """Colour every pixel from its samples.

    ``moments`` (M, N, 3) as given to `fill`, ``per_metre`` samples a metre; ``light`` (N, 2) as `light_vertices` found it,
    used where ``fine`` is 0; above, light is found at every sample from ``normals`` (N, 3), with folds, as much grain, of
    ``chart`` (R, C, 3), of shine on hair along ``strands`` (N, 3), and of the ``folds`` of cloth (S, S, 6) along ``ways``
    (N, 9); from 1 on, where colours of vertices matter little,
    once for all samples of a surface in a pixel that see the same moment (multisampling). ``codes``: sRGB bytes for
    linear 0..1; ``out`` (H, W, 4) sRGB not multiplied by alpha, and alpha.
    """
    reach, wide = max(1, int(_RINGS_M[0] * per_metre)), max(2, int(_RINGS_M[1] * per_metre))
    sample_m = np.float32(1.0 / per_metre)
    shares = fine >= 1 and samples > 1
    weights: Array = np.ones(triangle.shape if shares else (1, 1), np.uint8)
    if shares:
        sample_m *= np.float32(0.5 * (1 + samples))
        group = np.empty(faces.shape[0], np.uint8)
        for f in range(faces.shape[0]):
            group[f] = surface[faces[f, 0]]
        near = np.float32(_APART_M * per_metre)
        _count_alike(triangle, depth, group, samples, moments.shape[0], near, weights)
    plain = np.float32(max(0.0, 1.0 - fine / _FOLDED))
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            red = green = blue = total = 0.0
            count = 0
            middle_row = middle_column = -1
            for part in range(samples * samples):
                y, x = row * samples + part // samples, column * samples + part % samples
                f = triangle[y, x]
                if f < 0:
                    continue
                count += 1
                if middle_row < 0 or 2 * part <= samples * samples:
                    middle_row, middle_column = y, x
                weight = np.int64(weights[y % weights.shape[0], x % weights.shape[1]])
                if weight == 0:
                    continue
                total += weight
                a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
                w0, w1, w2, area = _weights(moments[y % moments.shape[0]], a, b, c, x, y)
                kind = surfaces[surface[a]]
                nx = ny = nz = np.float32(0.0)
                if fine > 0:
                    material = np.int64(kind[0])
                    rx, ry, rz = _mix(rest, a, b, c, w0, w1, w2)
                    nx, ny, nz = _mix(normals, a, b, c, w0, w1, w2)
                    ridge = along = np.float32(0.0)
                    valley = np.float32(1.0)
                    is_cloth = KNIT <= material <= DENIM
                    if plain > 0 or not is_cloth:
                        ridge, along = crease(rx, ry, rz, material, seed)
                    if is_cloth:
                        ridge, along = ridge * plain, along * plain
                        fx, fy, fz, valley = folded(ways, folds, a, b, c, w0, w1, w2, material)
                        share = np.float32(1.0) - plain
                        nx, ny, nz = nx + share * fx, ny + share * fy, nz + share * fz
                        valley = np.float32(1.0) - share * (np.float32(1.0) - valley)
                    level, gloss = lit(nx, ny, nz, ridge, along, material, up, key, strength)
                    s = GRAIN_SCALE[material]
                    level *= valley * np.float32(1.0 + fine * GRAIN[material] * noise(rx * s, ry * s, rz * s, seed + 7))
                else:
                    level = w0 * light[a, 0] + w1 * light[b, 0] + w2 * light[c, 0]
                    gloss = w0 * light[a, 1] + w1 * light[b, 1] + w2 * light[c, 1]
                if area > 0:  # Seen from inside, such as the back of a hem.
                    level, gloss = level * _INSIDE, np.float32(0.0)
                r, g, e = _mix(albedo, a, b, c, w0, w1, w2)
                weave = np.int64(kind[1])
                if weave == CHART and fine > 0:
                    u, v = _place(cloth, a, b, c, w0, w1, w2)
                    here = painted(chart, u, v)
                    share = np.float32(fine) * here[3]
                    r, g, e = r + share * (here[0] - r), g + share * (here[1] - g), e + share * (here[2] - e)
                elif weave > 0 and weave != CHART and (fine > 0 or weave != LEGS):
                    u, v = _place(cloth, a, b, c, w0, w1, w2)
                    share = np.float32(second(u, v, kind, sample_m))
                    if weave == LEGS:
                        share *= np.float32(1.0) - plain
                    r, g, e = r + share * (kind[4] - r), g + share * (kind[5] - g), e + share * (kind[6] - e)
                    if weave == STRANDS and fine > 0 and area <= 0:
                        tx, ty, tz = _mix(strands, a, b, c, w0, w1, w2)
                        dim, kept, white = hair_light(tx, ty, tz, nx, ny, nz, share, g, kind[3], key, strength, fine)
                        level, gloss = level * dim, gloss * kept + white
                red += weight * (r * level + gloss)
                green += weight * (g * level + gloss)
                blue += weight * (e * level + gloss)
            if count == 0:
                continue
            dim = 1 - _SHADES[0] * _hidden(triangle, depth, middle_row, middle_column, reach, per_metre)
            dim *= 1 - _SHADES[1] * _hidden(triangle, depth, middle_row, middle_column, wide, per_metre)
            dim /= total
            _put(out[row, column], ambient[0] * red * dim, ambient[1] * green * dim, ambient[2] * blue * dim, codes)
            out[row, column, 3] = np.uint8(255.0 * count / (samples * samples) + 0.5)
