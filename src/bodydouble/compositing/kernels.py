"""The inner loops of compositing, compiled. All write in place and leave pixels without weight as they are, to the bit."""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba as nb
from numpy.typing import NDArray

Array = NDArray[Any]


@nb.njit(cache=True, nogil=True)
def _code(value: float) -> int:
    """Rounded to 0..255."""
    return int(min(max(value + 0.5, 0.0), 255.0))


@nb.njit(cache=True, nogil=True)
def _grain(tile: Array, side: int, places: Array, sigmas: Array, y: int, x: int) -> Any:
    """Noise of a pixel."""
    fresh = tile[(places[0, 0] + y) % side, (places[0, 1] + x) % side]
    return sigmas[0] * fresh + sigmas[1] * tile[(places[1, 0] + y) % side, (places[1, 1] + x) % side]


@nb.njit(cache=True, nogil=True)
def paint_plate(
    base: Array,
    cover: Array,
    as_it_is: Array,
    fit: Array,
    limit: float,
    tile: Array,
    places: Array,
    sigmas: Array,
    weight: Array,
) -> None:
    """Lay a cover over a window by weight, relit by a plane per channel, with noise.

    Args:
        base: (height, width, 3) uint8, changed in place.
        cover: (height, width, 3) uint8.
        as_it_is: (height, width): where the cover is not relit.
        fit: (3, 3): constant and slopes of each channel over -1..1 across the window; see ``paint_out.fit_plate``.
        limit: largest correction, in steps of 1/255.
        tile: (n, n) noise of deviation 1.
        places: (2, 2) row and column of the tile where the window begins, for what is new in every frame and for what stays.
        sigmas: (2,) deviations of these, in steps of 1/255.
        weight: (height, width) uint8; 255 is all.
    """
    height, width = weight.shape
    side = tile.shape[0]
    for y in range(height):
        v = -1.0 + 2.0 * y / (height - 1) if height > 1 else -1.0
        for x in range(width):
            if weight[y, x] == 0:
                continue
            u = -1.0 + 2.0 * x / (width - 1) if width > 1 else -1.0
            grain = _grain(tile, side, places, sigmas, y, x)
            share = weight[y, x] / 255.0
            for c in range(3):
                value = cover[y, x, c] + grain
                if not as_it_is[y, x]:
                    value += min(max(fit[0, c] + u * fit[1, c] + v * fit[2, c], -limit), limit)
                base[y, x, c] = _code(base[y, x, c] * (1.0 - share) + value * share)


@nb.njit(cache=True, nogil=True)
def lay(base: Array, colour: Array, alpha: Array, tile: Array, places: Array, sigmas: Array) -> None:
    """Lay colours over a window, with noise.

    Args:
        base: (height, width, 3) uint8, changed in place.
        colour: (height, width, 3), multiplied by alpha.
        alpha: (height, width), 0 to 1.
        tile: (n, n) noise of deviation 1.
        places: see `paint_plate`.
        sigmas: see `paint_plate`.
    """
    side = tile.shape[0]
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            a = alpha[y, x]
            if a <= 0.0:
                continue
            grain = _grain(tile, side, places, sigmas, y, x) * a
            for c in range(3):
                base[y, x, c] = _code(base[y, x, c] * (1.0 - a) + colour[y, x, c] + grain)
