"""What nobody ever saw: holes of a picture filled with patches from the rest of it, from coarse to fine.

Method: Wexler et al. 2007, "Space-time completion of video", on single pictures: patches that touch a hole look for
the most alike patch elsewhere, the found ones vote for the hole's pixels, and so on to the next finer level. Smooth
diffusion smears pillars and door frames behind somebody who never moves; patches carry them through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.plate.patches import match, vote

_RADIUS: Final = 3
"""Patches are 7x7."""
_COARSEST_DEPTH_PX: Final = 2.5
"""The pyramid ends where no pixel of a hole is farther than this from its rim."""
_LEAST_SIDE_PX: Final = 24
_MOST_LEVELS: Final = 6
_ALTERNATIONS: Final = (6, 5, 4, 3, 2, 2)
"""Rounds of matching and voting per level, coarsest first."""
_MATCH_ROUNDS: Final = 3
_TRUST_BASE: Final = 1.25
"""A pixel of a hole is trusted by this factor less for every pixel that it lies away from the rim."""
_LEAST_TRUST: Final = 0.08
_LEVEL_COST: Final = 3000.0
"""Cost of an offset of the whole picture's height along both axes, in squared grey levels per patch pixel and channel."""
_GRADIENT_WEIGHT: Final = 1.5
_INPAINT_RADIUS_PX: Final = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class _Level:
    rgb: NDArray[np.float32]
    hole: NDArray[np.bool_]
    source: NDArray[np.bool_]


def fill_holes(
    rgb: NDArray[np.uint8], hole: NDArray[np.bool_], source: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Fill holes from the rest of the picture.

    Args:
        rgb: (H, W, 3); what it holds inside of holes is not looked at.
        hole: (H, W), pixels to be filled.
        source: (H, W), pixels that may be copied; None is everything outside the holes.

    Returns:
        (H, W, 3), a new array, unchanged outside the holes. Where everything is a hole: mid grey.
    """
    result = rgb.copy()
    if not hole.any():
        return result
    if hole.all():
        result[:] = 128
        return result
    known = ~hole if source is None else source & ~hole
    levels = _pyramid(rgb, hole, known)
    nearest: NDArray[np.int32] | None = None
    current: NDArray[np.float32] | None = None
    for number, level in enumerate(reversed(levels)):
        start = _first_guess(level) if current is None else _enlarged(current, level)
        rounds = _ALTERNATIONS[min(number, len(_ALTERNATIONS) - 1)]
        filled, nearest = _fill_level(level, start, nearest, rounds)
        current = filled
    assert current is not None
    result[hole] = np.clip(np.round(current[hole]), 0, 255).astype(np.uint8)
    return result


def _pyramid(rgb: NDArray[np.uint8], hole: NDArray[np.bool_], source: NDArray[np.bool_]) -> list[_Level]:
    """The picture and its reductions, finest first; known pixels are averaged without those of holes."""
    levels = [_Level(rgb=rgb.astype(np.float32), hole=hole, source=source)]
    while len(levels) < _MOST_LEVELS:
        last = levels[-1]
        height, width = last.hole.shape
        depth = cv2.distanceTransform(last.hole.astype(np.uint8), cv2.DIST_L2, 3)
        if depth.max() <= _COARSEST_DEPTH_PX or min(height, width) < 2 * _LEAST_SIDE_PX:
            break
        size = ((width + 1) // 2, (height + 1) // 2)
        weight = (~last.hole).astype(np.float32)
        share = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
        mean = cv2.resize(last.rgb * weight[..., None], size, interpolation=cv2.INTER_AREA)
        free = cv2.resize(last.source.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        levels.append(
            _Level(
                rgb=(mean / np.maximum(share, 1e-6)[..., None]).astype(np.float32), hole=share < 0.5, source=free > 0.99
            )
        )
    return levels


def _first_guess(level: _Level) -> NDArray[np.float32]:
    mask = level.hole.astype(np.uint8)
    picture = np.clip(level.rgb, 0, 255).astype(np.uint8)
    return np.asarray(cv2.inpaint(picture, mask, _INPAINT_RADIUS_PX, cv2.INPAINT_TELEA), np.float32)


def _enlarged(coarse: NDArray[np.float32], level: _Level) -> NDArray[np.float32]:
    height, width = level.hole.shape
    large = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.where(level.hole[..., None], large, level.rgb)


def _fill_level(
    level: _Level, start: NDArray[np.float32], coarser: NDArray[np.int32] | None, rounds: int
) -> tuple[NDArray[np.float32], NDArray[np.int32] | None]:
    """One level: the filled picture, and per pixel of it the centre of the nearest patch (H, W, 2), -1 for none."""
    r = _RADIUS
    height, width = level.hole.shape
    usable = _usable(level.source, r)
    places = np.argwhere(usable).astype(np.int32)
    if len(places) == 0:
        return start, None
    near = cv2.dilate(level.hole.astype(np.uint8), np.ones((2 * r + 1, 2 * r + 1), np.uint8)) > 0
    padded_near = cv2.copyMakeBorder(near.astype(np.uint8), r, r, r, r, cv2.BORDER_CONSTANT, value=0) > 0
    targets = np.argwhere(padded_near).astype(np.int32)
    number_of = np.full(padded_near.shape, -1, np.int32)
    number_of[targets[:, 0], targets[:, 1]] = np.arange(len(targets), dtype=np.int32)
    nearest = _carried_over(targets, usable, places, coarser, r)
    trust = _trust(level.hole, r)
    depth = cv2.distanceTransform(level.hole.astype(np.uint8), cv2.DIST_L2, 3)
    belief_of_place = _TRUST_BASE ** -np.pad(depth, r)[targets[:, 0], targets[:, 1]]
    holes = (np.argwhere(level.hole) + r).astype(np.int32)
    values = np.zeros((len(holes), 3), np.float32)
    cost = np.zeros(len(targets), np.float32)
    picture = start.copy()
    level_cost = _LEVEL_COST * 3 * (2 * r + 1) ** 2 / float(height * height)
    for turn in range(rounds):
        padded = np.asarray(cv2.copyMakeBorder(picture, r, r, r, r, cv2.BORDER_REFLECT_101), np.float32)
        features = _features(padded)
        match(features, trust, usable, targets, number_of, nearest, cost, r, level_cost, _MATCH_ROUNDS, 100 * turn)
        sigma = max(float(np.percentile(cost, 75)), 1.0)
        weights = (belief_of_place * np.exp(-cost / (2.0 * sigma)) + 1e-12).astype(np.float32)
        vote(padded, holes, number_of, targets, nearest, weights, r, values)
        picture[level.hole] = values
    field = np.full((height, width, 2), -1, np.int32)
    inside = targets - r
    field[inside[:, 0], inside[:, 1]] = nearest - r
    return picture, field


def _usable(source: NDArray[np.bool_], r: int) -> NDArray[np.bool_]:
    """Centres of patches that lie wholly in the source, in padded coordinates."""
    kernel = np.ones((2 * r + 1, 2 * r + 1), np.uint8)
    whole = cv2.erode(source.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(cv2.copyMakeBorder(whole, r, r, r, r, cv2.BORDER_CONSTANT, value=0) > 0)


def _carried_over(
    targets: NDArray[np.int32],
    usable: NDArray[np.bool_],
    places: NDArray[np.int32],
    coarser: NDArray[np.int32] | None,
    r: int,
) -> NDArray[np.int32]:
    """First nearest patches: twice as far as on the coarser level, or spread evenly where that says nothing."""
    # A fixed stride that is coprime with nearly every count spreads first guesses over the picture.
    nearest = places[(np.arange(len(targets), dtype=np.int64) * 7919) % len(places)].copy()
    if coarser is None:
        return nearest
    inside = targets - r
    small = np.minimum(inside // 2, np.array(coarser.shape[:2], np.int32) - 1)
    found = coarser[small[:, 0], small[:, 1]]
    moved = 2 * found + (inside - 2 * small) + r
    good = (found[:, 0] >= 0) & (moved >= 0).all(axis=1) & (moved < np.array(usable.shape)).all(axis=1)
    good[good] = usable[moved[good, 0], moved[good, 1]]
    nearest[good] = moved[good]
    return nearest


def _trust(hole: NDArray[np.bool_], r: int) -> NDArray[np.float32]:
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3)
    trust = np.maximum(_TRUST_BASE**-depth, _LEAST_TRUST).astype(np.float32)
    return np.asarray(cv2.copyMakeBorder(trust, r, r, r, r, cv2.BORDER_CONSTANT, value=0.0), np.float32)


def _features(padded: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colours, and the brightness's change along rows and columns, so that edges go on where they point."""
    grey = padded.mean(axis=2)
    gx = np.zeros_like(grey)
    gy = np.zeros_like(grey)
    gx[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    gy[1:-1] = grey[2:] - grey[:-2]
    return np.ascontiguousarray(np.dstack([padded, _GRADIENT_WEIGHT * gx, _GRADIENT_WEIGHT * gy]), np.float32)
