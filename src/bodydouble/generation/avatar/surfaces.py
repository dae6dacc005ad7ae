"""How surfaces look close by, compiled: noise, folds, light, weaves, strands of hair, painted charts."""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_FOLD = np.array([0.0, 0.10, 0.11, 0.11, 0.12, 0.04], np.float32)
"""Strength of folds by `bodydouble.generation.avatar.mesh.Material`."""
_FOLD_SCALE = np.array([1.0, 60.0, 15.0, 17.0, 15.0, 20.0], np.float32)
"""Folds per metre."""
GRAIN = np.array([0.03, 0.18, 0.10, 0.05, 0.13, 0.05], np.float32)
"""How much fine noise changes the brightness."""
GRAIN_SCALE = np.array([90.0, 220.0, 160.0, 260.0, 210.0, 90.0], np.float32)
_WRAP = np.array([0.35, 0.25, 0.25, 0.2, 0.15, 0.1], np.float32)
"""How far light reaches around a surface."""
_GLOSS = np.array([0.05, 0.06, 0.0, 0.0, 0.0, 0.10], np.float32)
STRANDS, CHART = 6, 7
"""Rows of `bodydouble.generation.avatar.mesh.Weave` that are drawn in ways of their own."""
SEAM, LEGS, BUTTONS = 4, 8, 9
"""Rows with seams."""
_LEG_SIDE = np.float32(0.1 + 0.03 * np.pi)
"""Where the sides of a leg are around it, see `garments.cloth_places`."""
_HEM_M = np.float32(0.022)
"""Width of a hem."""
_BUTTON_M = np.float32(0.006)
"""Radius of a button."""
_PLACKET_M = np.float32(0.016)
"""How far the edge of a buttoned front is from its middle."""
_POCKET_M = np.float32(0.14)
"""Height of the opening of a pocket."""
_POCKET_U = (np.float32(0.094), np.float32(0.070))
"""Where around the body its lower and its upper end are."""
AROUND_M = np.float32(0.18 * np.pi)
"""Width of hair on the cloth, once around the head: where a face seems wider than half of it, it lies across the seam."""
_STREAKS = np.float32(0.24)
"""Mean share of the second colour in hair."""
_RELIEF = 0.4
"""How much darker a place between locks is."""
_SMOOTH_STRETCH = 8.0
"""Length of locks over their width from which on hair shines as a whole."""
_CURLED = 3.0
"""Length of locks over their width below which they are curls, with deep gaps between them."""
_FINER = np.float32(0.22)
"""Width of a strand over that of a lock of hair."""
_CHART_BORDER = np.float32(0.07)
"""Share of a chart over which it fades into the colours of the vertices."""
_SHINE = (np.float32(0.035), np.float32(0.55))
"""Strength of the two shines of hair: of its surface, and of what its colour leaves of light that went through it."""


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
def _noise2(x: Any, y: Any, seed: Any) -> Any:
    """As `noise`, in the plane."""
    fx, fy = np.floor(x), np.floor(y)
    ix, iy = np.int64(fx), np.int64(fy)
    tx, ty = x - fx, y - fy
    tx, ty = tx * tx * (3 - 2 * tx), ty * ty * (3 - 2 * ty)
    low = (1 - tx) * _hash(ix, iy, 0, seed) + tx * _hash(ix + 1, iy, 0, seed)
    high = (1 - tx) * _hash(ix, iy + 1, 0, seed) + tx * _hash(ix + 1, iy + 1, 0, seed)
    return (1 - ty) * low + ty * high


@nb.njit(cache=True, nogil=True)
def speckle(points: Array, per_m: Array, seed: int, out: Array) -> None:
    """`noise` at points (N, 3) in metres, ``per_m`` (3,) features a metre, into ``out`` (N,)."""
    for k in range(points.shape[0]):
        out[k] = noise(points[k, 0] * per_m[0], points[k, 1] * per_m[1], points[k, 2] * per_m[2], seed)


@nb.njit(cache=True, nogil=True)
def creases(rest: Array, surface: Array, surfaces: Array, seed: int, out: Array) -> None:
    """How folds tip the normal at each vertex, ``out`` (N, 2): across ridges, and along them."""
    for v in range(rest.shape[0]):
        material = np.int64(surfaces[surface[v], 0])
        x, y, z = rest[v, 0], rest[v, 1], rest[v, 2]
        ridge, along = crease(x, y, z, material, seed)
        out[v, 0], out[v, 1] = ridge, along


@nb.njit(cache=True, nogil=True)
def crease(x: Any, y: Any, z: Any, material: Any, seed: Any) -> Any:
    """How a fold tips the normal at a place in the rest body's frame: across its ridge, and along it."""
    fold = _FOLD[material]
    if fold == 0:
        return np.float32(0.0), np.float32(0.0)
    s = _FOLD_SCALE[material]
    # Ridges rather than bumps: cloth creases along lines.
    ridge = abs(noise(x * s, y * s, z * s * 0.6, seed)) - 0.3
    along = noise(x * s * 0.7 + 31.7, y * s * 0.7, z * s * 1.3, seed)
    return np.float32(fold * ridge), np.float32(fold * along)


@nb.njit(cache=True, nogil=True)
def lit(nx: Any, ny: Any, nz: Any, ridge: Any, along: Any, material: Any, up: Array, key: Array, strength: Any) -> Any:
    """Light on a surface, and what it mirrors of the lamp."""
    nx, ny, nz = nx + 1.6 * ridge, ny + 1.2 * along, nz + 0.8 * ridge
    length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    nx, ny, nz = nx / length, ny / length, nz / length
    sky = 0.5 + 0.5 * (nx * up[0] + ny * up[1] + nz * up[2])
    wrap = _WRAP[material]
    direct = max(0.0, (nx * key[0] + ny * key[1] + nz * key[2] + wrap) / (1 + wrap))
    light = (1 - strength) * (0.28 + 0.80 * sky) + strength * (0.16 + 0.22 * sky + 1.15 * direct)
    return np.float32(light), np.float32(_GLOSS[material] * direct * direct * direct * direct)


@nb.njit(cache=True, nogil=True)
def light_vertices(
    normals: Array, crease: Array, surface: Array, surfaces: Array, up: Array, key: Array, strength: float, out: Array
) -> None:
    """Light and gloss, ``out`` (N, 2), at every vertex; ``normals`` (N, 3), ``up`` and ``key`` in camera axes."""
    for v in range(normals.shape[0]):
        material = np.int64(surfaces[surface[v], 0])
        light, gloss = lit(
            normals[v, 0], normals[v, 1], normals[v, 2], crease[v, 0], crease[v, 1], material, up, key, strength
        )
        out[v, 0], out[v, 1] = light, gloss


@nb.njit(cache=True, nogil=True, inline="always")
def _line(off_m: Any, half_m: Any, sample_m: Any) -> Any:
    """Share of a sample that a line covers whose middle is that much off."""
    return min(min(sample_m, 2 * half_m), max(0.0, half_m + 0.5 * sample_m - abs(off_m))) / sample_m


@nb.njit(cache=True, nogil=True)
def _slit(u: Any, v: Any, sample_m: Any) -> Any:
    """The slanting opening of a pocket whose lower end is at ``v`` 0."""
    if v < 0 or v > _POCKET_M:
        return 0.0
    return _line(u - _POCKET_U[0] - (_POCKET_U[1] - _POCKET_U[0]) * v / _POCKET_M, 0.0022, sample_m)


@nb.njit(cache=True, nogil=True)
def second(u: Any, v: Any, row: Array, sample_m: Any) -> Any:
    """Share of the second colour of a pattern at a place on the cloth, smoothed over a sample."""
    weave, period, share = np.int64(row[1]), row[2], row[3]
    if weave == 1:
        return _band(v, period, share, sample_m)
    if weave == 2:
        return 0.5 * _band(v, period, share, sample_m) + 0.5 * _band(u, period, share, sample_m)
    if weave == 3:
        return _edge(v - period, sample_m) * _edge(period + share - v, sample_m)
    if weave == SEAM:
        zip_ = _edge(share - abs(u), sample_m)
        return max(zip_, _slit(abs(u), v - period, sample_m)) if period > 0 else zip_
    if weave == LEGS:
        return max(_line(u - _LEG_SIDE, share, sample_m), 0.8 * _line(v - period - _HEM_M, 0.0018, sample_m))
    if weave == BUTTONS:
        off = v - period * np.floor(v / period) - 0.5 * period
        button = _edge(_BUTTON_M - np.sqrt(u * u + off * off), sample_m) * min(1.0, 2 * _BUTTON_M / sample_m)
        return max(button, 0.8 * _line(abs(u) - _PLACKET_M, share, sample_m))
    if weave == 5:
        return 0.35 * _band(u, period, share, sample_m)
    deep = 0.6 if share > _CURLED else 1.2
    return _STREAKS + deep * strand(u, v, period, share, sample_m, 0)


@nb.njit(cache=True, nogil=True)
def strand(u: Any, v: Any, width_m: Any, stretch: Any, sample_m: Any, seed: Any) -> Any:
    """Noise in -1..1 of locks and of the strands in them, along ``v``; fades where a sample is as wide as either.

    ``stretch``: length of a lock over its width: many times for straight hair, about once for curls.
    """
    locks = max(np.float32(0.0), min(np.float32(1.0), np.float32(1.5) - sample_m / width_m))
    if locks == 0:
        return 0.0
    fine_m = _FINER * width_m
    strands = max(np.float32(0.0), min(np.float32(1.0), np.float32(1.5) - np.float32(0.5) * sample_m / fine_m))
    value = 0.55 * locks * _noise2(u / width_m, v / (width_m * stretch), seed)
    if strands > 0:
        value += 0.45 * strands * _noise2(u / fine_m, v / (fine_m * 2 * stretch), seed + 1)
    return value


@nb.njit(cache=True, nogil=True, inline="always")
def beside(u: Any, first: Any) -> Any:
    """``u`` of a corner of a face as seen from its first corner, across the seam of the hair if that is nearer."""
    if u - first > 0.5 * AROUND_M:
        return u - AROUND_M
    if first - u > 0.5 * AROUND_M:
        return u + AROUND_M
    return u


@nb.njit(cache=True, nogil=True)
def _shine(tx: Any, ty: Any, tz: Any, nx: Any, ny: Any, nz: Any, shift: Any, key: Array, strength: Any) -> Any:
    """What a strand along (tx, ty, tz) mirrors of the lamp towards the camera: white, and through its colour.

    (Kajiya and Kay 1989, with the two shifted lobes of Marschner et al. 2003.) ``shift`` tips the strand out of the surface.
    """
    length = np.sqrt(tx * tx + ty * ty + tz * tz)
    if length < 1e-6:
        return 0.0, 0.0
    # Half way between the lamp and the camera, which looks along z.
    hx, hy, hz = key[0], key[1], key[2] - 1.0
    half = np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-6
    along = (tx * hx + ty * hy + tz * hz) / (length * half)
    out = (nx * hx + ny * hy + nz * hz) / half
    faces_lamp = max(0.0, min(1.0, 0.35 + nx * key[0] + ny * key[1] + nz * key[2]))
    first, second_ = along + (0.10 + shift) * out, along - (0.16 - shift) * out
    first, second_ = max(0.0, 1 - first * first), max(0.0, 1 - second_ * second_)
    lamp = (0.35 + 0.65 * strength) * faces_lamp
    return _SHINE[0] * lamp * first**40, _SHINE[1] * lamp * second_**14


@nb.njit(cache=True, nogil=True)
def hair_light(
    tx: Any, ty: Any, tz: Any, nx: Any, ny: Any, nz: Any, share: Any, green: Any, stretch: Any, key: Array, strength: Any,
    fine: Any,
) -> Any:  # fmt: skip
    """How light on hair changes close by, ``fine`` 0 to 1: what it and its gloss are multiplied by, and what is added.

    ``share``: of the second colour, as `second` found it, which is deep between locks; ``green``: of the hair's colour, a
    measure of how light it is; ``stretch``: length of locks over their width.
    """
    deep = fine * (share - _STREAKS)
    white, own = _shine(tx, ty, tz, nx, ny, nz, np.float32(0.5) * (share - _STREAKS), key, strength)
    # Curls, which lie in all directions, have no common shine; light hair, which light goes through, shines all over.
    smooth = fine * min(1.0, stretch / _SMOOTH_STRETCH)
    dim = (1.0 - _RELIEF * deep) * (1.0 + smooth * own * max(0.0, 1.0 - 1.6 * green))
    return np.float32(dim), np.float32(max(0.0, 1.0 - 2.0 * deep)), np.float32(smooth * white)


@nb.njit(cache=True, nogil=True)
def painted(chart: Array, column: Any, row: Any) -> Any:
    """Colour of a chart (R, C, 3) at a place in shares of it, and how much it counts: less towards its border, 0 outside."""
    border = min(min(column, 1 - column), min(row, 1 - row))
    if border <= 0:
        return np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    x, y = column * chart.shape[1] - np.float32(0.5), row * chart.shape[0] - np.float32(0.5)
    x = min(max(x, np.float32(0.0)), np.float32(chart.shape[1] - 1.001))
    y = min(max(y, np.float32(0.0)), np.float32(chart.shape[0] - 1.001))
    left, top = int(x), int(y)
    x, y = x - np.float32(left), y - np.float32(top)
    w00, w01, w10, w11 = (1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y
    a, b, c, d = chart[top, left], chart[top, left + 1], chart[top + 1, left], chart[top + 1, left + 1]
    return (
        w00 * a[0] + w01 * b[0] + w10 * c[0] + w11 * d[0],
        w00 * a[1] + w01 * b[1] + w10 * c[1] + w11 * d[1],
        w00 * a[2] + w01 * b[2] + w10 * c[2] + w11 * d[2],
        min(np.float32(1.0), border / _CHART_BORDER),
    )


@nb.njit(cache=True, nogil=True, inline="always")
def _edge(inside_m: Any, sample_m: Any) -> Any:
    return min(1.0, max(0.0, inside_m / sample_m + 0.5))


@nb.njit(cache=True, nogil=True, inline="always")
def _band(place_m: Any, period_m: Any, share: Any, sample_m: Any) -> Any:
    """A stripe train, which fades into its mean where a sample is as wide as a period."""
    phase = place_m / period_m
    phase -= np.floor(phase)
    distance = (0.5 * share - abs(phase - 0.5 * share)) * period_m
    if phase > 0.5 + 0.5 * share:
        distance = (phase - 1.0) * period_m
    sharp = _edge(distance, sample_m)
    blur = min(1.0, max(0.0, sample_m / period_m))
    return sharp * (1 - blur) + share * blur
