"""Where the sun stands, told by the shadows of filmed people: the one direction that explains those of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.body.cast_shadow import cast_shadow
from bodydouble.scene import PersonTrack, SceneBundle, Sun
from bodydouble.scene.view import View, estimate_view

_LONG_SIDE_PX: Final = 480
"""Masks are compared at about this size, at which shadows were found."""
_MOST_SAMPLES: Final = 96
_FEWEST_SAMPLES: Final = 12
"""Shadows of people who are seen whole, each of one person in one frame."""
_WHOLE: Final = 0.9
_LEAST_SHADOW_SHARE: Final = 0.05
"""Smaller shadows, as a share of the silhouette's size, say little about a direction."""
_DIRECTIONS: Final = 36
_LENGTHS: Final = (0.3, 0.5, 0.8, 1.2, 1.8, 2.7)
"""Tried first, in heights: the sun from 73 down to 20 degrees high."""
_SHORTEST: Final = 0.5
"""Shorter shadows cannot be told from the shade that every sky leaves at people's feet, which doubles have in any case: the
crowd's clip, under clouds, would have a sun with shadows of 0.4 heights."""
_FINER: Final = 5
"""Times the steps around the best are halved: 10 degrees down to a third of one."""
_LEAST_FIT: Final = 0.1
"""Shadows as predicted and as found must overlap (intersection over union, mean) by this much: shadows are
thin, interrupted and run into each other, so that .1 to .3 is usual, and .03 to .09 in wrong directions ..."""
_OTHERS_SHARE: Final = 0.65
"""... and any direction more than `_FAR_RAD` away by less than this share of it."""
_FAR_RAD: Final = math.radians(60)
_AGREEING: Final = 0.5
"""Least share of the shadows whose own best direction is within `_FAR_RAD` of that of all; a third would be by chance."""
_GAMMA: Final = 2.2
"""Linear light over values of pixels, about (IEC 61966-2-1)."""
_BLUR_PX: Final = 1.2
_FAINT: Final = 0.02
"""As in `perception.shadows`."""
_ROUNDS: Final = 4
"""Darkness and extent of soft shadows depend on each other; this often settles it to a per cent."""
_MOST_DARKNESS: Final = 0.6
"""Share of pixels' values; leaves a seventh of the linear light, that of a clear sky."""
_LEAST_DARKNESS: Final = 0.02
"""Mean share of pixels' values; fainter shadows cannot be told from noise, and nobody would miss them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sample:
    """A person and their shadow, at the lower resolution."""

    body: NDArray[np.uint8]
    """(height, width), 0 or 255."""
    left_top: tuple[int, int]
    ground_y: float
    beside: NDArray[np.bool_]
    """(H, W) of the whole frame: neither the body nor its margin."""
    shadow: NDArray[np.bool_]
    """(H, W), there."""


def find_sun(bundle: SceneBundle, darkness: Sequence[float]) -> Sun | None:
    """The sun of a clip, or None where shadows are too few, too faint, or do not agree.

    Args:
        bundle: people and their shadows; the camera stands still.
        darkness: share that is missing of the pixels' values (not of linear light), of all shadows found.
    """
    if not bundle.camera.is_static or len(darkness) < _FEWEST_SAMPLES:
        return None
    dark = float(np.median(np.asarray(darkness, float)))
    view = estimate_view(bundle)
    step = max(2, math.ceil(max(view.width_px, view.height_px) / _LONG_SIDE_PX))
    samples = _samples(bundle, view, step)
    if len(samples) < _FEWEST_SAMPLES or dark < _LEAST_DARKNESS:
        return None
    small = replace(
        view,
        horizon_y_px=view.horizon_y_px / step,
        focal_px=view.focal_px / step,
        width_px=math.ceil(view.width_px / step),
        height_px=math.ceil(view.height_px / step),
    )
    turns = np.arange(_DIRECTIONS) * 2 * math.pi / _DIRECTIONS
    fits = np.array([[[_fit(s, small, turn, long) for long in _LENGTHS] for turn in turns] for s in samples])
    best = _agreed(fits, turns)
    if best is None:
        return None
    turn, long = _refined(samples, small, *best)
    if long < _SHORTEST:
        return None
    xz = (long * math.cos(turn), long * math.sin(turn))
    missing = _undiluted(dark, samples, small, xz)
    return Sun(shadow_xz=xz, darkness=1.0 - (1.0 - missing) ** _GAMMA)


def _undiluted(dark: float, samples: Sequence[_Sample], view: View, xz: tuple[float, float]) -> float:
    """Share missing in the midst of a shadow, of pixels' values: means over shadows, as found, hold their soft edges.

    Shadows are found on averages over a few pixels, as far as `_FAINT` is missing; so are the predicted ones here.
    """
    blurred = []
    for sample in samples:
        cast = cast_shadow(sample.body, sample.left_top, sample.ground_y, view, xz)
        if cast is not None:
            blurred.append(cv2.GaussianBlur(np.pad(cast[1], 4).astype(np.float32) / np.float32(255), (7, 7), _BLUR_PX))
    missing = dark
    for _ in range(_ROUNDS):
        shares = [float(shade[shade > _FAINT / missing].mean()) for shade in blurred if shade.max() > _FAINT / missing]
        missing = min(dark / float(np.median(shares)) if shares else dark, _MOST_DARKNESS)
    return missing


def _agreed(fits: NDArray[np.float64], turns: NDArray[np.float64]) -> tuple[float, float] | None:
    """Direction and length that fit best, ``fits`` (samples, directions, lengths); None where that is not sure."""
    mean = fits.mean(axis=0)
    at = np.unravel_index(int(mean.argmax()), mean.shape)
    turn, long = float(turns[at[0]]), _LENGTHS[at[1]]
    away = _apart(turns, turn) > _FAR_RAD
    if mean.max() < _LEAST_FIT or mean[away].max() > _OTHERS_SHARE * mean.max():
        return None
    told = fits.max(axis=2)
    own = turns[told.argmax(axis=1)][told.max(axis=1) > 0]
    if len(own) == 0 or np.mean(_apart(own, turn) <= _FAR_RAD) < _AGREEING:
        return None
    return turn, long


def _apart(turns: NDArray[np.float64], turn: float) -> NDArray[np.float64]:
    return np.asarray(np.abs((turns - turn + math.pi) % (2 * math.pi) - math.pi))


def _refined(samples: Sequence[_Sample], view: View, turn: float, long: float) -> tuple[float, float]:
    def fit(turn: float, long: float) -> float:
        return float(np.mean([_fit(sample, view, turn, long) for sample in samples]))

    best = fit(turn, long)
    by_turn, by_length = math.pi / _DIRECTIONS, 1.25
    for _ in range(_FINER):
        for turned, longer in ((by_turn, 1.0), (-by_turn, 1.0), (0.0, by_length), (0.0, 1 / by_length)):
            value = fit(turn + turned, long * longer)
            if value > best:
                best, turn, long = value, turn + turned, long * longer
        by_turn, by_length = by_turn / 2, math.sqrt(by_length)
    return turn, long


def _fit(sample: _Sample, view: View, turn: float, long: float) -> float:
    """Intersection over union of the predicted shadow and the one found, beside the body."""
    cast = cast_shadow(
        sample.body, sample.left_top, sample.ground_y, view, (long * math.cos(turn), long * math.sin(turn))
    )
    if cast is None:
        return 0.0
    (left, top, right, bottom), alpha = cast
    where = (slice(top, bottom), slice(left, right))
    told = (alpha > 0) & sample.beside[where]
    both = int(np.count_nonzero(told & sample.shadow[where]))
    either = int(np.count_nonzero(told)) + int(np.count_nonzero(sample.shadow)) - both
    return both / max(either, 1)


def _samples(bundle: SceneBundle, view: View, step: int) -> list[_Sample]:
    """People who are seen whole and cast a shadow, spread evenly over tracks and time."""
    found: list[tuple[PersonTrack, int]] = []
    for track in bundle.tracks:
        if track.shadows is None or track.twin_of:
            continue
        whole = view.cut(track.boxes_xyxy_px.astype(float)).sum(axis=1) == 0
        usable = whole & (track.visible_fraction > _WHOLE) & (track.box_scores > 0)
        sizes = np.array([len(bits) for bits in track.shadows.bits])
        found += [(track, int(row)) for row in np.flatnonzero(usable & (sizes > 0))]
    if len(found) > _MOST_SAMPLES:
        found = [found[i] for i in np.linspace(0, len(found) - 1, _MOST_SAMPLES).astype(int)]
    samples = (_sample(track, row, view, step) for track, row in found)
    return [sample for sample in samples if sample is not None]


def _sample(track: PersonTrack, row: int, view: View, step: int) -> _Sample | None:
    shape = (view.height_px, view.width_px)
    body, shadow = np.zeros(shape, bool), np.zeros(shape, bool)
    track.silhouettes.paint(row, body)
    if track.shadows is not None:
        track.shadows.paint(row, shadow)
    small, dark = body[::step, ::step], shadow[::step, ::step]
    rows, columns = np.flatnonzero(small.any(axis=1)), np.flatnonzero(small.any(axis=0))
    beside = cv2.dilate(small.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
    # Shadows are stored a cell larger than they were found (`perception.shadows`).
    dark = (cv2.erode(dark.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & beside
    if len(rows) == 0 or np.count_nonzero(dark) < _LEAST_SHADOW_SHARE * np.count_nonzero(small):
        return None
    cut = small[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8) * 255
    return _Sample(
        body=np.ascontiguousarray(cut),
        left_top=(int(columns[0]), int(rows[0])),
        ground_y=float(track.boxes_xyxy_px[row, 3]) / step,
        beside=np.asarray(beside),
        shadow=np.asarray(dark),
    )
