"""The inner loops of exemplar filling, compiled: for every patch that touches a hole the most alike patch elsewhere.

Method: PatchMatch (Barnes et al. 2009, "PatchMatch: a randomized correspondence algorithm", section 3) inside the
alternation of Wexler et al. 2007, "Space-time completion of video". Deterministic: the random numbers depend on the
place and the pass only.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_BELOW = 15.0
"""So much more a patch from below costs than one that is off its row and column by as much."""


@nb.njit(cache=True, nogil=True)
def _noise(a: int, b: int, c: int) -> int:
    """A well mixed 31-bit number (the finaliser of MurmurHash3, with its constants)."""
    h = (a * 0x9E3779B1 ^ b * 0x85EBCA6B ^ c * 0xC2B2AE35) & 0xFFFFFFFF
    h ^= h >> 16
    h = (h * 0x85EBCA6B) & 0xFFFFFFFF
    h ^= h >> 13
    h = (h * 0xC2B2AE35) & 0xFFFFFFFF
    h ^= h >> 16
    return h & 0x7FFFFFFF


@nb.njit(cache=True, nogil=True)
def _distance(
    image: Array, trust: Array, ty: int, tx: int, sy: int, sx: int, radius: int, level_cost: float, limit: float
) -> float:
    """Squared difference of two patches, each pixel as much as it is trusted; stops where it exceeds the limit."""
    # What stands goes on downwards, and what lies goes on sideways: a patch from elsewhere along both has to fit better,
    # and so has one from below, or the ground would go on up the walls.
    down, along = (sy - ty) * (sy - ty), (sx - tx) * (sx - tx)
    total = level_cost * (_BELOW * down if sy > ty else min(down, along))
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            weight = trust[ty + dy, tx + dx]
            for channel in range(image.shape[2]):
                gap = image[ty + dy, tx + dx, channel] - image[sy + dy, sx + dx, channel]
                total += weight * gap * gap
        if total >= limit:
            return total
    return total


@nb.njit(cache=True, nogil=True)
def match(
    image: Array,
    trust: Array,
    usable: Array,
    targets: Array,
    number_of: Array,
    nearest: Array,
    cost: Array,
    radius: int,
    level_cost: float,
    farthest: int,
    rounds: int,
    seed: int,
) -> None:
    """Improve the nearest patch of every target in place.

    Args:
        image: (H, W, C) float32 features, padded by the radius.
        trust: (H, W) float32, how much a pixel of a target counts.
        usable: (H, W) bool, centres of patches that are wholly known.
        targets: (N, 2) int32 row and column of patch centres, in raster order.
        number_of: (H, W) int32 number of the target at a place, or -1.
        nearest: (N, 2) int32 centres of the best patches so far, all usable; improved.
        cost: (N,) float32 their distances; renewed.
        radius: patches are ``2 radius + 1`` wide.
        level_cost: added per squared pixel that the offset lies from both the row and the column of the target.
        farthest: how far from the best so far random trials begin, in pixels.
        rounds: passes, alternately from the top and from the bottom.
        seed: other numbers give other random trials.
    """
    height, width = usable.shape
    count = targets.shape[0]
    for t in range(count):
        ty, tx = targets[t, 0], targets[t, 1]
        cost[t] = _distance(image, trust, ty, tx, nearest[t, 0], nearest[t, 1], radius, level_cost, np.inf)
    for turn in range(rounds):
        step = 1 if turn % 2 == 0 else -1
        for position in range(count):
            t = position if step == 1 else count - 1 - position
            ty, tx = targets[t, 0], targets[t, 1]
            best, by, bx = cost[t], nearest[t, 0], nearest[t, 1]
            for axis in range(2):
                ny, nx = (ty - step, tx) if axis == 0 else (ty, tx - step)
                other = number_of[ny, nx]
                if other < 0:
                    continue
                sy, sx = nearest[other, 0] + ty - ny, nearest[other, 1] + tx - nx
                if 0 <= sy < height and 0 <= sx < width and usable[sy, sx] and (sy != by or sx != bx):
                    found = _distance(image, trust, ty, tx, sy, sx, radius, level_cost, best)
                    if found < best:
                        best, by, bx = found, sy, sx
            reach, trial = farthest, 0
            while reach >= 1:
                spread = 2 * reach + 1
                sy = by + _noise(t, seed + turn, 2 * trial) % spread - reach
                sx = bx + _noise(t, seed + turn, 2 * trial + 1) % spread - reach
                # Two of three trials stay in the row or the column of the target.
                if trial % 3 == 1:
                    sy = ty + _noise(t, seed + turn, 2 * trial) % 3 - 1
                elif trial % 3 == 2:
                    sx = tx + _noise(t, seed + turn, 2 * trial + 1) % 3 - 1
                if 0 <= sy < height and 0 <= sx < width and usable[sy, sx]:
                    found = _distance(image, trust, ty, tx, sy, sx, radius, level_cost, best)
                    if found < best:
                        best, by, bx = found, sy, sx
                if trial % 3 == 2:
                    reach //= 2
                trial += 1
            cost[t], nearest[t, 0], nearest[t, 1] = best, by, bx


@nb.njit(cache=True, nogil=True)
def vote(
    colours: Array,
    holes: Array,
    number_of: Array,
    targets: Array,
    nearest: Array,
    weights: Array,
    radius: int,
    out: Array,
) -> None:
    """What the patches say about each pixel of the holes.

    Args:
        colours: (H, W, C) float32, padded; read at known pixels only.
        holes: (N, 2) int32 pixels asked for.
        number_of: (H, W) int32 number of the target at a place, or -1.
        targets: (M, 2) int32.
        nearest: (M, 2) int32.
        weights: (M,) float32, how much each patch is believed.
        radius: patches are ``2 radius + 1`` wide.
        out: (N, C) float32.
    """
    for n in range(holes.shape[0]):
        y, x = holes[n, 0], holes[n, 1]
        total = 0.0
        out[n] = 0.0
        for dy in range(-radius, radius + 1):
            for dx in range(-radius, radius + 1):
                t = number_of[y - dy, x - dx]
                if t < 0:
                    continue
                weight = weights[t]
                sy, sx = nearest[t, 0] + dy, nearest[t, 1] + dx
                total += weight
                for channel in range(out.shape[1]):
                    out[n, channel] += weight * colours[sy, sx, channel]
        for channel in range(out.shape[1]):
            out[n, channel] /= total
