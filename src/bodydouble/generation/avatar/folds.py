"""Folds of cloth: which way they run, how deep they are in a pose, and how they look close by.

A fold belongs to the cloth: its place is fixed there. How deep it is depends on the pose: cloth that is pushed together
along a limb, as inside a bent knee or elbow, folds, and cloth that is stretched is smooth (as "animation wrinkling" does,
Rohmer et al. 2010, here without simulating anything).
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar.skeleton import Floats
from bodydouble.seeds import derive_seed

Array = NDArray[Any]

KNIT, DENIM = 2, 4
"""First and last row of `bodydouble.generation.avatar.mesh.Material` that is cloth, and so has folds of its own."""
_VALLEY, _RIDGE = 0.20, 0.10
"""How much darker and lighter the bottoms and ridges of folds are than even cloth, by colours of vertices."""
_ACROSS: Final = (0.8, 0.6)
"""Folds vary along the body's x and y in these shares: alike neither on its left and right nor in front and behind."""
FOLD_PERIOD_M: Final = 0.64
"""Size of the chart of folds, which repeats."""
_PERIOD_M: Final = np.float32(FOLD_PERIOD_M)
_CHART_SIDE: Final = 256
_LONG_SLOPE, _RING_SLOPE = 0.20, 0.42
"""Usual steepness (root of the mean square) of long soft folds, and of the rings that cloth makes where it is bunched."""
_BASE: Final = 0.08
"""How much all cloth is bunched, 0 to 1."""
_AT_WAIST, _WAIST_M = 0.38, 0.11
"""How much more so cloth at the waist is, and up to how far from it."""
_PUSHED: Final = np.float32(1.3)
"""How much more it is bunched where it is pushed together to half its length."""
_MOST_BUNCHED: Final = np.float32(1.1)
_STEEPEST: Final = np.float32(1.8)
"""Most that a metre of cloth is pushed into a metre, for the slope of folds."""
_SOFT: Final = np.array([0.0, 0.0, 1.0, 1.1, 0.75], np.float32)
"""How deep the long folds are by material: denim is stiff."""
_EVEN_SHARE: Final = np.float32(0.45)
"""How deep they are where cloth is not bunched at all, over where it is."""
_DEEP: Final = np.float32(0.26)
"""Share of the light that does not get into the bottom of a fold."""


def fold_places(points: Floats, along_m: Floats) -> Floats:
    """(N, 2): where folds of points (N, 3) are on the chart, metres; ``along_m`` (N,) down the trunk or a limb."""
    return np.stack([points[:, 0] * _ACROSS[0] + points[:, 1] * _ACROSS[1], along_m], 1)


def shifted(places: Floats, seed: int) -> Floats:
    """Places (N, 2) on the chart of folds, elsewhere for each seed."""
    rng = np.random.default_rng(derive_seed(seed, "folds"))
    return np.asarray(places + rng.uniform(0, FOLD_PERIOD_M, 2))


def bunched(place: Floats, hem: float, *, crotch: float = 0.0, over_waist_m: Floats | float = np.inf) -> Floats:
    """(V,): how much cloth is bunched whatever the pose, 0 to 1: at joints, above hems, at the waist and the top of legs.

    Args:
        place: (V,) along the limb; -1 off it.
        hem: where on the limb the cloth ends.
        crotch: how much at the top of the limb.
        over_waist_m: (V,) height over the waist.
    """

    def near(middle: float, wide: float) -> Floats:
        return np.asarray(np.exp(-(((place - middle) / wide) ** 2)))

    joint = 0.40 * near(1.0, 0.16) if hem > 1.1 else 0.0
    top = crotch * near(0.10, 0.14) + 0.25 * near(0.3, 0.2)
    trunk = _BASE + _AT_WAIST * np.exp(-((np.asarray(over_waist_m) / _WAIST_M) ** 2))
    return np.where(place >= 0, np.clip(_BASE + joint + 0.6 * near(hem - 0.14, 0.13) + top, 0, 1), trunk)


def crease_depth(cloth: Floats, place: Floats, hem: float, seed: int) -> Floats:
    """(V,): relief of folds in -1..1: long soft ones everywhere, rings where a joint bends and above the hem.

    Args:
        cloth: (V, 2) places on the cloth.
        place: (V,) along a limb; -1 off it.
        hem: where on the limb the cloth ends.
        seed: of the folds.
    """
    rng = np.random.default_rng(derive_seed(seed, "creases"))
    u, v = cloth.T
    warp = 0.8 * np.sin(9 * u + 7 * v + rng.uniform(0, 6)) + 0.6 * np.sin(17 * v - 11 * u + rng.uniform(0, 6))
    soft = np.zeros(len(u))
    for _ in range(3):
        turn = rng.uniform(0.2, 0.9) * rng.choice([-1, 1])
        wave = (u * np.cos(turn) + v * np.sin(turn)) * rng.uniform(55, 85) + warp + rng.uniform(0, 6)
        soft += (1 - 2 * np.abs(np.sin(0.5 * wave))) / 3
    ring = np.sin(v * rng.uniform(95, 115) + 1.6 * np.sin(20 * u + rng.uniform(0, 6)) + rng.uniform(0, 6))
    bend = np.exp(-(((place - 1) / 0.18) ** 2)) + 0.8 * np.exp(-(((place - hem + 0.12) / 0.12) ** 2))
    return np.asarray(soft + np.where(place >= 0, 1.1 * bend * ring, 0))


def crease_shade(relief: Floats) -> Floats:
    """(V,): share of the light that reaches cloth at a relief in -1..1; little does the bottom of folds."""
    return np.asarray(1 - _VALLEY * np.clip(-relief, 0, 1.3) + _RIDGE * np.clip(relief, 0, 1))


@cache
def fold_chart() -> NDArray[np.float32]:
    """(S, S, 6): slope along u and v and height, in about -1..1, of long folds, then of rings; rows are along v."""
    rng = np.random.default_rng(derive_seed(0, "fold chart"))
    v, u = np.meshgrid(np.arange(_CHART_SIDE) / _CHART_SIDE, np.arange(_CHART_SIDE) / _CHART_SIDE, indexing="ij")

    def drift(most: int) -> Floats:
        """Soft periodic noise, about -1..1, of waves of up to ``most`` per side."""
        out = np.zeros_like(u)
        for _ in range(6):
            across, down = rng.integers(-most, most + 1, 2)
            out += np.sin(2 * np.pi * (across * u + down * v + rng.uniform()))
        return out / 2.4

    def train(across: int, down: int, bent: float, sharp: float) -> Floats:
        """Folds that run across a way of whole waves per side, wind, and end here and there."""
        wave = np.pi * (across * u + down * v + bent * drift(2) + 0.25 * bent * drift(4))
        ridge = 1 - 2 * np.sqrt(np.sin(wave) ** 2 + 0.02) ** sharp
        return np.asarray(ridge * np.clip(0.55 + 0.7 * drift(3), 0, 1))

    long = train(3, 2, 0.8, 1.2) + train(-4, 2, 0.8, 1.2) + 0.5 * train(3, 5, 0.9, 1.0)
    rings = 0.6 * train(1, 12, 0.9, 1.0) + train(-8, 9, 1.0, 1.0) + train(8, 8, 1.0, 1.0)
    layers = []
    for height, steep in ((long, _LONG_SLOPE), (rings, _RING_SLOPE)):
        soft = _softened(height - height.mean(), 2.0)
        down, across = ((np.roll(soft, -1, axis) - np.roll(soft, 1, axis)) / 2 for axis in (0, 1))
        scale = steep / np.sqrt((down**2 + across**2).mean())
        layers += [scale * across, scale * down, np.clip(0.6 * soft / soft.std(), -1.2, 1.2)]
    return np.ascontiguousarray(np.stack(layers, -1), np.float32)


def _softened(height: Floats, texels: float) -> Floats:
    """A periodic picture blurred by a Gaussian."""
    frequency = np.fft.fftfreq(len(height))
    low = np.exp(-2 * (np.pi * texels * frequency) ** 2)
    return np.asarray(np.fft.ifft2(np.fft.fft2(height) * low[:, None] * low).real)


@nb.njit(cache=True, nogil=True)
def fold_ways(
    points: Array, faces: Array, folds: Array, surface: Array, surfaces: Array, rest: Array, out: Array
) -> None:
    """Where folds are at each vertex, how much the cloth is bunched, and which ways its places run, ``out`` (N, 9).

    Args:
        points: (N, 3) of the pose.
        faces: (F, 3).
        folds: (N, 3): places on the chart of folds, and how much the cloth is bunched in any pose.
        surface: (N,) rows of ``surfaces``.
        surfaces: (S, 7), see `bodydouble.generation.avatar.mesh.Dressed`.
        rest: (N,) column 2 of ``out`` at rest; (1,) to find that.
        out: u, v, how much it is bunched (at rest: v over a metre), and gradients of u and v in axes of ``points``.
    """
    out[:] = 0.0
    weight = np.zeros(points.shape[0], np.float32)
    a, b, n = np.empty(3, np.float32), np.empty(3, np.float32), np.empty(3, np.float32)
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        kind = surfaces[surface[i], 0]
        if kind < KNIT or kind > DENIM:
            continue
        for axis in range(3):
            a[axis], b[axis] = points[j, axis] - points[i, axis], points[k, axis] - points[i, axis]
        n[0], n[1], n[2] = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
        square = n[0] * n[0] + n[1] * n[1] + n[2] * n[2]
        if square < 1e-16:
            continue
        area = np.sqrt(square)
        u1, u2 = folds[j, 0] - folds[i, 0], folds[k, 0] - folds[i, 0]
        v1, v2 = folds[j, 1] - folds[i, 1], folds[k, 1] - folds[i, 1]
        length = np.float32(0.0)
        for axis in range(3):
            # The dual basis of the face's two edges: its gradient is 1 along the one and 0 along the other.
            one, two = (axis + 1) % 3, (axis + 2) % 3
            first, last = (b[one] * n[two] - b[two] * n[one]) / area, (n[one] * a[two] - n[two] * a[one]) / area
            gu, gv = u1 * first + u2 * last, v1 * first + v2 * last
            length += gv * gv
            for vertex in (i, j, k):
                out[vertex, 3 + axis] += gu
                out[vertex, 6 + axis] += gv
        length = np.sqrt(length)
        for vertex in (i, j, k):
            out[vertex, 2] += length
            weight[vertex] += area
    for v in range(points.shape[0]):
        out[v, 0], out[v, 1] = folds[v, 0], folds[v, 1]
        if weight[v] == 0:
            continue
        for k in range(2, 9):
            out[v, k] /= weight[v]
        if rest.shape[0] == 1:
            continue
        pushed = out[v, 2] / max(rest[v], np.float32(1e-3)) - np.float32(1.0)
        out[v, 2] = min(_MOST_BUNCHED, max(np.float32(0.0), folds[v, 2] + _PUSHED * pushed))
        for first in (3, 6):
            length = np.sqrt(out[v, first] ** 2 + out[v, first + 1] ** 2 + out[v, first + 2] ** 2)
            if length > _STEEPEST:
                for k in range(first, first + 3):
                    out[v, k] *= _STEEPEST / length


@nb.njit(cache=True, nogil=True)
def folded(ways: Array, chart: Array, a: Any, b: Any, c: Any, w0: Any, w1: Any, w2: Any, material: Any) -> Any:
    """How folds tip the normal at a place in a face, (x, y, z), and the share of the light that they leave."""
    size = np.float32(chart.shape[0])
    u = w0 * ways[a, 0] + w1 * ways[b, 0] + w2 * ways[c, 0]
    v = w0 * ways[a, 1] + w1 * ways[b, 1] + w2 * ways[c, 1]
    deep = w0 * ways[a, 2] + w1 * ways[b, 2] + w2 * ways[c, 2]
    u, v = u / _PERIOD_M, v / _PERIOD_M
    x, y = (u - np.floor(u)) * size, (v - np.floor(v)) * size
    left, top = int(x) % chart.shape[1], int(y) % chart.shape[0]
    x, y = x - np.floor(x), y - np.floor(y)
    right, low = (left + 1) % chart.shape[1], (top + 1) % chart.shape[0]
    w00, w01, w10, w11 = (1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y
    p, q, r, s = chart[top, left], chart[top, right], chart[low, left], chart[low, right]
    soft = _SOFT[material] * (
        _EVEN_SHARE + (np.float32(1.0) - _EVEN_SHARE) * min(np.float32(1.0), np.float32(2.0) * deep)
    )
    across = soft * (w00 * p[0] + w01 * q[0] + w10 * r[0] + w11 * s[0])
    down = soft * (w00 * p[1] + w01 * q[1] + w10 * r[1] + w11 * s[1])
    height = np.float32(0.6) * soft * (w00 * p[2] + w01 * q[2] + w10 * r[2] + w11 * s[2])
    across += deep * (w00 * p[3] + w01 * q[3] + w10 * r[3] + w11 * s[3])
    down += deep * (w00 * p[4] + w01 * q[4] + w10 * r[4] + w11 * s[4])
    height += deep * (w00 * p[5] + w01 * q[5] + w10 * r[5] + w11 * s[5])
    nx = across * (w0 * ways[a, 3] + w1 * ways[b, 3] + w2 * ways[c, 3])
    nx += down * (w0 * ways[a, 6] + w1 * ways[b, 6] + w2 * ways[c, 6])
    ny = across * (w0 * ways[a, 4] + w1 * ways[b, 4] + w2 * ways[c, 4])
    ny += down * (w0 * ways[a, 7] + w1 * ways[b, 7] + w2 * ways[c, 7])
    nz = across * (w0 * ways[a, 5] + w1 * ways[b, 5] + w2 * ways[c, 5])
    nz += down * (w0 * ways[a, 8] + w1 * ways[b, 8] + w2 * ways[c, 8])
    light = np.float32(1.0) + _DEEP * min(np.float32(0.4), max(np.float32(-1.0), height))
    return -nx, -ny, -nz, light
