"""What nobody ever saw: holes of a picture filled with patches from the rest of it, from coarse to fine.

Method: Wexler et al. 2007, "Space-time completion of video", on single pictures: patches that touch a hole look for
the most alike patch elsewhere, the found ones vote for the hole's pixels, and so on to the next finer level. Smooth
diffusion smears pillars and door frames behind somebody who never moves; patches carry them through.

Three things are as in Newson et al. 2014, "Video inpainting of complex scenes": patches are compared by how textured
their surroundings are as well, or flat ones, which are never far from anything, win everywhere; the coarsest level is
filled from the rim inwards; and in the end pixels are copied, not averaged, which keeps their sharpness and noise. What
is copied is then fitted together by its gradients (`blend`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.plate.blend import blend
from bodydouble.perception.plate.patches import match, vote

_RADIUS: Final = 3
"""Patches are 7x7."""
_COARSEST_DEPTH_PX: Final = 2.5
"""The pyramid ends where no pixel of a hole is farther than this from its rim."""
_LEAST_SIDE_PX: Final = 24
_MOST_LEVELS: Final = 6
_INPAINT_RADIUS_PX: Final = 3
_COARSEST_ALTERNATIONS: Final = 6
_ALTERNATIONS: Final = (2, 4, 5, 5, 5)
"""Rounds of matching and voting on other levels, finest first: finer levels are large, and start from a good guess."""
_MATCH_ROUNDS: Final = 2
"""Passes of one matching."""
_PEEL_ROUNDS: Final = 5
"""The same for one layer of the first guess."""
_MOST_LAYERS: Final = 24
"""Layers are one pixel thick; thicker where so little is known that the coarsest level is not coarse."""
_FARTHEST_PX: Final = 128
"""On finer levels random trials stay so near."""
_VOTE_SPREAD: Final = 20.0
"""Patches that fit badly vote nearly as much as those that fit; with 2, as published, more than 0.2 dB are lost."""
_TRUST_BASE: Final = 1.25
"""A pixel of a hole is trusted by this factor less for every pixel that it lies away from the rim."""
_LEAST_TRUST: Final = 0.08
_LEVEL_COST: Final = 6000.0
"""Cost of an offset of the whole picture's height along both axes, in squared grey levels per patch pixel and channel."""
_GRADIENT_WEIGHT: Final = 1.5
_TEXTURE_WEIGHT: Final = 10.0
"""Squared: 100 times a squared grey level. Newson et al. have 50."""
_TEXTURE_PX: Final = 15
"""Side of the square over which changes of brightness are averaged, at full size."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Level:
    values: NDArray[np.float32]
    """(H, W, 5): three colours and two measures of texture, without meaning in holes."""
    hole: NDArray[np.bool_]
    source: NDArray[np.bool_]
    usable: NDArray[np.bool_]
    """Centres of patches that lie wholly in the source, in coordinates padded by the radius."""


def fill_holes(
    rgb: NDArray[np.uint8], hole: NDArray[np.bool_], source: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Fill holes from the rest of the picture.

    Args:
        rgb: (H, W, 3); what it holds inside of holes is not looked at.
        hole: (H, W), pixels to be filled.
        source: (H, W), pixels that may be copied; None is everything outside the holes.

    Returns:
        (H, W, 3), a new array, unchanged outside the holes. Mid grey where nothing may be copied, smears where what may be
        is smaller than a patch.
    """
    result = rgb.copy()
    if not hole.any():
        return result
    known = ~hole if source is None else source & ~hole
    if not known.any():
        result[hole] = 128
        return result
    if not _usable(known).any():
        seen = np.where(known[..., None], rgb, np.uint8(0))
        smeared = cv2.inpaint(seen, (~known).astype(np.uint8), _INPAINT_RADIUS_PX, cv2.INPAINT_TELEA)
        result[hole] = np.asarray(smeared, np.uint8)[hole]
        return result
    levels = _pyramid(rgb, hole, known)
    values, field = _fill_level(levels[-1], _peeled(levels[-1]), None, _COARSEST_ALTERNATIONS)
    for number in range(len(levels) - 2, -1, -1):
        start = _enlarged(values, levels[number])
        values, field = _fill_level(levels[number], start, field, _ALTERNATIONS[number])
    blended = blend(rgb, hole, known, field)
    result[hole] = np.clip(np.round(blended[hole]), 0, 255).astype(np.uint8)
    return result


def _texture(rgb: NDArray[np.uint8], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How much brightness changes along rows and columns around known pixels, (H, W, 2)."""
    grey = rgb.astype(np.float32).mean(axis=2)
    changes = np.zeros((*grey.shape, 2), np.float32)
    both = np.zeros((*grey.shape, 2), np.float32)
    both[:, 1:, 0] = known[:, 1:] & known[:, :-1]
    both[1:, :, 1] = known[1:] & known[:-1]
    changes[:, 1:, 0] = np.abs(np.diff(grey, axis=1))
    changes[1:, :, 1] = np.abs(np.diff(grey, axis=0))
    size = (_TEXTURE_PX, _TEXTURE_PX)
    total = cv2.boxFilter(changes * both, -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    count = cv2.boxFilter(both, -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total / np.maximum(count, 1.0), np.float32)


def _pyramid(rgb: NDArray[np.uint8], hole: NDArray[np.bool_], source: NDArray[np.bool_]) -> list[_Level]:
    """The picture and its reductions, finest first; known pixels are averaged without those of holes."""
    values = np.dstack([rgb.astype(np.float32), _texture(rgb, source)])
    levels = [_Level(values=values, hole=hole, source=source, usable=_usable(source))]
    while len(levels) < _MOST_LEVELS:
        last = levels[-1]
        height, width = last.hole.shape
        depth = cv2.distanceTransform(last.hole.astype(np.uint8), cv2.DIST_L2, 3)
        if depth.max() <= _COARSEST_DEPTH_PX or min(height, width) < 2 * _LEAST_SIDE_PX:
            break
        size = ((width + 1) // 2, (height + 1) // 2)
        weight = (~last.hole).astype(np.float32)
        share = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
        mean = _resized(last.values * weight[..., None], size, cv2.INTER_AREA)
        free = cv2.resize(last.source.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.99
        usable = _usable(free)
        if not usable.any():
            break
        values = (mean / np.maximum(share, 1e-6)[..., None]).astype(np.float32)
        levels.append(_Level(values=values, hole=share < 0.5, source=free, usable=usable))
    return levels


def _peeled(level: _Level) -> NDArray[np.float32]:
    """A first guess: layer after layer, from the rim inwards, from patches that match what is known so far."""
    values = level.values.copy()
    unknown = level.hole.copy()
    values[unknown] = 0.0
    depth = cv2.distanceTransform(unknown.astype(np.uint8), cv2.DIST_C, 3)
    thickness_px = int(np.ceil(depth.max() / _MOST_LAYERS))
    kernel = np.ones((2 * thickness_px + 1, 2 * thickness_px + 1), np.uint8)
    while unknown.any():
        layer = unknown & (cv2.dilate((~unknown).astype(np.uint8), kernel) > 0)
        trust = _trust(level.hole) * np.pad(~unknown, _RADIUS)
        # Patches around pixels deeper inside know too little.
        centres = _near(layer) & ~np.pad(unknown & ~layer, _RADIUS)
        work = _Matching(level, centres, trust, None)
        work.improve(values, _PEEL_ROUNDS, 0)
        values[layer] = work.voted(values, layer)
        unknown &= ~layer
    return values


def _enlarged(coarse: NDArray[np.float32], level: _Level) -> NDArray[np.float32]:
    height, width = level.hole.shape
    large = _resized(coarse, (width, height), cv2.INTER_LINEAR)
    return np.where(level.hole[..., None], large, level.values)


def _resized(values: NDArray[np.float32], size: tuple[int, int], interpolation: int) -> NDArray[np.float32]:
    # OpenCV resizes at most four channels at once.
    parts = [cv2.resize(part, size, interpolation=interpolation) for part in (values[..., :3], values[..., 3:])]
    return np.dstack(parts).astype(np.float32)


def _fill_level(
    level: _Level, start: NDArray[np.float32], coarser: NDArray[np.int32] | None, rounds: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """One level: the filled picture, and per pixel of it the centre of the nearest patch (H, W, 2), -1 for none."""
    work = _Matching(level, _near(level.hole), _trust(level.hole), coarser)
    values = start.copy()
    if coarser is not None:
        # What was averaged on the coarser level is averaged once, and not twice: else it gets ever softer.
        values[level.hole] = work.voted(values, level.hole)
    for turn in range(rounds):
        work.improve(values, _MATCH_ROUNDS, 100 * turn)
        values[level.hole] = work.voted(values, level.hole)
    return values, work.field()


class _Matching:
    """Patches of one level around unknown pixels, and for each the most alike patch of the source so far."""

    def __init__(
        self,
        level: _Level,
        centres: NDArray[np.bool_],
        trust: NDArray[np.float32],
        coarser: NDArray[np.int32] | None,
    ) -> None:
        """Start from the coarser level, or anywhere.

        Args:
            level: where to look; some place is usable.
            centres: of the patches, padded.
            trust: how much each pixel counts, padded.
            coarser: nearest patches of the coarser level, as from `field`.
        """
        r = _RADIUS
        self._level, self._trust = level, np.ascontiguousarray(trust, np.float32)
        self._targets = np.argwhere(centres).astype(np.int32)
        self._number_of = np.full(centres.shape, -1, np.int32)
        self._number_of[centres] = np.arange(len(self._targets), dtype=np.int32)
        self._nearest = _carried_over(self._targets, level.usable, coarser)
        self._cost = np.zeros(len(self._targets), np.float32)
        depth = cv2.distanceTransform(level.hole.astype(np.uint8), cv2.DIST_L2, 3)
        self._belief = _TRUST_BASE ** -np.pad(depth, r)[centres]
        height = level.hole.shape[0]
        self._farthest = max(level.hole.shape) if coarser is None else _FARTHEST_PX
        self._level_cost = _LEVEL_COST * 3 * (2 * r + 1) ** 2 / float(height * height)

    def improve(self, values: NDArray[np.float32], rounds: int, seed: int) -> None:
        """Look for better patches of a picture (H, W, 5)."""
        match(
            _features(_padded(values)),
            self._trust,
            self._level.usable,
            self._targets,
            self._number_of,
            self._nearest,
            self._cost,
            _RADIUS,
            self._level_cost,
            self._farthest,
            rounds,
            seed,
        )

    def voted(self, values: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
        """What the patches say about some pixels (H, W): (N, 5)."""
        sigma = max(float(np.percentile(self._cost, 75)), 1.0)
        weights = (self._belief * np.exp(-self._cost / (_VOTE_SPREAD * sigma)) + 1e-12).astype(np.float32)
        pixels = (np.argwhere(where) + _RADIUS).astype(np.int32)
        said = np.zeros((len(pixels), values.shape[2]), np.float32)
        vote(_padded(values), pixels, self._number_of, self._targets, self._nearest, weights, _RADIUS, said)
        return said

    def field(self) -> NDArray[np.int32]:
        """Per pixel (H, W, 2) row and column of the centre of the nearest patch, -1 where nobody looked."""
        found = np.full((*self._level.hole.shape, 2), -1, np.int32)
        inside = self._targets - _RADIUS
        found[inside[:, 0], inside[:, 1]] = self._nearest - _RADIUS
        return found


def _near(where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Centres of patches that touch some pixels, padded; centres lie in the picture."""
    kernel = np.ones((2 * _RADIUS + 1, 2 * _RADIUS + 1), np.uint8)
    return np.pad(cv2.dilate(where.astype(np.uint8), kernel) > 0, _RADIUS)


def _padded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    # OpenCV pads at most four channels at once.
    return np.pad(values, ((_RADIUS, _RADIUS), (_RADIUS, _RADIUS), (0, 0)), mode="symmetric")


def _usable(source: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kernel = np.ones((2 * _RADIUS + 1, 2 * _RADIUS + 1), np.uint8)
    whole = cv2.erode(source.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.pad(whole > 0, _RADIUS)


def _carried_over(
    targets: NDArray[np.int32], usable: NDArray[np.bool_], coarser: NDArray[np.int32] | None
) -> NDArray[np.int32]:
    """First nearest patches: twice as far as on the coarser level, or the closest where that says nothing."""
    _, labels = cv2.distanceTransformWithLabels(
        (~usable).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.zeros((int(labels.max()) + 1, 2), np.int32)
    places[labels[usable]] = np.argwhere(usable)
    nearest: NDArray[np.int32] = places[labels[targets[:, 0], targets[:, 1]]]
    if coarser is None:
        return nearest
    inside = targets - _RADIUS
    small = np.minimum(inside // 2, np.array(coarser.shape[:2], np.int32) - 1)
    found = coarser[small[:, 0], small[:, 1]]
    moved = 2 * found + (inside - 2 * small) + _RADIUS
    good = (found[:, 0] >= 0) & (moved >= 0).all(axis=1) & (moved < np.array(usable.shape)).all(axis=1)
    good[good] = usable[moved[good, 0], moved[good, 1]]
    nearest[good] = moved[good]
    return nearest


def _trust(hole: NDArray[np.bool_]) -> NDArray[np.float32]:
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3)
    return np.pad(np.maximum(_TRUST_BASE**-depth, _LEAST_TRUST).astype(np.float32), _RADIUS)


def _features(padded: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colours, the brightness's change along rows and columns, so that edges go on where they point, and texture."""
    grey = padded[..., :3].mean(axis=2)
    gx = np.zeros_like(grey)
    gy = np.zeros_like(grey)
    gx[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    gy[1:-1] = grey[2:] - grey[:-2]
    parts = [padded[..., :3], _GRADIENT_WEIGHT * gx, _GRADIENT_WEIGHT * gy, _TEXTURE_WEIGHT * padded[..., 3:]]
    return np.ascontiguousarray(np.dstack(parts), np.float32)
