"""The inner loops of compositing, compiled. All write in place and leave pixels without weight as they are, to the bit."""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@nb.njit(cache=True, nogil=True)
def _code(value: float) -> int:
    """Rounded to 0..255."""
    return int(min(max(value + 0.5, 0.0), 255.0))


@nb.njit(cache=True, nogil=True)
def _rows(tile: Array, places: Array, y: int) -> Any:
    """Rows of a tile of noise for a row of pixels: of what is new in every frame, and of what stays."""
    return tile[(places[0, 0] + y) % tile.shape[0]], tile[(places[1, 0] + y) % tile.shape[0]]


@nb.njit(cache=True, nogil=True, inline="always")
def _grain(fresh: Array, steady: Array, places: Array, sigmas: Array, x: int) -> Any:
    """Noise of a pixel, from `_rows`."""
    side = np.uint32(fresh.shape[0])
    here, there = np.uint32(places[0, 1] + x) % side, np.uint32(places[1, 1] + x) % side
    return sigmas[0] * fresh[here] + sigmas[1] * steady[there]


@nb.njit(cache=True, nogil=True)
def fade_out(mask: Array, table: Array, out: Array) -> None:
    """Weight all of a mask, and what is near it by its nearest pixel: far less work than distances everywhere.

    Args:
        mask: (height, width) bool.
        table: (2 n + 1, 2 n + 1) uint8: weight at so many rows and columns from a pixel of the mask; falls with distance.
        out: (height, width) uint8, zeros; written.
    """
    height, width = mask.shape
    reach = table.shape[0] // 2
    for y in range(height):
        for x in range(width):
            if not mask[y, x]:
                continue
            out[y, x] = table[reach, reach]
            # Whichever pixel of the mask is nearest to one outside has a neighbour outside.
            above, below = mask[max(y - 1, 0), x], mask[min(y + 1, height - 1), x]
            if above and below and mask[y, max(x - 1, 0)] and mask[y, min(x + 1, width - 1)]:
                continue
            for row in range(max(y - reach, 0), min(y + reach + 1, height)):
                for column in range(max(x - reach, 0), min(x + reach + 1, width)):
                    out[row, column] = max(out[row, column], table[row - y + reach, column - x + reach])


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
    for y in range(height):
        v = -1.0 + 2.0 * y / (height - 1) if height > 1 else -1.0
        fresh, steady = _rows(tile, places, y)
        for x in range(width):
            if weight[y, x] == 0:
                continue
            u = -1.0 + 2.0 * x / (width - 1) if width > 1 else -1.0
            grain = _grain(fresh, steady, places, sigmas, x)
            share = weight[y, x] / 255.0
            for c in range(3):
                value = cover[y, x, c] + grain
                if not as_it_is[y, x]:
                    value += min(max(fit[0, c] + u * fit[1, c] + v * fit[2, c], -limit), limit)
                base[y, x, c] = _code(base[y, x, c] * (1.0 - share) + value * share)


@nb.njit(cache=True, nogil=True)
def dim(base: Array, taken: Array, linear: Array) -> None:
    """Take shares of the linear light away from a window.

    Args:
        base: (height, width, 3) uint8, changed in place.
        taken: (height, width), 0 to 1.
        linear: (256,): linear light of sRGB values.
    """
    for y in range(taken.shape[0]):
        for x in range(taken.shape[1]):
            if taken[y, x] <= 0.0:
                continue
            for c in range(3):
                value = linear[base[y, x, c]] * (1.0 - taken[y, x])
                coded = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
                base[y, x, c] = _code(255.0 * coded)


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
    for y in range(alpha.shape[0]):
        fresh, steady = _rows(tile, places, y)
        for x in range(alpha.shape[1]):
            a = alpha[y, x]
            if a <= 0.0:
                continue
            grain = _grain(fresh, steady, places, sigmas, x) * a
            for c in range(3):
                base[y, x, c] = _code(base[y, x, c] * (1.0 - a) + colour[y, x, c] + grain)


@nb.njit(cache=True, nogil=True)
def round_blocks(
    frame: Array, alpha: Array, top: int, left: int, comb: Array, basis: Array, fine_from: int
) -> None:  # fmt: skip
    """Round fine detail of brightness in 8x8 blocks, as a codec does, where something was laid over a frame.

    Args:
        frame: (height, width, 3) uint8, changed in place.
        alpha: (rows, columns) of what was laid over, 0 to 1; pixels without any keep their value.
        top: row of the frame where ``alpha`` begins.
        left: column.
        comb: (3,) in 1/255: size below which coefficients vanish, first size that is kept, spacing of further ones.
        basis: (8, 8), see ``compression.dct_basis``.
        fine_from: least sum of both frequencies of a coefficient that is rounded.
    """
    height, width = frame.shape[0], frame.shape[1]
    bottom, right = top + alpha.shape[0], left + alpha.shape[1]
    luma, half = np.empty((8, 8), np.float32), np.empty((8, 8), np.float32)
    for block_y in range(top // 8 * 8, bottom, 8):
        for block_x in range(left // 8 * 8, right, 8):
            if block_y + 8 > height or block_x + 8 > width or not _touches(alpha, block_y - top, block_x - left):
                continue
            for y in range(8):
                for x in range(8):
                    pixel = frame[block_y + y, block_x + x]
                    luma[y, x] = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]
            _product(basis, luma, half, False)
            _product(half, basis, luma, True)
            for y in range(8):
                for x in range(8):
                    size = luma[y, x]
                    luma[y, x] = _rounded(size, comb) - size if x + y >= fine_from else 0.0
            _product(basis.T, luma, half, False)
            _product(half, basis.T, luma, True)
            for y in range(max(block_y, top), min(block_y + 8, bottom)):
                for x in range(max(block_x, left), min(block_x + 8, right)):
                    change = alpha[y - top, x - left] * luma[y - block_y, x - block_x]
                    if change != 0.0:
                        for c in range(3):
                            frame[y, x, c] = _code(frame[y, x, c] + change)


@nb.njit(cache=True, nogil=True)
def _rounded(size: float, comb: Array) -> Any:
    """The nearest size that a codec knows."""
    if abs(size) < comb[0]:
        return 0.0
    further = np.floor((abs(size) - comb[0]) / comb[2])
    return np.sign(size) * (comb[1] + further * comb[2])


@nb.njit(cache=True, nogil=True)
def _touches(alpha: Array, top: int, left: int) -> bool:
    """Whether anything lies in the block that begins there."""
    for y in range(max(top, 0), min(top + 8, alpha.shape[0])):
        for x in range(max(left, 0), min(left + 8, alpha.shape[1])):
            if alpha[y, x] > 0.0:
                return True
    return False


@nb.njit(cache=True, nogil=True)
def _product(a: Array, b: Array, out: Array, transposed: bool) -> None:
    """Matrix product of 8x8 matrices, of the second one's transpose where asked."""
    for y in range(8):
        for x in range(8):
            total = np.float32(0.0)
            for k in range(8):
                total += a[y, k] * (b[x, k] if transposed else b[k, x])
            out[y, x] = total
