"""Smooth noise in space and over time, seeded, the same wherever and in whatever order it is asked for."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import ArrayLike, NDArray

_SIDE = 256


class NoiseField:
    """Value noise (interpolated random grid) that tiles every 256 cells."""

    def __init__(self, seed: int) -> None:
        self._grid = np.random.default_rng(seed).random((_SIDE, _SIDE)).astype(np.float32)

    def cells(self, u: ArrayLike, v: ArrayLike) -> NDArray[np.float32]:
        """A value in 0..1 that is constant within each unit cell."""
        shape, flat_u, flat_v = _flat(u, v)
        return np.asarray(_cells(self._grid, flat_u, flat_v).reshape(shape))

    def smooth(self, u: ArrayLike, v: ArrayLike) -> NDArray[np.float32]:
        """A value in 0..1 that varies smoothly; one hill a unit."""
        return self.rough(u, v, 1)

    def rough(self, u: ArrayLike, v: ArrayLike, octaves: int = 4) -> NDArray[np.float32]:
        """Several octaves of smooth noise, each half as high and twice as fine as the last; around 0.5."""
        shape, flat_u, flat_v = _flat(u, v)
        return np.asarray(_octaves(self._grid, flat_u, flat_v, octaves).reshape(shape))


class Wander:
    """A smooth random curve over time around 0, of about unit size."""

    def __init__(self, seed: int, *, period_seconds: float) -> None:
        rng = np.random.default_rng(seed)
        self._rates = 2 * np.pi / period_seconds * rng.uniform(0.5, 1.7, 4)
        self._phases = rng.uniform(0, 2 * np.pi, 4)

    def at(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values ``(T,)`` at times ``(T,)``."""
        return np.asarray(np.sin(seconds[:, None] * self._rates + self._phases).sum(1) / 2)


def _flat(u: ArrayLike, v: ArrayLike) -> tuple[tuple[int, ...], NDArray[np.float32], NDArray[np.float32]]:
    one, other = np.broadcast_arrays(np.asarray(u, np.float32), np.asarray(v, np.float32))
    return one.shape, np.ascontiguousarray(one).ravel(), np.ascontiguousarray(other).ravel()


@nb.njit(cache=True, nogil=True)
def _cells(grid, u, v):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    out = np.empty(u.size, np.float32)
    for i in range(u.size):
        out[i] = grid[int(np.floor(u[i])) % _SIDE, int(np.floor(v[i])) % _SIDE]
    return out


@nb.njit(cache=True, nogil=True)
def _octaves(grid, u, v, octaves):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    out = np.empty(u.size, np.float32)
    for i in range(u.size):
        total, weight, share, scale = 0.0, 0.0, 1.0, 1.0
        for k in range(octaves):
            x, y = u[i] * scale + 17 * k, v[i] * scale + 31 * k
            floor_x, floor_y = np.floor(x), np.floor(y)
            a, b = int(floor_x) % _SIDE, int(floor_y) % _SIDE
            fx, fy = x - floor_x, y - floor_y
            fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
            c, d = (a + 1) % _SIDE, (b + 1) % _SIDE
            upper = grid[a, b] * (1 - fy) + grid[a, d] * fy
            lower = grid[c, b] * (1 - fy) + grid[c, d] * fy
            total += share * (upper * (1 - fx) + lower * fx)
            weight += share
            share *= 0.5
            scale *= 2.0
        out[i] = total / weight
    return out
